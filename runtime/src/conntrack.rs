// SPDX-License-Identifier: GPL-3.0-or-later
//! Connection tracking as nf_conntrack of Linux 6.18 does it: which conversation a packet belongs to, and in which state.
//!
//! One file a protocol. The table knows no clock: every call is told the time. A new entry is unconfirmed, seen by its own
//! packet alone, until [`Conntrack::confirm`] puts it into the table; [`Conntrack::finish`] ends a packet's hold on it.

mod adjust;
mod entries;
mod entry;
mod expectation;
mod generic;
mod gre;
mod helper;
mod icmp;
mod index;
mod print;
mod related;
mod sctp;
mod sequence;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod tuple;
mod udp;
mod zone;

use std::num::NonZeroU16;
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, CtStatus, Family, Hook, Protocol};

use crate::host::Sysctls;
use crate::packet::Packet;
pub use entries::EntryId;
pub(crate) use entry::Entry;
use entry::ProtocolState;
pub(crate) use expectation::{Expectation, Follow, Saved};
pub use helper::{Help, Helper};
pub use print::Style;
pub(crate) use table::Table;
use tuple::Packed;
pub(crate) use tuple::{Ends, Layers, Tuple};
pub use zone::Zone;

/// The state of connection tracking on one host.
#[derive(Clone, Debug)]
pub struct Conntrack {
    pub(crate) table: Table,
    sysctls: Sysctls,
    /// The interfaces that entries were masqueraded at, which name them by number.
    interfaces: Vec<String>,
}

/// What connection tracking says of a packet. The packet carries it from hook to hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Its ct state.
    pub state: CtState,
    /// Its ct direction; none if it belongs to no entry.
    pub direction: Option<CtDirection>,
    /// The entry that it belongs to.
    pub entry: Option<EntryId>,
}

impl Tracked {
    const INVALID: Self = Self { state: CtState::Invalid, direction: None, entry: None };
    /// What is said of a packet that is kept from connection tracking.
    pub const UNTRACKED: Self = Self { state: CtState::Untracked, direction: None, entry: None };

    /// What is said of the answer to a packet that is refused (`nf_conntrack_attach` in `nf_conntrack_core.c`): related to
    /// the packet's conversation, in the other direction. None if the packet has no entry to be related to.
    #[must_use]
    pub fn answer(self) -> Option<Self> {
        let (entry, direction) = (self.entry?, self.direction?);
        Some(Self { state: CtState::Related, direction: Some(direction.reversed()), entry: Some(entry) })
    }
}

/// What a packet is looked for by: its tuple, if it has one, and the tuple's hash.
#[derive(Clone, Copy, Debug)]
pub struct Foreseen(Option<(Packed, u32)>);

impl Foreseen {
    fn of(layers: &Layers<'_>) -> Self {
        Self(layers.tuple().map(|tuple| {
            let packed = Packed::of(&tuple);
            (packed, packed.hash())
        }))
    }
}

/// A packet as a protocol's tracker sees it.
pub(crate) struct Arrival<'a> {
    now: Duration,
    direction: CtDirection,
    family: Family,
    packet: &'a [u8],
    protocol: Protocol,
    segment: &'a [u8],
    verify: bool,
    sysctls: &'a Sysctls,
}

/// What a protocol's tracker makes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It belongs to the entry.
    Accept,
    /// It does not.
    Invalid,
    /// It belongs to the entry, and ends it at once.
    Kill,
    /// The entry is gone, and the packet opens a new one.
    Reopen,
}

impl Conntrack {
    /// An empty table.
    #[must_use]
    pub fn new(sysctls: Sysctls) -> Self {
        Self { table: Table::default(), sysctls, interfaces: Vec::new() }
    }

    /// Finds or makes the entry of a whole packet, moves it on, and says what the packet is (`nf_conntrack_in` in
    /// `nf_conntrack_core.c`). `hook` is prerouting or output; checksums are verified at prerouting only.
    /// `zone` is what rules said before.
    pub fn track(&mut self, packet: &Packet<'_>, hook: Hook, zone: Zone, now: Duration) -> Tracked {
        let Some(layers) = Layers::of(packet.bytes(), packet.family()) else { return Tracked::INVALID };
        self.track_layers(&layers, &Foreseen::of(&layers), hook, zone, now)
    }

    /// What a packet will be looked for by, when it is tracked.
    #[must_use]
    pub fn foresee(packet: &Packet<'_>) -> Foreseen {
        Layers::of(packet.bytes(), packet.family()).map_or(Foreseen(None), |layers| Foreseen::of(&layers))
    }

