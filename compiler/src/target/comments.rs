// SPDX-License-Identifier: GPL-3.0-or-later
//! Comments that a target's text does not have as they were written. Packets do not notice: so that is told, and no error.

use ringwall_ir::{Elements, Origin, OriginId, Ruleset, Set, Table};

use super::Target;

/// What a text does not have as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAsWritten {
    /// What it comes from, where it is one thing.
    pub origin: Option<OriginId>,
    /// What became of it: lower-case.
    pub message: String,
}

/// What becomes of comments, and of what elements of sets have counted, in the text of a target; nothing where the text has
/// all of them as they are.
#[must_use]
pub fn not_as_written(ruleset: &Ruleset, target: Target) -> Vec<NotAsWritten> {
    let (written, why) = match target {
        Target::Nft => return changed(ruleset),
        Target::NftJson => (changed(ruleset), "nft 1.0.6 takes none there in JSON"),
        Target::Iptables | Target::Ip6tables => (Vec::new(), "iptables has no place for them"),
    };
    let xtables = target != Target::NftJson;
    let places: Vec<_> = ruleset.tables.iter().flat_map(|table| beside(table, xtables)).collect();
    let dropped = |(kind, places): (&str, Vec<String>)| {
        let message = format!("{kind} are left out: {why}: {}", places.join(", "));
        (!places.is_empty()).then_some(NotAsWritten { origin: None, message })
    };
    let counting = ruleset.tables.iter().flat_map(|table| counting(table, xtables)).collect();
    written
        .into_iter()
        .chain([("comments", places), ("counts of elements", counting)].into_iter().filter_map(dropped))
        .collect()
}

/// Comments of rules that nft cannot hold.
fn changed(ruleset: &Ruleset) -> Vec<NotAsWritten> {
    let rules = ruleset.chains().flat_map(|(_, chain)| chain.rules());
    let mut ids: Vec<_> = rules.map(|rule| rule.origin()).collect();
    ids.sort_unstable();
    ids.dedup();
    let told = |id: OriginId| {
        let comment = ruleset.origin(id).filter(|origin| !origin.has_whole_comment())?.comment();
        let message = format!(
            "the comment is changed to `{comment}`: nft has room for {} bytes, and no quotes or control characters",
            Origin::COMMENT_MAX
        );
        Some(NotAsWritten { origin: Some(id), message })
    };
    ids.into_iter().filter_map(told).collect()
}

/// The parts of a table that have comments.
fn beside(table: &Table, objects: bool) -> Vec<String> {
    let named = |kind: &str, name: &str| format!("{kind} {name}");
    let own = table.comment().map(|_| named("table", table.name()));
    let chains = table.chains().iter().filter(|chain| chain.comment().is_some());
    let sets = table.sets().iter().filter(|set| set.comment().is_some());
    let objects = table.objects().iter().filter(|object| objects && object.comment().is_some());
    own.into_iter()
        .chain(chains.map(|chain| named("chain", chain.name())))
        .chain(sets.map(|set| named("set", set.name())))
        .chain(objects.map(|object| named(object.body().kind().name(), object.name())))
        .collect()
}

/// The sets whose elements have counted. A set of ipset whose elements all do has a place for that.
fn counting(table: &Table, ipset: bool) -> Vec<String> {
    let counts = |elements: &Elements| match elements {
        Elements::Intervals(_) => false,
        Elements::List(list) => list.iter().any(|element| !element.meters.is_empty()),
    };
    let left_out = |set: &&Set| (!ipset || set.spec().meters.is_empty()) && counts(set.elements());
    table.sets().iter().filter(left_out).map(|set| format!("set {}", set.name())).collect()
}
