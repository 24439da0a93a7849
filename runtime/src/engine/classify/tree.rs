// SPDX-License-Identifier: GPL-3.0-or-later
//! A tree of cuts over the conditions of a chain's rules.

use super::condition::Condition;
use super::cut::Cut;
use super::grow;
use super::keys::Values;
use super::passing::Tests;

/// A tree, by its root.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) cuts: Vec<Cut>,
    /// Pairs of nodes.
    pub(super) pairs: Vec<(Node, Node)>,
    /// The rules of all leaves, leaf by leaf, each behind a head.
    pub(super) leaves: Vec<Candidate>,
    pub(super) tests: Tests,
    pub(super) root: Node,
}

/// What is left of a chain for a packet: told by a kind and a place, in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(u32);

/// What a node is.
pub enum Kind {
    /// The place of its head among the rules of leaves.
    Leaf(usize),
    /// The place of its cut. Packets without the key meet none of its rules.
    Cut(usize),
    /// The place of two nodes that must both be asked.
    Pair(usize),
}

impl Node {
    const PLACE: u32 = (1 << 30) - 1;

    pub fn new(kind: &Kind) -> Self {
        let (tag, place) = match *kind {
            Kind::Leaf(place) => (0, place),
            Kind::Cut(place) => (1, place),
            Kind::Pair(place) => (2, place),
        };
        Self(tag << 30 | u32::try_from(place).unwrap_or(u32::MAX) & Self::PLACE)
    }

    pub const fn of_number(number: u32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u32 {
        self.0
    }

    #[inline]
    const fn kind(self) -> Kind {
        let place = (self.0 & Self::PLACE) as usize;
        match self.0 >> 30 {
            0 => Kind::Leaf(place),
            1 => Kind::Cut(place),
            _ => Kind::Pair(place),
        }
    }
}

/// A rule in a leaf, with the values that it wants of the leaf's key, if that is a short one. In the head of a leaf stand the
/// key, or none, and the number of rules.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub first: u32,
    pub last: u32,
    pub rule: u32,
    /// Where its tests begin.
    pub tests: u32,
}

impl Candidate {
    /// The key of a leaf that has none.
    pub const NO_KEY: u32 = u32::MAX;

    pub const fn head(key: u32, count: u32) -> Self {
        Self { first: key, last: count, rule: 0, tests: 0 }
    }
}

impl Tree {
    /// The tree of a chain's rules, in order.
    pub fn new(rules: &[Condition]) -> Self {
        grow::tree(rules)
    }

    /// The first rule from a number on whose condition the packet meets.
    pub fn first(&self, keys: &mut impl Values, from: usize) -> Option<usize> {
        let rule = self.below(self.root, keys, u32::try_from(from).ok()?, u32::MAX)?;
        usize::try_from(rule).ok()
    }

    /// The first rule of a node between two numbers.
    fn below(&self, mut node: Node, keys: &mut impl Values, from: u32, end: u32) -> Option<u32> {
        loop {
            match node.kind() {
                Kind::Cut(place) => {
                    let cut = self.cuts.get(place)?;
                    node = Node::of_number(cut.child(keys.value(cut.key)?));
                }
                Kind::Pair(place) => {
                    let &(one, other) = self.pairs.get(place)?;
                    let found = self.below(one, keys, from, end);
                    return self.below(other, keys, from, found.unwrap_or(end)).or(found);
                }
                Kind::Leaf(place) => return self.among(place, keys, from, end),
            }
        }
    }

    /// The first rule of a leaf between two numbers.
    fn among(&self, place: usize, keys: &mut impl Values, from: u32, end: u32) -> Option<u32> {
        let head = self.leaves.get(place)?;
        let rules = self.leaves.get(place + 1..place + 1 + head.last as usize)?;
        // A value that is not there, or too long, is in no interval of short values but the widest.
        let value = if head.first == Candidate::NO_KEY { None } else { keys.value(head.first as usize) };
        let value = value.and_then(|value| u32::try_from(value).ok());
        for rule in rules {
            let passes = value.is_none_or(|value| rule.first <= value && value <= rule.last);
            if passes && rule.rule >= from {
                if rule.rule >= end {
                    return None;
                }
                if self.tests.are_passed(rule.tests, keys) {
                    return Some(rule.rule);
                }
            }
        }
        None
    }
}
