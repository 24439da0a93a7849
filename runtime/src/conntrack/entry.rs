// SPDX-License-Identifier: GPL-3.0-or-later
//! One conversation.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, CtStatus, Protocol};

use super::adjust::Adjustment;
use super::helper::Assigned;
use super::table::EntryId;
use super::tuple::Tuple;
use super::zone::Zone;
use super::{Arrival, sctp, tcp, udp};

/// An entry: both its tuples, and how far the conversation is.
#[derive(Clone, Debug)]
pub struct Entry {
    pub original: Tuple,
    pub reply: Tuple,
    pub status: CtStatus,
    /// When it ends, if no packet comes.
    pub expires: Duration,
    pub counters: [Counter; 2],
    /// The mark that rules set.
    pub mark: u32,
    /// The zone that it was made in.
    pub zone: Zone,
    /// The interface whose address its packets go out with, where it is masqueraded.
    pub masquerade: Option<String>,
    /// It was given a port that the kernel draws at random.
    pub port_drawn: bool,
    pub protocol: ProtocolState,
    /// The entry whose helper expected this one.
    pub master: Option<EntryId>,
    /// How far its sequence numbers are moved, where a translation changed the length of its payload.
    pub adjustment: Adjustment,
    /// The helper that reads its packets, if it has one.
    pub help: Option<Assigned>,
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
            original,
            reply: original.inverted()?,
            status,
            expires: now,
            counters,
            mark: 0,
            zone,
            masquerade: None,
            port_drawn: false,
            protocol,
            master: None,
            adjustment: Adjustment::default(),
            help: None,
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

    /// The tuple of packets in this direction.
    pub const fn tuple(&self, direction: CtDirection) -> &Tuple {
        match direction {
            CtDirection::Original => &self.original,
            CtDirection::Reply => &self.reply,
        }
    }

    /// Counts a packet, and lets the entry live for `timeout` from now on (`nf_ct_refresh_acct`).
    pub fn refresh(&mut self, arrival: &Arrival<'_>, timeout: Duration) {
        self.count(arrival);
        self.expires = arrival.now + timeout;
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
