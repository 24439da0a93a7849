// SPDX-License-Identifier: GPL-3.0-or-later
//! The packets that a host sends because of another: TCP resets and ICMP errors, and which packets get none.
//!
//! As `net/ipv4/netfilter/nf_reject_ipv4.c`, `net/ipv6/netfilter/nf_reject_ipv6.c`, `net/ipv4/icmp.c` and
//! `net/ipv6/icmp.c` do it; the kernel's rate limits aside. What depends on the host, its routes and addresses, is the
//! caller's: in IPv4 nothing sent to a broadcast or multicast address is answered.

use ringwall_ir::words::{Family, Protocol, TcpFlags};

use super::build::{Build, Segment};
use super::wire::{byte, number16, number32};
use super::{Authentication, Fragment, Packet, checksum, skip_extension_headers};

/// An ICMP error: the first two words of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    kind: u8,
    code: u8,
    rest: u32,
}

impl IcmpError {
    /// Destination unreachable, with this code.
    #[must_use]
    pub const fn unreachable(family: Family, code: u8) -> Self {
        let kind = match family {
            Family::Ipv4 => 3,
            Family::Ipv6 => 1,
        };
        Self { kind, code, rest: 0 }
    }

    /// Time exceeded in transit.
    #[must_use]
    pub const fn time_exceeded(family: Family) -> Self {
        let kind = match family {
            Family::Ipv4 => 11,
            Family::Ipv6 => 3,
        };
        Self { kind, code: 0, rest: 0 }
    }

    /// Too long for the next link, which carries packets of `mtu` bytes.
    #[must_use]
    pub const fn too_big(family: Family, mtu: u32) -> Self {
        match family {
            Family::Ipv4 => Self { kind: 3, code: 4, rest: mtu & 0xffff },
            Family::Ipv6 => Self { kind: 2, code: 0, rest: mtu },
        }
    }

    /// A byte of an IPv4 header that the host cannot make sense of.
    #[must_use]
    pub fn parameter_problem(at: u8) -> Self {
        Self { kind: 12, code: 0, rest: u32::from(at) << 24 }
    }

    const fn is_too_big(self, family: Family) -> bool {
        matches!((family, self.kind), (Family::Ipv6, 2))
    }
}

/// The transport header of an offender, as the kernel finds it when it answers.
struct Offender<'a> {
    protocol: Protocol,
    segment: &'a [u8],
}

impl<'a> Offender<'a> {
    /// None in a later fragment and where an extension header is cut short.
    fn of(packet: &Packet<'a>) -> Option<Self> {
        let (protocol, offset) = match packet.family() {
            Family::Ipv4 => (packet.protocol(), packet.transport_offset()),
            Family::Ipv6 => {
                let walk = skip_extension_headers(packet.bytes(), Authentication::Skip);
                (Protocol(walk.protocol), walk.offset?)
            }
        };
        match packet.fragment() {
            Some(Fragment { offset: 1.., .. }) => None,
            _ => Some(Self { protocol, segment: packet.bytes().get(offset..)? }),
        }
    }
}

/// The TCP reset that answers a packet, if one does: not a packet that is no TCP or a reset itself, not one with a
/// wrong checksum, and in IPv6 none from or to a group.
#[must_use]
pub fn reset(offender: &Packet<'_>) -> Option<Vec<u8>> {
    const HEADER: usize = 20;
    let Offender { protocol, segment } = Offender::of(offender)?;
    let (source, destination) = offender.addresses();
    let family = offender.family();
    let flags = TcpFlags(byte(segment, 13)?);
    if protocol != Protocol::TCP
        || segment.len() < HEADER
        || flags.contains(TcpFlags::RST)
        || checksum::transport(offender.bytes(), family, protocol, segment) != 0
        || family == Family::Ipv6 && !(is_unicast(source) && is_unicast(destination))
    {
        return None;
    }
    let mut answer = Segment {
        source_port: number16(segment, 2)?,
        destination_port: number16(segment, 0)?,
        flags: TcpFlags::RST,
        ..Segment::default()
    };
    if flags.contains(TcpFlags::ACK) {
        answer.sequence = number32(segment, 8)?;
    } else {
        answer.acknowledgement = sequence_end(segment, flags)?;
        answer.flags = TcpFlags::RST.with(TcpFlags::ACK);
    }
    Some(Build::from_bits(family, destination, source).dont_fragment().tcp(&answer))
}

