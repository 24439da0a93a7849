// SPDX-License-Identifier: GPL-3.0-or-later
//! Which of its addresses a host sends from, and which one stands for an interface.

use std::cmp::Reverse;

use ipnet::IpNet;
use ringwall_ir::words::Family;

use super::{LOOPBACK, Routing, Way, family_of, is_of_a_link, v4, v6};
use crate::host::Interface;
use crate::packet::wire;

impl Routing<'_> {
    /// The address that the host itself sends from to a destination.
    pub fn source_for(self, family: Family, destination: u128) -> Option<u128> {
        let looped = family == Family::Ipv4 && v4::kind(destination) == v4::Kind::Loopback;
        if looped {
            return Some(v4::LOOPBACK);
        }
        if self.is_own_anywhere(family, destination) || family == Family::Ipv6 && destination == v6::LOOPBACK {
            return Some(destination);
        }
        let Way::Out(out) = self.outgoing(family, destination) else { return None };
        let connected = || self.address_of_network(out, destination);
        match family {
            Family::Ipv4 => connected().or_else(|| self.address_on(&out.name, family, destination)),
            Family::Ipv6 => self.address_on(&out.name, family, destination),
        }
    }

    /// The address that a raw socket gives a packet without a source, whose route leads out of an interface
    /// (`ip_route_output_key_hash_rcu`).
    pub fn source_to(self, interface: &str, family: Family, destination: u128) -> Option<u128> {
        if destination == 0 {
            return Some(v4::LOOPBACK);
        }
        self.source_for(family, destination).or_else(|| self.address_on(interface, family, destination))
    }

    /// The address that an interface sends from to a destination (`inet_select_addr`, `ipv6_dev_get_saddr`).
    pub fn address_on(self, interface: &str, family: Family, destination: u128) -> Option<u128> {
        match family {
            Family::Ipv4 => self.address_on_v4(interface, destination),
            Family::Ipv6 => self.address_on_v6(interface, destination),
        }
    }

    /// The first address whose network holds the next router, else the first; where the interface has none, and for `lo`,
    /// whose own address is no other host's business, the first of any interface.
    fn address_on_v4(self, interface: &str, destination: u128) -> Option<u128> {
        let link = self.host.interface(interface).filter(|_| interface != LOOPBACK);
        let own = link.and_then(|link| {
            let next = self.gateway(link, Family::Ipv4, destination).unwrap_or(destination);
            let next = wire::address(Family::Ipv4, next);
            let fitting = of(link, Family::Ipv4).find(|network| network.contains(&next));
            fitting.or_else(|| of(link, Family::Ipv4).next())
        });
        let any = || self.host.interfaces.iter().find_map(|link| of(link, Family::Ipv4).next());
        own.or_else(any).map(|network| wire::bits(network.addr()))
    }

    /// The best by RFC 6724 §5, rules 1, 2, 5, 6 and 8; of equal ones the first. For a link or a group only addresses of the
    /// interface count.
    fn address_on_v6(self, interface: &str, destination: u128) -> Option<u128> {
        let only_here = is_of_a_link(Family::Ipv6, destination);
        let links = self.host.interfaces.iter().filter(|link| !only_here || link.name == interface);
        let looped = (v6::LOOPBACK, 128, interface == LOOPBACK);
        let candidates = links.flat_map(|link| {
            let is_here = link.name == interface;
            let one = move |network: IpNet| (wire::bits(network.addr()), network.prefix_len(), is_here);
            in_order_v6(link).into_iter().map(one)
        });
        let candidates = std::iter::once(looped).filter(|(_, _, is_here)| !only_here || *is_here).chain(candidates);
        let rank = |&(address, length, is_here): &(u128, u8, bool)| {
            let common = (address ^ destination).leading_zeros().min(u32::from(length));
            let same_label = label(address) == label(destination);
            (address == destination, scope_rank(address, destination), is_here, same_label, common)
        };
        // `max_by_key` takes the last of equal ones.
        let candidates: Vec<_> = candidates.collect();
        candidates.iter().rev().max_by_key(|candidate| rank(candidate)).map(|&(address, ..)| address)
    }

    /// The first address of an interface; in IPv6 one of the destination's scope, unless that is global
    /// (`nf_nat_redirect_ipv4`, `nf_nat_redirect_ipv6`).
    pub fn first_on(self, interface: &str, family: Family, destination: u128) -> Option<u128> {
        let link = self.host.interface(interface)?;
        let wanted = v6::scope(destination);
        let network = match family {
            Family::Ipv4 => of(link, family).next(),
            Family::Ipv6 => in_order_v6(link)
                .into_iter()
                .find(|network| wanted == v6::Scope::Global || v6::scope(wire::bits(network.addr())) == wanted),
        };
        network.map(|network| wire::bits(network.addr()))
    }

    /// The address whose network is the route to a destination (`fib_result_prefsrc`).
    fn address_of_network(self, out: &Interface, destination: u128) -> Option<u128> {
        let address = wire::address(Family::Ipv4, destination);
        let routes = self.host.routes.iter().filter(|route| route.interface == out.name);
        let routed = routes.filter(|route| route.to.contains(&address)).map(|route| route.to.prefix_len()).max();
        let connected = of(out, Family::Ipv4).filter(|network| network.contains(&address));
        let longest = connected.rev().max_by_key(IpNet::prefix_len)?;
        let leads = routed.is_none_or(|length| length <= longest.prefix_len());
        leads.then(|| wire::bits(longest.addr()))
    }

    /// The router that a destination is reached through.
    fn gateway(self, out: &Interface, family: Family, destination: u128) -> Option<u128> {
        let address = wire::address(family, destination);
        let routes = self.host.routes.iter();
        let fitting = routes.filter(|route| route.interface == out.name && route.to.contains(&address));
        let on_link = out.addresses.iter().any(|network| network.contains(&address));
        let route = fitting.max_by_key(|route| route.to.prefix_len()).filter(|_| !on_link)?;
        route.via.map(wire::bits)
    }
}

