// SPDX-License-Identifier: GPL-3.0-or-later
//! Where packets go: the host's own addresses and groups, its networks and routes
//! (`net/ipv4/route.c`, `net/ipv4/fib_frontend.c`, `net/ipv6/route.c`, with the kernel's default settings).

mod source;
mod table;

use std::net::IpAddr;

use ipnet::IpNet;
use ringwall_ir::words::{Family, Protocol};

use crate::host::{Host, Interface};
use crate::packet::Packet;
use crate::packet::wire;

pub use self::table::AddressKind;

/// The interface of the host's own packets to itself. Every host has it.
pub const LOOPBACK: &str = "lo";

/// Where a packet goes from a routing decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// To the host itself.
    Local,
    /// To the host itself, and to others: the destination is a broadcast address or a group.
    Group,
    /// Out of an interface.
    Out(&'a Interface),
    /// Nowhere: no route leads there.
    Unreachable,
    /// Nowhere: it must not come from there, or not go there.
    Martian,
}

/// The routing tables of a host.
#[derive(Clone, Copy, Debug)]
pub struct Routing<'a> {
    host: &'a Host,
}

impl<'a> Routing<'a> {
    pub const fn of(host: &'a Host) -> Self {
        Self { host }
    }

    /// Where a packet goes that arrived on an interface. `lo` delivers everything.
    pub fn incoming(self, packet: &Packet<'_>, interface: &str) -> Way<'a> {
        if interface == LOOPBACK {
            return Way::Local;
        }
        match packet.family() {
            Family::Ipv4 => self.incoming_v4(packet, interface),
            Family::Ipv6 => self.incoming_v6(packet, interface),
        }
    }

    /// `ip_route_input_rcu`
    fn incoming_v4(self, packet: &Packet<'_>, interface: &str) -> Way<'a> {
        let (source, destination) = packet.addresses();
        let (from, to) = (v4::kind(source), v4::kind(destination));
        let own_source = self.is_own(Family::Ipv4, source, interface);
        // What is sent to everybody is delivered before the source is seen to be a loopback address.
        let looped = from == v4::Kind::Loopback && to != v4::Kind::Broadcast;
        if from.is_of_many() || looped || own_source {
            return Way::Martian;
        }
        if from != v4::Kind::Zero && !self.may_come_from(source, interface) {
            return Way::Martian;
        }
        match to {
            v4::Kind::Multicast => {
                let nobody = from == v4::Kind::Zero;
                let may_be_nobodys = v4::is_local_group(destination) || packet.protocol() == Protocol::IGMP;
                let joined = self.has_joined(Family::Ipv4, destination, interface);
                if joined && (!nobody || may_be_nobodys) { Way::Group } else { Way::Martian }
            }
            v4::Kind::Broadcast => Way::Group,
            v4::Kind::Zero if from == v4::Kind::Zero => Way::Group,
            v4::Kind::Zero | v4::Kind::Loopback => Way::Martian,
            v4::Kind::Other if from == v4::Kind::Zero => Way::Martian,
            v4::Kind::Other if self.is_own(Family::Ipv4, destination, interface) => Way::Local,
            v4::Kind::Other if self.is_broadcast(destination) => Way::Group,
            v4::Kind::Other if !self.host.forwarding => Way::Unreachable,
            v4::Kind::Other => self.route(Family::Ipv4, destination),
        }
    }

    /// `ip6_route_input`, `ip6_mc_input` and the checks of `ip6_rcv_core` and `ip6_forward`
    fn incoming_v6(self, packet: &Packet<'_>, interface: &str) -> Way<'a> {
        let destination = packet.destination();
        if v6::is_multicast(destination) {
            let joined = self.has_joined(Family::Ipv6, destination, interface);
            return if joined { Way::Group } else { Way::Martian };
        }
        if self.is_own(Family::Ipv6, destination, interface) {
            return Way::Local;
        }
        if !self.host.forwarding {
            return Way::Martian;
        }
        if wire::is_link_local(destination) {
            return self.host.interface(interface).map_or(Way::Unreachable, |link| self.sent_on(link, destination));
        }
        self.route(Family::Ipv6, destination)
    }

    /// Where a packet goes that the host sends.
    pub fn outgoing(self, family: Family, destination: u128) -> Way<'a> {
        let looped = match family {
            Family::Ipv4 => v4::kind(destination) == v4::Kind::Loopback,
            Family::Ipv6 => destination == 1,
        };
        if looped || self.is_own_anywhere(family, destination) {
            return Way::Local;
        }
        match self.route(family, destination) {
            Way::Unreachable if self.is_for_all_on_a_link(family, destination) => {
                self.host.interfaces.first().map_or(Way::Unreachable, Way::Out)
            }
            way => way,
        }
    }

    /// Where a packet goes that the host sends. A link-local destination and a group of IPv6 are on the link whose address the
    /// source is, or on the first; no destination at all is the host (`ip_route_output_key_hash_rcu`, `rawv6_sendmsg`).
    pub fn sent(self, packet: &Packet<'_>) -> Way<'a> {
        let (family, (source, destination)) = (packet.family(), packet.addresses());
        if destination == 0 {
            return Way::Local;
        }
        if !is_of_a_link(family, destination) {
            return self.outgoing(family, destination);
        }
        let has = |link: &&Interface| link.addresses.iter().any(|network| wire::bits(network.addr()) == source);
        let link = self.host.interfaces.iter().find(has).or(self.host.interfaces.first());
        link.map_or(Way::Unreachable, |link| self.sent_on(link, destination))
    }

    /// Where an IPv6 packet goes that is for somebody on a link.
    pub fn sent_on(self, link: &'a Interface, destination: u128) -> Way<'a> {
        if self.is_own(Family::Ipv6, destination, &link.name) {
            return Way::Local;
        }
        let address = wire::address(Family::Ipv6, destination);
        let leads_there = |(network, on): (IpNet, &Interface)| on.name == link.name && network.contains(&address);
        let reached = v6::is_multicast(destination) || self.networks().any(leads_there);
        if reached { Way::Out(link) } else { Way::Unreachable }
    }

    /// Where an IPv4 packet to a group or to all goes that has a source of the host's own: out of the interface that has it.
    pub fn by_source(self, source: u128, destination: u128) -> Option<Way<'a>> {
        if !v4::kind(destination).is_of_many() {
            return None;
        }
        if v4::kind(source) == v4::Kind::Loopback {
            return Some(Way::Local);
        }
        let has = |link: &&Interface| self.is_address_of(link, Family::Ipv4, source);
        self.host.interfaces.iter().find(has).map(Way::Out)
    }

    /// Whether the packet may be sent without a route, on the first interface.
    fn is_for_all_on_a_link(self, family: Family, destination: u128) -> bool {
        match family {
            Family::Ipv4 => v4::kind(destination) == v4::Kind::Broadcast,
            Family::Ipv6 => is_of_a_link(family, destination),
        }
    }

    /// The longest prefix wins; of equal ones the networks of interfaces before routes, and earlier before later.
    fn route(self, family: Family, destination: u128) -> Way<'a> {
        let address = wire::address(family, destination);
        let mut best: Option<(u8, &Interface)> = None;
        for (network, interface) in self.networks() {
            let better = best.is_none_or(|(length, _)| network.prefix_len() > length);
            if better && network.contains(&address) {
                best = Some((network.prefix_len(), interface));
            }
        }
        best.map_or(Way::Unreachable, |(_, interface)| Way::Out(interface))
    }

    fn networks(self) -> impl Iterator<Item = (IpNet, &'a Interface)> {
        let host = self.host;
        let links = host.interfaces.iter();
        let connected = links.flat_map(|link| link.addresses.iter().map(move |network| (*network, link)));
        let routed = host.routes.iter().filter_map(|route| Some((route.to, host.interface(&route.interface)?)));
        connected.chain(routed)
    }

    /// Whether a destination is a broadcast address or a group.
    pub fn is_group(self, family: Family, destination: u128) -> bool {
        match family {
            Family::Ipv4 => v4::kind(destination).is_of_many() || self.is_broadcast(destination),
            Family::Ipv6 => v6::is_multicast(destination),
        }
    }

    /// Whether a neighbour on the link of an interface puts what it sends to a destination into a frame to all or to a group.
    pub fn is_framed_for_group(self, family: Family, destination: u128, interface: &str) -> bool {
        let of_all = || {
            let links = self.host.interface(interface).into_iter();
            has_broadcast(links.flat_map(|link| &link.addresses), destination)
        };
        interface != LOOPBACK
            && match family {
                Family::Ipv4 => v4::kind(destination).is_of_many() || of_all(),
                Family::Ipv6 => v6::is_multicast(destination),
            }
    }

    /// Whether an IPv6 address stands for a whole network on a link, or for its routers (`ipv6_anycast_destination`).
    pub fn is_anycast(self, address: u128) -> bool {
        let links = self.host.interfaces.iter().flat_map(|link| &link.addresses);
        let routes = self.host.routes.iter().filter(|route| route.via.is_none()).map(|route| &route.to);
        let own =
            links.clone().any(|network| wire::bits(network.addr()) == address && family_of(network) == Family::Ipv6);
        !own && links.chain(routes).any(|network| is_routers_anycast(network, address))
    }

    fn is_own_anywhere(self, family: Family, address: u128) -> bool {
        self.host.interfaces.iter().any(|interface| self.is_address_of(interface, family, address))
    }

    /// Whether the address is the host's. A link-local one is so on its own interface only.
    pub fn is_own(self, family: Family, address: u128, interface: &str) -> bool {
        if family == Family::Ipv6 && wire::is_link_local(address) {
            return self.host.interface(interface).is_some_and(|link| self.is_address_of(link, family, address));
        }
        self.is_own_anywhere(family, address)
    }

    fn is_address_of(self, interface: &Interface, family: Family, address: u128) -> bool {
        interface.addresses.iter().any(|network| {
            family_of(network) == family
                && (wire::bits(network.addr()) == address
                    || self.host.forwarding && is_routers_anycast(network, address))
        })
    }

    fn is_broadcast(self, address: u128) -> bool {
        has_broadcast(self.host.interfaces.iter().flat_map(|interface| &interface.addresses), address)
    }

    fn has_joined(self, family: Family, group: u128, interface: &str) -> bool {
        let address = wire::address(family, group);
        let joined_by_all = match family {
            Family::Ipv4 => group == v4::ALL_HOSTS,
            Family::Ipv6 => group == v6::ALL_NODES || self.host.forwarding && v6::ALL_ROUTERS.contains(&group),
        };
        joined_by_all || self.host.interface(interface).is_some_and(|link| link.groups.contains(&address))
    }
}

/// Whether an IPv4 address is the broadcast address of one of the networks.
fn has_broadcast<'a>(networks: impl Iterator<Item = &'a IpNet>, address: u128) -> bool {
    networks
        .filter(|network| family_of(network) == Family::Ipv4 && network.prefix_len() < 31)
        .any(|network| wire::bits(network.broadcast()) == address)
}

fn family_of(network: &IpNet) -> Family {
    match network {
        IpNet::V4(_) => Family::Ipv4,
        IpNet::V6(_) => Family::Ipv6,
    }
}

/// Whether the kernel finds no route for what has the source, though there is one for the destination: a loopback
/// address stays on `lo` (`__mkroute_output`).
pub fn is_confined(family: Family, source: u128, way: Way<'_>) -> bool {
    family == Family::Ipv4 && v4::kind(source) == v4::Kind::Loopback && matches!(way, Way::Out(_))
}

/// Whether a destination says nothing without the link that it is on.
pub fn is_of_a_link(family: Family, destination: u128) -> bool {
    family == Family::Ipv6 && (v6::is_multicast(destination) || wire::is_link_local(destination))
}

/// The subnet-router anycast address of RFC 4291 §2.6.1, which every router of the network has.
fn is_routers_anycast(network: &IpNet, address: u128) -> bool {
    matches!(network.network(), IpAddr::V6(base) if network.prefix_len() < 127 && base.to_bits() == address)
}

pub mod v4 {
    pub const ALL_HOSTS: u128 = 0xe000_0001;
    pub const LOOPBACK: u128 = 0x7f00_0001;
    pub const LOOPBACK_BROADCAST: u128 = 0x7fff_ffff;

