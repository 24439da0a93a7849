// SPDX-License-Identifier: GPL-3.0-or-later
//! Values that have names, in nft's words.

use super::Datatype;
use crate::words::{CtDirection, CtStates, CtStatus, Family, Protocol, TcpFlags, icmp};

/// `PACKET_*` of `include/uapi/linux/if_packet.h`; `unicast` is nft's other word for the first.
const PACKET_TYPES: &[(&str, u128)] = &[("host", 0), ("broadcast", 1), ("multicast", 2), ("other", 3), ("unicast", 0)];

/// `RTN_*` of `include/uapi/linux/rtnetlink.h`.
const ADDRESS_TYPES: &[(&str, u128)] = &[
    ("unspec", 0),
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
];

/// `ETH_P_*` of `include/uapi/linux/if_ether.h`; `8021q` and `vlan` are one.
const ETHER_TYPES: &[(&str, u128)] =
    &[("ip", 0x0800), ("arp", 0x0806), ("ip6", 0x86dd), ("8021q", 0x8100), ("8021ad", 0x88a8), ("vlan", 0x8100)];

/// Code points of RFC 2474, RFC 2597, RFC 3246 and RFC 5865.
const CODE_POINTS: &[(&str, u128)] = &[
    ("cs0", 0),
    ("cs1", 8),
    ("cs2", 16),
    ("cs3", 24),
    ("cs4", 32),
    ("cs5", 40),
    ("cs6", 48),
    ("cs7", 56),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("ef", 46),
    ("be", 0),
    ("df", 0),
    ("lephb", 1),
    ("va", 44),
];

/// `LOOPBACK_IFINDEX` of `include/net/flow.h`: the one interface that has the same number everywhere.
const INTERFACES: &[(&str, u128)] = &[("lo", 1)];

/// Days of the week.
const DAYS: &[(&str, u128)] =
    &[("Sunday", 0), ("Monday", 1), ("Tuesday", 2), ("Wednesday", 3), ("Thursday", 4), ("Friday", 5), ("Saturday", 6)];

/// Kinds of links (`ARPHRD_*` of `include/uapi/linux/if_arp.h`).
const LINKS: &[(&str, u128)] =
    &[("ether", 1), ("ppp", 512), ("ipip", 768), ("ipip6", 769), ("loopback", 772), ("sit", 776), ("ipgre", 778)];

/// Codes of destination unreachable (RFC 792, RFC 1812), in nft's words.
const ICMP_CODES: &[(&str, u128)] = &[
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];

/// Codes of destination unreachable (RFC 4443), in nft's words.
const ICMPV6_CODES: &[(&str, u128)] = &[
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];

/// Whether something is there.
const BOOLEANS: &[(&str, u128)] = &[("missing", 0), ("exists", 1)];

/// The names of a data type whose values are listed here.
const fn listed(datatype: Datatype) -> &'static [(&'static str, u128)] {
    match datatype {
        Datatype::Boolean => BOOLEANS,
        Datatype::Day => DAYS,
        Datatype::IfaceIndex => INTERFACES,
        Datatype::Dscp => CODE_POINTS,
        Datatype::EtherType => ETHER_TYPES,
        Datatype::FibAddrtype => ADDRESS_TYPES,
        Datatype::IcmpCode => ICMP_CODES,
        Datatype::Icmpv6Code => ICMPV6_CODES,
        Datatype::IfaceType => LINKS,
        Datatype::PktType => PACKET_TYPES,
        _ => &[],
    }
}

impl Datatype {
    /// The name of a value, where it has one. A set of bits has none: see [`Self::bit_name`].
    #[must_use]
    pub fn value_name(self, value: u128) -> Option<&'static str> {
        let byte = u8::try_from(value).ok();
        match self {
            Self::CtDir => match value {
                0 => Some(CtDirection::Original.name()),
                1 => Some(CtDirection::Reply.name()),
                _ => None,
            },
            Self::IcmpType => icmp::name(Family::Ipv4, byte?),
            Self::Icmpv6Type => icmp::name(Family::Ipv6, byte?),
            Self::InetProto => Protocol(byte?).name(),
            Self::NfProto => {
                let family = Family::ALL.into_iter().find(|family| u128::from(family.number()) == value);
                family.map(Family::name)
            }
            _ => listed(self).iter().find(|(_, known)| *known == value).map(|(name, _)| *name),
        }
    }

    /// The value of a name; of a data type of bits, the bit.
    #[must_use]
    pub fn named_value(self, name: &str) -> Option<u128> {
        match self {
            Self::CtDir => [CtDirection::Original, CtDirection::Reply]
                .into_iter()
                .position(|direction| direction.name() == name)
                .and_then(|place| u128::try_from(place).ok()),
            Self::IcmpType => icmp::named(Family::Ipv4, name).map(u128::from),
            Self::Icmpv6Type => icmp::named(Family::Ipv6, name).map(u128::from),
            Self::InetProto => Protocol::named(name).map(|protocol| u128::from(protocol.0)),
            Self::NfProto => {
                let family = Family::ALL.into_iter().find(|family| family.name() == name);
                family.map(|family| u128::from(family.number()))
            }
            Self::CtState | Self::CtStatus | Self::TcpFlag => {
                (0..32).map(|bit| 1 << bit).find(|&bit| self.bit_name(bit) == Some(name))
            }
            _ => listed(self).iter().find(|(known, _)| *known == name).map(|&(_, value)| value),
        }
    }

    /// The name of a single bit of a data type of bits.
    #[must_use]
    pub fn bit_name(self, bit: u128) -> Option<&'static str> {
        match self {
            Self::CtState => {
                let states = CtStates::from_bits(u8::try_from(bit).ok()?)?;
                states.iter().next().map(|state| state.name())
            }
            Self::CtStatus => {
                CtStatus::NFT_NAMES.into_iter().find(|(_, status)| u128::from(status.0) == bit).map(|(name, _)| name)
            }
            Self::TcpFlag => TcpFlags(u8::try_from(bit).ok()?).names().next(),
            _ => None,
        }
    }
}
