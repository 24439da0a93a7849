// SPDX-License-Identifier: GPL-3.0-or-later
//! New addresses and ports in the bytes of a packet (`net/netfilter/nf_nat_proto.c`). Checksums are moved on, not made
//! anew: a wrong one stays wrong.

use ringwall_ir::words::{Family, Protocol};

use super::End;
use crate::conntrack::{Ends, Layers, Tuple};
use crate::packet::checksum;
use crate::packet::wire::{byte, number16, put};

const ICMP_HEADER: usize = 8;

/// Rewrites one end of a packet to what the tuple says. False if it cannot be.
pub fn packet(bytes: &mut [u8], target: &Tuple, end: End) -> bool {
    one(bytes, target, end, target.protocol)
}

/// Rewrites an ICMP error and the packet that it quotes: `end` of the error, the other end of what it quotes.
pub fn error(bytes: &mut [u8], inner: &Tuple, outer: &Tuple, end: End) -> bool {
    let Some((family, protocol, at)) = layout(bytes) else { return false };
    let Some(quote) = bytes.get_mut(at + ICMP_HEADER..) else { return false };
    if !one(quote, inner, end.other(), inner.protocol) {
        return false;
    }
    put(bytes, at + 2, &[0, 0]);
    let sum = bytes.get(at..).map_or(0, |segment| checksum::transport(bytes, family, protocol, segment));
    put(bytes, at + 2, &sum.to_be_bytes());
    one(bytes, outer, end, protocol)
}

/// Whether an ICMP error has a wrong checksum.
pub fn is_spoiled_error(bytes: &[u8]) -> bool {
    let Some((family, protocol, at)) = layout(bytes) else { return true };
    bytes.get(at..).is_none_or(|segment| checksum::transport(bytes, family, protocol, segment) != 0)
}

/// Whether the packet is an ICMP redirect.
pub fn is_redirect(bytes: &[u8]) -> bool {
    let kind = |at| byte(bytes, at);
    match layout(bytes) {
        Some((Family::Ipv4, Protocol::ICMP, at)) => kind(at) == Some(5),
        Some((Family::Ipv6, Protocol::ICMPV6, at)) => kind(at) == Some(137),
        _ => false,
    }
}

/// Whether the packet is ICMP of its family.
pub fn is_icmp(bytes: &[u8]) -> bool {
    matches!(layout(bytes), Some((Family::Ipv4, Protocol::ICMP, _) | (Family::Ipv6, Protocol::ICMPV6, _)))
}

/// Family, transport protocol, and where the transport header starts.
pub(super) fn layout(bytes: &[u8]) -> Option<(Family, Protocol, usize)> {
    let family = match byte(bytes, 0)? >> 4 {
        4 => Family::Ipv4,
        6 => Family::Ipv6,
        _ => return None,
    };
    let layers = Layers::of(bytes, family)?;
    Some((family, layers.protocol, bytes.len() - layers.segment.len()))
}

fn one(bytes: &mut [u8], target: &Tuple, end: End, protocol: Protocol) -> bool {
    let at = layout(bytes).map(|(_, _, at)| at);
    let (place, address) = match (target.family, end) {
        (Family::Ipv4, End::Source) => (12, target.source),
        (Family::Ipv4, End::Destination) => (16, target.destination),
        (Family::Ipv6, End::Source) => (8, target.source),
        (Family::Ipv6, End::Destination) => (24, target.destination),
    };
    let whole = address.to_be_bytes();
    let new = match target.family {
        Family::Ipv4 => whole.get(12..).unwrap_or_default(),
        Family::Ipv6 => whole.as_slice(),
    };
    let old = bytes.get(place..place + new.len()).unwrap_or_default().to_vec();
    if let Some(at) = at
        && !transport(bytes, at, target, end, protocol, (&old, new))
    {
        return false;
    }
    put(bytes, place, new);
    if target.family == Family::Ipv4 {
        move_checksum(bytes, 10, &old, new);
    }
    true
}

