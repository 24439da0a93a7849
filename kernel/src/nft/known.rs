// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule has established about its packets, and so which guards a test still needs before it.
//!
//! A test of a header is behind a test of the family, protocol or kind of link that the header belongs to. nft writes
//! such a guard once a rule, and none where an explicit test stands for it.

use ringwall_ir::fields::{Field, Load, Needs};
use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{Match, Values};

/// What is known of a packet at some place of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    family: Option<Family>,
    protocol: Option<Protocol>,
    /// It came over Ethernet.
    link: bool,
}

/// A test that stands before another because the other needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    Family(Family),
    Link,
    Protocol(Protocol),
}

/// `ARPHRD_ETHER` of `include/uapi/linux/if_arp.h`.
const ETHERNET: u8 = 1;

impl Guard {
    /// The field that it tests, and the value.
    pub(super) const fn test(self) -> (Field, u8) {
        match self {
            Self::Family(family) => (Field::Nfproto, family.number()),
            Self::Link => (Field::Iiftype, ETHERNET),
            Self::Protocol(protocol) => (Field::L4proto, protocol.0),
        }
    }

    /// The guard that a test is, if it is written like one.
    pub(super) fn of(test: &Match) -> Option<Self> {
        let (field, value) = single(test)?;
        let number = u8::try_from(value).ok()?;
        let guard = match field {
            Field::Iiftype => Self::Link,
            Field::L4proto => Self::Protocol(Protocol(number)),
            Field::Nfproto => Self::Family(Family::ALL.into_iter().find(|family| family.number() == number)?),
            _ => return None,
        };
        (guard.test() == (field, number)).then_some(guard)
    }

    /// What a test tells as well as a guard would.
    pub(super) fn told_by(test: &Match) -> Option<Self> {
        /// `ETH_P_IP` and `ETH_P_IPV6` of `include/uapi/linux/if_ether.h`.
        const IP: u128 = 0x0800;
        const IPV6: u128 = 0x86dd;
        match single(test)? {
            (Field::EtherType, IP) => Some(Self::Family(Family::Ipv4)),
            (Field::EtherType, IPV6) => Some(Self::Family(Family::Ipv6)),
            (Field::IpProtocol | Field::Ip6Nexthdr, number) => {
                Some(Self::Protocol(Protocol(u8::try_from(number).ok()?)))
            }
            _ => Self::of(test),
        }
    }
}

/// The field and the only value that a test lets pass.
fn single(test: &Match) -> Option<(Field, u128)> {
    match test {
        Match::In { selector, values: Values::Inline(set), negated: false } if selector.mask().is_none() => {
            Some((selector.field(), set.single()?))
        }
        _ => None,
    }
}

impl Known {
    /// What is known at the start of a rule.
    pub(super) const fn at_start(table: TableFamily) -> Self {
        let family = match table {
            TableFamily::Inet => None,
            TableFamily::Ip => Some(Family::Ipv4),
            TableFamily::Ip6 => Some(Family::Ipv6),
        };
        Self { family, protocol: None, link: false }
    }

    /// Takes in what a guard tells.
    pub(super) const fn learn(&mut self, guard: Guard) {
        match guard {
            Guard::Family(family) => self.family = Some(family),
            Guard::Link => self.link = true,
            Guard::Protocol(protocol) => self.protocol = Some(protocol),
        }
    }

    /// Whether a guard tells nothing new.
    pub(super) fn holds(self, guard: Guard) -> bool {
        match guard {
            Guard::Family(family) => self.family == Some(family),
            Guard::Link => self.link,
            Guard::Protocol(protocol) => self.protocol == Some(protocol),
        }
    }

    /// Whether every packet has the field, as far as guards can tell.
    pub(super) fn has(self, field: Field) -> bool {
        guards(field).all(|guard| self.holds(guard))
    }
}

/// The guards of a field, in nft's order. The kernel itself leaves a rule where a packet has no entry, socket, transport
/// header or TCP option.
pub(super) fn guards(field: Field) -> impl Iterator<Item = Guard> {
    let row = field.row();
    let guards = match row.needs {
        _ if row.load == Load::TcpMaxseg => [None, None],
        Needs::Entry | Needs::EntryOf(_) | Needs::Nothing | Needs::Socket | Needs::Transport => [None, None],
        Needs::Family(family) => [Some(Guard::Family(family)), None],
        Needs::Link => [Some(Guard::Link), None],
        // The kernel gives ICMPv6 no meaning in an IPv4 packet, nor ICMP in an IPv6 packet.
        Needs::Protocol(protocol) => [row.needs.family().map(Guard::Family), Some(Guard::Protocol(protocol))],
    };
    guards.into_iter().flatten()
}
