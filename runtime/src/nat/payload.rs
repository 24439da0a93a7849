// SPDX-License-Identifier: GPL-3.0-or-later
//! Other text in the payload of a packet, where a helper found an address or a port (`nf_nat_helper.c`).

use std::ops::Range;

use ringwall_ir::words::{Family, Protocol};

use super::rewrite::layout;
use crate::packet::wire::{IPV6_HEADER, byte, number16, put};
use crate::packet::{checksum, write_header_checksum};

/// Puts a text in the place of a part of the payload of a TCP segment or a UDP datagram, with lengths and checksums made
/// anew (`nf_nat_mangle_tcp_packet`, `nf_nat_mangle_udp_packet`). False if there is no such part, or the packet would be
/// too long. `protocol` is the conversation's: what is related to it is taken for a packet of it, even an ICMP error.
pub fn replace(packet: &mut Vec<u8>, protocol: Protocol, place: Range<usize>, text: &[u8]) -> bool {
    let Some((family, _, at)) = layout(packet) else { return false };
    let Some(payload) = payload(packet, protocol, at) else { return false };
    let (start, end) = (payload + place.start, payload + place.end);
    let whole = (packet.len() + text.len()).saturating_sub(place.len());
    if start > end || end > packet.len() || whole > usize::from(u16::MAX) {
        return false;
    }
    packet.splice(start..end, text.iter().copied());
    match family {
        Family::Ipv4 => {
            put(packet, 2, &length(whole));
            write_header_checksum(packet);
        }
        Family::Ipv6 => put(packet, 4, &length(whole.saturating_sub(IPV6_HEADER))),
    }
    sum(packet, family, protocol, at);
    true
}

/// Sends a datagram, or what is taken for one, to another port.
pub fn redirect(packet: &mut [u8], port: u16) {
    const DESTINATION: usize = 2;
    if let Some((family, _, at)) = layout(packet) {
        put(packet, at + DESTINATION, &port.to_be_bytes());
        sum(packet, family, Protocol::UDP, at);
    }
}

/// Writes length and checksum of the transport header. A datagram without a checksum keeps none.
fn sum(packet: &mut [u8], family: Family, protocol: Protocol, at: usize) {
    if protocol == Protocol::UDP {
        put(packet, at + 4, &length(packet.len().saturating_sub(at)));
        if number16(packet, at + checksum::place_in(protocol)) == Some(0) {
            return;
        }
    }
    checksum::write(packet, family, protocol, at);
}

/// Where the payload starts.
fn payload(packet: &[u8], protocol: Protocol, at: usize) -> Option<usize> {
    const UDP_HEADER: usize = 8;
    match protocol {
        Protocol::TCP => Some(at + usize::from(byte(packet, at + 12)? >> 4) * 4),
        Protocol::UDP => Some(at + UDP_HEADER),
        _ => None,
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}