/// The number behind the last byte of a segment.
fn sequence_end(segment: &[u8], flags: TcpFlags) -> Option<u32> {
    let header = usize::from(byte(segment, 12)? >> 4) * 4;
    let signs = u32::from(flags.contains(TcpFlags::SYN)) + u32::from(flags.contains(TcpFlags::FIN));
    let length = u32::try_from(segment.len()).ok()?;
    Some(number32(segment, 4)?.wrapping_add(signs).wrapping_add(length).wrapping_sub(u32::try_from(header).ok()?))
}

/// Whether a packet that a rule rejects with an ICMP error can be answered: it is not a later fragment, its checksum is
/// right where its protocol has one over the whole payload (`nf_reject_verify_csum`), and in IPv6 there is something behind
/// the headers (`reject6_csum_ok`).
#[must_use]
pub fn may_be_rejected(offender: &Packet<'_>) -> bool {
    let Some(Offender { protocol, segment }) = Offender::of(offender) else { return false };
    const ESP: Protocol = Protocol(50);
    const AH: Protocol = Protocol(51);
    let summed = match protocol {
        Protocol::UDP => number16(segment, 6) != Some(0),
        Protocol::GRE | ESP | AH | Protocol::SCTP | Protocol::UDPLITE => false,
        _ => true,
    };
    let empty = offender.family() == Family::Ipv6 && segment.is_empty();
    !empty && (!summed || checksum::transport(offender.bytes(), offender.family(), protocol, segment) == 0)
}

/// The ICMP error about a packet, sent from `source`, if there is one: none about ICMP errors and later fragments, and in
/// IPv6 none to a group, to nobody or, but for "too big", about what was sent to a group.
#[must_use]
pub fn icmp_error(offender: &Packet<'_>, error: IcmpError, source: u128) -> Option<Vec<u8>> {
    let family = offender.family();
    let (sender, destination) = offender.addresses();
    let eligible = match family {
        Family::Ipv4 => eligible_v4(offender),
        Family::Ipv6 => {
            eligible_v6(offender) && is_unicast(sender) && (is_unicast(destination) || error.is_too_big(family))
        }
    };
    if !eligible {
        return None;
    }
    let quote = offender.bytes();
    let quote = quote.get(..quote_limit(family)).unwrap_or(quote);
    let traffic_class = match family {
        // "Internetwork control" precedence, the rest of the offender's (RFC 1812 §4.3.2.5).
        Family::Ipv4 => offender.traffic_class() & 0x1e | 0xc0,
        Family::Ipv6 => 0,
    };
    let build = Build::from_bits(family, source, sender).traffic_class(traffic_class);
    Some(build.icmp(error.kind, error.code, error.rest, quote))
}

/// How much of an offender is quoted, in bytes: what a packet of 576 bytes (RFC 1812 §4.3.2.3) or of the least MTU of
/// IPv6 (RFC 4443 §2.4) holds.
const fn quote_limit(family: Family) -> usize {
    match family {
        Family::Ipv4 => 576 - 20 - 8,
        Family::Ipv6 => 1280 - 40 - 8,
    }
}

fn eligible_v4(offender: &Packet<'_>) -> bool {
    let Some(Offender { protocol, segment }) = Offender::of(offender) else { return false };
    // The kinds that are no errors in `icmp_pointers` (`net/ipv4/icmp.c`); those of router discovery count as errors there.
    let may_be = |kind: u8| matches!(kind, 0 | 8 | 13..=18);
    protocol != Protocol::ICMP || byte(segment, 0).is_some_and(may_be)
}

