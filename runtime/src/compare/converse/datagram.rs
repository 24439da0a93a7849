// SPDX-License-Identifier: GPL-3.0-or-later
//! Conversations without a state of their own: UDP, ICMP queries, SCTP by its chunks, GRE, and protocols that nobody knows.

use fastrand::Rng;
use ringwall_ir::words::{Family, Protocol};

use super::invite;
use super::place::choose;
use super::talk::Side;
use crate::packet::Packet;
use crate::packet::build::Build;
use crate::packet::wire::{byte, number16, number32};

/// What is spoken.
#[derive(Clone, Debug)]
pub struct Datagram {
    protocol: Protocol,
    /// The tags that the ends of an SCTP association gave.
    tags: [u32; 2],
    /// The last query that reached the answerer: its type and its identifier.
    query: Option<(u8, u16)>,
}

impl Datagram {
    /// Those that are drawn, the usual ones more often.
    pub const PROTOCOLS: [Protocol; 9] = [
        Protocol::UDP,
        Protocol::UDP,
        Protocol::UDP,
        Protocol::UDP,
        Protocol::ICMP,
        Protocol::ICMP,
        Protocol::SCTP,
        Protocol::GRE,
        Protocol(200),
    ];

    pub const fn new(protocol: Protocol) -> Self {
        Self { protocol, tags: [0x1111_1111, 0x2222_2222], query: None }
    }

    /// The next packet of an end; none where it has nothing to say.
    pub fn say(
        &mut self,
        side: Side,
        family: Family,
        build: Build,
        own: u16,
        other: u16,
        rng: &mut Rng,
    ) -> Option<Vec<u8>> {
        match self.protocol {
            Protocol::UDP if other == invite::TFTP => Some(build.udp(own, other, invite::READ_REQUEST)),
            Protocol::UDP => Some(build.udp(own, other, b"ringwall")),
            Protocol::ICMP => self.query(side, family, build, own, rng),
            Protocol::SCTP => Some(self.sctp(side, build, own, other, rng)),
            Protocol::GRE => Some(build.protocol(self.protocol, &[0, 0, 8, 0, 0x45, 0, 0, 0])),
            other => Some(build.protocol(other, b"ringwall")),
        }
    }

    fn query(&self, side: Side, family: Family, build: Build, id: u16, rng: &mut Rng) -> Option<Vec<u8>> {
        let queries: &[u8] = if family == Family::Ipv4 { &[8, 8, 8, 13] } else { &[128, 128, 139] };
        let (kind, id) = match side {
            Side::Opener => (*choose(queries, rng)?, id),
            Side::Answerer => self.query?,
        };
        Some(build.icmp(kind, 0, u32::from(id) << 16 | u32::from(rng.u16(..)), b"ringwall"))
    }

    /// The chunks of RFC 9260 §3.3 by their numbers: mostly in the order of an association, sometimes not.
    fn sctp(&mut self, side: Side, build: Build, own: u16, other: u16, rng: &mut Rng) -> Vec<u8> {
        let [opener, answerer] = self.tags;
        let (mine, theirs) = if side == Side::Opener { (opener, answerer) } else { (answerer, opener) };
        let usual: &[u8] = match side {
            Side::Opener => &[1, 10, 0, 0, 4, 7, 14],
            Side::Answerer => &[2, 11, 3, 3, 5, 8, 0],
        };
        let kind = if rng.u8(..8) == 0 { rng.u8(..16) } else { *choose(usual, rng).unwrap_or(&0) };
        let tag = match (kind, rng.u8(..12)) {
            (1, _) => 0,
            (_, 0) => rng.u32(..),
            (6 | 14, 1) => mine,
            _ => theirs,
        };
        let body: Vec<u8> = match kind {
            1 | 2 => [&mine.to_be_bytes()[..], &[0, 0, 0xff, 0xff, 0, 1, 0, 1], &1_u32.to_be_bytes()].concat(),
            _ => vec![0; 12],
        };
        let flags = u8::from(kind == 6 || kind == 14) * u8::from(tag == mine);
        let length = u16::try_from(4 + body.len()).unwrap_or(4);
        build.sctp(own, other, tag, &[&[kind, flags][..], &length.to_be_bytes(), &body].concat())
    }

    /// A packet reached an end.
    pub fn hear(&mut self, side: Side, packet: &Packet<'_>) {
        let Some(transport) = packet.transport() else { return };
        if let (Side::Answerer, Some((kind, _)), Some(id)) = (side, packet.icmp(), number16(transport, 4)) {
            let answer = match kind {
                8 => 0,
                13 | 128 | 139 => kind + 1,
                _ => return,
            };
            self.query = Some((answer, id));
        }
        // INIT and INIT ACK tell the tag of their sender.
        if let (Protocol::SCTP, Some(1 | 2), Some(tag)) =
            (packet.protocol(), byte(transport, 12), number32(transport, 16))
        {
            let [opener, answerer] = &mut self.tags;
            *(if side == Side::Answerer { opener } else { answerer }) = tag;
        }
    }
}
