// SPDX-License-Identifier: GPL-3.0-or-later
//! The table: entries by number, and the confirmed ones by both their tuples.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Protocol};

use super::entries::{Entries, EntryId};
use super::entry::{Entry, ProtocolState};
use super::expectation::Expectations;
use super::gre::Calls;
use super::index::Index;
use super::tuple::{Ends, Packed, Tuple};
use super::zone::Zone;

/// What the packets of one source have in common (`same_src` in `nf_nat_core.c`).
type SourceKey = (Protocol, u128, u16);

#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Entries,
    /// The confirmed entries by the hashes of their tuples: what stands there is twice the place of the entry, and one more
    /// where the tuple is that of the replies.
    confirmed: Index,
    /// The entries whose source was bound, by what they came from, the last first.
    sources: HashMap<SourceKey, Vec<EntryId>>,
    /// What helpers expect.
    pub expectations: Expectations,
    /// The call ids that helpers read of.
    pub calls: Calls,
    /// With this many entries it is time to sweep.
    crowded: usize,
}

const BOTH: [CtDirection; 2] = [CtDirection::Original, CtDirection::Reply];

/// What stands in the index for an entry and a direction.
const fn handle(place: u32, direction: CtDirection) -> u32 {
    place << 1 | matches!(direction, CtDirection::Reply) as u32
}

impl Table {
    /// Adds an unconfirmed entry. Once in a while, those whose time is up are removed, which otherwise happens when a packet
    /// finds one. None where there is no room for it.
    pub fn add(&mut self, entry: Entry, now: Duration) -> Option<EntryId> {
        const FEW: usize = 1024;
        if self.entries.len() >= self.crowded.max(FEW) {
            self.sweep(now);
            self.crowded = self.entries.len() * 2;
        }
        self.entries.add(entry)
    }

