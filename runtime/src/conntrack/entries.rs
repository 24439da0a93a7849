// SPDX-License-Identifier: GPL-3.0-or-later
//! The entries themselves, each at a place that stays its own until it is gone.

use super::entry::Entry;

/// The number of an entry. It tells when the entry was made: of any two among the last four thousand million, the later one has
/// the higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId {
    serial: u32,
    place: u32,
}

impl EntryId {
    /// The number of an entry that is held at a place.
    #[inline]
    pub(super) const fn of(entry: &Entry, place: u32) -> Self {
        Self { serial: entry.serial, place }
    }

    /// Where the entry is held.
    #[inline]
    pub const fn place(self) -> u32 {
        self.place
    }
}

/// Entries by number. They are held in pieces of equal length, so that more of them never move those that there are.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    pieces: Vec<Vec<Option<Entry>>>,
    free: Vec<u32>,
    held: usize,
    serial: u32,
}

/// How many entries a piece holds.
const PIECE: usize = 1024;

impl Entries {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.held
    }

    /// How many can be held.
    pub const LAST_PLACE: u32 = super::index::Index::LAST / 2;

    /// Adds an entry; none where no more can be held.
    pub fn add(&mut self, mut entry: Entry) -> Option<EntryId> {
        let place = match self.free.pop() {
            Some(place) => place,
            None => self.new_place()?,
        };
        let id = EntryId { serial: self.serial, place };
        entry.serial = id.serial;
        self.serial = self.serial.wrapping_add(1);
        *self.slot_mut(place)? = Some(entry);
        self.held += 1;
        Some(id)
    }

    fn new_place(&mut self) -> Option<u32> {
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let piece = self.pieces.last_mut()?;
        piece.push(None);
        u32::try_from(before + piece.len() - 1).ok().filter(|place| *place <= Self::LAST_PLACE)
    }

    #[inline]
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.at(id.place).filter(|entry| entry.serial == id.serial)
    }

    #[inline]
    pub fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.slot_mut(id.place)?.as_mut().filter(|entry| entry.serial == id.serial)
    }

    /// The entry at a place.
    #[inline]
    pub fn at(&self, place: u32) -> Option<&Entry> {
        let place = place as usize;
        self.pieces.get(place / PIECE)?.get(place % PIECE)?.as_ref()
    }

    #[inline]
    fn slot_mut(&mut self, place: u32) -> Option<&mut Option<Entry>> {
        let place = place as usize;
        self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)
    }

    pub fn remove(&mut self, id: EntryId) -> Option<Entry> {
        self.get(id)?;
        let entry = self.slot_mut(id.place)?.take();
        self.free.push(id.place);
        self.held -= 1;
        entry
    }

    /// All of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (EntryId, &Entry)> {
        let all = self.pieces.iter().flatten().zip(0_u32..);
        let mut all: Vec<_> =
            all.filter_map(|(slot, place)| slot.as_ref().map(|entry| (EntryId::of(entry, place), entry))).collect();
        // The oldest has the number that is the furthest behind the next one.
        all.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(self.serial.wrapping_sub(id.serial)));
        all.into_iter()
    }
}
