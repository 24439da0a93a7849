// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets to install.

use std::net::Ipv4Addr;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, CtState, CtStates, Hook, Priority, TableFamily};
use ringwall_ir::{
    Chain, IntervalSet, Match, Origin, OriginId, Ruleset, Set, SetKind, Statement, Table, Values, Verdict,
};

/// One rule to be.
pub type Parts = (Vec<Match>, Vec<Statement>, Option<Verdict>);

/// One chain to be.
pub struct Draft {
    pub name: &'static str,
    pub hook: Hook,
    pub priority: i32,
    pub policy: ChainPolicy,
    pub rules: Vec<Parts>,
}

impl Draft {
    /// A closed chain at Ringwall's place.
    pub fn closed(hook: Hook, rules: Vec<Parts>) -> Self {
        Self { name: hook.name(), hook, priority: Priority::RINGWALL_FILTER.0, policy: ChainPolicy::Drop, rules }
    }
}

/// A ruleset of one table with these sets and chains. Each rule and each closing has a sentence of its own.
pub fn ruleset_of(family: TableFamily, name: &str, sets: Vec<Set>, chains: Vec<Draft>) -> Ruleset {
    let mut origins = Vec::new();
    let mut origin = |text: String| {
        origins.push(Origin { id: format!("s{}", origins.len()), text, line: 1, because: None });
        OriginId(origins.len() as u32 - 1)
    };
    let mut built = Vec::new();
    for Draft { name, hook, priority, policy, rules } in chains {
        let closing = origin(format!("otherwise {} {name}", policy.name()));
        let mut chain = Chain::new(name, hook, Priority(priority), policy, closing).unwrap();
        for (i, (matches, statements, verdict)) in rules.into_iter().enumerate() {
            chain.push(origin(format!("sentence {i} of {name}")), matches, statements, verdict).unwrap();
        }
        built.push(chain);
    }
    let table = Table::new(family, name, sets, built).unwrap();
    Ruleset { title: "test".to_owned(), origins, tables: vec![table] }
}

/// A ruleset of one table `inet ringwall`, with a closed chain of these rules at each hook that is named.
pub fn ruleset(sets: Vec<Set>, chains: Vec<(Hook, Vec<Parts>)>) -> Ruleset {
    let chains = chains.into_iter().map(|(hook, rules)| Draft::closed(hook, rules)).collect();
    ruleset_of(TableFamily::Inet, "ringwall", sets, chains)
}

/// A set of IPv4 addresses: prefixes, each with its length.
pub fn set4(name: &str, prefixes: &[(&str, u8)]) -> Set {
    let prefix = |&(address, length): &(&str, u8)| {
        let value = u128::from(address.parse::<Ipv4Addr>().unwrap().to_bits());
        IntervalSet::prefix(value, length, 32).intervals()[0]
    };
    Set::new(name, SetKind::Ipv4, prefixes.iter().map(prefix).collect(), OriginId(0)).unwrap()
}

/// `FIELD @NAME accept`
pub fn accept_from(field: Field, name: &str) -> Parts {
    let values = Values::Set(name.to_owned());
    (vec![Match::In { field, values, negated: false }], Vec::new(), Some(Verdict::Accept))
}

/// `FIELD NUMBER accept`
pub fn accept_one(field: Field, number: u128) -> Parts {
    let values = Values::Inline(IntervalSet::one(number));
    (vec![Match::In { field, values, negated: false }], Vec::new(), Some(Verdict::Accept))
}

/// `ct state ...`
pub fn states(states: &[CtState]) -> Match {
    Match::AnyOf { field: Field::CtState, bits: CtStates::of(states).bits().into() }
}

/// `allow outbound, permit established inbound`
pub fn founding() -> Ruleset {
    let accept = |states_wanted: &[CtState]| (vec![states(states_wanted)], Vec::new(), Some(Verdict::Accept));
    ruleset(
        Vec::new(),
        vec![
            (Hook::Output, vec![accept(&[CtState::New, CtState::Established])]),
            (Hook::Input, vec![accept(&[CtState::Established])]),
        ],
    )
}