    #[inline]
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id)
    }

    #[inline]
    pub fn get_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    /// The confirmed entry that packets of the tuple belong to, and their direction. One whose time is up is removed.
    pub fn find(&mut self, tuple: &Tuple, zone: Zone, now: Duration) -> Option<(EntryId, CtDirection)> {
        let tuple = Packed::of(tuple);
        self.find_packed(&tuple, tuple.hash(), zone, now)
    }

    /// As [`Self::find`], among what is in the bucket of a tuple of one direction of the zone: the kernel hashes each tuple
    /// with the zone of its direction (`hash_conntrack`).
    fn find_beside(&mut self, tuple: &Tuple, zone: Zone, own: CtDirection, now: Duration) -> Option<EntryId> {
        let tuple = Packed::of(tuple);
        let found = self.lookup(&tuple, tuple.hash(), zone, Some(own));
        self.unless_late(found, now).map(|(id, _)| id)
    }

    /// The same by what the table holds of a tuple.
    #[inline]
    pub fn find_packed(
        &mut self,
        tuple: &Packed,
        hash: u32,
        zone: Zone,
        now: Duration,
    ) -> Option<(EntryId, CtDirection)> {
        let found = self.lookup(tuple, hash, zone, None);
        self.unless_late(found, now)
    }

    /// What was found, but for an entry whose time is up: that is removed.
    #[inline]
    fn unless_late(&mut self, found: Option<(EntryId, CtDirection)>, now: Duration) -> Option<(EntryId, CtDirection)> {
        let (id, direction) = found?;
        if self.entries.get(id).is_some_and(|entry| entry.expires.is_after(now)) {
            return Some((id, direction));
        }
        self.end(id);
        None
    }

    /// A conversation with itself has one tuple for both directions, and its packets count as replies: the kernel's table
    /// finds first what was inserted last. `own` is the direction that the tuple has, where it is an entry's and no packet's.
    #[inline]
    fn lookup(
        &self,
        tuple: &Packed,
        hash: u32,
        zone: Zone,
        own: Option<CtDirection>,
    ) -> Option<(EntryId, CtDirection)> {
        let mut original = None;
        for handle in self.confirmed.places(hash) {
            let direction = if handle & 1 == 1 { CtDirection::Reply } else { CtDirection::Original };
            let place = handle >> 1;
            let Some(entry) = self.entries.at(place) else { continue };
            let there = zone.of(direction);
            let hashed_there = own.is_none_or(|own| zone.of(own) == there);
            if hashed_there && entry.packed(direction) == tuple && entry.zone.of(direction) == there {
                let found = Some((EntryId::of(entry, place), direction));
                if direction == CtDirection::Reply {
                    return found;
                }
                original = found;
            }
        }
        original
    }

    /// Has the processor fetch what a search with the hash will look at first.
    #[inline]
    pub fn glance(&self, hash: u32) {
        black_box(self.confirmed.glance(hash));
    }

    /// Has the processor fetch the entry that a search with the hash will find first, wherever it will be read. False where
    /// there is none.
    #[inline]
    pub fn glance_at_entry(&self, hash: u32) -> bool {
        let entry = self.confirmed.places(hash).next().and_then(|handle| self.entries.at(handle >> 1));
        if let Some(entry) = entry {
            black_box(entry.glance());
        }
        entry.is_some()
    }

    /// Whether a tuple belongs to another conversation than the entry's (`nf_conntrack_tuple_taken`).
    pub fn is_taken(&self, tuple: &Tuple, id: EntryId, now: Duration) -> bool {
        let Some(entry) = self.entries.get(id) else { return false };
        let tuple = Packed::of(tuple);
        self.lookup(&tuple, tuple.hash(), entry.zone, Some(CtDirection::Reply)).is_some_and(|(found, _)| {
            let other = self.entries.get(found).filter(|other| found != id && other.expires.is_after(now));
            other.is_some_and(|other| other.packed(CtDirection::Original) != entry.packed(CtDirection::Original))
        })
    }

    /// The translated TCP conversation that has the tuple for its replies, if it is over and makes way for that of the entry
    /// (`nf_nat_used_tuple_harder`).
    pub fn gives_way(&self, tuple: &Tuple, id: EntryId, now: Duration) -> Option<EntryId> {
        let entry = self.entries.get(id)?;
        let tuple = Packed::of(tuple);
        let (found, CtDirection::Reply) = self.lookup(&tuple, tuple.hash(), entry.zone, None)? else { return None };
        let old = self.entries.get(found).filter(|old| found != id && old.expires.is_after(now))?;
        let (ProtocolState::Tcp(old_state), ProtocolState::Tcp(new_state)) = (&old.protocol, &entry.protocol) else {
            return None;
        };
        let translated = old.status.contains(CtStatus::SRC_NAT);
        (translated && old_state.gives_way_to(new_state)).then_some(found)
    }

    /// The confirmed entry that has the tuple, whether or not its time is up.
    pub fn confirmed(&self, tuple: &Tuple, zone: Zone) -> Option<EntryId> {
        let tuple = Packed::of(tuple);
        self.lookup(&tuple, tuple.hash(), zone, None).map(|(id, _)| id)
    }

    /// Lets packets find an entry, if it is not dying. False if another one has a tuple of it already.
    pub fn confirm(&mut self, id: EntryId, now: Duration) -> bool {
        let Some(entry) = self.entries.get(id) else { return true };
        if entry.is_confirmed() {
            return true;
        }
        let (original, reply, zone) = (entry.original(), entry.reply(), entry.zone);
        let mut clashes = |tuple, own| self.find_beside(tuple, zone, own, now).is_some();
        if clashes(&original, CtDirection::Original) || clashes(&reply, CtDirection::Reply) {
            return false;
        }
        for direction in BOTH {
            self.show(id, direction);
        }
        if let Some(entry) = self.entries.get_mut(id) {
            entry.status = entry.status.with(CtStatus::CONFIRMED);
        }
        true
    }

    /// Lets packets of one direction find an entry, in the place of another one that they found before.
    fn show(&mut self, id: EntryId, direction: CtDirection) {
        let Some(entry) = self.entries.get(id) else { return };
        let (tuple, zone) = (*entry.packed(direction), entry.zone.of(direction));
        let is_same = |other: &Entry| *other.packed(direction) == tuple && other.zone.of(direction) == zone;
        let shown = |handle: &u32| *handle == self::handle(*handle >> 1, direction);
        let hash = tuple.hash();
        let before =
            self.confirmed.places(hash).filter(shown).find(|handle| self.entries.at(handle >> 1).is_some_and(is_same));
        if let Some(before) = before {
            self.confirmed.remove(hash, before);
        }
        self.confirmed.insert(hash, handle(id.place(), direction));
    }

    /// Hides an entry from packets. It stays until the packet at hand is finished.
    pub fn kill(&mut self, id: EntryId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.status = entry.status.with(CtStatus::DYING);
        if entry.is_confirmed() {
            for direction in BOTH {
                self.confirmed.remove(entry.packed(direction).hash(), handle(id.place(), direction));
            }
        }
        self.abandon(id);
    }

    /// Notes that the source of an entry was bound.
    pub fn note_source(&mut self, id: EntryId) {
        if let Some(entry) = self.entries.get(id) {
            self.sources.entry(source_key(&entry.original())).or_default().insert(0, id);
        }
    }

    /// The entries whose source was bound and is the tuple's, the last first.
    pub fn of_source(&self, tuple: &Tuple, now: Duration) -> impl Iterator<Item = &Entry> {
        let ids = self.sources.get(&source_key(tuple)).map(Vec::as_slice).unwrap_or_default();
        ids.iter()
            .filter_map(|id| self.entries.get(*id))
            .filter(move |entry| !entry.is_confirmed() || entry.expires.is_after(now))
    }

    /// Ends an entry that no packet at hand belongs to.
    pub fn end(&mut self, id: EntryId) {
        self.kill(id);
        self.finish(id);
    }

    /// Removes an entry that is dying or was never confirmed.
    pub fn finish(&mut self, id: EntryId) {
        let gone = |entry: &Entry| entry.status.contains(CtStatus::DYING) || !entry.is_confirmed();
        if !self.entries.get(id).is_some_and(gone) {
            return;
        }
        self.release(id);
        let Some(entry) = self.entries.remove(id) else { return };
        let key = source_key(&entry.original());
        if let Some(ids) = self.sources.get_mut(&key) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.sources.remove(&key);
            }
        }
    }

    fn sweep(&mut self, now: Duration) {
        let late = self.entries.iter().filter(|(_, entry)| entry.is_confirmed() && !entry.expires.is_after(now));
        for id in late.map(|(id, _)| id).collect::<Vec<_>>() {
            self.end(id);
        }
    }

    /// The confirmed entries whose time is not up, in the order in which they were made.
    pub fn alive(&self, now: Duration) -> impl Iterator<Item = (EntryId, &Entry)> {
        let alive = move |entry: &Entry| {
            entry.is_confirmed() && !entry.status.contains(CtStatus::DYING) && entry.expires.is_after(now)
        };
        self.entries.iter().filter(move |(_, entry)| alive(entry))
    }

    /// How many living entries each entry has brought about by its helper.
    pub fn related(&self, now: Duration) -> HashMap<EntryId, usize> {
        let mut related = HashMap::new();
        for master in self.alive(now).filter_map(|(_, entry)| entry.master()) {
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
