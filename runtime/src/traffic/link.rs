// SPDX-License-Identifier: GPL-3.0-or-later
//! Frames of the link types that carry IP (<https://www.tcpdump.org/linktypes.html>).

use ringwall_ir::words::Family;

use super::capture::Heading;
use super::claimed_length;
use crate::packet::wire::{array, byte, number16};

/// The link types that are read, for people.
pub const NAMES: &str = "ethernet, linux cooked (1 and 2), raw ip, loopback";

/// How frames of a capture carry IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet, perhaps with VLAN tags.
    Ethernet,
    /// Linux "cooked" capture of any interface, version 1.
    Cooked,
    /// Linux "cooked" capture of any interface, version 2.
    Cooked2,
    /// No header.
    Raw,
    /// No header, one family only.
    Only(Family),
    /// BSD loopback: an address family in the byte order of the machine that captured, or of the network.
    Loopback,
}

impl Link {
    /// The link type of a number.
    pub const fn numbered(number: u32) -> Option<Self> {
        Some(match number {
            0 | 108 => Self::Loopback,
            1 => Self::Ethernet,
            // 12 and 14 are what some systems' own DLT_RAW was written as.
            12 | 14 | 101 => Self::Raw,
            113 => Self::Cooked,
            228 => Self::Only(Family::Ipv4),
            229 => Self::Only(Family::Ipv6),
            276 => Self::Cooked2,
            _ => return None,
        })
    }

    /// The IP packet in a frame, without what the link padded it with; none where the frame carries no IP.
    pub fn packet(self, frame: &[u8]) -> Option<&[u8]> {
        let (family, packet) = match self {
            Self::Ethernet => behind_tags(number16(frame, 12)?, frame.get(14..)?)?,
            Self::Cooked => behind_tags(number16(frame, 14)?, frame.get(16..)?)?,
            Self::Cooked2 => behind_tags(number16(frame, 0)?, frame.get(20..)?)?,
            Self::Raw => (version(frame)?, frame),
            Self::Only(family) => (family, frame),
            Self::Loopback => (address_family(array(frame, 0)?)?, frame.get(4..)?),
        };
        (version(packet)? == family).then(|| without_padding(packet))
    }
}

impl Link {
    /// Which way a frame went, where its header tells it: by the packet type of a cooked one (`PACKET_*` in
    /// `include/uapi/linux/if_packet.h`).
    pub fn heading(self, frame: &[u8]) -> Option<Heading> {
        const OUTGOING: u16 = 4;
        let kind = match self {
            Self::Cooked => number16(frame, 0)?,
            Self::Cooked2 => byte(frame, 10)?.into(),
            Self::Ethernet | Self::Raw | Self::Only(_) | Self::Loopback => return None,
        };
        match kind {
            0..OUTGOING => Some(Heading::In),
            OUTGOING => Some(Heading::Out),
            _ => None,
        }
    }
}

fn version(packet: &[u8]) -> Option<Family> {
    match byte(packet, 0)? >> 4 {
        4 => Some(Family::Ipv4),
        6 => Some(Family::Ipv6),
        _ => None,
    }
}

/// What follows an EtherType, when the VLAN tags there are taken off.
fn behind_tags(mut ether_type: u16, mut rest: &[u8]) -> Option<(Family, &[u8])> {
    loop {
        match ether_type {
            0x0800 => return Some((Family::Ipv4, rest)),
            0x86dd => return Some((Family::Ipv6, rest)),
            // 802.1Q, 802.1ad and what came before 802.1ad.
            0x8100 | 0x88a8 | 0x9100 => {
                ether_type = number16(rest, 2)?;
                rest = rest.get(4..)?;
            }
            _ => return None,
        }
    }
}

