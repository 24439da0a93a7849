// SPDX-License-Identifier: GPL-3.0-or-later
//! One conversation.

use std::num::NonZeroU16;
use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, CtStatus, Protocol};

use super::adjust::Adjustment;
use super::entries::EntryId;
use super::helper::Assigned;
use super::tuple::{Packed, Tuple};
use super::zone::Zone;
use super::{Arrival, sctp, tcp, udp};

/// An entry: both its tuples, and how far the conversation is. There may be millions: it is kept small.
#[derive(Clone, Debug)]
pub struct Entry {
    original: Packed,
    reply: Packed,
    pub status: CtStatus,
    /// When it ends, if no packet comes.
    pub expires: Moment,
    pub counters: [Counter; 2],
    /// The mark that rules set.
    pub mark: u32,
    /// The zone that it was made in.
    pub zone: Zone,
    /// The number of the interface whose address its packets go out with, where it is masqueraded.
    pub masquerade: Option<NonZeroU16>,
    /// It was given a port that the kernel draws at random.
    pub port_drawn: bool,
    pub protocol: ProtocolState,
    /// A part of its number.
    pub serial: u32,
    /// What few entries have.
    rare: Option<Box<Rare>>,
}

/// What entries have that have to do with helpers.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// The entry whose helper expected this one.
    pub master: Option<EntryId>,
    /// How far its sequence numbers are moved, where a translation changed the length of its payload.
    pub adjustment: Adjustment,
    /// The helper that reads its packets, if it has one.
    pub help: Option<Assigned>,
}

/// A point in time, in fewer bytes than a [`Duration`] from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    seconds: [u32; 2],
    nanoseconds: u32,
}

impl Moment {
    #[inline]
    pub const fn get(self) -> Duration {
        let [high, low] = self.seconds;
        Duration::new((high as u64) << 32 | low as u64, self.nanoseconds)
    }

    #[inline]
    pub fn is_after(self, now: Duration) -> bool {
        self.get() > now
    }
}

impl From<Duration> for Moment {
    #[inline]
    fn from(since: Duration) -> Self {
        let seconds = since.as_secs();
        Self { seconds: [(seconds >> 32) as u32, seconds as u32], nanoseconds: since.subsec_nanos() }
    }
}

/// What passed in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub packets: u64,
    pub bytes: u64,
}

/// What a protocol's tracker remembers.
#[derive(Clone, Debug)]
pub enum ProtocolState {
    Tcp(tcp::Connection),
    /// UDP and UDP-Lite.
    Udp(udp::Stream),
    Sctp(sctp::Association),
    /// ICMP and ICMPv6.
    Icmp,
    Gre,
    Generic,
}

impl Entry {
    /// An unconfirmed entry; none where no packet could ever answer the tuple.
    pub fn new(original: Tuple, zone: Zone, now: Duration) -> Option<Self> {
        let protocol = match original.protocol {
            Protocol::TCP => ProtocolState::Tcp(tcp::Connection::default()),
            Protocol::UDP | Protocol::UDPLITE => ProtocolState::Udp(udp::Stream::opened(now)),
            Protocol::SCTP => ProtocolState::Sctp(sctp::Association::default()),
            Protocol::ICMP | Protocol::ICMPV6 => ProtocolState::Icmp,
            Protocol::GRE => ProtocolState::Gre,
            _ => ProtocolState::Generic,
        };
        let (status, counters) = (CtStatus(0), [Counter::default(); 2]);
        Some(Self {
            original: Packed::of(&original),
            reply: Packed::of(&original.inverted()?),
            status,
            expires: now.into(),
            counters,
            mark: 0,
            zone,
            masquerade: None,
            port_drawn: false,
            protocol,
            serial: 0,
            rare: None,
        })
    }

    /// The ct state of a packet in this direction (`resolve_normal_ct` in `nf_conntrack_core.c`).
    pub fn state_of(&self, direction: CtDirection) -> CtState {
        if direction == CtDirection::Reply || self.status.contains(CtStatus::SEEN_REPLY) {
            CtState::Established
        } else if self.status.contains(CtStatus::EXPECTED) {
            CtState::Related
        } else {
            CtState::New
        }
    }

    pub const fn is_confirmed(&self) -> bool {
        self.status.contains(CtStatus::CONFIRMED)
    }

    /// The tuple of packets in this direction, as it is held.
    #[inline]
    pub const fn packed(&self, direction: CtDirection) -> &Packed {
        match direction {
            CtDirection::Original => &self.original,
            CtDirection::Reply => &self.reply,
        }
    }

    /// A number from each of the lines of memory that it lies in.
    #[inline]
    pub const fn glance(&self) -> u64 {
        let [original, reply] = &self.counters;
        let state = match &self.protocol {
            ProtocolState::Tcp(connection) => connection.glance(),
            _ => 0,
        };
        self.original.glance() ^ self.reply.glance() ^ original.packets ^ reply.bytes ^ self.status.0 as u64 ^ state
    }

    /// The tuple of packets in this direction.
    pub fn tuple(&self, direction: CtDirection) -> Tuple {
        self.packed(direction).tuple()
    }

    /// The tuple of its first packet.
    pub fn original(&self) -> Tuple {
        self.original.tuple()
    }

    /// The tuple of packets that answer it.
    pub fn reply(&self) -> Tuple {
        self.reply.tuple()
    }

    /// Lets packets of another tuple answer it. It must not be in the table yet.
    pub fn set_reply(&mut self, reply: &Tuple) {
        self.reply = Packed::of(reply);
    }

    /// What it has to do with helpers; none: nothing.
    #[inline]
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to be changed.
    pub fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The entry whose helper expected this one.
    pub fn master(&self) -> Option<EntryId> {
        self.rare()?.master
    }

    /// The helper that reads its packets, if it has one.
    pub fn help(&self) -> Option<&Assigned> {
        self.rare()?.help.as_ref()
    }

    /// Counts a packet, and lets the entry live for `timeout` from now on (`nf_ct_refresh_acct`).
    pub fn refresh(&mut self, arrival: &Arrival<'_>, timeout: Duration) {
        self.count(arrival);
        self.expires = (arrival.now + timeout).into();
    }

    /// Counts a packet.
    pub fn count(&mut self, arrival: &Arrival<'_>) {
        let [original, reply] = &mut self.counters;
        let counter = match arrival.direction {
            CtDirection::Original => original,
            CtDirection::Reply => reply,
        };
        counter.packets += 1;
        counter.bytes += u64::try_from(arrival.packet.len()).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<ProtocolState>() <= 64, "{}", size_of::<ProtocolState>());
        assert!(size_of::<Option<Entry>>() <= 216, "{}", size_of::<Option<Entry>>());
    }
}
