// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets over all of the IR take the place of one another: what comes back is what was installed, whatever was
//! there before.

use std::cell::Cell;

use proptest::prelude::*;
use ringwall_ir::words::{ChainPolicy, ChainType, Priority};
use ringwall_ir::{
    BaseChain, Chain, Counts, Elements, Match, Meter, Quota, Role, Rule, Ruleset, Set, Statement, Step, Table,
    arbitrary,
};
use ringwall_kernel::install::{apply, normal, read_ruleset};
use ringwall_kernel::netlink::{Socket, generation};

use crate::private::{flush, in_namespace};
use crate::random::{options, runner};
use crate::times::{timeless, whole_seconds};

/// The ruleset with the rules of each chain turned around, with less in some sets, and with other chain policies and
/// priorities.
fn changed(ruleset: &Ruleset, emptied: u8, moved: u8) -> Ruleset {
    let table = |table: &Table| {
        let mut parts = table.clone().into_parts();
        for (place, set) in parts.sets.iter_mut().enumerate() {
            if set.spec().role() == Role::Static && emptied & (1 << (place % 8)) != 0 {
                *set = Set::new(set.name(), set.spec().clone(), half(set.elements()), set.origin()).unwrap();
            }
        }
        for (place, chain) in parts.chains.iter_mut().enumerate() {
            let mut turned = match chain.bound() {
                Some(base) => Chain::base(chain.name(), other(base, moved & (1 << (place % 8)) != 0)).unwrap(),
                None => Chain::regular(chain.name()).unwrap(),
            };
            chain.rules().iter().rev().for_each(|rule| turned.add(rule.clone()).unwrap());
            *chain = turned;
        }
        Table::new(table.family(), table.name(), parts).unwrap()
    };
    Ruleset { tables: ruleset.tables.iter().map(table).collect(), ..ruleset.clone() }
}

fn half(elements: &Elements) -> Elements {
    match elements {
        Elements::Intervals(set) => {
            Elements::Intervals(set.intervals().iter().take(set.intervals().len() / 2).copied().collect())
        }
        Elements::List(list) => Elements::List(list.iter().take(list.len() / 2).cloned().collect()),
    }
}

fn other(base: &BaseChain, moved: bool) -> BaseChain {
    let policy = match (base.kind, base.policy) {
        (ChainType::Nat, _) | (_, ChainPolicy::Drop) => ChainPolicy::Accept,
        _ => ChainPolicy::Drop,
    };
    let priority = if moved { Priority(base.priority.0.saturating_add(1)) } else { base.priority };
    BaseChain { policy, priority, ..*base }
}

/// Without what has been counted: rules that are the same have one count after the other.
fn uncounted(ruleset: &Ruleset) -> Ruleset {
    let meter = |meter: &Meter| match meter {
        Meter::Counter(_) => Meter::Counter(Counts::default()),
        Meter::Quota(quota) => Meter::Quota(Quota { used: 0, ..*quota }),
        other => *other,
    };
    let step = |step: &Step| match step {
        Step::Statement(Statement::Counter(_)) => Statement::Counter(Counts::default()).into(),
        Step::Match(Match::Quota(quota)) => Match::Quota(Quota { used: 0, ..*quota }).into(),
        other => other.clone(),
    };
    let table = |table: &Table| {
        let mut parts = table.clone().into_parts();
        for chain in &mut parts.chains {
            let mut plain = match chain.bound() {
                Some(base) => Chain::base(chain.name(), *base).unwrap(),
                None => Chain::regular(chain.name()).unwrap(),
            };
            for rule in chain.rules() {
                let steps = rule.steps().iter().map(step).collect();
                plain.add(Rule::new(rule.origin(), steps, rule.verdict().cloned()).unwrap()).unwrap();
            }
            *chain = plain;
        }
        for set in &mut parts.sets {
            let mut spec = set.spec().clone();
            spec.meters = spec.meters.iter().map(meter).collect();
            *set = Set::new(set.name(), spec, set.elements().clone(), set.origin()).unwrap();
        }
        Table::new(table.family(), table.name(), parts).unwrap()
    };
    Ruleset { tables: ruleset.tables.iter().map(table).collect(), ..ruleset.clone() }
}

/// Everything of the tables of a ruleset, as text.
fn told<'a>(rulesets: impl IntoIterator<Item = &'a Ruleset>) -> Vec<String> {
    let tables = rulesets.into_iter().flat_map(|ruleset| {
        let alone = |table: &Table| Ruleset { tables: vec![table.clone()], ..ruleset.clone() };
        ruleset.tables.iter().map(move |table| uncounted(&timeless(&alone(table))).to_string())
    });
    let mut tables: Vec<_> = tables.filter(|table| table.lines().count() > 2).collect();
    tables.sort();
    tables
}

#[test]
fn random_rulesets_take_the_place_of_one_another() {
    in_namespace("replaced::random_rulesets_take_the_place_of_one_another", || {
        let cases = std::env::var("RINGWALL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
        let (installed, tries) = (Cell::new(0), Cell::new(0));
        let drawn = (arbitrary::ruleset(options()), any::<u8>(), any::<u8>());
        let result = runner(cases).run(&drawn, |(ruleset, emptied, moved)| {
            let one = whole_seconds(&ruleset);
            let other = changed(&one, emptied, moved);
            flush();
            let is_early = other.tables.iter().any(|table| !table.early().is_empty());
            if is_early || apply(&one).is_err() {
                return Ok(());
            }
            for next in [&other, &one] {
                let applied = apply(next).map_err(|error| TestCaseError::fail(format!("{error}\n{one}\n{next}")))?;
                tries.set(tries.get() + applied.tries);
                let read = read_ruleset().unwrap();
                prop_assert_eq!(told([&read]), told(&normal(next).unwrap()));
                installed.set(installed.get() + 1);
            }
            let before = generation(&mut Socket::open().unwrap()).unwrap();
            apply(&one).unwrap();
            let after = generation(&mut Socket::open().unwrap()).unwrap();
            prop_assert!(after - before <= 1, "{} transactions change nothing of\n{}", after - before, one);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{error}");
        }
        eprintln!("{} times, with {} tries", installed.get(), tries.get());
        assert!(installed.get() > cases as usize);
    });
}
