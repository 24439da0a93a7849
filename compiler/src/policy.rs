// SPDX-License-Identifier: GPL-3.0-or-later
//! A policy as its author meant it: names looked up, baselines written out, nothing yet said about chains.

use std::collections::BTreeMap;

use ringwall_grammar::Span;
use ringwall_ir::words::{CtStates, Direction, Family, Protocol, Refusal, TcpFlags};
use ringwall_ir::{InterfacePattern, IntervalSet, Log, Origin, OriginId};

/// A resolved policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// The edition of the language it is written in.
    pub edition: u64,
    /// Its sentences, in order; those of a baseline at the baseline's place.
    pub sentences: Vec<Sentence>,
    /// The governed directions, each with what happens when no sentence decided.
    pub closings: BTreeMap<Direction, Closing>,
    /// Its `expect` sentences, in order.
    pub expectations: Vec<Expectation>,
    /// Where everything comes from.
    pub origins: Vec<Origin>,
}

impl Policy {
    /// Whether the policy decides about packets of the direction.
    #[must_use]
    pub fn governs(&self, direction: Direction) -> bool {
        self.closings.contains_key(&direction)
    }

    /// The sentence or declaration that something comes from.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        self.origins.get(usize::try_from(id.0).ok()?)
    }
}

/// One sentence that decides, or records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// Its own words.
    pub origin: OriginId,
    /// Where it stands; for a sentence of a baseline, where the baseline stands.
    pub span: Span,
    /// What becomes of a packet that it matches.
    pub effect: Effect,
    /// The directions it speaks of, all of them governed.
    pub directions: Vec<Direction>,
    /// The packets it speaks of.
    pub scope: Scope,
    /// Whether and how it records what it decides.
    pub log: Option<LogClause>,
}

/// What a sentence does with a packet that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Accepts it.
    Accept,
    /// Drops it.
    Drop,
    /// Refuses it; without a kind by a TCP reset, else port-unreachable.
    Reject(Option<Refusal>),
    /// Goes on.
    Record,
}

/// Which packets a sentence speaks of: those that one item of the traffic matches, between both ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The traffic, never empty.
    pub traffic: Vec<Traffic>,
    /// The end they come from.
    pub from: End,
    /// The end they go to.
    pub to: End,
}

/// One item of traffic. What is absent is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The ct states in which it is meant.
    pub states: CtStates,
    /// The families in which it exists.
    pub family: Option<Family>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// Destination ports.
    pub ports: Option<IntervalSet>,
    /// Source ports.
    pub from_ports: Option<IntervalSet>,
    /// TCP flags: of the second, exactly the first are set.
    pub flags: Option<(TcpFlags, TcpFlags)>,
    /// ICMP types of the protocol's family.
    pub icmp_types: Option<IntervalSet>,
    /// The ICMP code.
    pub icmp_code: Option<u8>,
    /// Hop limit, or time to live.
    pub hop_limit: Option<u8>,
}

impl Traffic {
    /// Every packet in one of the states.
    #[must_use]
    pub const fn any(states: CtStates) -> Self {
        Self {
            states,
            family: None,
            protocol: None,
            ports: None,
            from_ports: None,
            flags: None,
            icmp_types: None,
            icmp_code: None,
            hop_limit: None,
        }
    }
}

/// One end of a packet's way. What is absent is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The addresses it is one of.
    pub include: Option<Group>,
    /// The addresses it is none of.
    pub exclude: Option<Group>,
    /// The interface on that end.
    pub interfaces: Option<Interfaces>,
}

impl End {
    /// The addresses of a family that the end stands for.
    #[must_use]
    pub fn addresses(&self, family: Family) -> IntervalSet {
        let all = IntervalSet::full(family.address_bits());
        let included = self.include.as_ref().map_or(all, |group| group.set.of(family).clone());
        match &self.exclude {
            Some(group) => included.difference(group.set.of(family)),
            None => included,
        }
    }
}

/// Addresses, perhaps under a name that the author gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name, if the author wrote that name and nothing else.
    pub name: Option<NetworkName>,
    /// The addresses.
    pub set: AddressSet,
}

/// A network as a name for its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkName {
    /// The name.
    pub name: String,
    /// Its declaration.
    pub origin: OriginId,
}

/// Addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// Those of IPv4.
    pub v4: IntervalSet,
    /// Those of IPv6.
    pub v6: IntervalSet,
}

impl AddressSet {
    /// The addresses of one family.
    #[must_use]
    pub const fn of(&self, family: Family) -> &IntervalSet {
        match family {
            Family::Ipv4 => &self.v4,
            Family::Ipv6 => &self.v6,
        }
    }

    /// The addresses of one family and no others.
    #[must_use]
    pub fn only(family: Family, set: IntervalSet) -> Self {
        match family {
            Family::Ipv4 => Self { v4: set, v6: IntervalSet::EMPTY },
            Family::Ipv6 => Self { v4: IntervalSet::EMPTY, v6: set },
        }
    }

    /// The addresses of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }
}

/// Names of interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    /// None of them, instead of one of them.
    pub negated: bool,
    /// The names.
    pub patterns: Vec<InterfacePattern>,
}

impl Interfaces {
    /// Whether an interface of this name is meant. A packet without an interface at this end is never meant.
    #[must_use]
    pub fn matches(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.patterns.iter().any(|pattern| pattern.matches(name)) != self.negated)
    }
}

/// How a sentence records a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogClause {
    /// The record.
    pub log: Log,
    /// Every packet, instead of 5 a second with a burst of 10.
    pub every: bool,
}

/// What happens in a governed direction to a packet that no sentence decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The `otherwise`, or the policy as a whole.
    pub origin: OriginId,
    /// Accept, drop or reject.
    pub effect: Effect,
    /// Whether and how it is recorded.
    pub log: Option<LogClause>,
}

/// What the author expects of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its own words.
    pub origin: OriginId,
    /// Where it stands.
    pub span: Span,
    /// The directions it speaks of.
    pub directions: Vec<Direction>,
    /// The packets it speaks of; their states are those that the author named, or else new.
    pub scope: Scope,
    /// What must become of them.
    pub fate: ringwall_grammar::tree::Fate,
}
