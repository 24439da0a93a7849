// SPDX-License-Identifier: GPL-3.0-or-later
//! Text of iptables-save as iptables itself takes it, and as we read it again.

mod beside;
mod cannot;
mod chains;
mod effects;
mod helper;
mod lines;
mod maps;
mod meaning;
mod options;
mod policies;
mod random;
mod rows;
mod spellings;

use std::collections::BTreeMap;

use ringwall_ir::words::{ChainPolicy, Family, Hook};
use ringwall_ir::{Field, Match, Ruleset, Selector, Values};

use super::{CtMatch, Options, Written};
use crate::target::testing::{Kernel, Parts, ruleset};

const STATE: Options = Options { ct: CtMatch::State, own_chains: false };
const CONNTRACK: Options = Options { ct: CtMatch::Conntrack, own_chains: false };

fn input(rules: Vec<Parts>) -> Ruleset {
    ruleset(vec![(Hook::Input, ChainPolicy::Accept, rules)])
}

fn values(field: Field, intervals: &[(u128, u128)], negated: bool) -> Match {
    Match::In { selector: Selector::of(field), values: Values::Inline(intervals.iter().copied().collect()), negated }
}

/// The `-A` lines.
fn rules(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("-A")).collect()
}

const fn program(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    }
}

/// The text loads twice with the same result, and the kernel has as many rules in each chain as were said.
fn check_load(kernel: Kernel, family: Family, written: &Written) {
    let listed = kernel.iptables(program(family), &[&written.text, &written.text]);
    assert_eq!(listed[0], listed[1]);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut table = "";
    for line in listed[0].lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if line.starts_with("-A") {
            *counts.entry((table, line.split(' ').nth(1).unwrap())).or_default() += 1;
        }
    }
    for chain in &written.chains {
        let count = counts.get(&(chain.table, chain.name.as_str())).copied().unwrap_or_default();
        assert_eq!(count, chain.rules.len(), "{}\n{}\n{}", chain.name, written.text, listed[0]);
    }
    assert_eq!(counts.len(), written.chains.iter().filter(|chain| !chain.rules.is_empty()).count());
}
