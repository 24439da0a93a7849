// SPDX-License-Identifier: GPL-3.0-or-later
//! Values in nft's words. Names of protocols and ICMP types are only those that nft itself knows: it looks the others up
//! in `/etc/protocols`, and refuses a whole file for one that is not there.

use std::net::{Ipv4Addr, Ipv6Addr};

use ringwall_ir::fields::Kind;
use ringwall_ir::words::{Family, Protocol, icmp};
use ringwall_ir::{Field, IntervalSet, SetKind};

/// The protocols that are keywords of nft 1.0.6, among those that have a name here.
const NFT_PROTOCOLS: [&str; 10] = ["ah", "comp", "dccp", "esp", "icmp", "icmpv6", "igmp", "sctp", "tcp", "udp"];

/// `22` or `{ 22, 80-90 }`: what stands behind a field.
pub(super) fn values(field: Field, set: &IntervalSet) -> String {
    braced(&texts(field.row().kind, &field.elements(set)))
}

/// The elements of a named set.
pub(super) fn elements(kind: SetKind, set: &IntervalSet) -> Vec<String> {
    let family = match kind {
        SetKind::Ipv4 => Family::Ipv4,
        SetKind::Ipv6 => Family::Ipv6,
    };
    texts(Kind::Address(family), set.intervals())
}

/// One value as it is, several in braces.
pub(super) fn braced(items: &[String]) -> String {
    match items {
        [only] => only.clone(),
        _ => format!("{{ {} }}", items.join(", ")),
    }
}

fn texts(kind: Kind, elements: &[(u128, u128)]) -> Vec<String> {
    elements.iter().map(|&(first, last)| interval(kind, first, last)).collect()
}

fn interval(kind: Kind, first: u128, last: u128) -> String {
    if first == last {
        return value(kind, first);
    }
    match kind {
        Kind::Address(family) => match IntervalSet::range(first, last).prefixes(family.address_bits()).as_slice() {
            [(start, length)] => format!("{}/{length}", value(kind, *start)),
            _ => format!("{}-{}", value(kind, first), value(kind, last)),
        },
        // A name may have a `-` of its own, and nft would take `udp-25` for one.
        _ => format!("{first}-{last}"),
    }
}

fn value(kind: Kind, number: u128) -> String {
    let name = match kind {
        Kind::Address(Family::Ipv4) => u32::try_from(number).ok().map(|bits| Ipv4Addr::from_bits(bits).to_string()),
        Kind::Address(Family::Ipv6) => Some(Ipv6Addr::from_bits(number).to_string()),
        Kind::Family => Family::ALL
            .into_iter()
            .find(|family| u128::from(family.number()) == number)
            .map(|family| family.name().to_owned()),
        Kind::IcmpType(family) => {
            u8::try_from(number).ok().and_then(|kind| icmp::name(family, kind)).map(str::to_owned)
        }
        Kind::Protocol => u8::try_from(number)
            .ok()
            .and_then(|number| Protocol(number).name())
            .filter(|name| NFT_PROTOCOLS.contains(name))
            .map(str::to_owned),
        Kind::Bits | Kind::InterfaceName | Kind::Number | Kind::Port => None,
    };
    name.unwrap_or_else(|| number.to_string())
}