/// Rewrites the transport header. `addresses` are those that its checksum sums, old and new.
fn transport(
    bytes: &mut [u8],
    at: usize,
    target: &Tuple,
    end: End,
    protocol: Protocol,
    addresses: (&[u8], &[u8]),
) -> bool {
    /// What the kernel must be able to write of each header; of a quoted packet there may be less.
    const LEAST: usize = 8;
    let there = bytes.len().saturating_sub(at);
    let known = [
        Protocol::TCP,
        Protocol::UDP,
        Protocol::UDPLITE,
        Protocol::SCTP,
        Protocol::ICMP,
        Protocol::ICMPV6,
        Protocol::GRE,
    ];
    if there < LEAST && known.contains(&protocol) {
        return false;
    }
    match protocol {
        Protocol::TCP => {
            let old = set_port(bytes, at, target, end);
            // A packet that an ICMP error quotes may end in front of its checksum.
            if there >= 20 {
                move_checksum(bytes, at + 16, addresses.0, addresses.1);
                move_checksum(bytes, at + 16, &old.0, &old.1);
            }
        }
        Protocol::UDP | Protocol::UDPLITE => {
            let old = set_port(bytes, at, target, end);
            if protocol == Protocol::UDPLITE || number16(bytes, at + 6) != Some(0) {
                move_checksum(bytes, at + 6, addresses.0, addresses.1);
                move_checksum(bytes, at + 6, &old.0, &old.1);
                if number16(bytes, at + 6) == Some(0) {
                    put(bytes, at + 6, &[0xff, 0xff]);
                }
            }
        }
        Protocol::SCTP => {
            set_port(bytes, at, target, end);
            if there >= 12 {
                let sum = bytes.get(at..).map(checksum::sctp).unwrap_or_default();
                put(bytes, at + 8, &sum);
            }
        }
        Protocol::ICMP if has_id(byte(bytes, at), &[0, 8, 13, 14, 15, 16, 17, 18]) => {
            let old = set_id(bytes, at + 4, target);
            move_checksum(bytes, at + 2, &old.0, &old.1);
        }
        Protocol::ICMPV6 => {
            move_checksum(bytes, at + 2, addresses.0, addresses.1);
            if has_id(byte(bytes, at), &[128, 129]) {
                let old = set_id(bytes, at + 4, target);
                move_checksum(bytes, at + 2, &old.0, &old.1);
            }
        }
        Protocol::GRE if end == End::Destination => return set_call(bytes, at, target),
        _ => {}
    }
    true
}

fn has_id(kind: Option<u8>, kinds: &[u8]) -> bool {
    kind.is_some_and(|kind| kinds.contains(&kind))
}

/// Writes the port of an end, and tells the old one and the new one.
fn set_port(bytes: &mut [u8], at: usize, target: &Tuple, end: End) -> ([u8; 2], [u8; 2]) {
    let Ends::Ports { source, destination } = target.ends else { return Default::default() };
    let (place, port) = match end {
        End::Source => (at, source),
        End::Destination => (at + 2, destination),
    };
    replace(bytes, place, port)
}

fn set_id(bytes: &mut [u8], place: usize, target: &Tuple) -> ([u8; 2], [u8; 2]) {
    let Ends::Query { id, .. } = target.ends else { return Default::default() };
    replace(bytes, place, id)
}

fn replace(bytes: &mut [u8], place: usize, new: u16) -> ([u8; 2], [u8; 2]) {
    let old = number16(bytes, place).unwrap_or(new).to_be_bytes();
    put(bytes, place, &new.to_be_bytes());
    (old, new.to_be_bytes())
}

/// The call id of enhanced GRE; plain GRE has none, and other versions are not rewritten (`gre_manip_pkt`).
fn set_call(bytes: &mut [u8], at: usize, target: &Tuple) -> bool {
    match byte(bytes, at + 1).map(|flags| flags & 7) {
        Some(0) => true,
        Some(1) => {
            if let Ends::Keys { destination, .. } = target.ends {
                put(bytes, at + 6, &destination.to_be_bytes());
            }
            true
        }
        _ => false,
    }
}

/// Moves the internet checksum at a place on to other bytes (RFC 1624).
fn move_checksum(bytes: &mut [u8], place: usize, old: &[u8], new: &[u8]) {
    if let Some(sum) = number16(bytes, place) {
        put(bytes, place, &checksum::moved(sum, old, new).to_be_bytes());
    }
}