/// Unlike IPv4's, the kernel's test (`is_ineligible`) is content with what it cannot read, but for the type of an ICMPv6
/// message.
fn eligible_v6(offender: &Packet<'_>) -> bool {
    let walk = skip_extension_headers(offender.bytes(), Authentication::Skip);
    match walk.offset {
        Some(offset) if walk.protocol == Protocol::ICMPV6.0 => {
            byte(offender.bytes(), offset).is_some_and(|kind| kind >= 128)
        }
        _ => true,
    }
}

/// Whether an IPv6 address is neither a group's nor nobody's.
const fn is_unicast(address: u128) -> bool {
    address != 0 && address >> 120 != 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build() -> Build {
        Build::between("10.0.0.99".parse().unwrap(), "10.0.0.1".parse().unwrap())
    }

    fn answer_to(segment: &Segment<'_>) -> Option<String> {
        let bytes = build().tcp(segment);
        let answer = reset(&Packet::parse(&bytes).unwrap())?;
        let packet = Packet::parse(&answer).unwrap();
        let numbers = packet.transport().unwrap();
        Some(format!("{packet} seq {} ack {}", number32(numbers, 4).unwrap(), number32(numbers, 8).unwrap()))
    }

    const SYN: Segment<'_> = Segment {
        source_port: 40000,
        destination_port: 80,
        sequence: 5,
        acknowledgement: 0,
        flags: TcpFlags::SYN,
        window: 100,
        options: &[],
        payload: &[],
    };

    #[test]
    fn a_reset_acknowledges_what_was_not_acknowledging() {
        let line = answer_to(&Segment { payload: b"xyz", ..SYN });
        assert_eq!(line.as_deref(), Some("tcp 10.0.0.1:80 > 10.0.0.99:40000 rst,ack seq 0 ack 9"));
    }

    #[test]
    fn a_reset_takes_its_number_from_an_acknowledgement() {
        let line = answer_to(&Segment { flags: TcpFlags::ACK, acknowledgement: 77, ..SYN });
        assert_eq!(line.as_deref(), Some("tcp 10.0.0.1:80 > 10.0.0.99:40000 rst seq 77 ack 0"));
    }

    #[test]
    fn resets_and_bad_checksums_get_no_reset() {
        assert_eq!(answer_to(&Segment { flags: TcpFlags::RST, ..SYN }), None);
        let mut bytes = build().tcp(&SYN);
        bytes[37] ^= 1;
        assert_eq!(reset(&Packet::parse(&bytes).unwrap()), None);
    }

    #[test]
    fn errors_are_not_answered_by_errors() {
        let unreachable = IcmpError::unreachable(Family::Ipv4, 3);
        let about = |bytes: &[u8]| icmp_error(&Packet::parse(bytes).unwrap(), unreachable, 0x0a00_0001);
        assert!(about(&build().udp(1, 2, b"x")).is_some());
        assert!(about(&build().icmp(8, 0, 1, b"")).is_some());
        assert_eq!(about(&build().icmp(3, 1, 0, &[0x45; 28])), None);
    }

    #[test]
    fn quotes_end_where_the_kernel_ends_them() {
        let long = build().udp(1, 2, &[0; 1000]);
        let error = icmp_error(&Packet::parse(&long).unwrap(), IcmpError::unreachable(Family::Ipv4, 3), 1).unwrap();
        assert_eq!(error.len(), 576);
    }

    #[test]
    fn checksums_that_the_kernel_does_not_verify_do_not_count() {
        let mut udp = build().udp(1, 2, b"x");
        udp[26..28].copy_from_slice(&[0, 0]);
        assert!(may_be_rejected(&Packet::parse(&udp).unwrap()));
        udp[26] = 1;
        assert!(!may_be_rejected(&Packet::parse(&udp).unwrap()));
        assert!(may_be_rejected(&Packet::parse(&build().protocol(Protocol::GRE, b"noise")).unwrap()));
    }
}