    /// What an IPv4 address is, whatever the host.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Kind {
        /// 0.0.0.0 alone: the rest of its network are addresses like others (`ipv4_is_zeronet`).
        Zero,
        /// 127.0.0.0/8
        Loopback,
        /// 224.0.0.0/4
        Multicast,
        /// 255.255.255.255
        Broadcast,
        Other,
    }

    impl Kind {
        /// Whether the address is a group's, or everybody's.
        pub const fn is_of_many(self) -> bool {
            matches!(self, Self::Multicast | Self::Broadcast)
        }
    }

    pub const fn kind(address: u128) -> Kind {
        match address {
            0 => Kind::Zero,
            0x7f00_0000..=0x7fff_ffff => Kind::Loopback,
            0xe000_0000..=0xefff_ffff => Kind::Multicast,
            0xffff_ffff => Kind::Broadcast,
            _ => Kind::Other,
        }
    }

    /// 224.0.0.0/24, which routers do not forward.
    pub const fn is_local_group(address: u128) -> bool {
        address >> 8 == 0x00e0_0000
    }
}

pub mod v6 {
    pub const LOOPBACK: u128 = 1;
    /// Whose an address can be, as `ipv6_addr_type` and `ipv6_addr_scope` know it (`net/ipv6/addrconf_core.c`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Scope {
        /// The interface's alone.
        Interface,
        Link,
        Site,
        Global,
    }

    /// The scope of an address or a group; the loopback address counts as the interface's, as such groups do.
    pub const fn scope(address: u128) -> Scope {
        match (address >> 118, address >> 112 & 0xf) {
            _ if address == 1 => Scope::Interface,
            (0x3fa, _) => Scope::Link,
            (0x3fb, _) => Scope::Site,
            (0x3fc.., 1) => Scope::Interface,
            (0x3fc.., 2) => Scope::Link,
            (0x3fc.., 5) => Scope::Site,
            _ => Scope::Global,
        }
    }

    pub const ALL_NODES: u128 = 0xff02 << 112 | 1;
    pub const ALL_ROUTERS: [u128; 2] = [0xff02 << 112 | 2, 0xff05 << 112 | 2];

    pub const fn is_multicast(address: u128) -> bool {
        address >> 120 == 0xff
    }
}
