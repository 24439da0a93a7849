// SPDX-License-Identifier: GPL-3.0-or-later
//! The IPv4 header (RFC 791).

use ringwall_ir::words::{Family, Protocol};

use super::checksum;
use super::wire::{IPV4_HEADER, byte, number16};
use super::{Fragment, Malformed, Packet};

const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let read16 = |at| number16(bytes, at).ok_or(Malformed::Short);
    if bytes.len() < IPV4_HEADER {
        return Err(Malformed::Short);
    }
    let length = header_length(bytes).ok_or(Malformed::Short)?;
    if length < IPV4_HEADER {
        return Err(Malformed::HeaderLength);
    }
    let header = bytes.get(..length).ok_or(Malformed::HeaderLength)?;
    let sum = match header.first_chunk() {
        Some(plain) if header.len() == IPV4_HEADER => checksum::of_plain_header(plain),
        _ => checksum::of(header),
    };
    if sum != 0 {
        return Err(Malformed::HeaderChecksum);
    }
    let total = usize::from(read16(2)?);
    let bytes = bytes.get(..total).filter(|_| total >= length).ok_or(Malformed::Length)?;
    Ok(Packet {
        bytes,
        family: Family::Ipv4,
        protocol: Protocol(byte(header, 9).ok_or(Malformed::Short)?),
        transport: length,
        fragment: fragment(header),
    })
}

/// The length that the header claims, in bytes.
pub fn header_length(header: &[u8]) -> Option<usize> {
    Some(usize::from(byte(header, 0)? & 0xf) * 4)
}

/// What the header says of fragments; none where it is a whole packet's.
pub fn fragment(header: &[u8]) -> Option<Fragment> {
    let field = number16(header, 6)?;
    let fragment = Fragment {
        id: number16(header, 4)?.into(),
        offset: usize::from(field & OFFSET) * 8,
        more: field & MORE_FRAGMENTS != 0,
        header: 0,
        named_at: 0,
    };
    (fragment.more || fragment.offset > 0).then_some(fragment)
}

/// What the option area of a header is (`__ip_options_compile` in `net/ipv4/ip_options.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionArea {
    /// Well-formed, or not there.
    Sound,
    /// Asks for a way of its own (loose or strict source route).
    SourceRoute,
    /// Wrong, at this offset from the start of the header.
    Malformed { at: u8 },
}

/// Reads the options of the IPv4 packet at the start of `bytes`. An IPv6 packet has none.
pub fn options(bytes: &[u8]) -> OptionArea {
    const END: u8 = 0;
    const NOTHING: u8 = 1;
    const LOOSE_ROUTE: u8 = 131;
    const STRICT_ROUTE: u8 = 137;
    let length = header_length(bytes).filter(|_| byte(bytes, 0).is_some_and(|first| first >> 4 == 4));
    let mut at = IPV4_HEADER;
    while let Some(&[kind, ref rest @ ..]) = length.and_then(|length| bytes.get(at..length)) {
        let malformed = OptionArea::Malformed { at: u8::try_from(at).unwrap_or(u8::MAX) };
        match (kind, rest.first()) {
            (END, _) => break,
            (NOTHING, _) => at += 1,
            (_, None) => return malformed,
            (_, Some(&size)) if size < 2 || usize::from(size) > rest.len() + 1 => return malformed,
            (LOOSE_ROUTE | STRICT_ROUTE, _) => return OptionArea::SourceRoute,
            (_, Some(&size)) => at += usize::from(size),
        }
    }
    OptionArea::Sound
}
