// SPDX-License-Identifier: GPL-3.0-or-later
//! What a list of nft 1.0.6 does not tell of sets, and no rule tells either.

use ringwall_ir::{Ruleset, Set};
use serde_json::Value;

use super::commands::is_command;

/// What a list that was read may have left out: a part of a sentence for each property, with the sets that it may be one
/// of. Nothing of commands: what those leave out is not there.
#[must_use]
pub fn untold(list: &str, ruleset: &Ruleset) -> Vec<String> {
    // A set whose keys have several parts cannot merge them.
    let may_merge = |set: &Set| set.spec().flags.interval && !set.spec().auto_merge && set.spec().key.len() == 1;
    let may_be_filled = |set: &Set| {
        let flags = set.spec().flags;
        !flags.interval && !flags.constant && !flags.dynamic
    };
    let merging = named(ruleset, may_merge);
    let filled = named(ruleset, may_be_filled);
    let told: Vec<_> = [("`auto-merge`", merging), ("`dynamic` where no rule fills a set", filled)]
        .into_iter()
        .filter(|(_, sets)| !sets.is_empty())
        .map(|(what, sets)| format!("{what} ({})", sets.join(", ")))
        .collect();
    if told.is_empty() || has_commands(list) { Vec::new() } else { told }
}

fn named(ruleset: &Ruleset, is_meant: impl Fn(&Set) -> bool) -> Vec<String> {
    let sets = ruleset.tables.iter().flat_map(|table| table.sets().iter().map(move |set| (table, set)));
    let meant = sets.filter(|(_, set)| is_meant(set));
    let named = meant.map(|(table, set)| format!("{} {} {}", table.family().name(), table.name(), set.name()));
    named.collect()
}

fn has_commands(list: &str) -> bool {
    let list = serde_json::from_str::<Value>(list).unwrap_or_default();
    list.get("nftables").and_then(Value::as_array).is_some_and(|items| items.iter().any(is_command))
}
