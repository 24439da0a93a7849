// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets to install.

use std::net::Ipv4Addr;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, ChainType, CtState, CtStates, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Elements, IntervalSet, KeyType, Match, Object, Origin, OriginId, Ruleset, Set,
    SetFlags, SetOperation, SetSpec, SetUpdate, Statement, Step, Table, TableParts, Values, Verdict,
};

/// One rule to be.
pub type Parts = (Vec<Step>, Option<Verdict>);

/// One chain to be.
pub struct Draft {
    pub name: &'static str,
    /// Type, hook and priority; none: only rules lead to it.
    pub bound: Option<(ChainType, Hook, i32)>,
    pub policy: ChainPolicy,
    pub rules: Vec<Parts>,
}

impl Draft {
    /// A closed chain at Ringwall's place.
    pub fn closed(hook: Hook, rules: Vec<Parts>) -> Self {
        let bound = Some((ChainType::Filter, hook, Priority::RINGWALL_FILTER.0));
        Self { name: hook.name(), bound, policy: ChainPolicy::Drop, rules }
    }
}

/// A ruleset of one table with these objects, sets and chains. Each rule and each closing has a sentence of its own.
pub fn ruleset_with(
    family: TableFamily,
    name: &str,
    objects: Vec<Object>,
    sets: Vec<Set>,
    chains: Vec<Draft>,
) -> Ruleset {
    let mut origins = Vec::new();
    let mut origin = |text: String| {
        origins.push(Origin { id: format!("s{}", origins.len()), text, line: 1, ..Origin::default() });
        OriginId(origins.len() as u32 - 1)
    };
    let mut built = Vec::new();
    for Draft { name, bound, policy, rules } in chains {
        let mut chain = match bound {
            Some((kind, hook, priority)) => {
                let closing = origin(format!("otherwise {} {name}", policy.name()));
                let base = BaseChain { kind, hook, priority: Priority(priority), policy, closing };
                Chain::base(name, base).unwrap()
            }
            None => Chain::regular(name).unwrap(),
        };
        for (i, (steps, verdict)) in rules.into_iter().enumerate() {
            chain.push(origin(format!("sentence {i} of {name}")), steps, verdict).unwrap();
        }
        built.push(chain);
    }
    let parts = TableParts { objects, sets, chains: built, ..TableParts::default() };
    let table = Table::new(family, name, parts).unwrap();
    Ruleset { title: "test".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
}

/// A ruleset of one table with these sets and chains.
pub fn ruleset_of(family: TableFamily, name: &str, sets: Vec<Set>, chains: Vec<Draft>) -> Ruleset {
    ruleset_with(family, name, Vec::new(), sets, chains)
}

/// A ruleset of one table `inet ringwall`, with a closed chain of these rules at each hook that is named.
pub fn ruleset(sets: Vec<Set>, chains: Vec<(Hook, Vec<Parts>)>) -> Ruleset {
    let chains = chains.into_iter().map(|(hook, rules)| Draft::closed(hook, rules)).collect();
    ruleset_of(TableFamily::Inet, "ringwall", sets, chains)
}

/// A set of intervals of values of one data type.
pub fn intervals(name: &str, datatype: Datatype, values: IntervalSet) -> Set {
    let spec = SetSpec::intervals(KeyType::Of(datatype));
    Set::new(name, spec, Elements::Intervals(values), OriginId(0)).unwrap()
}

/// A set of IPv4 addresses: prefixes, each with its length.
pub fn set4(name: &str, prefixes: &[(&str, u8)]) -> Set {
    let prefix = |&(address, length): &(&str, u8)| {
        let value = u128::from(address.parse::<Ipv4Addr>().unwrap().to_bits());
        IntervalSet::prefix(value, length, 32).intervals()[0]
    };
    intervals(name, Datatype::Ipv4Addr, prefixes.iter().map(prefix).collect())
}

/// These tests, then accept.
pub fn accept(tests: Vec<Match>) -> Parts {
    (tests.into_iter().map(Step::Match).collect(), Some(Verdict::Accept))
}

/// `FIELD @NAME accept`
pub fn accept_from(field: Field, name: &str) -> Parts {
    accept(vec![Match::within(field, Values::Set(name.to_owned()))])
}

/// `FIELD NUMBER accept`
pub fn accept_one(field: Field, number: u128) -> Parts {
    accept(vec![Match::within(field, Values::one(number))])
}

/// `ct state ...`
pub fn states(states: &[CtState]) -> Match {
    Match::any_of(Field::CtState, CtStates::of(states).bits().into())
}

/// `allow outbound, permit established inbound`
pub fn founding() -> Ruleset {
    ruleset(
        Vec::new(),
        vec![
            (Hook::Output, vec![accept(vec![states(&[CtState::New, CtState::Established])])]),
            (Hook::Input, vec![accept(vec![states(&[CtState::Established])])]),
        ],
    )
}

/// A rule that only the kernel refuses, and the set that it needs: a set that never changes takes nothing from packets
/// (`nft_dynset_init`).
pub fn refused() -> (Parts, Set) {
    let spec = SetSpec {
        flags: SetFlags { constant: true, ..SetFlags::default() },
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    };
    let update = SetUpdate {
        operation: SetOperation::Add,
        set: "met".to_owned(),
        key: vec![Field::IpSaddr.into()],
        data: None,
        timeout: None,
        meters: Vec::new(),
    };
    let met = Set::new("met", spec, Elements::NONE, OriginId(0)).unwrap();
    ((vec![Step::Statement(Statement::SetUpdate(Box::new(update)))], None), met)
}
