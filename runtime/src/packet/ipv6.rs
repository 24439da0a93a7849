// SPDX-License-Identifier: GPL-3.0-or-later
//! The IPv6 header and its extension headers (RFC 8200).

use ringwall_ir::words::{Family, Protocol};

use super::wire::{IPV6_HEADER, byte, number16, number32};
use super::{Fragment, Malformed, Packet};

/// Where the IPv6 header says what follows it.
const NEXT_HEADER: usize = 6;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NONE: u8 = 59;
const DESTINATION: u8 = 60;

/// Whether the authentication header is an extension header like the others (connection tracking, `ipv6_skip_exthdr`)
/// or ends the walk (rules, `ipv6_find_hdr` as nf_tables calls it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    Skip,
    Stop,
}

/// Where a walk over extension headers ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The header that it ended at: a transport protocol, or the extension header that is cut short.
    pub protocol: u8,
    /// Where that header starts, which may be behind the end of the packet; none where it is cut short and in a later
    /// fragment.
    pub offset: Option<usize>,
    /// The first fragment header on the way.
    pub fragment: Option<Fragment>,
}

pub fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    if bytes.len() < IPV6_HEADER {
        return Err(Malformed::Short);
    }
    let next = byte(bytes, NEXT_HEADER).ok_or(Malformed::Short)?;
    let payload = usize::from(number16(bytes, 4).ok_or(Malformed::Short)?);
    // A length of zero in front of a hop-by-hop header announces a jumbogram (RFC 2675), which ends with its bytes.
    let bytes = if payload == 0 && next == HOP_BY_HOP {
        bytes
    } else {
        bytes.get(..IPV6_HEADER + payload).ok_or(Malformed::Length)?
    };
    let walk = skip_extension_headers(bytes, Authentication::Stop);
    Ok(Packet {
        bytes,
        family: Family::Ipv6,
        protocol: Protocol(walk.protocol),
        transport: walk.offset.unwrap_or(usize::MAX),
        fragment: walk.fragment,
    })
}

/// Walks over the extension headers of the packet at the start of `bytes`.
pub fn skip_extension_headers(bytes: &[u8], authentication: Authentication) -> Walk {
    let mut walk =
        Walk { protocol: byte(bytes, NEXT_HEADER).unwrap_or(NONE), offset: Some(IPV6_HEADER), fragment: None };
    let mut named_at = NEXT_HEADER;
    while let Some(start) = walk.offset {
        let header = (byte(bytes, start), byte(bytes, start + 1));
        let length = match (walk.protocol, header) {
            (AUTHENTICATION, _) if authentication == Authentication::Stop => return walk,
            (HOP_BY_HOP | ROUTING | DESTINATION, (_, Some(units))) => (usize::from(units) + 1) * 8,
            (AUTHENTICATION, (_, Some(units))) => (usize::from(units) + 2) * 4,
            (FRAGMENT, _) => {
                let found = fragment(bytes, start, named_at);
                walk.fragment = walk.fragment.or(found);
                match found {
                    None => return Walk { offset: None, ..walk },
                    Some(Fragment { offset: 1.., .. }) => {
                        return Walk { protocol: header.0.unwrap_or(FRAGMENT), offset: None, ..walk };
                    }
                    Some(_) => 8,
                }
            }
            (HOP_BY_HOP | ROUTING | DESTINATION | AUTHENTICATION, _) => return Walk { offset: None, ..walk },
            _ => return walk,
        };
        walk.protocol = header.0.unwrap_or(NONE);
        named_at = start;
        walk.offset = Some(start + length);
    }
    walk
}

/// Whether a header of the number stands in the packet before its payload, or as the first of its payload
/// (`ipv6_find_hdr` with a target).
pub fn has_extension_header(bytes: &[u8], target: u8) -> bool {
    let mut next = byte(bytes, NEXT_HEADER).unwrap_or(NONE);
    let mut start = IPV6_HEADER;
    loop {
        let found = next == target;
        if !matches!(next, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION) {
            return found;
        }
        let (Some(following), Some(units)) = (byte(bytes, start), byte(bytes, start + 1)) else { return false };
        let is_later = next == FRAGMENT && fragment(bytes, start, start).is_none_or(|fragment| fragment.offset > 0);
        if found || is_later {
            return found;
        }
        start += match next {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        next = following;
    }
}

fn fragment(bytes: &[u8], start: usize, named_at: usize) -> Option<Fragment> {
    let field = number16(bytes, start + 2)?;
    let id = number32(bytes, start + 4)?;
    Some(Fragment { id, offset: usize::from(field & 0xfff8), more: field & 1 != 0, header: start, named_at })
}

/// Whether the first fragment lacks a part of its headers (`ipv6frag_thdr_truncated` in `net/ipv6/reassembly.c`).
pub fn lacks_headers(bytes: &[u8]) -> bool {
    let walk = skip_extension_headers(bytes, Authentication::Skip);
    let header = match Protocol(walk.protocol) {
        Protocol::TCP => 20,
        Protocol::UDP | Protocol::ICMPV6 => 8,
        _ => 1,
    };
    walk.protocol != NONE && walk.offset.is_some_and(|offset| offset + header > bytes.len())
}

/// Whether a host takes in the hop-by-hop header, if there is one: whole, and without options that say to discard
/// (`ipv6_parse_hopopts` in `net/ipv6/exthdrs.c`, RFC 8200 §4.2).
pub fn option_area_is_sound(bytes: &[u8]) -> bool {
    if byte(bytes, NEXT_HEADER) != Some(HOP_BY_HOP) {
        return true;
    }
    let Some(units) = byte(bytes, IPV6_HEADER + 1) else { return false };
    let end = IPV6_HEADER + (usize::from(units) + 1) * 8;
    let Some(mut options) = bytes.get(IPV6_HEADER + 2..end) else { return false };
    while let Some((&kind, rest)) = options.split_first() {
        const PAD1: u8 = 0;
        if kind == PAD1 {
            options = rest;
            continue;
        }
        let Some((&length, rest)) = rest.split_first() else { return false };
        let Some(rest) = rest.get(usize::from(length)..) else { return false };
        if !known_option(kind, length) {
            return false;
        }
        options = rest;
    }
    true
}

/// Whether an option is one that the kernel understands (padding, router alert, calipso's and jumbo's own rules aside)
/// or may be skipped by its two highest bits.
fn known_option(kind: u8, length: u8) -> bool {
    const ROUTER_ALERT: u8 = 5;
    match kind {
        ROUTER_ALERT => length == 2,
        _ => kind >> 6 == 0,
    }
}
