// SPDX-License-Identifier: GPL-3.0-or-later
//! What others do to conversations: errors about their packets, forged ones, spoiled ones, and packets out of the blue.

use fastrand::Rng;
use ringwall_ir::words::{Family, Protocol, TcpFlags};

use super::Drawer;
use super::place::choose;
use crate::engine::Ruling;
use crate::packet::Packet;
use crate::packet::build::{Build, Segment, write_header_checksum};
use crate::packet::wire::{number32, put};
use crate::traffic::{Entry, TimedPacket};

impl<R: Ruling> Drawer<R> {
    pub(super) fn mischief(&mut self) {
        let seen: Vec<_> = self.seen.iter().cloned().collect();
        let Some((packet, left)) = choose(&seen, &mut self.rng).cloned() else { return };
        let made = match self.rng.u8(..8) {
            0 => self.blue(),
            1 => self.spoiled(&packet),
            2 | 3 => self.forged(&packet),
            4 => Some((packet.bytes.clone(), packet.entry.clone())),
            _ => left.and_then(|left| self.error_about(&left)),
        };
        if let Some((bytes, entry)) = made {
            self.emit(bytes, &entry, None);
        }
    }

    /// An error that somebody on the way, or the packet's destination, sends about it.
    fn error_about(&mut self, left: &[u8]) -> Option<(Vec<u8>, Entry)> {
        let packet = Packet::parse(left).ok()?;
        let family = packet.family();
        let (source, destination) = packet.addresses();
        let from = if self.chance(3) { self.places.any(family, &mut self.rng)? } else { destination };
        let to = if self.chance(8) { self.places.any(family, &mut self.rng)? } else { source };
        let kinds: &[(u8, u8)] = match family {
            Family::Ipv4 => &[(3, 1), (3, 3), (3, 4), (11, 0), (12, 0), (4, 0), (5, 1)],
            Family::Ipv6 => &[(1, 4), (2, 0), (3, 0), (4, 1)],
        };
        let &(kind, code) = choose(kinds, &mut self.rng)?;
        let length = *choose(&[8, 20, 24, 28, 48, 60, 576], &mut self.rng)?;
        let quote = left.get(..length).unwrap_or(left);
        let bytes = Build::from_bits(family, from, to).icmp(kind, code, 0, quote);
        Some((bytes, self.places.entry(family, destination)?))
    }

    /// A segment that somebody else sends in the name of an end.
    fn forged(&mut self, packet: &TimedPacket) -> Option<(Vec<u8>, Entry)> {
        let parsed = Packet::parse(&packet.bytes).ok()?;
        let (source, destination) = parsed.addresses();
        let (own, other) = parsed.ports()?;
        if parsed.protocol() != Protocol::TCP {
            return None;
        }
        let transport = parsed.transport()?;
        let (sequence, acknowledgement) = (number32(transport, 4)?, number32(transport, 8)?);
        let by = *choose(&[0, 1, 2, 100, 1000, 64_240, 70_000, 1 << 20, 1 << 31], &mut self.rng)?;
        let sequence = if self.rng.bool() { sequence.wrapping_add(by) } else { sequence.wrapping_sub(by) };
        let flags = *choose(&[4, 4, 0x14, 2, 0x12, 0x10, 1, 0x11, 0, 0x29], &mut self.rng)?;
        let segment = Segment {
            source_port: own,
            destination_port: other,
            sequence,
            acknowledgement,
            flags: TcpFlags(flags),
            window: 1000,
            ..Segment::default()
        };
        let bytes = Build::from_bits(parsed.family(), source, destination).tcp(&segment);
        Some((bytes, packet.entry.clone()))
    }

    /// A packet with a byte turned over, or cut short.
    fn spoiled(&mut self, packet: &TimedPacket) -> Option<(Vec<u8>, Entry)> {
        let parsed = Packet::parse(&packet.bytes).ok()?;
        let header = parsed.transport_offset();
        let mut bytes = parsed.bytes().to_vec();
        if self.rng.bool() {
            let at = self.rng.usize(header.min(bytes.len().checked_sub(1)?)..bytes.len());
            let byte = bytes.get_mut(at)?;
            *byte ^= 1 << self.rng.u8(..8);
        } else {
            bytes.truncate(self.rng.usize(header.min(bytes.len())..=bytes.len()));
            let length = u16::try_from(bytes.len()).ok()?;
            match parsed.family() {
                Family::Ipv4 => {
                    put(&mut bytes, 2, &length.to_be_bytes());
                    write_header_checksum(&mut bytes);
                }
                Family::Ipv6 => put(&mut bytes, 4, &length.checked_sub(40)?.to_be_bytes()),
            }
        }
        Some((bytes, packet.entry.clone()))
    }

    /// A packet of no conversation.
    fn blue(&mut self) -> Option<(Vec<u8>, Entry)> {
        let (family, from, to) = self.places.pair(&mut self.rng)?;
        let build = Build::from_bits(family, from, to);
        let (own, other) = (self.rng.u16(..), *choose(&[22, 53, 80, 443, 9], &mut self.rng)?);
        let bytes = match self.rng.u8(..4) {
            0 => build.udp(own, other, b"blue"),
            1 => build.icmp(self.rng.u8(..), 0, u32::from(own) << 16, b"blue"),
            // Not the numbers of extension headers: the kernel does not trace packets that end within one.
            2 => build.protocol(Protocol(self.rng.u8(61..130)), b"out of the blue"),
            _ => build.tcp(&Segment {
                source_port: own,
                destination_port: other,
                flags: TcpFlags(self.rng.u8(..64)),
                sequence: self.rng.u32(..),
                window: 100,
                ..Segment::default()
            }),
        };
        Some((bytes, self.places.entry(family, from)?))
    }
}

/// An IPv4 packet in two fragments, which may overlap or leave a hole; others as they are.
pub(super) fn fragments(bytes: &[u8], rng: &mut Rng) -> Vec<Vec<u8>> {
    const HEADER: usize = 20;
    let whole = vec![bytes.to_vec()];
    let is_plain = Packet::parse(bytes).is_ok_and(|packet| {
        packet.family() == Family::Ipv4 && packet.fragment().is_none() && packet.transport_offset() == HEADER
    });
    let (Some(header), Some(payload)) = (bytes.get(..HEADER), bytes.get(HEADER..)) else { return whole };
    if !is_plain || payload.len() < 16 {
        return whole;
    }
    let units = payload.len().div_ceil(8);
    let cut = rng.usize(1..units);
    // Now and then the second starts early or late.
    let start = if rng.u8(..8) == 0 { (cut + 1).min(units - 1) } else { cut };
    let piece = |first: usize, last: usize, more: bool| {
        let mut packet = header.to_vec();
        let data = payload.get(first * 8..last.min(payload.len())).unwrap_or_default();
        packet.extend_from_slice(data);
        let length = u16::try_from(packet.len()).unwrap_or(0);
        put(&mut packet, 2, &length.to_be_bytes());
        let offset = u16::try_from(first).unwrap_or(0) | u16::from(more) << 13;
        put(&mut packet, 6, &offset.to_be_bytes());
        write_header_checksum(&mut packet);
        packet
    };
    vec![piece(0, cut * 8, true), piece(start, payload.len(), false)]
}
