// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets over all of the IR: the same through nft and over netlink, and the same when they come back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::arbitrary::{self, Options, Row, coverage, handled, unused};
use ringwall_ir::{Chain, Ruleset, Table};
use ringwall_kernel::install::{InstallError, apply, normal, read_ruleset};

use crate::listing::comparable;
use crate::private::{flush, in_namespace, try_list};
use crate::sayable;
use crate::text::nft_text;
use crate::times::{timeless, whole_seconds};

pub fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

pub fn options() -> Options {
    let here = |row: &Row| handled(row.cells().netlink) && handled(row.cells().read_back) && row.name() != "queue";
    Options::loadable().wanting(here)
}

/// Each table of a ruleset by itself, as `normal` gives them.
fn tables(ruleset: &Ruleset) -> BTreeMap<(&'static str, String), String> {
    let tables = ruleset.tables.iter().map(|table| {
        let alone = Ruleset { tables: vec![table.clone()], ..ruleset.clone() };
        ((table.family().name(), table.name().to_owned()), alone.to_string())
    });
    tables.collect()
}

/// Equal texts; else the lines that differ.
fn same(ours: &str, theirs: &str) -> Result<(), TestCaseError> {
    if ours == theirs {
        return Ok(());
    }
    let lines = ours.lines().zip(theirs.lines()).filter(|(ours, theirs)| ours != theirs);
    let differing: Vec<_> = lines.map(|(ours, theirs)| format!("  {ours}\n  {theirs}")).take(4).collect();
    Err(TestCaseError::fail(format!(
        "differing (found, expected):\n{}\n---\n{ours}\n---\n{theirs}",
        differing.join("\n\n")
    )))
}

/// What nft lists; it does not survive some of what it loads.
fn listed() -> Option<String> {
    try_list().map(|list| comparable(&list))
}

/// How many rulesets are drawn in the ordinary suite, and in the whole one (`RINGWALL_FULL`).
const CASES: (u32, u32) = (150, 2000);
/// How many of those that differ are shown.
const SHOWN: usize = 5;

/// What came of all rulesets together.
#[derive(Default)]
struct Tally {
    read_back: usize,
    listed_alike: usize,
    rules: usize,
    /// What nft does not load or does not list, by its words.
    refused: BTreeMap<String, usize>,
    /// What the kernel cannot be told, by its reason.
    unsayable: BTreeMap<String, usize>,
    coverages: Vec<BTreeMap<&'static str, usize>>,
}

/// Installs, reads back, and compares with what nft makes of the same.
fn hold(ruleset: &Ruleset, tally: &mut Tally) -> Result<(), TestCaseError> {
    flush();
    match apply(ruleset) {
        Ok(applied) => prop_assert_eq!(applied.left_out, []),
        Err(InstallError::Unsayable { reason, .. }) => {
            *tally.unsayable.entry(reason).or_default() += 1;
            return Ok(());
        }
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{ruleset}"))),
    }
    let read = timeless(&read_ruleset().unwrap());
    for expected in normal(ruleset).unwrap().iter().map(timeless) {
        for (name, table) in tables(&expected) {
            same(&tables(&read).remove(&name).unwrap_or_default(), &table)?;
        }
    }
    tally.read_back += 1;
    tally.coverages.push(coverage(ruleset));
    let (said, reasons) = sayable::loaded(ruleset);
    for reason in reasons {
        *tally.refused.entry(reason).or_default() += 1;
    }
    let Some(said) = said else { return Ok(()) };
    let Some(theirs) = listed() else { return Ok(()) };
    flush();
    apply(&said).unwrap();
    same(&listed().unwrap_or_default(), &theirs)
        .map_err(|error| TestCaseError::fail(format!("{error}\n---\n{}", nft_text(&said))))?;
    tally.rules += said.tables.iter().flat_map(Table::chains).flat_map(Chain::rules).count();
    tally.listed_alike += 1;
    Ok(())
}

#[test]
fn random_rulesets_are_what_nft_loads_and_come_back() {
    in_namespace("random::random_rulesets_are_what_nft_loads_and_come_back", || {
        let cases = if std::env::var_os("RINGWALL_FULL").is_some() { CASES.1 } else { CASES.0 };
        let mut runner = runner(cases);
        let strategy = arbitrary::ruleset(options());
        let (mut tally, mut failures) = (Tally::default(), Vec::new());
        for number in 0..cases {
            let ruleset = whole_seconds(&strategy.new_tree(&mut runner).unwrap().current());
            if let Err(error) = hold(&ruleset, &mut tally) {
                failures.push(format!("ruleset {number}: {error}"));
            }
        }
        let Tally { read_back, listed_alike, rules, refused, unsayable, coverages } = tally;
        eprintln!(
            "{read_back} of {cases} rulesets came back the same; {listed_alike}, with {rules} rules, are listed alike"
        );
        eprintln!("not to be told to the kernel: {unsayable:#?}");
        eprintln!("not loaded or not listed by nft: {refused:#?}");
        eprintln!("rows of the table that no ruleset has: {:?}", unused(&coverages));
        let shown = failures.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n======\n");
        assert!(failures.is_empty(), "{} of {cases} differ:\n{shown}", failures.len());
    });
}
