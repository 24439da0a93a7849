// SPDX-License-Identifier: GPL-3.0-or-later
//! Tuples: what tells one conversation from another (`include/net/netfilter/nf_conntrack_tuple.h`).

mod packed;

use ringwall_ir::words::{Family, Protocol};

pub use self::packed::Packed;
use crate::packet::wire::{self, IPV4_HEADER, IPV6_HEADER, byte, number16};
use crate::packet::{Authentication, Fragment, ipv4_fragment, ipv4_header_length, skip_extension_headers};

/// The key of one direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    pub family: Family,
    pub protocol: Protocol,
    pub source: u128,
    pub destination: u128,
    pub ends: Ends,
}

/// What a protocol adds to the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ends {
    Nothing,
    Ports { source: u16, destination: u16 },
    Query { kind: u8, code: u8, id: u16 },
    Keys { source: u16, destination: u16 },
}

/// A packet taken apart as connection tracking does it, without the checks of IP input: it may also be a quote inside an
/// ICMP error, cut short.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    pub family: Family,
    pub packet: &'a [u8],
    pub protocol: Protocol,
    pub segment: &'a [u8],
}

impl<'a> Layers<'a> {
    /// None where there is no transport header to be found (`get_l4proto` in `nf_conntrack_core.c`).
    pub fn of(packet: &'a [u8], family: Family) -> Option<Self> {
        let (protocol, offset) = match family {
            Family::Ipv4 => Self::behind_v4(packet)?,
            Family::Ipv6 => Self::behind_v6(packet)?,
        };
        Some(Self { family, packet, protocol: Protocol(protocol), segment: packet.get(offset..)? })
    }

    fn behind_v4(packet: &[u8]) -> Option<(u8, usize)> {
        let later = |fragment: Fragment| fragment.offset > 0;
        if packet.len() < IPV4_HEADER || ipv4_fragment(packet).is_some_and(later) {
            return None;
        }
        Some((byte(packet, 9)?, ipv4_header_length(packet)?))
    }

    fn behind_v6(packet: &[u8]) -> Option<(u8, usize)> {
        const NO_NEXT_HEADER: u8 = 59;
        if packet.len() < IPV6_HEADER {
            return None;
        }
        let walk = skip_extension_headers(packet, Authentication::Skip);
        let offset = walk.offset.filter(|_| walk.protocol != NO_NEXT_HEADER)?;
        Some((walk.protocol, offset))
    }

    /// The tuple of the packet; none where its transport header is too short for one.
    pub fn tuple(&self) -> Option<Tuple> {
        let (source, destination) = wire::addresses(self.packet, self.family)?;
        let ends = match self.protocol {
            Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP => {
                Ends::Ports { source: number16(self.segment, 0)?, destination: number16(self.segment, 2)? }
            }
            Protocol::ICMP | Protocol::ICMPV6 => self.query()?,
            Protocol::GRE => self.keys()?,
            _ => Ends::Nothing,
        };
        Some(Tuple { family: self.family, protocol: self.protocol, source, destination, ends })
    }

    fn query(&self) -> Option<Ends> {
        const HEADER: usize = 8;
        let header = self.segment.get(..HEADER)?;
        Some(Ends::Query { kind: byte(header, 0)?, code: byte(header, 1)?, id: number16(header, 4)? })
    }

    /// Enhanced GRE of PPTP has a call id (RFC 2637 §4.1), plain GRE nothing that would do (`gre_pkt_to_tuple`).
    fn keys(&self) -> Option<Ends> {
        const VERSION: u8 = 7;
        const ENHANCED: u8 = 1;
        const PPP: u16 = 0x880b;
        let plain = Ends::Keys { source: 0, destination: 0 };
        match self.segment.get(..4) {
            Some(&[_, flags, ..]) if flags & VERSION == ENHANCED => {}
            _ => return Some(plain),
        }
        match self.segment.get(..8) {
            None => Some(plain),
            Some(header) if number16(header, 2)? == PPP => {
                Some(Ends::Keys { source: 0, destination: number16(header, 6)? })
            }
            Some(_) => None,
        }
    }
}

impl Ends {
    /// What stands at the source and at the destination, as the numbers that the kernel compares.
    pub const fn parted(self) -> (u16, u16) {
        match self {
            Self::Nothing => (0, 0),
            Self::Ports { source, destination } | Self::Keys { source, destination } => (source, destination),
            Self::Query { kind, code, id } => (id, u16::from_be_bytes([kind, code])),
        }
    }
}

impl Tuple {
    /// The tuple of an answer; none where an ICMP kind has no answer.
    pub fn inverted(&self) -> Option<Self> {
        let ends = match self.ends {
            Ends::Nothing => Ends::Nothing,
            Ends::Ports { source, destination } => Ends::Ports { source: destination, destination: source },
            Ends::Keys { source, destination } => Ends::Keys { source: destination, destination: source },
            Ends::Query { kind, code, id } => Ends::Query { kind: answer_kind(self.protocol, kind)?, code, id },
        };
        Some(Self { source: self.destination, destination: self.source, ends, ..*self })
    }
}

/// The ICMP type that answers, or is answered by, a type.
fn answer_kind(protocol: Protocol, kind: u8) -> Option<u8> {
    const V4: &[(u8, u8)] = &[(8, 0), (13, 14), (15, 16), (17, 18)];
    const V6: &[(u8, u8)] = &[(128, 129), (139, 140)];
    let pairs = if protocol == Protocol::ICMP { V4 } else { V6 };
    let answer = |&(query, reply): &(u8, u8)| match kind {
        _ if kind == query => Some(reply),
        _ if kind == reply => Some(query),
        _ => None,
    };
    pairs.iter().find_map(answer)
}
