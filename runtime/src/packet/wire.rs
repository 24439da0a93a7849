// SPDX-License-Identifier: GPL-3.0-or-later
//! Numbers as they stand on the wire: in network byte order, at an offset that may lie outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ringwall_ir::words::Family;

/// The length of an IPv4 header without options.
pub const IPV4_HEADER: usize = 20;
/// The length of an IPv6 header without extension headers.
pub const IPV6_HEADER: usize = 40;

/// The byte at an offset.
#[inline]
pub fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// The number in the two bytes at an offset.
#[inline]
pub fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// The number in the four bytes at an offset.
#[inline]
pub fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// The bytes at an offset.
#[inline]
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Writes bytes at an offset, where they fit.
pub fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..new.len())) {
        place.copy_from_slice(new);
    }
}

/// The addresses of an IP header; IPv4 in the low 32 bits.
#[inline]
pub fn addresses(header: &[u8], family: Family) -> Option<(u128, u128)> {
    Some(match family {
        Family::Ipv4 => (number32(header, 12)?.into(), number32(header, 16)?.into()),
        Family::Ipv6 => (u128::from_be_bytes(array(header, 8)?), u128::from_be_bytes(array(header, 24)?)),
    })
}

/// The address in the low bits of a number.
pub fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0))),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

/// The number of an address; IPv4 in the low 32 bits.
pub fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Whether an IPv6 address is one of a link alone: fe80::/10 (RFC 4291 §2.4).
pub const fn is_link_local(address: u128) -> bool {
    address >> 118 == 0xfe80 >> 6
}

/// The family of an address.
pub const fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}