    /// Looks at what tracking some packets will look at, and changes nothing: so that they do not wait for memory one after
    /// the other.
    pub fn approach(&self, foreseen: &[Foreseen]) {
        let known = || foreseen.iter().filter_map(|one| one.0.as_ref());
        for (_, hash) in known() {
            self.table.glance(*hash);
        }
        for (tuple, hash) in known() {
            let found = self.table.glance_at_entry(*hash);
            if !found && let Some(reply) = tuple.tuple().inverted() {
                self.table.glance(Packed::of(&reply).hash());
            }
        }
    }

    /// As [`Self::track`], of a packet that was foreseen. Its ends must be the same as then.
    pub fn track_foreseen(
        &mut self,
        packet: &Packet<'_>,
        foreseen: &Foreseen,
        hook: Hook,
        zone: Zone,
        now: Duration,
    ) -> Tracked {
        let Some(layers) = Layers::of(packet.bytes(), packet.family()) else { return Tracked::INVALID };
        self.track_layers(&layers, foreseen, hook, zone, now)
    }

    fn track_layers(
        &mut self,
        layers: &Layers<'_>,
        foreseen: &Foreseen,
        hook: Hook,
        zone: Zone,
        now: Duration,
    ) -> Tracked {
        let verify = hook == Hook::Prerouting && self.sysctls.checksum;
        self.table.end_calls(now);
        if let Some(tracked) = related::track(&mut self.table, layers, zone, verify, now) {
            return tracked;
        }
        let Some((mut tuple, mut hash)) = foreseen.0 else { return Tracked::INVALID };
        if layers.protocol == Protocol::GRE {
            tuple = Packed::of(&self.table.calls.complete(tuple.tuple()));
            hash = tuple.hash();
        }
        // A packet that reopens a conversation is looked up a second time, when there is nothing left to reopen.
        loop {
            match self.follow(layers, (&tuple, hash), zone, verify, now) {
                (Outcome::Invalid, _) => return Tracked::INVALID,
                (Outcome::Accept | Outcome::Kill, tracked) => return tracked,
                (Outcome::Reopen, _) => {}
            }
        }
    }

    fn follow(
        &mut self,
        layers: &Layers<'_>,
        (tuple, hash): (&Packed, u32),
        zone: Zone,
        verify: bool,
        now: Duration,
    ) -> (Outcome, Tracked) {
        const LOST: (Outcome, Tracked) = (Outcome::Invalid, Tracked::INVALID);
        let found = self.table.find_packed(tuple, hash, zone, now);
        let found = found.or_else(|| Some((self.table.open(&tuple.tuple(), zone, now)?, CtDirection::Original)));
        let Some((id, direction)) = found else { return LOST };
        let Some(entry) = self.table.get_mut(id) else { return LOST };
        let arrival = Arrival {
            now,
            direction,
            family: layers.family,
            packet: layers.packet,
            protocol: layers.protocol,
            segment: layers.segment,
            verify,
            sysctls: &self.sysctls,
        };
        let state = entry.state_of(direction);
        let outcome = entry.packet(&arrival);
        match outcome {
            Outcome::Accept | Outcome::Kill => {
                if direction == CtDirection::Reply {
                    entry.status = entry.status.with(CtStatus::SEEN_REPLY);
                }
                if outcome == Outcome::Kill {
                    self.table.kill(id);
                }
            }
            Outcome::Invalid => self.table.finish(id),
            Outcome::Reopen => self.table.end(id),
        }
        (outcome, Tracked { state, direction: Some(direction), entry: Some(id) })
    }

    /// Puts the entry that a packet opened into the table, when the packet has passed its last hook
    /// (`__nf_conntrack_confirm`). False if the packet must be dropped: another entry took the tuple meanwhile.
    pub fn confirm(&mut self, tracked: Tracked, now: Duration) -> bool {
        match (tracked.entry, tracked.direction) {
            (Some(id), Some(CtDirection::Original)) => self.table.confirm(id, now),
            _ => true,
        }
    }

    /// Ends a packet's hold on its entry: one that was never confirmed is gone.
    pub fn finish(&mut self, tracked: Tracked) {
        if let Some(id) = tracked.entry {
            self.table.finish(id);
        }
    }

    /// The status of the entry that a packet belongs to.
    #[must_use]
    pub fn status(&self, tracked: Tracked) -> CtStatus {
        tracked.entry.and_then(|id| self.table.get(id)).map_or(CtStatus(0), |entry| entry.status)
    }