/// The addresses of a family, as they were given to the interface.
fn of(link: &Interface, family: Family) -> impl DoubleEndedIterator<Item = IpNet> {
    link.addresses.iter().copied().filter(move |network| family_of(network) == family)
}

/// The IPv6 addresses as the kernel keeps them: wider scopes first, and of a scope the newest (`ipv6_link_dev_addr`).
fn in_order_v6(link: &Interface) -> Vec<IpNet> {
    let mut addresses: Vec<_> = of(link, Family::Ipv6).rev().collect();
    addresses.sort_by_key(|network| Reverse(v6::scope(wire::bits(network.addr()))));
    addresses
}

/// The narrowest scope that is enough is the best; of those that are not, the widest.
fn scope_rank(address: u128, destination: u128) -> (bool, i8) {
    let number = |scope| match scope {
        v6::Scope::Interface => 1,
        v6::Scope::Link => 2,
        v6::Scope::Site => 5,
        v6::Scope::Global => 14,
    };
    // The loopback address is one of a link, as a source.
    let own = if address == v6::LOOPBACK { v6::Scope::Link } else { v6::scope(address) };
    let (own, wanted) = (number(own), number(v6::scope(destination)));
    if own >= wanted { (true, -own) } else { (false, own) }
}

/// The label of an address in the default policy table (`ip6addrlbl_init_table` in `net/ipv6/addrlabel.c`).
fn label(address: u128) -> u8 {
    let has = |prefix: u128, length: u32| (address ^ prefix).leading_zeros() >= length;
    match () {
        () if address == v6::LOOPBACK => 0,
        () if has(0xffff << 32, 96) => 4,
        () if has(0, 96) => 3,
        () if has(0x2001_0010 << 96, 28) => 7,
        () if has(0x2001_0000 << 96, 32) => 6,
        () if has(0x2002 << 112, 16) => 2,
        () if has(0xfc << 120, 7) => 5,
        () => 1,
    }
}
