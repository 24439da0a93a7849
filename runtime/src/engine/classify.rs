// SPDX-License-Identifier: GPL-3.0-or-later
//! The classifier: of a long chain, the next rule that a packet can meet with any effect.
//!
//! It decides nothing. A rule is passed over where one of its first tests fails, those in front of everything that counts
//! or changes something, so that nothing would come of it. The rule that is left is then run by the interpreter, from the
//! first step on that the classifier did not decide, and behind it the classifier is asked anew, for the rule may have changed
//! what later ones test. So whatever the classifier does not know, it does not pass over, and with it or without it a ruleset
//! decides alike and counts alike.

mod condition;
mod cut;
mod grow;
mod keys;
mod passing;
mod tree;

use ringwall_ir::{Chain, Selector, Table};

use self::condition::Condition;
use self::keys::Reader;
use self::tree::Tree;
use super::View;

/// The most fields that are looked at for one chain; others are left to the interpreter.
const KEYS_MAX: usize = 16;

/// Finds the rules of one chain.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    readers: Vec<Reader>,
    /// For each rule, how many of its steps are passed where its condition is met.
    passed: Vec<u32>,
    tree: Tree,
}

impl Classifier {
    /// A classifier for a chain; none for one that is walked as fast without. `is_live` says of a named set of the table
    /// whether packets change it or its elements count.
    pub fn new(table: &Table, chain: &Chain, is_live: impl Fn(&str) -> bool) -> Option<Self> {
        /// Fewer rules than this are walked one by one; in tests, each chain has a classifier.
        const FEW: usize = if cfg!(test) { 1 } else { 8 };
        if chain.rules().len() < FEW {
            return None;
        }
        let mut selectors: Vec<Selector> = Vec::new();
        let conditions = chain.rules().iter().map(|rule| Condition::of(rule, table, &is_live, &mut selectors));
        let rules: Vec<Condition> = conditions.collect();
        if selectors.is_empty() {
            return None;
        }
        let readers = selectors.into_iter().map(Reader::of).collect();
        let passed = rules.iter().map(|rule| rule.passed).collect();
        Some(Self { readers, passed, tree: Tree::new(&rules) })
    }

    /// The first rule from a number on whose first tests the packet passes, and how many of its steps are passed with them.
    pub fn first(&self, view: &View<'_>, from: usize) -> Option<(usize, usize)> {
        let mut keys = keys::Keys::new(&self.readers, view);
        let rule = self.tree.first(&mut keys, from)?;
        Some((rule, self.passed.get(rule).map_or(0, |&passed| passed as usize)))
    }
}
