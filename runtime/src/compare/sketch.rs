// SPDX-License-Identifier: GPL-3.0-or-later
//! One packet in the making: its place in every dimension of a region.

use std::time::Duration;

use ringwall_ir::words::{Direction, Family, IcmpClass, Protocol, TcpFlags, icmp};

use crate::packet::build::{Build, Segment};
use crate::traffic::{Entry, Sender, TimedPacket};

/// A packet, dimension by dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) direction: Direction,
    pub(super) family: Family,
    /// Whether the host sends it to itself: then so are the packets that answer it.
    pub(super) looped: bool,
    /// The interface on the far side of a packet for or from the host; the arriving one of a forwarded packet.
    pub(super) interface: String,
    /// The interface that a forwarded packet leaves by.
    pub(super) onward: String,
    pub(super) source: u128,
    pub(super) destination: u128,
    pub(super) protocol: Protocol,
    pub(super) from_port: u16,
    pub(super) port: u16,
    pub(super) icmp_type: u8,
    pub(super) icmp_code: u8,
    pub(super) hop_limit: u8,
    /// The flags that the region asks for and the mask it asks for them under.
    pub(super) flags: (TcpFlags, TcpFlags),
}

/// Which packet of a conversation is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first one.
    Opening,
    /// The other end's answer to it.
    Answer,
    /// The opener's next.
    Following,
}

/// The first byte of each end's data.
const OPENER: u32 = 1_000;
const ANSWERER: u32 = 5_000;

impl Sketch {
    /// The packet that goes the other way.
    pub(super) fn reversed(&self) -> Self {
        let direction = match self.direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound if self.looped => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
            Direction::Forwarded => Direction::Forwarded,
        };
        let (interface, onward) = match self.direction {
            Direction::Forwarded => (self.onward.clone(), self.interface.clone()),
            _ => (self.interface.clone(), self.onward.clone()),
        };
        Self {
            direction,
            interface,
            onward,
            source: self.destination,
            destination: self.source,
            from_port: self.port,
            port: self.from_port,
            icmp_type: opposite(self.family, self.icmp_type),
            flags: (TcpFlags(0), TcpFlags(0)),
            hop_limit: 64,
            ..self.clone()
        }
    }

    /// The packet as it enters the host.
    pub(super) fn timed(&self, bytes: Vec<u8>) -> TimedPacket {
        let entry = match self.direction {
            Direction::Outbound => Entry::Sent,
            Direction::Inbound | Direction::Forwarded => Entry::Arrives(self.interface.clone()),
        };
        TimedPacket { at: Duration::ZERO, entry, bytes, refused: false, sender: Sender::default() }
    }

    /// The packet's bytes, at its turn of a conversation.
    pub(super) fn bytes(&self, turn: Turn) -> Vec<u8> {
        let build = self.build();
        match self.protocol {
            Protocol::TCP => build.tcp(&self.segment(turn)),
            Protocol::UDP => build.udp(self.from_port, self.port, b"ringwall"),
            Protocol::ICMP | Protocol::ICMPV6 if self.is_icmp() => self.icmp(None),
            Protocol::SCTP => build.sctp(self.from_port, self.port, u32::from(turn != Turn::Opening), &chunk(turn)),
            other => build.protocol(other, b"ringwall"),
        }
    }

    /// The packet as an ICMP error about another packet, or as the ICMP message it is.
    pub(super) fn icmp(&self, about: Option<&[u8]>) -> Vec<u8> {
        const QUOTED: usize = 128;
        const MTU: u32 = 1280;
        let build = self.build();
        match icmp::class(self.family, self.icmp_type) {
            IcmpClass::Error => {
                let unknown = self.unknown_flow();
                let quote = about.unwrap_or(&unknown);
                let too_big = self.family == Family::Ipv6 && self.icmp_type == 2;
                let rest = if too_big { MTU } else { 0 };
                build.icmp(self.icmp_type, self.icmp_code, rest, quote.get(..QUOTED).unwrap_or(quote))
            }
            // Neighbour discovery and its like carry a target address behind their header (RFC 4861 §4.3).
            IcmpClass::Untracked => build.icmp(self.icmp_type, self.icmp_code, 0, &self.destination.to_be_bytes()),
            _ => {
                build.icmp(self.icmp_type, self.icmp_code, u32::from(self.from_port ^ self.port) << 16 | 1, b"ringwall")
            }
        }
    }

    /// A packet that arrives with a wrong checksum, where conntrack looks at it.
    pub(super) fn damaged(&self) -> Vec<u8> {
        let mut bytes = self.bytes(Turn::Opening);
        if let Some(last) = bytes.last_mut() {
            *last ^= 0x55;
        }
        bytes
    }

    /// Whether it is ICMP of its own family.
    pub(super) fn is_icmp(&self) -> bool {
        matches!((self.family, self.protocol), (Family::Ipv4, Protocol::ICMP) | (Family::Ipv6, Protocol::ICMPV6))
    }

    fn build(&self) -> Build {
        Build::from_bits(self.family, self.source, self.destination).hop_limit(self.hop_limit)
    }

    fn segment(&self, turn: Turn) -> Segment<'static> {
        let (usual, sequence, acknowledgement) = match turn {
            Turn::Opening => (TcpFlags::SYN, OPENER, 0),
            Turn::Answer => (TcpFlags::SYN.with(TcpFlags::ACK), ANSWERER, OPENER + 1),
            Turn::Following => (TcpFlags::ACK, OPENER + 1, ANSWERER + 1),
        };
        let (value, mask) = self.flags;
        let flags = TcpFlags(usual.0 & !mask.0 | value.0);
        Segment {
            source_port: self.from_port,
            destination_port: self.port,
            sequence,
            acknowledgement,
            flags,
            window: 64_240,
            ..Segment::default()
        }
    }

    /// A datagram that nobody sent, as if the destination had.
    fn unknown_flow(&self) -> Vec<u8> {
        Build::from_bits(self.family, self.destination, self.source).udp(9, 9, b"ringwall")
    }
}

/// The ICMP type that answers a query, or that an answer answers.
const fn opposite(family: Family, kind: u8) -> u8 {
    match (family, kind) {
        (Family::Ipv4, 8) => 0,
        (Family::Ipv4, 0) => 8,
        (Family::Ipv4, 13 | 15 | 17) => kind + 1,
        (Family::Ipv4, 14 | 16 | 18) => kind - 1,
        (Family::Ipv6, 128 | 139) => kind + 1,
        (Family::Ipv6, 129 | 140) => kind - 1,
        _ => kind,
    }
}

/// The chunk of an SCTP packet (RFC 9260 §3.3): INIT opens, INIT ACK answers, DATA follows.
fn chunk(turn: Turn) -> Vec<u8> {
    let kind = match turn {
        Turn::Opening => 1,
        Turn::Answer => 2,
        Turn::Following => 0,
    };
    let mut chunk = vec![kind, 0, 0, 20];
    chunk.extend_from_slice(&1u32.to_be_bytes());
    chunk.extend_from_slice(&[0, 0, 0xff, 0xff, 0, 1, 0, 1]);
    chunk.extend_from_slice(&1u32.to_be_bytes());
    chunk
}
