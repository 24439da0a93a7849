// SPDX-License-Identifier: GPL-3.0-or-later
//! The elements of sets, as plain intervals or with all that there is to say of each.

use super::{Element, Role, SetSpec, Tuple};
use crate::interval::IntervalSet;
use crate::ruleset::OriginId;

/// The elements of a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Elements {
    /// Values of a key of one part, of which there is no more to say. All come from the sentence that the set comes from.
    Intervals(IntervalSet),
    /// Others, by their keys.
    List(Vec<Element>),
}

impl Elements {
    /// None.
    pub const NONE: Self = Self::Intervals(IntervalSet::EMPTY);

    /// Intervals of one part that were read of a set, of which there is no more to say. In a set whose elements outlive the
    /// replacement of the ruleset, neighbours stay as many as they are: one for all of them would overlap with those that
    /// are there.
    #[must_use]
    pub fn read(spec: &SetSpec, intervals: Vec<(u128, u128)>, origin: OriginId) -> Self {
        let values: IntervalSet = intervals.iter().copied().collect();
        let merged = values.intervals().len() < intervals.len();
        if merged && spec.role() == Role::Dynamic && spec.flags.interval && !spec.auto_merge {
            let element = |interval| Element::of(Tuple(vec![interval]), origin);
            return Self::List(intervals.into_iter().map(element).collect());
        }
        Self::Intervals(values)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Intervals(set) => set.intervals().len(),
            Self::List(list) => list.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
