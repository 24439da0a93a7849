// SPDX-License-Identifier: GPL-3.0-or-later
//! Random pairs of rulesets, swapped under traffic: no packet is accepted that neither accepts, none is dropped that both
//! accept, and what packets and other programs put into dynamic sets, counters and quotas stays.

mod plan;
mod wire;

use std::sync::atomic::Ordering;
use std::time::Instant;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Counts, ObjectBody, ObjectKind, Ruleset};
use ringwall_kernel::install::{apply, read_back};

use self::plan::{plan, ruleset};
use self::wire::{Flood, Wire};
use crate::private::{in_namespace, list, load};

/// As many pairs in the ordinary suite, and in the whole one (`RINGWALL_FULL`).
const PAIRS: (usize, usize) = (25, 1000);
/// How often each pair is swapped.
const SWAPS: usize = 8;

/// What was seen of all pairs together, so that the test can be seen to have looked at something.
#[derive(Debug, Default)]
struct Tally {
    accepted_by_both: usize,
    accepted_by_neither: usize,
    changing: usize,
    packets: usize,
    /// The pairs between which packets met something else.
    wrong: Vec<String>,
}

/// What the named counter and quota have counted.
fn counted() -> (u64, u64) {
    let ruleset = read_back(TableFamily::Inet, "ringwall").unwrap().unwrap();
    let table = &ruleset.tables[0];
    let body = |kind, name| table.object(kind, name).unwrap().body().clone();
    match (body(ObjectKind::Counter, "hits"), body(ObjectKind::Quota, "much")) {
        (ObjectBody::Counter(Counts { packets, .. }), ObjectBody::Quota(quota)) => (packets, quota.used),
        other => panic!("{other:?}"),
    }
}

fn swap_under_traffic(wire: &Wire, one: &Ruleset, other: &Ruleset, tally: &mut Tally) {
    let fates = [one, other].map(|ruleset| {
        apply(ruleset).unwrap();
        wire.fates()
    });
    let Flood { packets, wrong } = wire.flood([&fates[0], &fates[1]], |_| {
        let mut before = counted();
        for ruleset in [one, other].into_iter().cycle().take(SWAPS) {
            apply(ruleset).unwrap();
            let after = counted();
            assert!(before.0 <= after.0 && before.1 <= after.1, "{before:?} {after:?}");
            before = after;
        }
    });
    if !wrong.is_empty() {
        let kinds = Wire::said(&wrong);
        tally.wrong.push(format!("{} of {packets} packets, {kinds}, between\n{one}\nand\n{other}", wrong.len()));
    }
    tally.packets += packets;
    for (one, other) in fates[0].iter().zip(&fates[1]) {
        match (one, other) {
            (true, true) => tally.accepted_by_both += 1,
            (false, false) => tally.accepted_by_neither += 1,
            _ => tally.changing += 1,
        }
    }
}

#[test]
fn pairs_of_rulesets_change_without_a_wrong_packet() {
    in_namespace("swap::pairs_of_rulesets_change_without_a_wrong_packet", || {
        let pairs = if std::env::var_os("RINGWALL_FULL").is_some() { PAIRS.1 } else { PAIRS.0 };
        let wire = Wire::open();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut tally = Tally::default();
        let mut draw = || ruleset(&plan().new_tree(&mut runner).unwrap().current());
        let start = Instant::now();
        for number in 0..pairs {
            let rulesets = [draw(), draw()];
            apply(&rulesets[0]).unwrap();
            let address = format!("192.0.2.{}", number % 250 + 1);
            load(&format!("add element inet ringwall seen {{ {address} timeout 30m }}\n"));
            swap_under_traffic(&wire, &rulesets[0], &rulesets[1], &mut tally);
            let listed = list();
            assert!(listed.contains(&format!("{address} timeout 30m expires 29m")), "{listed}");
            load(&format!("delete element inet ringwall seen {{ {address} }}\n"));
        }
        eprintln!("{pairs} pairs in {:?}: {tally:?}, and at last {:?} counted", start.elapsed(), counted());
        assert!(tally.wrong.is_empty(), "{} pairs: {}", tally.wrong.len(), tally.wrong.join("\n\n"));
        assert!(tally.accepted_by_both > pairs && tally.accepted_by_neither > pairs && tally.changing > pairs);
        assert!(counted().0 > 0 && counted().1 > 0);
    });
}

/// A closed chain that lets all packets of the wire pass, by other words each time.
fn closed(rule: &str) -> String {
    format!(
        "table inet ringwall {{\n}}\nflush table inet ringwall\ntable inet ringwall {{\nchain output {{\ntype filter hook \
         output priority 0; policy drop;\n{rule}\ndrop\n}}\n}}\n"
    )
}

#[test]
fn one_transaction_shows_new_intervals_too_late() {
    in_namespace("swap::one_transaction_shows_new_intervals_too_late", || {
        let wire = Wire::open();
        let texts = [closed("udp dport { 1, 1000-3000 } accept"), closed("udp dport != { 1, 4000-5000 } accept")];
        let fates = [0, 1].map(|number: usize| {
            load(&texts[number]);
            wire.fates()
        });
        assert!(fates.iter().flatten().all(|accepted| *accepted));
        let mut swaps = 0;
        let flood = wire.flood([&fates[0], &fates[1]], |seen| {
            for text in texts.iter().cycle().take(400) {
                load(text);
                swaps += 1;
                if seen.load(Ordering::Relaxed) > 0 {
                    break;
                }
            }
        });
        if flood.wrong.is_empty() {
            eprintln!("skipped: this kernel shows new intervals with the rules: no wrong packet in {swaps} swaps");
        }
        eprintln!("{} wrong of {} packets, in {swaps} swaps", flood.wrong.len(), flood.packets);
    });
}
