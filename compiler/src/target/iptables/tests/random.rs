// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets at random: what can be said of them loads, twice alike, and what the kernel lists then says the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use ringwall_ir::arbitrary::{self, Options as Wanted, handled};
use ringwall_ir::words::{ChainPolicy, Family, Hook};
use ringwall_ir::{BaseChain, Chain, OriginId, Rule, Ruleset, Table, TableParts, Verdict};

use super::CONNTRACK;
use super::rows::check_load;
use crate::target::Unsayable;
use crate::target::iptables::table::XtTable;
use crate::target::iptables::write;
use crate::target::testing::kernel;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_loads_and_comes_back(
        ruleset in arbitrary::ruleset(Wanted::loadable().wanting(|row| handled(row.cells().iptables))),
        v6 in any::<bool>(),
    ) {
        let Some(kernel) = kernel() else { return Ok(()) };
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        let Some(ruleset) = sayable(ruleset, family) else { return Ok(()) };
        let written = write(&ruleset, family, CONNTRACK).unwrap();
        // Random rules can become thousands of lines, which load but slowly.
        prop_assume!(written.text.len() < 400_000);
        eprintln!("STAT {} {}", written.text.lines().filter(|l| l.starts_with("-A")).count(), written.sets.lines().count());
        check_load(kernel, family, &written);
    }
}

/// The ruleset with its base chains where iptables has some, each rule with an origin of its own, without the rules that
/// iptables cannot say; none where nothing can be made of it.
fn sayable(ruleset: Ruleset, family: Family) -> Option<Ruleset> {
    let mut free: Vec<(XtTable, Hook)> = XtTable::ALL
        .into_iter()
        .flat_map(|table| table.hooks().iter().map(move |&hook| (table, hook)))
        .collect();
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
    let chains = [("one", XtTable::Filter.priority(Hook::Input)), ("other", ringwall_ir::words::Priority::RINGWALL_FILTER)]
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
    let table = Table::new(ringwall_ir::words::TableFamily::Inet, "ringwall", TableParts { chains, ..TableParts::default() });
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
