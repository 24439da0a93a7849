// SPDX-License-Identifier: GPL-3.0-or-later
//! nft makes of a text what the IR means by it: the expressions that nft sends to the kernel pass the same packets.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::fields::{FIELDS, Needs, WORDS};
use ringwall_ir::words::{ChainPolicy, Family};
use ringwall_ir::{Field, Match, Rule, Ruleset, Table, Values, Verdict};

use super::sayable;
use crate::target::nft::write;
use crate::target::testing::bytecode::{Listing, Program, load_name, parse};
use crate::target::testing::packet::{Packet, choices};
use crate::target::testing::{Kernel, kernel, samples};

const PACKETS: usize = 40;

#[test]
fn what_nft_makes_of_every_row_passes_the_same_packets() {
    let Some(kernel) = kernel() else { return };
    let of_fields = FIELDS.iter().flat_map(|row| samples::samples_of_field(*row));
    let of_words = WORDS.iter().filter(|row| row.name != "queue").flat_map(|row| samples::samples_of_word(row.word));
    let mut asked = 0;
    for sample in of_fields.chain(of_words) {
        asked += compare(kernel, &sayable(sample.ruleset()));
    }
    assert!(asked > 100_000, "{asked} packets");
}

#[test]
fn what_nft_makes_of_random_rules_passes_the_same_packets() {
    let Some(kernel) = kernel() else { return };
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut asked = 0;
    for _ in 0..150 {
        asked += compare(kernel, &sayable(super::random().new_tree(&mut runner).unwrap().current()));
    }
    assert!(asked > 3_000, "{asked} packets");
}

/// Compares the rules of a ruleset that only test. Returns how many packets were asked.
fn compare(kernel: Kernel, ruleset: &Ruleset) -> usize {
    let text = write(ruleset).unwrap_or_else(|unsayable| panic!("{unsayable:#?}"));
    let listing = parse(&kernel.nft_bytecode(&text));
    // The rule that closes a chain is not one of the IR.
    let mut rules: Vec<Option<(&Table, &Rule)>> = Vec::new();
    for (table, chain) in ruleset.chains() {
        rules.extend(chain.rules().iter().map(|rule| Some((table, rule))));
        rules.extend(chain.bound().filter(|base| base.policy == ChainPolicy::Drop).map(|_| None));
    }
    assert_eq!(listing.rules.len(), rules.len(), "{text}");
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let both = rules.into_iter().zip(&listing.rules).filter_map(|(rule, program)| Some((rule?, program)));
    let only_tests = both.filter(|((_, rule), _)| {
        let tests =
            rule.steps().iter().all(|step| step.test().is_some_and(|test| !matches!(test, Match::Object { .. })))
                && rule.matches().count() > 0;
        tests
            && !rule.matches().any(is_cut)
            && matches!(rule.verdict(), Some(Verdict::Accept | Verdict::Drop | Verdict::Reject(_)))
    });
    let mut asked = 0;
    for ((table, rule), program) in only_tests {
        for _ in 0..PACKETS {
            let choices = choices().new_tree(&mut runner).unwrap().current();
            for family in Family::ALL.into_iter().filter(|&family| table.family().sees(family)) {
                check(&listing, program, table, rule, &Packet::near(table, rule, family, &choices));
                asked += 1;
            }
        }
    }
    asked
}

/// nft compares no more bytes of an entry's address than a prefix has, and does not print how many.
fn is_cut(test: &Match) -> bool {
    let Match::In { selector, values: Values::Inline(set), .. } = test else { return false };
    let address = matches!(selector.field().row().needs, Needs::EntryOf(_));
    address && set.intervals().len() == 1 && set.single().is_none()
}

fn check(listing: &Listing, program: &Program, table: &Table, rule: &Rule, packet: &Packet) {
    let loads = loads(rule);
    let (ours, theirs) = (packet.passes(table, rule), listing.passes(program, packet, &loads));
    let looked_at =
        rule.matches().flat_map(Match::selectors).map(|selector| (selector.field(), packet.value(selector.field())));
    let looked_at: Vec<_> = looked_at.collect();
    assert_eq!(ours, theirs, "{rule:?}\n{program:?}\nof {listing:?}\nfor {looked_at:x?} of {packet:?}");
}

/// The fields of a rule, and those that nft asks before them, by what nft prints of their loads.
fn loads(rule: &Rule) -> BTreeMap<String, Field> {
    let tested = rule.matches().flat_map(Match::selectors).map(|selector| selector.field());
    let implied = [Field::L4proto, Field::Nfproto, Field::Iiftype, Field::MetaProtocol];
    tested.chain(implied).filter_map(|field| Some((load_name(field)?, field))).collect()
}
