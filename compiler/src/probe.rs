// SPDX-License-Identifier: GPL-3.0-or-later
//! The boundaries of a policy: the regions of its sentences, and a Host on which their packets can be sent.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringwall_ir::words::{CtState, Direction, Family, Protocol};
use ringwall_ir::{InterfacePattern, IntervalSet};
use ringwall_runtime::compare::region::{Names, Region, edges};
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};

use crate::policy::{Effect, End, Interfaces, Policy, Scope, Traffic};

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

fn names(interfaces: &Interfaces) -> Names {
    Names { negated: interfaces.negated, patterns: interfaces.patterns.clone() }
}

/// A host on which the packets of the regions can be sent and received. It has every interface that the policy names,
/// one that it does not name, the policy's own inbound destinations as addresses, and a route to everything that the
/// policy sends by a named interface.
///
/// Its own networks are of those set aside for tests (198.18.0.0/15, RFC 2544; 2001:2::/48, RFC 5180), which policies
/// seldom name.
#[must_use]
pub fn host(policy: &Policy) -> Host {
    let scopes = || {
        let sentences = policy.sentences.iter().map(|sentence| (&sentence.directions, &sentence.scope));
        sentences.chain(policy.expectations.iter().map(|expectation| (&expectation.directions, &expectation.scope)))
    };
    let mut interfaces: Vec<Interface> =
        interface_names(scopes().map(|(_, scope)| scope)).into_iter().enumerate().map(interface).collect();
    let mut routes = default_routes(&interfaces);
    for (directions, scope) in scopes() {
        if directions.contains(&Direction::Inbound)
            && let Some(first) = interfaces.first_mut()
        {
            own(first, &scope.to);
        }
        routes.extend(routes_of(&scope.to, &interfaces));
    }
    Host { interfaces, routes, forwarding: true, sysctls: Sysctls::default() }
}

fn interface_names<'a>(scopes: impl Iterator<Item = &'a Scope>) -> Vec<String> {
    let ends = scopes.flat_map(|scope| [&scope.from, &scope.to]);
    let patterns: BTreeSet<&InterfacePattern> =
        ends.filter_map(|end| end.interfaces.as_ref()).flat_map(|interfaces| &interfaces.patterns).collect();
    let mut names: Vec<String> = patterns
        .iter()
        .filter(|pattern| !pattern.matches("lo"))
        .map(|pattern| if pattern.is_open() { format!("{}0", pattern.stem()) } else { pattern.stem().to_owned() })
        .map(|name| name.chars().take(InterfacePattern::MAX).collect())
        .collect();
    let stems = ["eth", "net", "port", "link"].into_iter();
    let mut candidates = stems.flat_map(|stem| (0..=patterns.len()).map(move |number| format!("{stem}{number}")));
    let unnamed = candidates.find(|name| !patterns.iter().any(|pattern| pattern.matches(name)));
    names.splice(0..0, unnamed);
    names.dedup();
    names
}

fn interface((number, name): (usize, String)) -> Interface {
    let number = u8::try_from(number).unwrap_or(u8::MAX);
    let v4 = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, number, 1), 24);
    let v6 = Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 2, 0, u16::from(number), 0, 0, 0, 1), 64);
    let link = Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 64);
    Interface { name, addresses: vec![v4.into(), v6.into(), link.into()], groups: Vec::new(), mtu: 1500 }
}

fn default_routes(interfaces: &[Interface]) -> Vec<Route> {
    let Some(first) = interfaces.first() else { return Vec::new() };
    let by_first = |to| Route { to, interface: first.name.clone(), via: None };
    vec![by_first(IpNet::V4(Ipv4Net::default())), by_first(IpNet::V6(Ipv6Net::default()))]
}

/// Gives the host the addresses on both sides of the edges of an inbound destination.
fn own(interface: &mut Interface, end: &End) {
    for family in Family::ALL {
        let set = end.addresses(family);
        let all = IntervalSet::full(family.address_bits());
        if set == all {
            continue;
        }
        let (inside, outside) = edges(&set, all.intervals().first().map_or(0, |&(_, last)| last));
        for address in inside.into_iter().chain(outside).map(|number| address(family, number)) {
            if address.is_multicast() {
                interface.groups.push(address);
            } else if can_be_own(address) {
                interface.addresses.push(IpNet::from(address));
            }
        }
    }
    // The networks first, for their addresses are the usual sources.
    interface.addresses.sort_by_key(|net| (net.prefix_len() == net.max_prefix_len(), *net));
    interface.addresses.dedup_by_key(|net| net.addr());
    interface.groups.sort_unstable();
    interface.groups.dedup();
}

fn routes_of(end: &End, interfaces: &[Interface]) -> Vec<Route> {
    let (Some(named), Some(_)) = (&end.interfaces, &end.include) else { return Vec::new() };
    let Some(interface) = interfaces.iter().find(|interface| named.matches(Some(&interface.name))) else {
        return Vec::new();
    };
    let mut routes = Vec::new();
    for family in Family::ALL {
        for (number, length) in
            end.addresses(family).prefixes(family.address_bits()).into_iter().filter(|&(_, length)| length > 0)
        {
            if let Ok(to) = IpNet::new(address(family, number), length) {
                routes.push(Route { to, interface: interface.name.clone(), via: None });
            }
        }
    }
    routes
}

/// Whether a host can have the address beside those it has: not unspecified, loopback, 0/8, class E or link-local, which
/// every interface has of its own.
fn can_be_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !matches!(v4.octets().first(), Some(0 | 127 | 240..=255)),
        IpAddr::V6(v6) => {
            !v6.is_unspecified() && !v6.is_loopback() && !v6.is_unicast_link_local() && v6.to_ipv4_mapped().is_none()
        }
    }
}

/// The address of a number. IPv4 takes the low 32 bits.
fn address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits(number as u32)),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}
