// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets over all of the IR: the same through nft and over netlink, and the same when they come back.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::arbitrary::{self, Options, Row, handled};
use ringwall_ir::{Chain, Ruleset, Table};
use ringwall_kernel::install::{InstallError, apply, normal, read_ruleset};

use crate::listing::comparable;
use crate::private::{flush, in_namespace, try_list};
use crate::sayable;
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
fn listed() -> String {
    try_list().map_or_else(|| "nothing".to_owned(), |list| comparable(&list))
}

#[test]
fn random_rulesets_are_what_nft_loads_and_come_back() {
    in_namespace("random::random_rulesets_are_what_nft_loads_and_come_back", || {
        let cases = std::env::var("RINGWALL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
        let (loaded, rules, refused) = (Cell::new(0), Cell::new(0), RefCell::new(BTreeMap::new()));
        let result = runner(cases).run(&arbitrary::ruleset(options()), |ruleset| {
            let ruleset = whole_seconds(&ruleset);
            flush();
            match apply(&ruleset) {
                Ok(applied) => prop_assert_eq!(applied.left_out, []),
                Err(error @ InstallError::Unsayable { .. }) => {
                    eprintln!("not sayable: {error}");
                    return Ok(());
                }
                Err(error) => return Err(TestCaseError::fail(format!("{error}\n{ruleset}"))),
            }
            let read = timeless(&read_ruleset().unwrap());
            let expected: Vec<_> = normal(&ruleset).unwrap().iter().map(timeless).collect();
            for expected in &expected {
                for (name, table) in tables(expected) {
                    let found = tables(&read).remove(&name).unwrap_or_default();
                    same(&found, &table)?;
                }
            }
            let (said, reasons) = sayable::loaded(&ruleset);
            for reason in reasons {
                *refused.borrow_mut().entry(reason).or_insert(0) += 1;
            }
            let Some(said) = said else { return Ok(()) };
            let theirs = listed();
            flush();
            apply(&said).unwrap();
            same(&listed(), &theirs)?;
            rules.set(rules.get() + said.tables.iter().flat_map(Table::chains).flat_map(Chain::rules).count());
            loaded.set(loaded.get() + 1);
            Ok(())
        });
        let (loaded, rules) = (loaded.get(), rules.get());
        eprintln!(
            "{loaded} of {cases} rulesets, with {rules} rules, listed alike; refused by nft: {:#?}",
            refused.borrow()
        );
        if let Err(error) = result {
            panic!("{error}");
        }
    });
}
