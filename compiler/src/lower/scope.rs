// SPDX-License-Identifier: GPL-3.0-or-later
//! The packets that a sentence speaks of, as lists of matches: one rule matches one protocol between addresses of one
//! family, or of both where no address is named.

use ringwall_ir::words::{CtStates, Family, Protocol};
use ringwall_ir::{Field, InterfacePattern, IntervalSet, Match, Selector, Values};

use super::{Sets, inline};
use crate::policy::{End, Scope, Traffic};

/// One rule's share of a scope.
pub(super) struct Case {
    /// The tests, in the order in which nft is usually written: interfaces, addresses, protocol, ports, ct state.
    pub(super) matches: Vec<Match>,
    /// The protocol that they leave, if it is one alone.
    pub(super) protocol: Option<Protocol>,
}

/// The cases of a scope. No packet is in two of them, unless two items of its traffic overlap.
pub(super) fn cases(scope: &Scope, sets: &mut Sets) -> Vec<Case> {
    let mut cases = Vec::new();
    for traffic in merged(&scope.traffic) {
        for family in families(scope, &traffic) {
            cases.push(case(scope, &traffic, family, sets));
        }
    }
    cases
}

/// Items that differ only in their destination ports, or only in their ICMP type, become one.
fn merged(items: &[Traffic]) -> Vec<Traffic> {
    let mut merged: Vec<Traffic> = Vec::new();
    for item in items {
        let alike = |other: &Traffic| {
            let Traffic { states, family, protocol, ports, from_ports, flags, icmp_types, icmp_code, hop_limit } =
                other;
            let same = (states, family, protocol, from_ports, flags, icmp_code, hop_limit)
                == (
                    &item.states,
                    &item.family,
                    &item.protocol,
                    &item.from_ports,
                    &item.flags,
                    &item.icmp_code,
                    &item.hop_limit,
                );
            same && ports.is_some() == item.ports.is_some() && icmp_types.is_some() == item.icmp_types.is_some()
        };
        match merged.iter_mut().find(|other| alike(other)) {
            Some(other) => {
                other.ports = union(other.ports.as_ref(), item.ports.as_ref());
                other.icmp_types = union(other.icmp_types.as_ref(), item.icmp_types.as_ref());
            }
            None => merged.push(item.clone()),
        }
    }
    merged
}

fn union(one: Option<&IntervalSet>, other: Option<&IntervalSet>) -> Option<IntervalSet> {
    one.zip(other).map(|(one, other)| one.union(other))
}

/// The families that get a rule each; `None` where one rule serves both.
fn families(scope: &Scope, traffic: &Traffic) -> Vec<Option<Family>> {
    let whole = |family: Family| {
        let all = IntervalSet::full(family.address_bits());
        scope.from.addresses(family) == all && scope.to.addresses(family) == all
    };
    let both = traffic.family.is_none() && traffic.hop_limit.is_none();
    if both && Family::ALL.into_iter().all(whole) {
        return vec![None];
    }
    let has_packets = |family: &Family| {
        traffic.family.is_none_or(|only| only == *family)
            && !scope.from.addresses(*family).is_empty()
            && !scope.to.addresses(*family).is_empty()
    };
    Family::ALL.into_iter().filter(has_packets).map(Some).collect()
}

fn case(scope: &Scope, traffic: &Traffic, family: Option<Family>, sets: &mut Sets) -> Case {
    let mut matches = Vec::new();
    interface(&mut matches, Field::Iifname, &scope.from);
    interface(&mut matches, Field::Oifname, &scope.to);
    if let Some(family) = family {
        addresses(&mut matches, Field::source(family), family, &scope.from, sets);
        addresses(&mut matches, Field::destination(family), family, &scope.to, sets);
    }
    let place = matches.len();
    transport(&mut matches, traffic, family);
    if let Some(family) = family
        && !matches.iter().any(|test| implies(test, family))
    {
        matches.insert(place, inline(Field::Nfproto, IntervalSet::one(u128::from(family.number()))));
    }
    if traffic.states != CtStates::ALL {
        matches.push(Match::any_of(Field::CtState, u128::from(traffic.states.bits())));
    }
    Case { matches, protocol: traffic.protocol }
}

