// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule has established about its packets, and so which guards a test still needs before it.
//!
//! Every test of a header is behind a test of the family or protocol that the header belongs to. nft writes such a
//! guard once a rule, and none where an explicit test stands for it.

use ringwall_ir::fields::{Field, Needs};
use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{Match, Values};

use super::cmp::{Cmp, Operator};
use super::expression::Expression;
use super::meta::Meta;

/// What is known of a packet at some place of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) family: Option<Family>,
    pub(super) protocol: Option<Protocol>,
}

/// A test that stands before another because the other needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    Family(Family),
    Protocol(Protocol),
}

impl Guard {
    /// Appends its expressions.
    pub(super) fn write(self, out: &mut Vec<Expression>) {
        let (load, number) = match self {
            Self::Family(family) => (Meta::Nfproto, family.number()),
            Self::Protocol(protocol) => (Meta::L4proto, protocol.0),
        };
        out.push(Expression::Meta(load));
        out.push(Expression::Cmp(Cmp { operator: Operator::Equal, data: vec![number] }));
    }

    /// What a test tells, if it can stand for a guard.
    pub(super) fn of(test: &Match) -> Option<Self> {
        let Match::In { field, values: Values::Inline(set), negated: false } = test else { return None };
        let number = u8::try_from(set.single()?).ok()?;
        match field {
            Field::L4proto => Some(Self::Protocol(Protocol(number))),
            Field::Nfproto => Family::ALL.into_iter().find(|family| family.number() == number).map(Self::Family),
            _ => None,
        }
    }
}

impl Guard {
    /// Whether every packet that passes the guard passes the test too.
    pub(super) fn implies(self, test: &Match) -> bool {
        let (guarded, number) = match self {
            Self::Family(family) => (Field::Nfproto, family.number()),
            Self::Protocol(protocol) => (Field::L4proto, protocol.0),
        };
        match test {
            Match::In { field, values: Values::Inline(set), negated } => {
                *field == guarded && set.contains(number.into()) != *negated
            }
            _ => false,
        }
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
        Self { family, protocol: None }
    }

    /// Takes in what a guard or an explicit test tells.
    pub(super) const fn learn(&mut self, guard: Guard) {
        match guard {
            Guard::Family(family) => self.family = Some(family),
            Guard::Protocol(protocol) => self.protocol = Some(protocol),
        }
    }

    /// Whether a guard tells nothing new.
    pub(super) fn holds(self, guard: Guard) -> bool {
        match guard {
            Guard::Family(family) => self.family == Some(family),
            Guard::Protocol(protocol) => self.protocol == Some(protocol),
        }
    }
}

/// The guards of a test, in nft's order.
pub(super) fn needed(test: &Match) -> impl Iterator<Item = Guard> {
    guards(test.field().map_or(Needs::Nothing, |field| field.row().needs))
}

/// The guards of a field, in nft's order.
pub(super) fn guards(needs: Needs) -> impl Iterator<Item = Guard> {
    let (family, protocol) = match needs {
        Needs::Nothing => (None, None),
        Needs::Family(family) => (Some(family), None),
        // The kernel gives ICMPv6 no meaning in an IPv4 packet, nor ICMP in an IPv6 packet.
        Needs::Protocol(Protocol::ICMP) => (Some(Family::Ipv4), Some(Protocol::ICMP)),
        Needs::Protocol(Protocol::ICMPV6) => (Some(Family::Ipv6), Some(Protocol::ICMPV6)),
        Needs::Protocol(protocol) => (None, Some(protocol)),
    };
    family.map(Guard::Family).into_iter().chain(protocol.map(Guard::Protocol))
}
