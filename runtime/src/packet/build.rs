// SPDX-License-Identifier: GPL-3.0-or-later
//! Building packets, with right lengths and checksums.

use std::net::IpAddr;

use ringwall_ir::words::{Family, Protocol, TcpFlags};

use super::checksum;
use super::wire::{self, IPV4_HEADER, put};

/// An IP packet in the making: what its header says. A method that gives the payload finishes it.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    family: Family,
    source: u128,
    destination: u128,
    hop_limit: u8,
    traffic_class: u8,
    id: u16,
    dont_fragment: bool,
}

/// A TCP segment (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    /// The port that it comes from.
    pub source_port: u16,
    /// The port that it is for.
    pub destination_port: u16,
    /// The number of its first byte.
    pub sequence: u32,
    /// The number of the next byte expected; counts with the ACK flag only, but is written anyway.
    pub acknowledgement: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// The window, unscaled.
    pub window: u16,
    /// The options, padded with zeroes to a multiple of four bytes; at most 40 bytes.
    pub options: &'a [u8],
    /// The data.
    pub payload: &'a [u8],
}

impl Build {
    /// A packet from one address to another, with hop limit 64. Where the families differ, the source decides, and the
    /// destination's low bits are taken.
    #[must_use]
    pub fn between(source: IpAddr, destination: IpAddr) -> Self {
        Self::from_bits(wire::family(source), wire::bits(source), wire::bits(destination))
    }

    /// A packet from one address to another of the family, with hop limit 64.
    #[must_use]
    pub const fn from_bits(family: Family, source: u128, destination: u128) -> Self {
        Self { family, source, destination, hop_limit: 64, traffic_class: 0, id: 0, dont_fragment: false }
    }

    /// With this hop limit or time to live.
    #[must_use]
    pub const fn hop_limit(self, hop_limit: u8) -> Self {
        Self { hop_limit, ..self }
    }

    /// With this traffic class or type of service.
    #[must_use]
    pub const fn traffic_class(self, traffic_class: u8) -> Self {
        Self { traffic_class, ..self }
    }

    /// With this identification. IPv4 only.
    #[must_use]
    pub const fn id(self, id: u16) -> Self {
        Self { id, ..self }
    }

    /// With the flag that forbids to fragment it. IPv4 only.
    #[must_use]
    pub const fn dont_fragment(self) -> Self {
        Self { dont_fragment: true, ..self }
    }

    /// A TCP segment.
    #[must_use]
    pub fn tcp(self, segment: &Segment<'_>) -> Vec<u8> {
        let options = segment.options.get(..40).unwrap_or(segment.options);
        let header = 20 + options.len().next_multiple_of(4);
        let mut bytes = vec![0; header];
        put(&mut bytes, 0, &segment.source_port.to_be_bytes());
        put(&mut bytes, 2, &segment.destination_port.to_be_bytes());
        put(&mut bytes, 4, &segment.sequence.to_be_bytes());
        put(&mut bytes, 8, &segment.acknowledgement.to_be_bytes());
        put(&mut bytes, 12, &[u8::try_from(header / 4).unwrap_or(15) << 4, segment.flags.0]);
        put(&mut bytes, 14, &segment.window.to_be_bytes());
        put(&mut bytes, 20, options);
        bytes.extend_from_slice(segment.payload);
        self.summed(Protocol::TCP, bytes, 16)
    }

    /// A UDP datagram.
    #[must_use]
    pub fn udp(self, source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ports(source_port, destination_port);
        bytes.extend_from_slice(&length16(8 + payload.len()));
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(payload);
        let mut packet = self.summed(Protocol::UDP, bytes, 6);
        let at = self.header_length() + 6;
        // A sum of zero is written as its other form: zero means "no checksum" (RFC 768).
        if wire::number16(&packet, at) == Some(0) {
            put(&mut packet, at, &[0xff, 0xff]);
        }
        packet
    }

