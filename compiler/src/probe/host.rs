// SPDX-License-Identifier: GPL-3.0-or-later
//! A Host on which the packets of regions can be sent.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringwall_ir::words::{Direction, Family};
use ringwall_ir::{InterfacePattern, IntervalSet};
use ringwall_runtime::compare::region::{Region, edges, is_named};
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};

/// The most interfaces that a host gets: each takes time to make, and rulesets of others name hundreds.
const INTERFACES_MAX: usize = 32;
/// The most addresses that a host gets beside those of its networks.
const ADDRESSES_MAX: usize = 256;
/// The most routes that a host gets beside the default ones.
const ROUTES_MAX: usize = 1024;

/// A host on which the packets of the regions can be sent and received. It has every interface that they name, one that
/// they do not name, their inbound destinations as addresses, and a route to everything that is sent by a named
/// interface; of very many, the first.
///
/// Its own networks are of those set aside for tests (198.18.0.0/15, RFC 2544; 2001:2::/48, RFC 5180), which policies
/// seldom name.
#[must_use]
pub fn host(regions: &[Region]) -> Host {
    let mut interfaces: Vec<Interface> =
        interface_names(regions).into_iter().take(INTERFACES_MAX).enumerate().map(interface).collect();
    let mut routes = default_routes(&interfaces);
    for region in regions {
        if region.direction == Direction::Inbound
            && let Some(first) = interfaces.first_mut().filter(|first| first.addresses.len() < ADDRESSES_MAX)
        {
            own(first, region);
        }
        if routes.len() < ROUTES_MAX {
            routes.extend(routes_of(region, &interfaces));
        }
    }
    routes.sort_by_key(|route| route.to);
    routes.dedup_by_key(|route| route.to);
    Host { interfaces, routes, forwarding: true, sysctls: Sysctls::default() }
}

/// The names that a region means, or those that it excepts: of a set that has the empty name, which no interface has,
/// the others are meant.
fn patterns(names: &IntervalSet) -> Vec<InterfacePattern> {
    if names.contains(0) {
        InterfacePattern::of_values(&names.complement(128))
    } else {
        InterfacePattern::of_values(names)
    }
}

fn interface_names(regions: &[Region]) -> Vec<String> {
    let sets: BTreeSet<&IntervalSet> = regions.iter().flat_map(|region| [&region.iif, &region.oif]).flatten().collect();
    let patterns: BTreeSet<InterfacePattern> = sets.into_iter().flat_map(patterns).collect();
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
fn own(interface: &mut Interface, region: &Region) {
    let family = region.family;
    let all = IntervalSet::full(family.address_bits());
    if region.destination == all {
        return;
    }
    let (inside, outside) = edges(&region.destination, all.intervals().first().map_or(0, |&(_, last)| last));
    for address in inside.into_iter().chain(outside).map(|number| address(family, number)) {
        if address.is_multicast() {
            interface.groups.push(address);
        } else if can_be_own(address) {
            interface.addresses.push(IpNet::from(address));
        }
    }
    // The networks first, for their addresses are the usual sources.
    interface.addresses.sort_by_key(|net| (net.prefix_len() == net.max_prefix_len(), *net));
    interface.addresses.dedup_by_key(|net| net.addr());
    interface.groups.sort_unstable();
    interface.groups.dedup();
}

fn routes_of(region: &Region, interfaces: &[Interface]) -> Vec<Route> {
    let family = region.family;
    let everywhere = region.destination == IntervalSet::full(family.address_bits());
    let Some(named) = region.oif.as_ref().filter(|_| !everywhere) else { return Vec::new() };
    let Some(interface) = interfaces.iter().find(|interface| is_named(named, &interface.name)) else {
        return Vec::new();
    };
    let prefixes = region.destination.prefixes(family.address_bits()).into_iter().filter(|&(_, length)| length > 0);
    prefixes
        .filter_map(|(number, length)| IpNet::new(address(family, number), length).ok())
        .map(|to| Route { to, interface: interface.name.clone(), via: None })
        .collect()
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