fn interface(matches: &mut Vec<Match>, field: Field, end: &End) {
    if let Some(interfaces) = &end.interfaces {
        let names = Values::Inline(InterfacePattern::values(&interfaces.patterns));
        matches.push(Match::In { selector: Selector::of(field), values: names, negated: interfaces.negated });
    }
}

fn addresses(matches: &mut Vec<Match>, field: Field, family: Family, end: &End, sets: &mut Sets) {
    let all = IntervalSet::full(family.address_bits());
    if let Some(group) = end.include.as_ref().filter(|group| *group.set.of(family) != all) {
        matches.push(Match::within(field, sets.values(group, family)));
    }
    if let Some(group) = end.exclude.as_ref().filter(|group| !group.set.of(family).is_empty()) {
        matches.push(Match::outside(field, sets.values(group, family)));
    }
}

/// What the traffic itself asks for, down to the hop limit.
fn transport(matches: &mut Vec<Match>, traffic: &Traffic, family: Option<Family>) {
    let before = matches.len();
    if let Some((to, from)) = traffic.protocol.and_then(port_fields) {
        matches
            .extend(traffic.from_ports.clone().filter(|ports| !is_full(from, ports)).map(|ports| inline(from, ports)));
        matches.extend(traffic.ports.clone().filter(|ports| !is_full(to, ports)).map(|ports| inline(to, ports)));
    }
    if let Some((value, mask)) = traffic.flags {
        matches.push(Match::masked(Field::TcpFlags, u128::from(mask.0), u128::from(value.0)));
    }
    if let Some((kind, code)) = traffic.family.map(icmp_fields) {
        matches.extend(traffic.icmp_types.clone().map(|types| icmp_types(kind, types)));
        matches.extend(traffic.icmp_code.map(|value| inline(code, IntervalSet::one(u128::from(value)))));
    }
    if matches.len() == before
        && let Some(protocol) = traffic.protocol
    {
        matches.push(l4proto(protocol));
    }
    if let Some((limit, family)) = traffic.hop_limit.zip(family) {
        matches.push(inline(hop_limit(family), IntervalSet::one(u128::from(limit))));
    }
}

/// A few types are listed; all but a few are written as what is left out.
fn icmp_types(field: Field, types: IntervalSet) -> Match {
    let rest = types.complement(8);
    let negated = rest.intervals().len() <= types.intervals().len()
        && !rest.is_empty()
        && types.contains_all(&IntervalSet::range(0, 127));
    let values = Values::Inline(if negated { rest } else { types });
    Match::In { selector: Selector::of(field), values, negated }
}

fn is_full(field: Field, values: &IntervalSet) -> bool {
    values.contains_all(&IntervalSet::range(0, field.max()))
}

/// Whether only packets of the family pass the test.
fn implies(test: &Match, family: Family) -> bool {
    test.field().and_then(|field| field.row().needs.family()) == Some(family)
}

/// The test of a protocol and nothing else.
pub(super) fn l4proto(protocol: Protocol) -> Match {
    inline(Field::L4proto, IntervalSet::one(u128::from(protocol.0)))
}

/// Where a test of the protocol stands among others: before the ct state.
pub(super) fn place_of_protocol(matches: &[Match]) -> usize {
    matches.iter().position(|test| test.field() == Some(Field::CtState)).unwrap_or(matches.len())
}

const fn port_fields(protocol: Protocol) -> Option<(Field, Field)> {
    match protocol {
        Protocol::SCTP => Some((Field::SctpDport, Field::SctpSport)),
        Protocol::TCP => Some((Field::TcpDport, Field::TcpSport)),
        Protocol::UDP => Some((Field::UdpDport, Field::UdpSport)),
        _ => None,
    }
}

const fn icmp_fields(family: Family) -> (Field, Field) {
    match family {
        Family::Ipv4 => (Field::IcmpType, Field::IcmpCode),
        Family::Ipv6 => (Field::Icmpv6Type, Field::Icmpv6Code),
    }
}

const fn hop_limit(family: Family) -> Field {
    match family {
        Family::Ipv4 => Field::IpTtl,
        Family::Ipv6 => Field::Ip6HopLimit,
    }
}
