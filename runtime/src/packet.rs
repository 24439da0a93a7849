// SPDX-License-Identifier: GPL-3.0-or-later
//! One IP packet, parsed by hand: a view on its bytes that never panics.
//!
//! [`Packet::parse`] checks what `ip_rcv_core` (`net/ipv4/ip_input.c`) and `ip6_rcv_core` (`net/ipv6/ip6_input.c`) check
//! of a header. Everything behind it may be cut short or wrong: the accessors of the transport header return `None`
//! then, as nf_tables finds no such field.

pub mod answer;
pub mod build;
pub mod checksum;
mod describe;
mod ipv4;
mod ipv6;
pub(crate) mod options;
pub(crate) mod wire;

use ringwall_ir::words::{Family, Protocol, TcpFlags};
use thiserror::Error;

pub(crate) use build::{write_header_checksum, write_sender, write_sent_header};
pub(crate) use ipv4::{
    OptionArea, fragment as ipv4_fragment, header_length as ipv4_header_length, options as ipv4_options,
};
pub(crate) use ipv6::{
    Authentication, has_extension_header, lacks_headers, option_area_is_sound, skip_extension_headers,
};
use wire::{byte, number16};

/// One IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    bytes: &'a [u8],
    family: Family,
    protocol: Protocol,
    transport: usize,
    fragment: Option<Fragment>,
}

/// Where things are in a packet: all that [`Packet::parse`] found but the bytes themselves. It holds for them as long as
/// only values are written into them, and the checksum with those.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    length: usize,
    packet: Packet<'static>,
}

impl Layout {
    /// The packet that has the layout; none where there are fewer bytes than it had.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> Option<Packet<'_>> {
        bytes.get(..self.length).map(|bytes| Packet { bytes, ..self.packet })
    }
}

/// What the header of a fragment says (RFC 791 §3.1, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What the fragments of one packet have in common.
    pub id: u32,
    /// Where its first byte belongs in the whole packet's payload.
    pub offset: usize,
    /// Whether others follow.
    pub more: bool,
    /// Where the fragment header starts. IPv6 only.
    pub(crate) header: usize,
    /// Where the byte stands that announces the fragment header. IPv6 only.
    pub(crate) named_at: usize,
}

/// Why bytes are not an IP packet that a host would take in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// There are not even the bytes of a header.
    #[error("too short for an ip header")]
    Short,
    /// The version is neither 4 nor 6.
    #[error("neither ip version 4 nor 6")]
    Version,
    /// The IPv4 header claims an impossible length.
    #[error("bad length of the ip header")]
    HeaderLength,
    /// The IPv4 header's checksum is wrong.
    #[error("bad checksum of the ip header")]
    HeaderChecksum,
    /// The packet claims to be longer than its bytes, or shorter than its header.
    #[error("bad length of the ip packet")]
    Length,
}

