// SPDX-License-Identifier: GPL-3.0-or-later
//! The values of one key in classes: stretches of values, each with a child of its own.

/// The classes of one key.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The number of the key.
    pub key: usize,
    /// The child of the values in front of all bounds.
    before: u32,
    bounds: Bounds,
    /// Where to look among the bounds: how many stand in front of each of the equal stretches that they are parted into.
    starts: Vec<u32>,
    shift: u32,
}

/// Where each class but the first begins, in order, with its child. Most keys are short, and so lie close together.
#[derive(Clone, Debug)]
enum Bounds {
    Short(Vec<(u32, u32)>),
    Long(Vec<(u128, u32)>),
}

impl Cut {
    /// The cut of a key at bounds, of which there is at least one; each has its child, and so have the values before.
    pub fn new(key: usize, before: u32, bounds: &[(u128, u32)]) -> Self {
        let (first, last) = (bounds.first().map_or(0, |bound| bound.0), bounds.last().map_or(0, |bound| bound.0));
        let wanted = bounds.len().next_power_of_two().trailing_zeros();
        let shift = (u128::BITS - (last - first).leading_zeros()).saturating_sub(wanted);
        let stretch_of = |bound: u128| usize::try_from((bound - first) >> shift).unwrap_or(usize::MAX);
        let mut starts = vec![0_u32; stretch_of(last) + 2];
        let mut at = 0;
        for (stretch, start) in starts.iter_mut().enumerate() {
            while bounds.get(at).is_some_and(|&(bound, _)| stretch_of(bound) < stretch) {
                at += 1;
            }
            *start = u32::try_from(at).unwrap_or(u32::MAX);
        }
        let short: Result<Vec<_>, _> =
            bounds.iter().map(|&(bound, child)| u32::try_from(bound).map(|bound| (bound, child))).collect();
        let bounds = short.map_or_else(|_| Bounds::Long(bounds.to_vec()), Bounds::Short);
        Self { key, before, bounds, starts, shift }
    }

    /// What belongs to the class of a value.
    #[inline]
    pub fn child(&self, value: u128) -> u32 {
        match &self.bounds {
            Bounds::Short(bounds) => {
                let value = u32::try_from(value).unwrap_or(u32::MAX);
                let stretch = |above: u32| above.checked_shr(self.shift).unwrap_or(0) as usize;
                self.within(bounds, value, bounds.first().and_then(|first| value.checked_sub(first.0)).map(stretch))
            }
            Bounds::Long(bounds) => {
                let stretch = |above: u128| usize::try_from(above >> self.shift).unwrap_or(usize::MAX);
                self.within(bounds, value, bounds.first().and_then(|first| value.checked_sub(first.0)).map(stretch))
            }
        }
    }

    /// The child of a value in a stretch; none: it is in front of all bounds.
    #[inline]
    fn within<T: Copy + Ord>(&self, bounds: &[(T, u32)], value: T, stretch: Option<usize>) -> u32 {
        /// Few bounds are looked at one by one.
        const FEW: usize = 8;
        let Some(stretch) = stretch else { return self.before };
        let stretch = stretch.min(self.starts.len().saturating_sub(2));
        let Some(&[first, last]) = self.starts.get(stretch..stretch + 2) else { return self.before };
        let inside = bounds.get(first as usize..last as usize).unwrap_or_default();
        let behind = if inside.len() > FEW {
            inside.partition_point(|&(bound, _)| bound <= value)
        } else {
            inside.iter().take_while(|&&(bound, _)| bound <= value).count()
        };
        (first as usize + behind).checked_sub(1).and_then(|at| bounds.get(at)).map_or(self.before, |&(_, child)| child)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_class_of_a_value_begins_at_the_last_bound_up_to_it(
            bounds in prop_oneof![
                prop::collection::btree_set(prop_oneof![0..40_u128, 0..=u128::from(u32::MAX)], 1..60),
                prop::collection::btree_set(prop_oneof![0..40_u128, any::<u128>(), Just(u128::MAX)], 1..60),
            ],
            other in any::<u128>(),
        ) {
            let bounds: Vec<(u128, u32)> = bounds.into_iter().zip(1..).collect();
            let cut = Cut::new(0, 0, &bounds);
            let around = |&(at, _): &(u128, u32)| [at.saturating_sub(1), at, at.saturating_add(1)];
            for value in bounds.iter().flat_map(around).chain([other, 0]) {
                let expected = u32::try_from(bounds.partition_point(|&(bound, _)| bound <= value)).unwrap();
                prop_assert_eq!(cut.child(value), expected);
            }
        }
    }
}