    /// The entry that a packet belongs to.
    pub(crate) fn entry(&self, tracked: Tracked) -> Option<&Entry> {
        tracked.entry.and_then(|id| self.table.get(id))
    }

    /// Whether there is a conversation of the tuple that is not over (`already_closed` in `nf_conncount.c`).
    pub(crate) fn is_open(&mut self, tuple: &Tuple, zone: Zone, now: Duration) -> bool {
        let found = self.table.find(tuple, zone, now).and_then(|(id, _)| self.table.get(id));
        found.is_some_and(|entry| !matches!(&entry.protocol, ProtocolState::Tcp(connection) if connection.is_over()))
    }

    /// Marks the entry that a packet belongs to.
    pub fn set_mark(&mut self, tracked: Tracked, mark: u32) {
        if let Some(entry) = tracked.entry.and_then(|id| self.table.get_mut(id)) {
            entry.mark = mark;
        }
    }

    /// Notes the interface whose address the packets of an entry go out with.
    pub(crate) fn note_masquerade(&mut self, tracked: Tracked, interface: &str) {
        let Some(entry) = tracked.entry.and_then(|id| self.table.get_mut(id)) else { return };
        let known = self.interfaces.iter().position(|name| name == interface);
        let place = known.unwrap_or(self.interfaces.len());
        if known.is_none() {
            self.interfaces.push(interface.to_owned());
        }
        entry.masquerade = u16::try_from(place).ok().and_then(|place| NonZeroU16::MIN.checked_add(place));
    }

    /// The interface whose address the packets of an entry go out with, where it is masqueraded.
    pub(crate) fn masquerade(&self, tracked: Tracked) -> Option<&str> {
        let number = self.entry(tracked)?.masquerade?;
        self.interfaces.get(usize::from(number.get()) - 1).map(String::as_str)
    }

    /// Ends an entry at once (`nf_ct_kill`).
    pub(crate) fn kill(&mut self, tracked: Tracked) {
        if let Some(id) = tracked.entry {
            self.table.kill(id);
        }
    }

    /// Notes that the host itself reset the conversation of a packet (`nf_conntrack_tcp_set_closing`).
    pub fn close(&mut self, tracked: Tracked, now: Duration) {
        if let Some(entry) = tracked.entry.and_then(|id| self.table.get_mut(id)) {
            entry.close(now);
        }
    }

    /// The confirmed entries as lines of text, in the order in which they were made.
    #[must_use]
    pub fn lines(&self, style: Style, now: Duration) -> Vec<String> {
        let related = self.table.related(now);
        let line = |(id, entry)| print::line(entry, style, related.get(&id).copied().unwrap_or(0), now);
        self.table.alive(now).map(line).collect()
    }

    /// What helpers expect, as lines of `/proc/net/nf_conntrack_expect`, in the order in which it was read of.
    #[must_use]
    pub fn expectation_lines(&self, now: Duration) -> Vec<String> {
        let waited_for = |expectation: &&expectation::Expectation| {
            self.table
                .get(expectation.master)
                .is_some_and(|master| !master.is_confirmed() || master.expires.is_after(now))
        };
        let alive = self.table.expectations.alive(now).filter(waited_for);
        alive.map(|expectation| expectation::line(expectation, now)).collect()
    }

    /// How many entries the table holds.
    #[must_use]
    pub fn len(&self, now: Duration) -> usize {
        self.table.alive(now).count()
    }

    /// Whether the table holds no entry.
    #[must_use]
    pub fn is_empty(&self, now: Duration) -> bool {
        self.len(now) == 0
    }
}

impl Entry {
    fn packet(&mut self, arrival: &Arrival<'_>) -> Outcome {
        match self.protocol {
            ProtocolState::Tcp(_) => tcp::packet(self, arrival),
            ProtocolState::Udp(_) => udp::packet(self, arrival),
            ProtocolState::Sctp(_) => sctp::packet(self, arrival),
            ProtocolState::Icmp => icmp::packet(self, arrival),
            ProtocolState::Gre => gre::packet(self, arrival),
            ProtocolState::Generic => generic::packet(self, arrival),
        }
    }

    fn close(&mut self, now: Duration) {
        if let ProtocolState::Tcp(connection) = &mut self.protocol
            && self.status.contains(CtStatus::CONFIRMED)
            && let Some(expires) = connection.close(now)
        {
            self.expires = expires.into();
        }
    }
}
