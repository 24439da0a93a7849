// SPDX-License-Identifier: GPL-3.0-or-later
//! The table: entries by number, and the confirmed ones by both their tuples.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Protocol};

use super::entry::{Entry, ProtocolState};
use super::expectation::Expectations;
use super::gre::Calls;
use super::tuple::{Ends, Tuple};
use super::zone::Zone;

/// The number of an entry. Later entries have higher ones; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(u64);

/// What packets find an entry by: a tuple, the direction in which it is the entry's, and the zone that counts there.
type Key = (Tuple, CtDirection, u16);

/// What the packets of one source have in common (`same_src` in `nf_nat_core.c`).
type SourceKey = (Protocol, u128, u16);

#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<EntryId, Entry>,
    confirmed: HashMap<Key, EntryId>,
    /// The entries whose source was bound, by what they came from, the last first.
    sources: HashMap<SourceKey, Vec<EntryId>>,
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
    pub fn find(&mut self, tuple: &Tuple, zone: Zone, now: Duration) -> Option<(EntryId, CtDirection)> {
        // A conversation with itself has one tuple for both directions, and its packets count as replies: the kernel's table
        // finds first what was inserted last.
        let (id, direction) = self.lookup(tuple, zone)?;
        if self.entries.get(&id).is_some_and(|entry| entry.expires > now) {
            return Some((id, direction));
        }
        self.kill(id);
        self.finish(id);
        None
    }

    fn lookup(&self, tuple: &Tuple, zone: Zone) -> Option<(EntryId, CtDirection)> {
        let of = |direction| self.confirmed.get(&(*tuple, direction, zone.of(direction))).map(|&id| (id, direction));
        of(CtDirection::Reply).or_else(|| of(CtDirection::Original))
    }

    /// Whether a tuple belongs to another conversation than the entry's (`nf_conntrack_tuple_taken`).
    pub fn is_taken(&self, tuple: &Tuple, id: EntryId, now: Duration) -> bool {
        let Some(entry) = self.entries.get(&id) else { return false };
        self.lookup(tuple, entry.zone).is_some_and(|(found, _)| {
            let other = self.entries.get(&found).filter(|other| found != id && other.expires > now);
            other.is_some_and(|other| other.original != entry.original)
        })
    }

    /// The translated TCP conversation that has the tuple for its replies, if it is over and makes way for that of the entry
    /// (`nf_nat_used_tuple_harder`).
    pub fn gives_way(&self, tuple: &Tuple, id: EntryId, now: Duration) -> Option<EntryId> {
        let entry = self.entries.get(&id)?;
        let (found, CtDirection::Reply) = self.lookup(tuple, entry.zone)? else { return None };
        let old = self.entries.get(&found).filter(|old| found != id && old.expires > now)?;
        let (ProtocolState::Tcp(old_state), ProtocolState::Tcp(new_state)) = (&old.protocol, &entry.protocol) else {
            return None;
        };
        let translated = old.status.contains(CtStatus::SRC_NAT);
        (translated && old_state.gives_way_to(new_state)).then_some(found)
    }

    /// The confirmed entry that has the tuple, whether or not its time is up.
    pub fn confirmed(&self, tuple: &Tuple, zone: Zone) -> Option<EntryId> {
        self.lookup(tuple, zone).map(|(id, _)| id)
    }

    /// Lets packets find an entry, if it is not dying. False if another one has a tuple of it already.
    pub fn confirm(&mut self, id: EntryId, now: Duration) -> bool {
        let Some(entry) = self.entries.get(&id) else { return true };
        if entry.is_confirmed() {
            return true;
        }
        let (original, reply, zone) = (entry.original, entry.reply, entry.zone);
        if self.find(&original, zone, now).is_some() || self.find(&reply, zone, now).is_some() {
            return false;
        }
        for (tuple, direction) in [(original, CtDirection::Original), (reply, CtDirection::Reply)] {
            self.confirmed.insert((tuple, direction, zone.of(direction)), id);
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.status = entry.status.with(CtStatus::CONFIRMED);
        }
        true
    }

    /// Hides an entry from packets. It stays until the packet at hand is finished.
    pub fn kill(&mut self, id: EntryId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.status = entry.status.with(CtStatus::DYING);
        for (tuple, direction) in [(entry.original, CtDirection::Original), (entry.reply, CtDirection::Reply)] {
            let key = (tuple, direction, entry.zone.of(direction));
            if self.confirmed.get(&key) == Some(&id) {
                self.confirmed.remove(&key);
            }
        }
        self.abandon(id);
    }

    /// Notes that the source of an entry was bound.
    pub fn note_source(&mut self, id: EntryId) {
        if let Some(entry) = self.entries.get(&id) {
            self.sources.entry(source_key(&entry.original)).or_default().insert(0, id);
        }
    }

    /// The entries whose source was bound and is the tuple's, the last first.
    pub fn of_source(&self, tuple: &Tuple, now: Duration) -> impl Iterator<Item = &Entry> {
        let ids = self.sources.get(&source_key(tuple)).map(Vec::as_slice).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.entries.get(id))
            .filter(move |entry| !entry.is_confirmed() || entry.expires > now)
    }

    /// Removes an entry that is dying or was never confirmed.
    pub fn finish(&mut self, id: EntryId) {
        let gone = |entry: &Entry| entry.status.contains(CtStatus::DYING) || !entry.is_confirmed();
        if !self.entries.get(&id).is_some_and(gone) {
            return;
        }
        self.release(id);
        let Some(entry) = self.entries.remove(&id) else { return };
        let key = source_key(&entry.original);
        if let Some(ids) = self.sources.get_mut(&key) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.sources.remove(&key);
            }
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

const fn source_key(tuple: &Tuple) -> SourceKey {
    let port = match tuple.ends {
        Ends::Nothing => 0,
        Ends::Ports { source, .. } | Ends::Keys { source, .. } => source,
        Ends::Query { id, .. } => id,
    };
    (tuple.protocol, tuple.source, port)
}