impl<'a> Packet<'a> {
    /// Reads the header of the packet at the start of `bytes`. What follows its end (padding of the link) is left out.
    ///
    /// # Errors
    /// Why a host would not take it in.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        match byte(bytes, 0).ok_or(Malformed::Short)? >> 4 {
            4 => ipv4::parse(bytes),
            6 => ipv6::parse(bytes),
            _ => Err(Malformed::Version),
        }
    }

    /// Where things are in it.
    pub(crate) const fn layout(&self) -> Layout {
        let Self { bytes, family, protocol, transport, fragment } = *self;
        Layout { length: bytes.len(), packet: Packet { bytes: &[], family, protocol, transport, fragment } }
    }

    /// Its family.
    #[must_use]
    #[inline]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Its source; IPv4 in the low 32 bits.
    #[must_use]
    pub fn source(&self) -> u128 {
        self.addresses().0
    }

    /// Its destination; IPv4 in the low 32 bits.
    #[must_use]
    pub fn destination(&self) -> u128 {
        self.addresses().1
    }

    /// Its source and destination; IPv4 in the low 32 bits.
    #[must_use]
    #[inline]
    pub fn addresses(&self) -> (u128, u128) {
        wire::addresses(self.bytes, self.family).unwrap_or_default()
    }

    /// The transport protocol, as `meta l4proto` sees it: behind the extension headers of IPv6, but for the
    /// authentication header, which counts as a transport protocol. Where an extension header is cut short, its number.
    #[must_use]
    #[inline]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The time to live, or the hop limit.
    #[must_use]
    pub fn hop_limit(&self) -> u8 {
        let at = match self.family {
            Family::Ipv4 => 8,
            Family::Ipv6 => 7,
        };
        byte(self.bytes, at).unwrap_or_default()
    }

    /// The type of service, or the traffic class.
    #[must_use]
    pub fn traffic_class(&self) -> u8 {
        match self.family {
            Family::Ipv4 => byte(self.bytes, 1).unwrap_or_default(),
            Family::Ipv6 => number16(self.bytes, 0).map_or(0, |word| (word >> 4).to_be_bytes()[1]),
        }
    }

    /// Source and destination port, where the protocol has ports and both are there.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        const DCCP: Protocol = Protocol(33);
        match self.protocol {
            Protocol::TCP | Protocol::UDP | Protocol::SCTP | Protocol::UDPLITE | DCCP => {
                Some((number16(self.transport()?, 0)?, number16(self.transport()?, 2)?))
            }
            _ => None,
        }
    }

    /// The TCP flags.
    #[must_use]
    pub fn tcp_flags(&self) -> Option<TcpFlags> {
        (self.protocol == Protocol::TCP).then(|| byte(self.transport()?, 13).map(TcpFlags)).flatten()
    }

    /// Type and code of an ICMP message: ICMP in IPv4 and ICMPv6 in IPv6 only.
    #[must_use]
    pub fn icmp(&self) -> Option<(u8, u8)> {
        match (self.family, self.protocol) {
            (Family::Ipv4, Protocol::ICMP) | (Family::Ipv6, Protocol::ICMPV6) => {
                Some((byte(self.transport()?, 0)?, byte(self.transport()?, 1)?))
            }
            _ => None,
        }
    }

    /// The whole packet, from the IP header on.
    #[must_use]
    #[inline]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What its fragment header says; none where it has none. An IPv4 packet has one if it is a fragment.
    #[must_use]
    pub const fn fragment(&self) -> Option<Fragment> {
        self.fragment
    }

    /// The transport header and what follows; none in a later fragment and where an extension header is cut short.
    #[must_use]
    #[inline]
    pub fn transport(&self) -> Option<&'a [u8]> {
        match self.fragment {
            Some(Fragment { offset: 1.., .. }) => None,
            _ => self.bytes.get(self.transport..),
        }
    }

    /// What follows the transport header, of TCP, UDP and ICMP.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        let header = match self.protocol {
            Protocol::TCP => usize::from(byte(self.transport()?, 12)? >> 4) * 4,
            Protocol::UDP | Protocol::UDPLITE | Protocol::ICMP | Protocol::ICMPV6 => 8,
            _ => return None,
        };
        self.transport()?.get(header..)
    }

    /// Where the header ends and, in IPv4, the payload of a fragment starts.
    pub(crate) const fn transport_offset(&self) -> usize {
        self.transport
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::build::{Build, Segment};
    use super::*;

    fn between(source: &str, destination: &str) -> Build {
        Build::between(source.parse().unwrap(), destination.parse().unwrap())
    }

    #[test]
    fn accessors_read_what_was_built() {
        let bytes = between("10.0.0.1", "10.0.0.99").hop_limit(7).tcp(&Segment {
            source_port: 40000,
            destination_port: 80,
            flags: TcpFlags::SYN,
            ..Segment::default()
        });
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.addresses(), (0x0a00_0001, 0x0a00_0063));
        assert_eq!((packet.family(), packet.protocol(), packet.hop_limit()), (Family::Ipv4, Protocol::TCP, 7));
        assert_eq!(packet.ports(), Some((40000, 80)));
        assert_eq!(packet.tcp_flags(), Some(TcpFlags::SYN));
        assert_eq!(packet.icmp(), None);
    }

    #[test]
    fn icmp_belongs_to_its_family() {
        let stray = between("10.0.0.1", "10.0.0.2").protocol(Protocol::ICMPV6, &[128, 0, 0, 0]);
        assert_eq!(Packet::parse(&stray).unwrap().icmp(), None);
        let ping = between("::1", "::2").icmp(128, 0, 7, b"x");
        assert_eq!(Packet::parse(&ping).unwrap().icmp(), Some((128, 0)));
    }

    #[test]
    fn header_checks_are_those_of_ip_input() {
        let good = between("10.0.0.1", "10.0.0.2").udp(1, 2, b"x");
        let changed = |at: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[at] = to;
            bytes
        };
        assert_eq!(Packet::parse(&[]), Err(Malformed::Short));
        assert_eq!(Packet::parse(&good[..19]), Err(Malformed::Short));
        assert_eq!(Packet::parse(&changed(0, 0x55)), Err(Malformed::Version));
        assert_eq!(Packet::parse(&changed(0, 0x44)), Err(Malformed::HeaderLength));
        assert_eq!(Packet::parse(&changed(8, 1)), Err(Malformed::HeaderChecksum));
        assert_eq!(Packet::parse(&good[..good.len() - 1]), Err(Malformed::Length));
        let padded: Vec<u8> = good.iter().copied().chain([0; 5]).collect();
        assert_eq!(Packet::parse(&padded).unwrap().bytes(), good);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(version in prop::sample::select(vec![0x45_u8, 0x60, 0x4f, 0]), next: u8, rest in prop::collection::vec(any::<u8>(), 0..120)) {
            let mut bytes = rest;
            if let Some(first) = bytes.first_mut() {
                *first = version;
            }
            if let (6, Some(at)) = (version >> 4, bytes.get_mut(6)) {
                *at = next;
                let length = u8::try_from(bytes.len().saturating_sub(40)).unwrap();
                bytes[4..6].copy_from_slice(&[0, length]);
            }
            if let Ok(packet) = Packet::parse(&bytes) {
                let _ = (packet.ports(), packet.tcp_flags(), packet.icmp(), packet.payload(), packet.to_string());
            }
        }
    }
}
