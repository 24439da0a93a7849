// SPDX-License-Identifier: GPL-3.0-or-later
//! The table: entries by number, and the confirmed ones by both their tuples.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus};

use super::entry::Entry;
use super::expectation::Expectations;
use super::gre::Calls;
use super::tuple::Tuple;

/// The number of an entry. Later entries have higher ones; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(u64);

#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<EntryId, Entry>,
    confirmed: HashMap<Tuple, (EntryId, CtDirection)>,
    /// What helpers expect.
    pub expectations: Expectations,
    /// The call ids that helpers read of.
    pub calls: Calls,
    next: u64,
    /// With this many entries it is time to sweep.
    crowded: usize,
}

impl Table {
    /// Adds an unconfirmed entry. Once in a while, those whose time is up are removed, which otherwise happens when a packet
    /// finds one.
    pub fn add(&mut self, entry: Entry, now: Duration) -> EntryId {
        const FEW: usize = 1024;
        if self.entries.len() >= self.crowded.max(FEW) {
            self.sweep(now);
            self.crowded = self.entries.len() * 2;
        }
        let id = EntryId(self.next);
        self.next += 1;
        self.entries.insert(id, entry);
        id
    }

    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    /// The confirmed entry that packets of the tuple belong to, and their direction. One whose time is up is removed.
    pub fn find(&mut self, tuple: &Tuple, now: Duration) -> Option<(EntryId, CtDirection)> {
        let &(id, direction) = self.confirmed.get(tuple)?;
        if self.entries.get(&id).is_some_and(|entry| entry.expires > now) {
            return Some((id, direction));
        }
        self.kill(id);
        self.finish(id);
        None
    }

    /// The confirmed entry that has the tuple, whether or not its time is up.
    pub fn confirmed(&self, tuple: &Tuple) -> Option<EntryId> {
        self.confirmed.get(tuple).map(|&(id, _)| id)
    }

    /// Lets packets find an entry, if it is not dying. False if another one has a tuple of it already.
    pub fn confirm(&mut self, id: EntryId, now: Duration) -> bool {
        let Some(entry) = self.entries.get(&id) else { return true };
        if entry.is_confirmed() {
            return true;
        }
        let (original, reply) = (entry.original, entry.reply);
        if self.find(&original, now).is_some() || self.find(&reply, now).is_some() {
            return false;
        }
        // A conversation with itself has one tuple for both directions, and its packets count as replies: the kernel's table
        // finds first what was inserted last.
        self.confirmed.insert(original, (id, CtDirection::Original));
        self.confirmed.insert(reply, (id, CtDirection::Reply));
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.status = entry.status.with(CtStatus::CONFIRMED);
        }
        true
    }

    /// Hides an entry from packets. It stays until the packet at hand is finished.
    pub fn kill(&mut self, id: EntryId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.status = entry.status.with(CtStatus::DYING);
        for tuple in [entry.original, entry.reply] {
            if self.confirmed.get(&tuple).is_some_and(|&(found, _)| found == id) {
                self.confirmed.remove(&tuple);
            }
        }
        self.abandon(id);
    }

    /// Removes an entry that is dying or was never confirmed.
    pub fn finish(&mut self, id: EntryId) {
        let gone = |entry: &Entry| entry.status.contains(CtStatus::DYING) || !entry.is_confirmed();
        if self.entries.get(&id).is_some_and(gone) {
            self.release(id);
            self.entries.remove(&id);
        }
    }

    fn sweep(&mut self, now: Duration) {
        let late = self.entries.iter().filter(|(_, entry)| entry.is_confirmed() && entry.expires <= now);
        for id in late.map(|(&id, _)| id).collect::<Vec<_>>() {
            self.kill(id);
            self.finish(id);
        }
    }

    /// The confirmed entries whose time is not up, in the order in which they were made.
    pub fn alive(&self, now: Duration) -> impl Iterator<Item = (EntryId, &Entry)> {
        let alive =
            move |entry: &Entry| entry.is_confirmed() && !entry.status.contains(CtStatus::DYING) && entry.expires > now;
        self.entries.iter().filter(move |(_, entry)| alive(entry)).map(|(&id, entry)| (id, entry))
    }

    /// How many living entries each entry has brought about by its helper.
    pub fn related(&self, now: Duration) -> HashMap<EntryId, usize> {
        let mut related = HashMap::new();
        for master in self.alive(now).filter_map(|(_, entry)| entry.master) {
            *related.entry(master).or_default() += 1;
        }
        related
    }

    /// How many entries are held, those whose time is up included.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.entries.len()
    }
}
