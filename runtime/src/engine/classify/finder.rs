// SPDX-License-Identifier: GPL-3.0-or-later
//! The same tree over a long list of elements: which is the first that has a key.

use ringwall_ir::{Element, IntervalSet, Key, Tuple};

use super::condition::Condition;
use super::keys::Values;
use super::tree::Tree;

/// Finds the elements of one list.
#[derive(Clone, Debug)]
pub struct Finder(Tree);

/// The parts of a key that is looked for.
struct Parts<'k>(&'k [u128]);

impl Values for Parts<'_> {
    #[inline]
    fn value(&mut self, part: usize) -> Option<u128> {
        self.0.get(part).copied()
    }
}

impl Finder {
    /// For a list of elements; none for one that is walked as fast without. An element for all other keys has none of its own.
    pub fn of_elements(list: &[Element]) -> Option<Self> {
        Self::of(list.iter().map(|element| match &element.key {
            Key::Any => None,
            Key::Tuple(tuple) => Some(tuple),
        }))
    }

    /// For a list of tuples.
    pub fn of_tuples(list: &[Tuple]) -> Option<Self> {
        Self::of(list.iter().map(Some))
    }

    fn of<'a>(tuples: impl ExactSizeIterator<Item = Option<&'a Tuple>>) -> Option<Self> {
        /// Fewer are looked at one by one; in tests, each list has a tree.
        const FEW: usize = if cfg!(test) { 1 } else { 16 };
        if tuples.len() < FEW {
            return None;
        }
        let conditions: Vec<Condition> = tuples.map(condition).collect();
        Some(Self(Tree::new(&conditions)))
    }

    /// The place of the first element that has the key.
    pub fn find(&self, key: &[u128]) -> Option<usize> {
        self.0.first(&mut Parts(key), 0)
    }
}

fn condition(tuple: Option<&Tuple>) -> Condition {
    let parts = tuple.map(|tuple| tuple.0.as_slice()).unwrap_or_default();
    let tests = parts.iter().map(|&(first, last)| IntervalSet::range(first, last)).enumerate().collect();
    Condition { tests, never: tuple.is_none(), passed: 0 }
}

#[cfg(test)]
mod tests {
    use ringwall_ir::OriginId;

    use super::*;

    #[test]
    fn the_first_element_of_a_key_is_found_and_the_one_for_all_others_never() {
        let tuple = |intervals: &[(u128, u128)]| Tuple(intervals.to_vec());
        let of = |tuple| Element::of(tuple, OriginId(0));
        let others = Element { key: Key::Any, ..of(tuple(&[])) };
        let listed = [tuple(&[(1, 1), (80, 80)]), tuple(&[(0, 9), (0, 99)]), tuple(&[(1, 1), (0, u128::MAX)])];
        let list: Vec<Element> = std::iter::once(others).chain(listed.into_iter().map(of)).collect();
        let finder = Finder::of_elements(&list).unwrap();
        let cases = [([1, 80], Some(1)), ([1, 81], Some(2)), ([9, 99], Some(2)), ([1, 100], Some(3)), ([9, 100], None)];
        for (key, expected) in cases {
            assert_eq!(finder.find(&key), expected, "{key:?}");
        }
        assert_eq!(finder.find(&[1]), None, "a key with a part too few");
    }
}
