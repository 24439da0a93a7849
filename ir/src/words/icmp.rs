// SPDX-License-Identifier: GPL-3.0-or-later
//! ICMP kinds: one table a family, with what connection tracking makes of each.

use super::{CtState, CtStates, Family};

/// What connection tracking makes of an ICMP kind (facts of `nf_conntrack_proto_icmp.c` and `nf_conntrack_proto_icmpv6.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpClass {
    /// Opens a conversation: new, then established.
    Query,
    /// Answers a query: established, else invalid.
    Reply,
    /// An error about a conversation: related, else invalid.
    Error,
    /// Never tracked.
    Untracked,
    /// Always invalid.
    Invalid,
}

impl IcmpClass {
    /// The ct states that a packet of the class can be in.
    #[must_use]
    pub fn states(self) -> CtStates {
        match self {
            Self::Query => CtStates::of(&[CtState::New, CtState::Established, CtState::Invalid]),
            Self::Reply => CtStates::of(&[CtState::Established, CtState::Invalid]),
            Self::Error => CtStates::of(&[CtState::Related, CtState::Invalid]),
            Self::Untracked => CtStates::of(&[CtState::Untracked]),
            Self::Invalid => CtStates::of(&[CtState::Invalid]),
        }
    }
}

/// One ICMP kind: number, name in nft's words, class.
pub type Kind = (u8, &'static str, IcmpClass);

/// The kinds of IPv4 (names of nft(8) `icmp type`).
pub const V4: &[Kind] = &[
    (0, "echo-reply", IcmpClass::Reply),
    (3, "destination-unreachable", IcmpClass::Error),
    (4, "source-quench", IcmpClass::Error),
    (5, "redirect", IcmpClass::Error),
    (8, "echo-request", IcmpClass::Query),
    (9, "router-advertisement", IcmpClass::Invalid),
    (10, "router-solicitation", IcmpClass::Invalid),
    (11, "time-exceeded", IcmpClass::Error),
    (12, "parameter-problem", IcmpClass::Error),
    (13, "timestamp-request", IcmpClass::Query),
    (14, "timestamp-reply", IcmpClass::Reply),
    (15, "info-request", IcmpClass::Query),
    (16, "info-reply", IcmpClass::Reply),
    (17, "address-mask-request", IcmpClass::Query),
    (18, "address-mask-reply", IcmpClass::Reply),
];

/// The kinds of IPv6 (names of nft(8) `icmpv6 type`; the rest from IANA's "ICMPv6 Type Numbers").
pub const V6: &[Kind] = &[
    (1, "destination-unreachable", IcmpClass::Error),
    (2, "packet-too-big", IcmpClass::Error),
    (3, "time-exceeded", IcmpClass::Error),
    (4, "parameter-problem", IcmpClass::Error),
    (128, "echo-request", IcmpClass::Query),
    (129, "echo-reply", IcmpClass::Reply),
    (130, "mld-listener-query", IcmpClass::Untracked),
    (131, "mld-listener-report", IcmpClass::Untracked),
    (132, "mld-listener-done", IcmpClass::Untracked),
    (133, "nd-router-solicit", IcmpClass::Untracked),
    (134, "nd-router-advert", IcmpClass::Untracked),
    (135, "nd-neighbor-solicit", IcmpClass::Untracked),
    (136, "nd-neighbor-advert", IcmpClass::Untracked),
    (137, "nd-redirect", IcmpClass::Invalid),
    (138, "router-renumbering", IcmpClass::Invalid),
    (141, "ind-neighbor-solicit", IcmpClass::Invalid),
    (142, "ind-neighbor-advert", IcmpClass::Invalid),
    (143, "mld2-listener-report", IcmpClass::Untracked),
];

/// The kinds of a family.
#[must_use]
pub const fn kinds(family: Family) -> &'static [Kind] {
    match family {
        Family::Ipv4 => V4,
        Family::Ipv6 => V6,
    }
}

/// The number of a kind's name.
#[must_use]
pub fn named(family: Family, name: &str) -> Option<u8> {
    kinds(family).iter().find(|(_, known, _)| *known == name).map(|&(number, _, _)| number)
}

/// The name of a kind's number.
#[must_use]
pub fn name(family: Family, number: u8) -> Option<&'static str> {
    kinds(family).iter().find(|(known, _, _)| *known == number).map(|&(_, name, _)| name)
}

/// What connection tracking makes of a kind; kinds that no table names included.
#[must_use]
pub fn class(family: Family, number: u8) -> IcmpClass {
    match (family, number) {
        (Family::Ipv4, 0 | 14 | 16 | 18) => IcmpClass::Reply,
        (Family::Ipv4, 8 | 13 | 15 | 17) => IcmpClass::Query,
        (Family::Ipv4, 3 | 4 | 5 | 11 | 12) => IcmpClass::Error,
        (Family::Ipv4, _) => IcmpClass::Invalid,
        (Family::Ipv6, 0..=127) => IcmpClass::Error,
        (Family::Ipv6, 128 | 139) => IcmpClass::Query,
        (Family::Ipv6, 129 | 140) => IcmpClass::Reply,
        (Family::Ipv6, 130..=136 | 143 | 151 | 152) => IcmpClass::Untracked,
        (Family::Ipv6, _) => IcmpClass::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_the_classes() {
        for family in Family::ALL {
            for &(number, word, expected) in kinds(family) {
                assert_eq!(class(family, number), expected, "{family:?} {word}");
                assert_eq!(named(family, word), Some(number));
                assert_eq!(name(family, number), Some(word));
            }
        }
    }
}
