// SPDX-License-Identifier: GPL-3.0-or-later
//! The strategies build all of the IR, and nothing that is not wanted.

use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::words::{ChainType, Hook};

/// As many values of a strategy, the same ones each time.
fn drawn<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn every_row_and_form_is_built() {
    let coverages: Vec<_> = drawn(ruleset(Options::all()), 400).iter().map(coverage).collect();
    let counts = |name| coverages.iter().map(|uses| uses[name]).sum::<usize>();
    for name in coverages[0].keys() {
        println!("{:>6} {name}", counts(name));
    }
    assert_eq!(unused(&coverages), Vec::<&str>::new());
}

#[test]
fn rows_that_are_not_wanted_are_not_built() {
    fn wanted(row: &Row) -> bool {
        handled(row.cells().iptables)
    }
    let options = Options { named: false, unknowns: false, ..Options::all().wanting(wanted) };
    let rulesets = drawn(ruleset(options), 60);
    let coverages: Vec<_> = rulesets.iter().map(coverage).collect();
    let used = |name| coverages.iter().any(|uses| uses[name] > 0);
    let rows = Row::all();
    let built: Vec<_> = rows.filter(|row| !wanted(row) && used(row.name())).map(|row| row.name().to_owned()).collect();
    assert_eq!(built, Vec::<String>::new());
    assert!(used("tcp dport") && used("ct state") && used("reject"));
}

#[test]
fn rules_have_a_meaning_where_they_are_asked_for() {
    for kind in ChainType::ALL {
        for place in Hook::ALL.into_iter().filter_map(|hook| Place::new(kind, hook)) {
            for family in TableFamily::ALL {
                for rule in drawn(rule_for(Options::all(), place, family), 30) {
                    assert_eq!(place.check(&rule), Ok(()), "{rule}");
                }
            }
        }
    }
}
