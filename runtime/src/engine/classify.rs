// SPDX-License-Identifier: GPL-3.0-or-later
//! The classifier: of a long chain, the next rule that a packet can meet with any effect.
//!
//! It decides nothing. A rule is passed over where one of its first tests fails, those in front of everything that counts
//! or changes something, so that nothing would come of it. The rule that is left is then run by the interpreter, from the
//! first step on that the classifier did not test (where nothing is left but to accept or to drop, that is all), and behind
//! it the classifier is asked anew, for the rule may have changed what later ones test. So whatever the classifier does not know, it does not pass over, and with it or without it a ruleset
//! decides alike and counts alike.
//!
//! Long lists of elements, of sets and maps, are searched by the same trees: see [`finder`].

mod condition;
mod cut;
mod finder;
mod grow;
mod keys;
mod passing;
mod tree;

use ringwall_ir::{Chain, OriginId, Rule, Selector, Table, Verdict};

use self::condition::Condition;
pub(super) use self::finder::Finder;
use self::keys::Reader;
use self::tree::Tree;
use super::View;

/// The most fields that are looked at for one chain; others are left to the interpreter.
const KEYS_MAX: usize = 16;

/// Finds the rules of one chain.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    readers: Vec<Reader>,
    /// What is left of each rule where its condition is met.
    rests: Vec<Rest>,
    tree: Tree,
}

/// What is left of a rule where its condition is met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    /// How many of its steps are passed.
    pub passed: u32,
    /// All are, and the verdict is one of the two that look at nothing more.
    pub ends: Option<Ends>,
    /// Where the rule comes from.
    pub origin: OriginId,
}

/// A verdict that ends the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Accept,
    Drop,
}

impl Rest {
    /// All of a rule.
    pub const ALL: Self = Self { passed: 0, ends: None, origin: OriginId(0) };

    fn of(rule: &Rule, condition: &Condition) -> Self {
        let whole = u32::try_from(rule.steps().len()) == Ok(condition.passed);
        let ends = match rule.verdict() {
            Some(Verdict::Accept) if whole => Some(Ends::Accept),
            Some(Verdict::Drop) if whole => Some(Ends::Drop),
            _ => None,
        };
        Self { passed: condition.passed, ends, origin: rule.origin() }
    }
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
        let rests = chain.rules().iter().zip(&rules).map(|(rule, condition)| Rest::of(rule, condition)).collect();
        Some(Self { readers, rests, tree: Tree::new(&rules) })
    }

    /// The first rule from a number on whose first tests the packet passes, and what is left of it.
    #[inline]
    pub fn first(&self, view: &View<'_>, from: usize) -> Option<(usize, Rest)> {
        let mut keys = keys::Keys::new(&self.readers, view);
        let rule = self.tree.first(&mut keys, from)?;
        Some((rule, *self.rests.get(rule)?))
    }
}