/// The family in a loopback header: `AF_INET` is 2 everywhere, `AF_INET6` differs from system to system.
fn address_family(header: [u8; 4]) -> Option<Family> {
    match u32::from_be_bytes(header).min(u32::from_le_bytes(header)) {
        2 => Some(Family::Ipv4),
        10 | 24 | 28 | 30 => Some(Family::Ipv6),
        _ => None,
    }
}

/// A packet without what follows the end that its header tells, as `ip_rcv_core` and `ip6_rcv_core` trim it.
fn without_padding(packet: &[u8]) -> &[u8] {
    claimed_length(packet).and_then(|length| packet.get(..length)).unwrap_or(packet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::build::Build;

    fn v4() -> Vec<u8> {
        Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()).udp(1, 2, b"x")
    }

    fn v6() -> Vec<u8> {
        Build::between("::1".parse().unwrap(), "::2".parse().unwrap()).udp(1, 2, b"x")
    }

    fn framed(header: &[u8], packet: &[u8]) -> Vec<u8> {
        [header, packet].concat()
    }

    #[test]
    fn each_link_type_gives_the_packet_behind_its_header() {
        let behind = |number: u32, header: &[u8], packet: &[u8]| {
            let frame = framed(header, packet);
            Link::numbered(number).unwrap().packet(&frame).map(<[u8]>::to_vec)
        };
        let addresses = [0; 12];
        assert_eq!(behind(1, &framed(&addresses, &[8, 0]), &v4()), Some(v4()));
        assert_eq!(behind(1, &framed(&addresses, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 0x86, 0xdd]), &v6()), Some(v6()));
        assert_eq!(behind(1, &framed(&addresses, &[8, 6]), &v4()), None, "ARP");
        assert_eq!(behind(1, &framed(&addresses, &[8, 0]), &v6()), None, "a version that the EtherType denies");
        assert_eq!(behind(113, &framed(&[0; 14], &[8, 0]), &v4()), Some(v4()));
        assert_eq!(behind(276, &framed(&[0x86, 0xdd], &[0; 18]), &v6()), Some(v6()));
        for number in [12, 14, 101] {
            assert_eq!(behind(number, &[], &v6()), Some(v6()));
        }
        assert_eq!(behind(228, &[], &v4()), Some(v4()));
        assert_eq!(behind(228, &[], &v6()), None);
        assert_eq!(behind(229, &[], &v6()), Some(v6()));
        assert_eq!(behind(0, &[2, 0, 0, 0], &v4()), Some(v4()));
        assert_eq!(behind(108, &[0, 0, 0, 30], &v6()), Some(v6()));
        assert_eq!(behind(0, &[7, 0, 0, 0], &v4()), None);
        assert_eq!(Link::numbered(105), None);
    }

    #[test]
    fn cooked_frames_tell_which_way_they_went() {
        let of = |number: u32, header: &[u8]| Link::numbered(number).unwrap().heading(header);
        let cooked2 = |kind: u8| framed(&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, kind, 0], &[0; 8]);
        for (kind, heading) in [(0, Some(Heading::In)), (3, Some(Heading::In)), (4, Some(Heading::Out)), (5, None)] {
            assert_eq!(of(113, &framed(&[0, kind], &[0; 14])), heading);
            assert_eq!(of(276, &cooked2(kind)), heading);
        }
        assert_eq!(of(1, &[0; 14]), None);
    }

    #[test]
    fn padding_is_taken_off() {
        assert_eq!(Link::Raw.packet(&framed(&v4(), &[0; 17])), Some(&v4()[..]));
        assert_eq!(Link::Raw.packet(&framed(&v6(), &[0; 17])), Some(&v6()[..]));
    }

    #[test]
    fn what_is_cut_or_tells_no_length_stays_as_it_is() {
        let whole = v4();
        assert_eq!(Link::Raw.packet(&whole[..22]), Some(&whole[..22]));
        let mut offloaded = v4();
        offloaded[2..4].copy_from_slice(&[0, 0]);
        assert_eq!(Link::Raw.packet(&offloaded), Some(&offloaded[..]));
    }
}
