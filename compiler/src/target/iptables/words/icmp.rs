// SPDX-License-Identifier: GPL-3.0-or-later
//! ICMP of both families.

use ringwall_ir::Field;
use ringwall_ir::words::{Family, icmp};

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

/// Names of kinds of IPv4 beside those of nft (iptables-extensions(8), `iptables -p icmp -h`).
const V4: &[Kind] = &[
    ("TOS-host-redirect", 5, Some(3)),
    ("TOS-host-unreachable", 3, Some(12)),
    ("TOS-network-redirect", 5, Some(2)),
    ("TOS-network-unreachable", 3, Some(11)),
    ("communication-prohibited", 3, Some(13)),
    ("fragmentation-needed", 3, Some(4)),
    ("host-precedence-violation", 3, Some(14)),
    ("host-prohibited", 3, Some(10)),
    ("host-redirect", 5, Some(1)),
    ("host-unknown", 3, Some(7)),
    ("host-unreachable", 3, Some(1)),
    ("ip-header-bad", 12, Some(0)),
    ("network-prohibited", 3, Some(9)),
    ("network-redirect", 5, Some(0)),
    ("network-unknown", 3, Some(6)),
    ("network-unreachable", 3, Some(0)),
    ("ping", 8, None),
    ("pong", 0, None),
    ("port-unreachable", 3, Some(3)),
    ("precedence-cutoff", 3, Some(15)),
    ("protocol-unreachable", 3, Some(2)),
    ("required-option-missing", 12, Some(1)),
    ("source-route-failed", 3, Some(5)),
    ("ttl-exceeded", 11, None),
    ("ttl-zero-during-reassembly", 11, Some(1)),
    ("ttl-zero-during-transit", 11, Some(0)),
];

/// Names of kinds of IPv6 beside those of nft (`ip6tables -p icmpv6 -h`).
const V6: &[Kind] = &[
    ("address-unreachable", 1, Some(3)),
    ("bad-header", 4, Some(0)),
    ("beyond-scope", 1, Some(2)),
    ("communication-prohibited", 1, Some(1)),
    ("failed-policy", 1, Some(5)),
    ("neighbor-advertisement", 136, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbour-solicitation", 135, None),
    ("no-route", 1, Some(0)),
    ("ping", 128, None),
    ("pong", 129, None),
    ("port-unreachable", 1, Some(4)),
    ("redirect", 137, None),
    ("reject-route", 1, Some(6)),
    ("router-advertisement", 134, None),
    ("router-solicitation", 133, None),
    ("ttl-exceeded", 3, None),
    ("ttl-zero-during-reassembly", 3, Some(1)),
    ("ttl-zero-during-transit", 3, Some(0)),
    ("unknown-header-type", 4, Some(1)),
    ("unknown-option", 4, Some(2)),
];

/// The type and code behind the option: names, `3`, `3/4`.
pub(in crate::target::iptables) fn kind(family: Family, text: &str) -> Option<(u8, Option<u8>)> {
    let names = match family {
        Family::Ipv4 => V4,
        Family::Ipv6 => V6,
    };
    if let Some(&(_, kind, code)) = names.iter().find(|(known, _, _)| *known == text) {
        return Some((kind, code));
    }
    match text.split_once('/') {
        Some((kind, code)) => Some((kind.parse().ok()?, Some(code.parse().ok()?))),
        None => Some((text.parse().ok().or_else(|| icmp::named(family, text))?, None)),
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
    }
}
