// SPDX-License-Identifier: GPL-3.0-or-later
//! How much of the written text changes with one thing of a ruleset: what a reviewer has to read of a diff.

#![cfg(test)]

use fastrand::Rng;
use ringwall_compiler::target::iptables::{self, Options};
use ringwall_compiler::target::nft;
use ringwall_ir::words::{ChainPolicy, Family, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Data, DataType, Datatype, Element, Elements, Field, IntervalSet, KeyType, Match, Origin,
    OriginId, Ruleset, Set, SetSpec, Step, Table, TableParts, Tuple, Values, Verdict,
};
use similar::{ChangeTag, TextDiff};

const RULES: u32 = 2_000;
const ELEMENTS: u32 = 300;
const EDITS: usize = 1_000;

/// What a ruleset is made of, by numbers that stand for what is in a rule or an element.
#[derive(Clone)]
struct Plan {
    rules: Vec<u32>,
    addresses: Vec<u32>,
    decided: Vec<u32>,
}

impl Plan {
    fn new() -> Self {
        Self { rules: (0..RULES).collect(), addresses: (0..ELEMENTS).collect(), decided: (0..ELEMENTS).collect() }
    }

    /// One thing is changed, added, taken away or moved. What stands in a set has no place of its own to be moved from.
    fn edited(&self, random: &mut Rng) -> (&'static str, Self) {
        let mut plan = self.clone();
        let fresh = random.u32(RULES..60_000);
        let (what, list) = match random.u8(0..3) {
            0 => ("rule", &mut plan.rules),
            1 => ("element of a set", &mut plan.addresses),
            _ => ("element of a map", &mut plan.decided),
        };
        let place = random.usize(0..list.len());
        match random.u8(0..4) {
            0 => list[place] = fresh,
            1 => list.insert(place, fresh),
            2 if what == "rule" => {
                let moved = list.remove(place);
                list.insert(random.usize(0..=list.len()), moved);
            }
            _ => {
                list.remove(place);
            }
        }
        (what, plan)
    }

    fn ruleset(&self) -> Ruleset {
        let origin = |id: String, text: String| Origin { id, text, line: 1, ..Origin::default() };
        let mut origins = vec![origin("end".to_owned(), "otherwise drop inbound".to_owned())];
        let base = BaseChain::filter(Hook::Input, Priority::RINGWALL_FILTER, ChainPolicy::Drop, OriginId(0));
        let mut chain = Chain::base("input", base).unwrap();
        for (place, number) in (1..).zip(&self.rules) {
            let text = format!("allow inbound tcp {} from {}", number + 1, network(*number));
            origins.push(origin(format!("rule-{number}"), text));
            chain.push(OriginId(place), rule(*number), Some(Verdict::Accept)).unwrap();
        }
        let addresses: IntervalSet = self.addresses.iter().map(|number| (address(*number), address(*number))).collect();
        let spec = SetSpec::of(vec![KeyType::of(Field::IpSaddr)]);
        let decided = self.decided.iter().map(|number| Element {
            data: Some(Data::Verdict(if number % 2 == 0 { Verdict::Accept } else { Verdict::Drop })),
            ..Element::of(Tuple(vec![(address(*number), address(*number))]), OriginId(0))
        });
        let map = SetSpec { data: Some(DataType::Verdict), ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)]) };
        let sets = vec![
            Set::new("addresses", spec, Elements::Intervals(addresses), OriginId(0)).unwrap(),
            Set::new("decided", map, Elements::List(decided.collect()), OriginId(0)).unwrap(),
        ];
        let parts = TableParts { sets, chains: vec![chain], ..TableParts::default() };
        let table = Table::new(TableFamily::Inet, "ringwall", parts).unwrap();
        Ruleset { title: "locality".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
    }
}

fn rule(number: u32) -> Vec<Step> {
    let source = IntervalSet::prefix(u128::from(10 << 24 | number << 8), 24, 32);
    vec![
        Match::within(Field::IpSaddr, Values::Inline(source)).into(),
        Match::within(Field::TcpDport, Values::one(u128::from(number + 1))).into(),
    ]
}

fn network(number: u32) -> String {
    format!("10.{}.{}.0/24", number >> 8, number & 0xff)
}

fn address(number: u32) -> u128 {
    u128::from(192 << 24 | number.wrapping_mul(40_503) & 0x00ff_ffff)
}

/// How many lines go and come.
fn changed(old: &str, new: &str) -> usize {
    TextDiff::from_lines(old, new).iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).count()
}

/// Prints the figures of a target. The median, the 99th percentile and the most.
fn figures(target: &str, mut counts: Vec<usize>) -> (usize, usize, usize) {
    counts.sort_unstable();
    let at = |share: usize| counts[(counts.len() - 1) * share / 100];
    let found = (at(50), at(99), at(100));
    println!(
        "{target}: of {} edits, lines that go or come: median {}, 99 % {}, most {}",
        counts.len(),
        found.0,
        found.1,
        found.2
    );
    found
}

#[test]
fn one_edit_changes_at_most_three_lines() {
    let mut random = Rng::with_seed(3);
    let plan = Plan::new();
    let before = plan.ruleset();
    let (text, restore) = (nft::write(&before).unwrap(), iptables(&before));
    let (mut of_nft, mut of_iptables) = (Vec::new(), Vec::new());
    for _ in 0..EDITS {
        let (what, edited) = plan.edited(&mut random);
        let after = edited.ruleset();
        let count = changed(&text, &nft::write(&after).unwrap());
        assert!((1..=3).contains(&count), "{what}: {count} lines");
        of_nft.push(count);
        if what == "rule" {
            of_iptables.push(changed(&restore, &iptables(&after)));
        }
    }
    figures("nft", of_nft);
    // The sentence stands on a line of its own there, so that a rule has two, and one that changes has four.
    let (_, _, most) = figures("iptables", of_iptables);
    assert!(most <= 4, "{most}");
}

/// The rules alone: large sets are for ipset, and a map of verdicts nothing that iptables has.
fn iptables(ruleset: &Ruleset) -> String {
    let chains = ruleset.tables[0].chains().to_vec();
    let table = Table::new(TableFamily::Inet, "ringwall", TableParts { chains, ..TableParts::default() }).unwrap();
    let ruleset = Ruleset { tables: vec![table], ..ruleset.clone() };
    iptables::write(&ruleset, Family::Ipv4, Options::default()).unwrap().text
}
