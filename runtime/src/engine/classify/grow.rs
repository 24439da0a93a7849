// SPDX-License-Identifier: GPL-3.0-or-later
//! How a tree is made.
//!
//! Each cut takes the key that leaves the fewest rules for a packet. Rules whose values are in very many classes, and those
//! that do not test the key, would be in the way of the others: they stand in a tree of their own, and the first rule of
//! both is the first. So the tree never holds more than some times as many rules as there are.

use std::collections::HashMap;

use ringwall_ir::IntervalSet;

use super::condition::Condition;
use super::cut::Cut;
use super::passing::{Tests, short_ends};
use super::tree::{Candidate, Kind, Node, Tree};

/// The tree of a chain's rules, in order.
pub fn tree(rules: &[Condition]) -> Tree {
    let mut tests = Tests::default();
    let first_tests = rules.iter().map(|rule| tests.add(rule)).collect();
    let keys = rules.iter().flat_map(|rule| &rule.tests).map(|(key, _)| key + 1).max().unwrap_or(0);
    let met = rules.iter().zip(0_u32..).filter(|(rule, _)| !rule.never).map(|(_, number)| number).collect();
    let empty = Node::new(&Kind::Leaf(0));
    let tree = Tree { cuts: Vec::new(), pairs: Vec::new(), leaves: Vec::new(), tests, root: empty };
    let room = 64 * rules.len() + 4096;
    let mut grower = Grower { tree, rules, first_tests, keys, known: HashMap::new(), room };
    grower.tree.root = grower.grow(met, 0);
    grower.tree
}

struct Grower<'r> {
    tree: Tree,
    rules: &'r [Condition],
    first_tests: Vec<u32>,
    keys: usize,
    /// The nodes that there are, by their rules.
    known: HashMap<Vec<u32>, Node>,
    /// How many more rules the leaves may hold.
    room: usize,
}

/// A cut that could be made.
struct Plan {
    key: usize,
    /// The rules that are parted by it, and those that are not.
    narrow: Vec<u32>,
    wide: Vec<u32>,
    /// How many rules are left for a packet, about, times [`SCALE`].
    left: usize,
}

const SCALE: usize = 16;

