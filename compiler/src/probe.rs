// SPDX-License-Identifier: GPL-3.0-or-later
//! The boundaries of a policy: the regions of its sentences, and a Host on which their packets can be sent.

mod host;

use ringwall_ir::words::{CtState, Direction, Family, Protocol};
use ringwall_ir::{InterfacePattern, IntervalSet};
use ringwall_runtime::compare::region::Region;

pub use host::host;

use crate::policy::{Effect, Interfaces, Policy, Scope, Traffic};

/// The regions of a policy's sentences: one for each direction, family and item of traffic.
#[must_use]
pub fn regions(policy: &Policy) -> Vec<Region> {
    let mut regions = Vec::new();
    for sentence in &policy.sentences {
        for &direction in &sentence.directions {
            regions.extend(of_scope(&sentence.scope, direction, sentence.effect == Effect::Accept));
        }
    }
    for expectation in &policy.expectations {
        for &direction in &expectation.directions {
            regions.extend(of_scope(&expectation.scope, direction, false));
        }
    }
    for &direction in policy.closings.keys() {
        regions.extend(Family::ALL.map(|family| Region::everything(direction, family)));
    }
    regions
}

/// The regions of one scope in one direction.
#[must_use]
pub fn of_scope(scope: &Scope, direction: Direction, accepts: bool) -> Vec<Region> {
    let items = scope.traffic.iter().flat_map(|traffic| Family::ALL.map(|family| (traffic, family)));
    items.filter_map(|(traffic, family)| region(scope, traffic, direction, family, accepts)).collect()
}

fn region(scope: &Scope, traffic: &Traffic, direction: Direction, family: Family, accepts: bool) -> Option<Region> {
    if traffic.family.is_some_and(|only| only != family) {
        return None;
    }
    let every = Region::everything(direction, family);
    let byte = |value: Option<u8>| value.map_or(IntervalSet::full(8), |value| IntervalSet::one(u128::from(value)));
    let region = Region {
        opens: accepts && traffic.states.contains(CtState::New),
        states: traffic.states,
        iif: scope.from.interfaces.as_ref().map(names),
        oif: scope.to.interfaces.as_ref().map(names),
        source: scope.from.addresses(family),
        destination: scope.to.addresses(family),
        protocol: byte(traffic.protocol.map(|Protocol(number)| number)),
        from_port: traffic.from_ports.clone().unwrap_or(every.from_port),
        port: traffic.ports.clone().unwrap_or(every.port),
        icmp_type: traffic.icmp_types.clone().unwrap_or(every.icmp_type),
        icmp_code: byte(traffic.icmp_code),
        hop_limit: byte(traffic.hop_limit),
        flags: traffic.flags.unwrap_or(every.flags),
        ..every
    };
    (!region.source.is_empty() && !region.destination.is_empty()).then_some(region)
}

fn names(interfaces: &Interfaces) -> IntervalSet {
    let named = InterfacePattern::values(&interfaces.patterns);
    if interfaces.negated { named.complement(128) } else { named }
}
