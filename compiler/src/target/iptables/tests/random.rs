// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets at random: what can be said of them loads, twice alike, and what the kernel lists then says the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::arbitrary::{self, Options as Wanted, Row, handled};
use ringwall_ir::words::{ChainPolicy, Family, Hook};
use ringwall_ir::{BaseChain, Chain, OriginId, Rule, Ruleset, Table, TableParts, Verdict};

use super::CONNTRACK;
use super::rows::check_load;
use crate::target::Unsayable;
use crate::target::iptables::table::XtTable;
use crate::target::iptables::{speaks_of, write};
use crate::target::testing::{Tally, kernel};

/// How many rulesets are drawn in the ordinary suite, and in the whole one (`RINGWALL_FULL`).
const CASES: (u32, u32) = (64, 2000);
/// Random rules can become thousands of lines, which load but slowly.
const LONGEST: usize = 400_000;

#[test]
fn what_is_written_loads_and_comes_back() {
    let Some(kernel) = kernel() else { return };
    let cases = if std::env::var_os("RINGWALL_FULL").is_some() { CASES.1 } else { CASES.0 };
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let strategy = arbitrary::ruleset(Wanted::loadable().wanting(wanted));
    let mut tally = Tally::default();
    for number in 0..cases {
        let ruleset = strategy.new_tree(&mut runner).unwrap().current();
        // Of a family that it says nothing of there is no text.
        let [one, other] = if number % 2 == 0 { Family::ALL } else { [Family::Ipv6, Family::Ipv4] };
        let family = if speaks_of(&ruleset, one) { one } else { other };
        let Some(ruleset) = sayable(ruleset, family, &mut tally) else { continue };
        let written = write(&ruleset, family, CONNTRACK).unwrap();
        if written.text.len() < LONGEST {
            check_load(kernel, family, &written);
            tally.take(&ruleset, ruleset.chains().map(|(_, chain)| chain.rules().len()).sum());
        }
    }
    tally.tell(wanted);
}

fn wanted(row: &Row) -> bool {
    handled(row.cells().iptables)
}

/// The ruleset with its base chains where iptables has some, each rule with an origin of its own, without the rules that
/// iptables cannot say; none where nothing can be made of it. What is refused is counted.
fn sayable(ruleset: Ruleset, family: Family, tally: &mut Tally) -> Option<Ruleset> {
    let mut free: Vec<(XtTable, Hook)> =
        XtTable::ALL.into_iter().flat_map(|table| table.hooks().iter().map(move |&hook| (table, hook))).collect();
    let mut origins = ruleset.origins.clone();
    let mut tables = Vec::new();
    for table in &ruleset.tables {
        let mut parts = TableParts { chains: Vec::new(), unknowns: Vec::new(), ..table.clone().into_parts() };
        for chain in table.chains() {
            let mut placed = match chain.bound() {
                None => Chain::regular(chain.name()).unwrap(),
                Some(base) => {
                    let fits = |(table, hook): &(XtTable, Hook)| table.kind(*hook) == base.kind && *hook == base.hook;
                    let place = free.iter().position(fits);
                    let (xt, hook) = place.map(|place| free.remove(place))?;
                    Chain::base(chain.name(), BaseChain { priority: xt.priority(hook), ..*base }).unwrap()
                }
            };
            for rule in chain.rules() {
                let origin = OriginId(u32::try_from(origins.len()).unwrap());
                origins.push(ruleset.origin(rule.origin()).unwrap().clone());
                placed.add(Rule::new(origin, rule.steps().to_vec(), rule.verdict().cloned()).unwrap()).unwrap();
            }
            parts.chains.push(placed);
        }
        tables.push(Table::new(table.family(), table.name(), parts).unwrap());
    }
    let mut ruleset = Ruleset { origins, tables, unknowns: Vec::new(), ..ruleset };
    // What cannot be said of one rule may be what another one leads to.
    for _ in 0..4 {
        let Err(refused) = write(&ruleset, family, CONNTRACK) else { return Some(ruleset) };
        tally.refuse(&refused);
        ruleset = without(&ruleset, &refused);
    }
    None
}

fn without(ruleset: &Ruleset, refused: &[Unsayable]) -> Ruleset {
    let refused: BTreeSet<OriginId> = refused.iter().map(|each| each.origin).collect();
    let tables = ruleset.tables.iter().map(|table| {
        let mut parts = table.clone().into_parts();
        for chain in &mut parts.chains {
            let mut left = match chain.bound() {
                Some(base) => Chain::base(chain.name(), *base).unwrap(),
                None => Chain::regular(chain.name()).unwrap(),
            };
            for rule in chain.rules().iter().filter(|rule| !refused.contains(&rule.origin())) {
                left.add(rule.clone()).unwrap();
            }
            *chain = left;
        }
        Table::new(table.family(), table.name(), parts).unwrap()
    });
    Ruleset { tables: tables.collect(), ..ruleset.clone() }
}

/// What is put into one place of the kernel is not put into two.
#[test]
fn chains_of_one_place_are_an_error() {
    let base = |priority| BaseChain::filter(Hook::Input, priority, ChainPolicy::Accept, OriginId(0));
    let chains =
        [("one", XtTable::Filter.priority(Hook::Input)), ("other", ringwall_ir::words::Priority::RINGWALL_FILTER)]
            .map(|(name, priority)| Chain::base(name, base(priority)).unwrap());
    let parts = TableParts { chains: chains.to_vec(), ..TableParts::default() };
    let table = Table::new(ringwall_ir::words::TableFamily::Inet, "ringwall", parts).unwrap();
    let ruleset = Ruleset { tables: vec![table], ..Ruleset::default() };
    let refused = write(&ruleset, Family::Ipv4, CONNTRACK).unwrap_err();
    assert_eq!(refused[0].reason, "iptables has one chain INPUT in the table filter, and `other` is another");
}

/// Jumps lead where they led, from several chains too.
#[test]
fn a_regular_chain_comes_along_into_each_table() {
    let regular = |name: &str, verdict| {
        let mut chain = Chain::regular(name).unwrap();
        chain.push(OriginId(0), Vec::new(), Some(verdict)).unwrap();
        chain
    };
    let base = |name: &str, table: XtTable, hook| {
        let (kind, priority) = (table.kind(hook), table.priority(hook));
        let base = BaseChain { kind, hook, priority, policy: ChainPolicy::Accept, closing: OriginId(0) };
        let mut chain = Chain::base(name, base).unwrap();
        chain.push(OriginId(0), Vec::new(), Some(Verdict::Jump("common".to_owned()))).unwrap();
        chain
    };
    let chains = vec![
        regular("common", Verdict::Goto("LOG".to_owned())),
        regular("LOG", Verdict::Accept),
        base("input", XtTable::Filter, Hook::Input),
        base("prerouting", XtTable::Raw, Hook::Prerouting),
    ];
    let table =
        Table::new(ringwall_ir::words::TableFamily::Inet, "ringwall", TableParts { chains, ..TableParts::default() });
    let ruleset = Ruleset { tables: vec![table.unwrap()], ..Ruleset::default() };
    let written = write(&ruleset, Family::Ipv4, CONNTRACK).unwrap();
    let filter = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n:common -\n:LOG_ -\n\
                  -A INPUT -j common\n-A common -g LOG_\n-A LOG_ -j ACCEPT\nCOMMIT\n";
    assert!(written.text.ends_with(filter), "{}", written.text);
    assert!(written.text.contains("*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\n:common -\n"), "{}", written.text);
    if let Some(kernel) = kernel() {
        check_load(kernel, Family::Ipv4, &written);
    }
}