impl Grower<'_> {
    /// Makes the node of some rules, in order.
    fn grow(&mut self, rules: Vec<u32>, depth: usize) -> Node {
        /// So few rules are a leaf; in tests, short chains have cuts too.
        const FEW: usize = if cfg!(test) { 1 } else { 12 };
        const DEEP: usize = 16;
        if let Some(&node) = self.known.get(&rules) {
            return node;
        }
        let plan = (rules.len() > FEW && depth < DEEP && self.room > 0).then(|| self.plan(&rules)).flatten();
        let node = match plan {
            Some(plan) if plan.wide.is_empty() => self.cut(plan.key, &plan.narrow, depth),
            Some(plan) => {
                let narrow = self.cut(plan.key, &plan.narrow, depth);
                let wide = self.grow(plan.wide, depth + 1);
                self.tree.pairs.push((narrow, wide));
                Node::new(&Kind::Pair(self.tree.pairs.len() - 1))
            }
            None => self.leaf(&rules),
        };
        self.known.insert(rules, node);
        node
    }

    /// A leaf; its key is the one that leaves the fewest of its rules.
    fn leaf(&mut self, rules: &[u32]) -> Node {
        let place = self.tree.leaves.len();
        self.room = self.room.saturating_sub(rules.len());
        let key = (0..self.keys).min_by_key(|&key| self.left_by(key, rules)).filter(|_| rules.len() > 1);
        let count = u32::try_from(rules.len()).unwrap_or(0);
        let named = key.and_then(|key| u32::try_from(key).ok()).unwrap_or(Candidate::NO_KEY);
        self.tree.leaves.push(Candidate::head(named, count));
        for &rule in rules {
            let (first, last) =
                key.and_then(|key| self.values(rule, key)).and_then(short_ends).unwrap_or((0, u32::MAX));
            let tests = usize::try_from(rule).ok().and_then(|rule| self.first_tests.get(rule)).copied();
            self.tree.leaves.push(Candidate { first, last, rule, tests: tests.unwrap_or(u32::MAX) });
        }
        Node::new(&Kind::Leaf(place))
    }

    /// How much of the key's values rules take, summed; the less, the more of them a value spares.
    fn left_by(&self, key: usize, rules: &[u32]) -> u64 {
        let (mut widest, mut sum) = (1, 0_u64);
        for &rule in rules {
            let (first, last) = self.values(rule, key).and_then(short_ends).unwrap_or((0, u32::MAX));
            widest = widest.max(last);
            sum += u64::from(last - first) + 1;
        }
        sum.saturating_mul(1 << 16) / u64::from(widest)
    }

    fn values(&self, rule: u32, key: usize) -> Option<&IntervalSet> {
        let rule = self.rules.get(usize::try_from(rule).ok()?)?;
        rule.tests.iter().find(|(other, _)| *other == key).map(|(_, values)| values)
    }

    /// The best cut; none where no cut spares a packet a quarter of the rules.
    fn plan(&self, rules: &[u32]) -> Option<Plan> {
        let plans = (0..self.keys).filter_map(|key| self.plan_for(key, rules));
        plans.min_by_key(|plan| plan.left).filter(|plan| plan.left * 4 <= rules.len() * SCALE * 3)
    }

    fn plan_for(&self, key: usize, rules: &[u32]) -> Option<Plan> {
        /// Rules are in so many classes each, on the average.
        const CLASSES: usize = 24;
        let bounds = self.bounds(key, rules);
        if bounds.is_empty() {
            return None;
        }
        let class = |value: u128| bounds.partition_point(|&bound| bound <= value);
        let classes = |&(first, last): &(u128, u128)| class(last) - class(first) + 1;
        let spread = |&rule: &u32| {
            let values = self.values(rule, key)?;
            Some((values.intervals().iter().map(classes).sum::<usize>(), rule))
        };
        let mut spreads: Vec<_> = rules.iter().filter_map(spread).collect();
        spreads.sort_unstable();
        let (mut sum, mut narrow) = (0, Vec::new());
        for &(classes, rule) in &spreads {
            if sum + classes > rules.len() * CLASSES {
                break;
            }
            sum += classes;
            narrow.push(rule);
        }
        narrow.sort_unstable();
        let wide: Vec<u32> = rules.iter().copied().filter(|rule| narrow.binary_search(rule).is_err()).collect();
        let left = sum * SCALE / (bounds.len() + 1) + wide.len() * SCALE;
        Some(Plan { key, narrow, wide, left })
    }

    /// Where the values of rules begin and end.
    fn bounds(&self, key: usize, rules: &[u32]) -> Vec<u128> {
        let intervals = rules.iter().filter_map(|&rule| self.values(rule, key)).flat_map(IntervalSet::intervals);
        let edges = intervals.flat_map(|&(first, last)| [Some(first), last.checked_add(1)]);
        let mut bounds: Vec<u128> = edges.flatten().collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    fn cut(&mut self, key: usize, rules: &[u32], depth: usize) -> Node {
        let bounds = self.bounds(key, rules);
        let mut classes: Vec<Vec<u32>> = vec![Vec::new(); bounds.len() + 1];
        for &rule in rules {
            for &(first, last) in self.values(rule, key).map(IntervalSet::intervals).unwrap_or_default() {
                let from = bounds.partition_point(|&bound| bound <= first);
                let to = bounds.partition_point(|&bound| bound <= last);
                classes.iter_mut().take(to + 1).skip(from).for_each(|class| class.push(rule));
            }
        }
        let mut children = classes.into_iter().map(|class| self.grow(class, depth + 1).number());
        let before = children.next().unwrap_or_default();
        let bounds: Vec<_> = bounds.iter().copied().zip(children).collect();
        self.tree.cuts.push(Cut::new(key, before, &bounds));
        Node::new(&Kind::Cut(self.tree.cuts.len() - 1))
    }
}
