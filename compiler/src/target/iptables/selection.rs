// SPDX-License-Identifier: GPL-3.0-or-later
//! What the tests of a rule leave of the values of each field. An option of iptables is given once, so all tests of a
//! field become one.

use ringwall_ir::IntervalSet;

/// What is left of the values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of them.
    #[default]
    Any,
    /// These.
    In(IntervalSet),
    /// All but these.
    NotIn(IntervalSet),
}

impl Selection {
    /// The same selection without more exceptions than a line has room for: what is left of the values of `bits` bits.
    /// `count` says how many tests a set takes.
    pub(super) fn with_few_exceptions(self, bits: u8, count: impl Fn(&IntervalSet) -> usize) -> Self {
        const FEW: usize = 16;
        match self {
            Self::NotIn(set) if count(&set) > FEW => Self::In(set.complement(bits)),
            few => few,
        }
    }
}

/// What several tests of one field of `bits` bits leave of it; none where they leave nothing. The sets of tests that are
/// negated are excepted.
pub(super) fn select(bits: u8, tests: &[(&IntervalSet, bool)]) -> Option<Selection> {
    let all = IntervalSet::full(bits);
    let mut within = all.clone();
    let mut without = IntervalSet::EMPTY;
    for (set, negated) in tests {
        if *negated {
            without = without.union(set);
        } else {
            within = within.intersection(set);
        }
    }
    let left = within.difference(&without);
    match () {
        () if left.is_empty() => None,
        () if left == all => Some(Selection::Any),
        () if within == all => Some(Selection::NotIn(without)),
        () => Some(Selection::In(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_a_field_become_one() {
        let (low, high, edge) = (IntervalSet::range(0, 99), IntervalSet::range(50, 255), IntervalSet::one(60));
        let all = IntervalSet::full(8);
        assert_eq!(select(8, &[(&low, false), (&high, false)]), Some(Selection::In(IntervalSet::range(50, 99))));
        assert_eq!(select(8, &[(&edge, true)]), Some(Selection::NotIn(edge.clone())));
        let low_and_150 = low.union(&IntervalSet::one(150));
        assert_eq!(select(8, &[(&low, true), (&IntervalSet::one(150), true)]), Some(Selection::NotIn(low_and_150)));
        assert_eq!(select(8, &[(&edge, false), (&low, true)]), None);
        assert_eq!(select(8, &[(&all, false), (&IntervalSet::EMPTY, true)]), Some(Selection::Any));
        assert_eq!(Selection::NotIn(low).with_few_exceptions(8, |_| 17), Selection::In(IntervalSet::range(100, 255)));
    }
}
