// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets of numbers as sorted, disjoint intervals. Addresses, ports and types are all numbers here.

/// A set of numbers. The intervals are closed, sorted, disjoint and never touch, so two equal sets are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntervalSet(Vec<(u128, u128)>);

impl IntervalSet {
    /// No number.
    pub const EMPTY: Self = Self(Vec::new());

    /// The numbers from `first` to `last`, both included; none if `first` is the larger.
    #[must_use]
    pub fn range(first: u128, last: u128) -> Self {
        if first <= last { Self(vec![(first, last)]) } else { Self::EMPTY }
    }

    /// One number.
    #[must_use]
    pub fn one(value: u128) -> Self {
        Self::range(value, value)
    }

    /// Every number of `bits` bits.
    #[must_use]
    pub fn full(bits: u8) -> Self {
        Self::range(0, max(bits))
    }

    /// The numbers that share the first `length` of `bits` bits with `value`.
    #[must_use]
    pub fn prefix(value: u128, length: u8, bits: u8) -> Self {
        let host = max(bits.saturating_sub(length));
        Self::range(value & !host, value | host)
    }

    /// The intervals, in order.
    #[must_use]
    pub fn intervals(&self) -> &[(u128, u128)] {
        &self.0
    }

    /// Whether there is no number in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: u128) -> bool {
        let behind = self.0.partition_point(|&(first, _)| first <= value);
        behind.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|&(_, last)| value <= last)
    }

    /// Whether every number of `other` is in it.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// The only number in it, if there is exactly one.
    #[must_use]
    pub fn single(&self) -> Option<u128> {
        match self.0.as_slice() {
            [(first, last)] if first == last => Some(*first),
            _ => None,
        }
    }

    /// Each number as an interval of its own; intervals that are too long to be listed stay.
    #[must_use]
    pub fn values(&self) -> Vec<(u128, u128)> {
        const LONG: u128 = 1 << 16;
        let mut values = Vec::new();
        for &(first, last) in &self.0 {
            if last - first < LONG {
                values.extend((first..=last).map(|value| (value, value)));
            } else {
                values.push((first, last));
            }
        }
        values
    }

    /// The numbers of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// The numbers of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            let (first, last) = (a.max(c), b.min(d));
            if first <= last {
                both.push((first, last));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        Self(both)
    }

    /// The numbers that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement(128))
    }

    /// The numbers of `bits` bits that are not in it.
    #[must_use]
    pub fn complement(&self, bits: u8) -> Self {
        let mut gaps = Vec::new();
        let mut next = Some(0);
        for &(first, last) in &self.0 {
            if let Some(start) = next
                && start < first
            {
                gaps.push((start, first - 1));
            }
            next = last.checked_add(1);
        }
        if let Some(start) = next
            && start <= max(bits)
        {
            gaps.push((start, max(bits)));
        }
        Self(gaps)
    }

    /// The prefixes that make up the set, as (first number, length), in order. The fewest there can be.
    #[must_use]
    pub fn prefixes(&self, bits: u8) -> Vec<(u128, u8)> {
        let mut prefixes = Vec::new();
        for &(first, last) in &self.0 {
            let mut start = first;
            loop {
                let mut host = (start.trailing_zeros() as u8).min(bits);
                while start | max(host) > last {
                    host -= 1;
                }
                prefixes.push((start, bits - host));
                let end = start | max(host);
                if end >= last {
                    break;
                }
                start = end + 1;
            }
        }
        prefixes
    }

    /// The prefixes of whole bytes, of 16, that make up the set, as intervals in order: of texts, the stems.
    #[must_use]
    pub fn prefixes_of_bytes(&self) -> Vec<(u128, u128)> {
        let mut stems = Vec::new();
        for (start, length) in self.prefixes(128) {
            let host = max(128 - length);
            // A prefix that ends inside of a byte is several that end with it.
            let step = max(128 - length.next_multiple_of(8));
            let mut first = start;
            loop {
                stems.push((first, first | step));
                match (first | step).checked_add(1) {
                    Some(next) if next <= start | host => first = next,
                    _ => break,
                }
            }
        }
        stems
    }
}

impl FromIterator<(u128, u128)> for IntervalSet {
    /// The union of closed intervals in any order.
    fn from_iter<I: IntoIterator<Item = (u128, u128)>>(intervals: I) -> Self {
        let mut sorted: Vec<_> = intervals.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }
}

/// The largest number of `bits` bits.
fn max(bits: u8) -> u128 {
    match bits {
        0 => 0,
        1..=127 => (1 << bits) - 1,
        _ => u128::MAX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small_set() -> impl Strategy<Value = IntervalSet> {
        proptest::collection::vec((0u128..256, 0u128..256), 0..6).prop_map(|pairs| pairs.into_iter().collect())
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_membership(a in small_set(), b in small_set(), x in 0u128..256) {
            prop_assert_eq!(a.union(&b).contains(x), a.contains(x) || b.contains(x));
            prop_assert_eq!(a.intersection(&b).contains(x), a.contains(x) && b.contains(x));
            prop_assert_eq!(a.difference(&b).contains(x), a.contains(x) && !b.contains(x));
            prop_assert_eq!(a.complement(8).contains(x), !a.contains(x));
        }

        #[test]
        fn prefixes_cover_the_set_and_nothing_else(a in small_set()) {
            let again: IntervalSet = a
                .prefixes(8)
                .into_iter()
                .flat_map(|(value, length)| IntervalSet::prefix(value, length, 8).0)
                .collect();
            prop_assert_eq!(again, a);
        }
    }

    #[test]
    fn the_widest_set_has_no_overflow() {
        let all = IntervalSet::full(128);
        assert!(all.contains(u128::MAX));
        assert!(all.complement(128).is_empty());
        assert_eq!(all.prefixes(128), [(0, 0)]);
        assert_eq!(IntervalSet::one(u128::MAX).complement(128), IntervalSet::range(0, u128::MAX - 1));
    }
}
