// SPDX-License-Identifier: GPL-3.0-or-later
//! Where packets find an entry: the places of entries by a hash of their tuples, in one row of numbers, so that a search
//! seldom looks at more than one line of memory.

/// Places by hashes. Which of those with one hash is meant, the caller knows.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The hash in the upper half, one more than the place in the lower; zero where nothing stands. A power of two of them,
    /// or none.
    row: Vec<u64>,
    held: usize,
}

/// What stands in the row for a place.
const fn taken(hash: u32, place: u32) -> u64 {
    (hash as u64) << 32 | (place as u64 + 1)
}

impl Index {
    /// The highest place that can be held.
    pub const LAST: u32 = u32::MAX - 1;

    /// Adds a place, at most [`Self::LAST`].
    pub fn insert(&mut self, hash: u32, place: u32) {
        const FIRST: usize = 64;
        // At most three quarters are taken.
        if (self.held + 1) * 4 > self.row.len() * 3 {
            let larger = vec![0; (self.row.len() * 2).max(FIRST)];
            for taken in std::mem::replace(&mut self.row, larger).into_iter().filter(|taken| *taken != 0) {
                self.put(taken);
            }
        }
        self.put(taken(hash, place));
        self.held += 1;
    }

    fn put(&mut self, taken: u64) {
        let mut at = self.home(taken);
        while self.row.get(at).is_some_and(|other| *other != 0) {
            at = self.next(at);
        }
        if let Some(free) = self.row.get_mut(at) {
            *free = taken;
        }
    }

    /// The places that were added with the hash.
    #[inline]
    pub fn places(&self, hash: u32) -> impl Iterator<Item = u32> {
        let mut at = self.home(u64::from(hash) << 32);
        std::iter::from_fn(move || {
            loop {
                let taken = *self.row.get(at)?;
                if taken == 0 {
                    return None;
                }
                at = self.next(at);
                if (taken >> 32) as u32 == hash {
                    return Some(taken as u32 - 1);
                }
            }
        })
    }

    /// What stands where a search with the hash begins.
    #[inline]
    pub fn glance(&self, hash: u32) -> u64 {
        self.row.get(self.home(u64::from(hash) << 32)).copied().unwrap_or(0)
    }

    /// Removes a place that was added with the hash, if it is there.
    pub fn remove(&mut self, hash: u32, place: u32) {
        let wanted = taken(hash, place);
        let mut hole = self.home(wanted);
        loop {
            match self.row.get(hole) {
                None | Some(0) => return,
                Some(taken) if *taken == wanted => break,
                Some(_) => hole = self.next(hole),
            }
        }
        self.held -= 1;
        // Those behind move up, where that brings them no further than to the place that their hash gives them.
        let mut at = self.next(hole);
        while let Some(&taken) = self.row.get(at).filter(|taken| **taken != 0) {
            let mask = self.row.len() - 1;
            let distance = at.wrapping_sub(self.home(taken)) & mask;
            if distance >= at.wrapping_sub(hole) & mask {
                self.set(hole, taken);
                hole = at;
            }
            at = self.next(at);
        }
        self.set(hole, 0);
    }

    fn set(&mut self, at: usize, taken: u64) {
        if let Some(place) = self.row.get_mut(at) {
            *place = taken;
        }
    }

    #[inline]
    const fn home(&self, taken: u64) -> usize {
        (taken >> 32) as usize & self.row.len().wrapping_sub(1)
    }

    #[inline]
    const fn next(&self, at: usize) -> usize {
        (at + 1) & self.row.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_was_added_and_not_removed(
            steps in prop::collection::vec((any::<bool>(), 0..24_u32, 0..40_u32), 0..400),
        ) {
            let (mut index, mut model) = (Index::default(), BTreeSet::new());
            for (adds, hash, place) in steps {
                // Few hashes, near each other and at the end of the row: they clash.
                let hash = hash.wrapping_sub(6);
                if adds && model.insert((hash, place)) {
                    index.insert(hash, place);
                } else if !adds {
                    model.remove(&(hash, place));
                    index.remove(hash, place);
                }
                let found: BTreeSet<u32> = index.places(hash).collect();
                let expected: BTreeSet<u32> = model.iter().filter(|one| one.0 == hash).map(|one| one.1).collect();
                prop_assert_eq!(found, expected);
                prop_assert_eq!(index.held, model.len());
            }
        }
    }
}
