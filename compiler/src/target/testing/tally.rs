// SPDX-License-Identifier: GPL-3.0-or-later
//! What was seen of random rulesets, so that a test can be seen to have looked at something.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ringwall_ir::Ruleset;
use ringwall_ir::arbitrary::{Row, coverage, unused};

use crate::target::Unsayable;

/// What was seen of all rulesets together.
#[derive(Default)]
pub struct Tally {
    rules: usize,
    /// What was not said, by its reason without names and numbers.
    refused: BTreeMap<String, usize>,
    coverages: Vec<BTreeMap<&'static str, usize>>,
}

impl Tally {
    pub fn refuse(&mut self, refused: &[Unsayable]) {
        for each in refused {
            *self.refused.entry(general(&each.reason)).or_default() += 1;
        }
    }

    /// Takes a ruleset in of which so many rules were compared.
    pub fn take(&mut self, ruleset: &Ruleset, rules: usize) {
        self.rules += rules;
        self.coverages.push(coverage(ruleset));
    }

    /// Prints all of it; of the rows that no ruleset has, those that are wanted. Asserts that it is more than a little.
    pub fn tell(&self, wanted: fn(&Row) -> bool) {
        println!("{} rulesets with {} rules are the same", self.coverages.len(), self.rules);
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| Reverse(**count));
        for (reason, count) in reasons {
            println!("refused {count}: {reason}");
        }
        let unused = unused(&self.coverages);
        let missed: Vec<_> =
            Row::all().filter(wanted).map(|row| row.name()).filter(|name| unused.contains(name)).collect();
        println!("rows of the table that no ruleset has: {missed:?}");
        assert!(self.rules > 100, "{} rules", self.rules);
    }
}

/// A reason without the names and numbers that it speaks of, for counting.
fn general(reason: &str) -> String {
    let parts = reason.split('`').enumerate();
    let named: String = parts.map(|(place, part)| if place % 2 == 0 { part } else { "..." }).collect();
    let words =
        named.split(' ').map(|word| if word.starts_with(|first: char| first.is_ascii_digit()) { "N" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