    /// An ICMP message, ICMPv6 in an IPv6 packet. `rest` is the second word of the header: identifier and sequence
    /// number of a query, the MTU of an error.
    #[must_use]
    pub fn icmp(self, kind: u8, code: u8, rest: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, code, 0, 0];
        bytes.extend_from_slice(&rest.to_be_bytes());
        bytes.extend_from_slice(payload);
        let protocol = match self.family {
            Family::Ipv4 => Protocol::ICMP,
            Family::Ipv6 => Protocol::ICMPV6,
        };
        self.summed(protocol, bytes, 2)
    }

    /// An SCTP packet of these chunks.
    #[must_use]
    pub fn sctp(self, source_port: u16, destination_port: u16, tag: u32, chunks: &[u8]) -> Vec<u8> {
        let mut bytes = ports(source_port, destination_port);
        bytes.extend_from_slice(&tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(chunks);
        let sum = checksum::sctp(&bytes);
        put(&mut bytes, 8, &sum);
        self.protocol(Protocol::SCTP, &bytes)
    }

    /// A packet of any protocol. No checksum is written.
    #[must_use]
    pub fn protocol(self, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
        let mut bytes = self.header(protocol, payload.len());
        bytes.extend_from_slice(payload);
        bytes
    }

    const fn header_length(self) -> usize {
        match self.family {
            Family::Ipv4 => IPV4_HEADER,
            Family::Ipv6 => wire::IPV6_HEADER,
        }
    }

    fn summed(self, protocol: Protocol, mut segment: Vec<u8>, field: usize) -> Vec<u8> {
        let header = self.header(protocol, segment.len());
        let sum = checksum::transport(&header, self.family, protocol, &segment);
        put(&mut segment, field, &sum.to_be_bytes());
        [header, segment].concat()
    }

    fn header(self, protocol: Protocol, payload: usize) -> Vec<u8> {
        let mut header = vec![0; self.header_length()];
        match self.family {
            Family::Ipv4 => {
                put(&mut header, 0, &[0x45, self.traffic_class]);
                put(&mut header, 2, &length16(IPV4_HEADER + payload));
                put(&mut header, 4, &self.id.to_be_bytes());
                put(&mut header, 6, &[u8::from(self.dont_fragment) << 6]);
                put(&mut header, 8, &[self.hop_limit, protocol.0]);
                put(&mut header, 12, &low32(self.source));
                put(&mut header, 16, &low32(self.destination));
                write_header_checksum(&mut header);
            }
            Family::Ipv6 => {
                put(&mut header, 0, &[0x60 | self.traffic_class >> 4, self.traffic_class << 4]);
                put(&mut header, 4, &length16(payload));
                put(&mut header, 6, &[protocol.0, self.hop_limit]);
                put(&mut header, 8, &self.source.to_be_bytes());
                put(&mut header, 24, &self.destination.to_be_bytes());
            }
        }
        header
    }
}

/// Writes the checksum of the IPv4 header at the start of `bytes`.
pub(crate) fn write_header_checksum(bytes: &mut [u8]) {
    put(bytes, 10, &[0, 0]);
    let length = super::ipv4::header_length(bytes).unwrap_or(IPV4_HEADER);
    let sum = checksum::of(bytes.get(..length).unwrap_or_default());
    put(bytes, 10, &sum.to_be_bytes());
}

/// Writes into an IPv4 header what the kernel writes there itself when it sends: total length and checksum
/// (`raw_send_hdrinc`).
pub(crate) fn write_sent_header(bytes: &mut [u8]) {
    put(bytes, 2, &length16(bytes.len()));
    write_header_checksum(bytes);
}

/// Writes the source into an IPv4 header that has none. What is behind the header stays as it is, its checksum too.
pub(crate) fn write_sender(bytes: &mut [u8], source: u128) {
    put(bytes, 12, &low32(source));
    write_header_checksum(bytes);
}

fn ports(source: u16, destination: u16) -> Vec<u8> {
    [source.to_be_bytes(), destination.to_be_bytes()].concat()
}

fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

fn low32(bits: u128) -> [u8; 4] {
    u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;

    fn checksum_over(bytes: &[u8]) -> u16 {
        let packet = Packet::parse(bytes).unwrap();
        checksum::transport(bytes, packet.family(), packet.protocol(), packet.transport().unwrap())
    }

    #[test]
    fn checksums_are_right_in_both_families() {
        for (source, destination) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "fe80::7")] {
            let build = Build::between(source.parse().unwrap(), destination.parse().unwrap());
            let segment = Segment { options: &[2, 4, 5, 180, 1], payload: b"odd", ..Segment::default() };
            assert_eq!(checksum_over(&build.tcp(&segment)), 0);
            assert_eq!(checksum_over(&build.udp(53, 5000, b"x")), 0);
            assert_eq!(checksum_over(&build.icmp(128, 0, 1, b"ping")), 0);
        }
    }

    #[test]
    fn a_udp_checksum_is_never_written_as_zero() {
        let build = Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let zero = (0..=u16::MAX).find(|port| wire::number16(&build.udp(*port, 0, b""), 26) == Some(0xffff));
        assert!(zero.is_some());
        assert!((0..=u16::MAX).all(|port| wire::number16(&build.udp(port, 0, b""), 26) != Some(0)));
    }

    #[test]
    fn options_are_padded() {
        let build = Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let bytes = build.tcp(&Segment { options: &[3, 3, 7], payload: b"data", ..Segment::default() });
        assert_eq!(bytes.len(), 20 + 24 + 4);
        assert_eq!(Packet::parse(&bytes).unwrap().payload(), Some(&b"data"[..]));
    }
}
