// SPDX-License-Identifier: GPL-3.0-or-later
//! ICMP of both families.

use ringwall_ir::Field;
use ringwall_ir::words::Family;

use super::begins;
use crate::target::iptables::number;

/// What tests ICMP in a family.
pub(in crate::target::iptables) struct IcmpWords {
    /// The match.
    pub(in crate::target::iptables) module: &'static str,
    /// Its option.
    pub(in crate::target::iptables) option: &'static str,
    /// The field of the type.
    pub(in crate::target::iptables) kind: Field,
    /// The field of the code.
    pub(in crate::target::iptables) code: Field,
}

/// The ICMP match of a family.
pub(in crate::target::iptables) const fn words(family: Family) -> IcmpWords {
    match family {
        Family::Ipv4 => {
            IcmpWords { module: "icmp", option: "--icmp-type", kind: Field::IcmpType, code: Field::IcmpCode }
        }
        Family::Ipv6 => {
            IcmpWords { module: "icmp6", option: "--icmpv6-type", kind: Field::Icmpv6Type, code: Field::Icmpv6Code }
        }
    }
}

/// The type that iptables takes for any type, in IPv4 alone (`icmp_type_code_match` in `net/ipv4/netfilter/ip_tables.c`).
pub(in crate::target::iptables) const ANY_TYPE: u128 = 255;

/// A kind of iptables: name, type, and code where it has one.
type Kind = (&'static str, u8, Option<u8>);

/// The names of IPv4 (`iptables -p icmp -h`).
const V4: &[Kind] = &[
    ("any", 255, None),
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-route-failed", 3, Some(5)),
    ("network-unknown", 3, Some(6)),
    ("host-unknown", 3, Some(7)),
    ("network-prohibited", 3, Some(9)),
    ("host-prohibited", 3, Some(10)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("communication-prohibited", 3, Some(13)),
    ("host-precedence-violation", 3, Some(14)),
    ("precedence-cutoff", 3, Some(15)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("network-redirect", 5, Some(0)),
    ("host-redirect", 5, Some(1)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-host-redirect", 5, Some(3)),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("router-solicitation", 10, None),
    ("time-exceeded", 11, None),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-transit", 11, Some(0)),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("parameter-problem", 12, None),
    ("ip-header-bad", 12, Some(0)),
    ("required-option-missing", 12, Some(1)),
    ("timestamp-request", 13, None),
    ("timestamp-reply", 14, None),
    ("address-mask-request", 17, None),
    ("address-mask-reply", 18, None),
];

/// The names of IPv6 (`ip6tables -p icmpv6 -h`).
const V6: &[Kind] = &[
    ("destination-unreachable", 1, None),
    ("no-route", 1, Some(0)),
    ("communication-prohibited", 1, Some(1)),
    ("beyond-scope", 1, Some(2)),
    ("address-unreachable", 1, Some(3)),
    ("port-unreachable", 1, Some(4)),
    ("failed-policy", 1, Some(5)),
    ("reject-route", 1, Some(6)),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-transit", 3, Some(0)),
    ("ttl-zero-during-reassembly", 3, Some(1)),
    ("parameter-problem", 4, None),
    ("bad-header", 4, Some(0)),
    ("unknown-header-type", 4, Some(1)),
    ("unknown-option", 4, Some(2)),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
];

/// The type and code behind the option: `3`, `3/4`, or a name in whatever case, of which as much must stand as tells it from
/// the others.
pub(in crate::target::iptables) fn kind(family: Family, text: &str) -> Option<(u8, Option<u8>)> {
    let octet = |text: &str| number(text).and_then(|number| u8::try_from(number).ok());
    let (kind, code) = text.split_once('/').map_or((text, None), |(kind, code)| (kind, Some(code)));
    if kind.starts_with(|first: char| first.is_ascii_digit()) {
        return Some((octet(kind)?, code.map_or(Some(None), |code| octet(code).map(Some))?));
    }
    let names = match family {
        Family::Ipv4 => V4,
        Family::Ipv6 => V6,
    };
    let mut named = names.iter().filter(|(known, _, _)| begins(known, text));
    match (named.next(), named.next()) {
        (Some(&(_, kind, code)), None) => Some((kind, code)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_names_and_numbers() {
        assert_eq!(kind(Family::Ipv4, "fragmentation-needed"), Some((3, Some(4))));
        assert_eq!(kind(Family::Ipv4, "echo-request"), Some((8, None)));
        assert_eq!(kind(Family::Ipv6, "neighbour-solicitation"), Some((135, None)));
        assert_eq!((kind(Family::Ipv6, "1/3"), kind(Family::Ipv6, "1/x")), (Some((1, Some(3))), None));
        assert_eq!((kind(Family::Ipv4, "Network-unr"), kind(Family::Ipv4, "echo")), (Some((3, Some(0))), None));
    }
}
