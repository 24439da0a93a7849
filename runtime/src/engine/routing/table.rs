// SPDX-License-Identifier: GPL-3.0-or-later
//! What the routing tables have for an address, whoever asks (`fib_lookup`, `ip6_route_lookup`).

use ipnet::IpNet;
use ringwall_ir::words::Family;

use super::{LOOPBACK, Routing, Way, family_of, is_routers_anycast, v4, v6};
use crate::host::ReversePath;
use crate::packet::{Packet, wire};

/// What an address is (`RTN_*` of `include/uapi/linux/rtnetlink.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    Unspecified,
    Unicast,
    Local,
    Broadcast,
    Anycast,
    Multicast,
    Unreachable,
}

impl AddressKind {
    /// The kernel's number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::Unicast => 1,
            Self::Local => 2,
            Self::Broadcast => 3,
            Self::Anycast => 4,
            Self::Multicast => 5,
            Self::Unreachable => 7,
        }
    }
}

/// The entry that an address has in the tables.
#[derive(Clone, Copy, Debug)]
struct Found<'a> {
    kind: AddressKind,
    interface: &'a str,
    /// The address stands for a whole network on the link, as its first.
    is_first: bool,
}

impl<'a> Routing<'a> {
    /// What an address is; on an interface, if one is asked for. What is for a link only is looked up `here`.
    pub fn kind_of(self, family: Family, address: u128, asked: Option<&str>, here: Option<&str>) -> AddressKind {
        match family {
            Family::Ipv4 => self.kind_of_v4(address, asked),
            Family::Ipv6 => self.kind_of_v6(address, asked, here),
        }
    }

    /// `__inet_dev_addr_type`
    fn kind_of_v4(self, address: u128, asked: Option<&str>) -> AddressKind {
        match v4::kind(address) {
            v4::Kind::Broadcast | v4::Kind::Zero => return AddressKind::Broadcast,
            v4::Kind::Multicast => return AddressKind::Multicast,
            v4::Kind::Loopback | v4::Kind::Other => {}
        }
        let found = self.own_v4(address).filter(|found| asked.is_none_or(|asked| asked == found.interface));
        found.map_or(AddressKind::Unicast, |found| found.kind)
    }

    /// `__nft_fib6_eval_type`
    fn kind_of_v6(self, address: u128, asked: Option<&str>, here: Option<&str>) -> AddressKind {
        let is_address_of =
            |name: &str| if name == LOOPBACK { address == 1 } else { self.is_address_on(name, address) };
        let is_asked = asked.is_some_and(is_address_of);
        match self.find(Family::Ipv6, address, asked.or(here)) {
            None => AddressKind::Unreachable,
            Some(found) if found.kind == AddressKind::Anycast || found.is_first => AddressKind::Anycast,
            Some(found) if is_asked || asked.is_none() && found.kind == AddressKind::Local => AddressKind::Local,
            Some(_) if v6::is_multicast(address) => AddressKind::Multicast,
            Some(_) if address == 0 => AddressKind::Unspecified,
            Some(_) => AddressKind::Unicast,
        }
    }

    fn is_address_on(self, interface: &str, address: u128) -> bool {
        self.host.interface(interface).is_some_and(|link| {
            link.addresses.iter().any(|own| family_of(own) == Family::Ipv6 && wire::bits(own.addr()) == address)
        })
    }

    /// The interface that the route to an address leads to; none where there is no route, or where it leads to the host
    /// itself. What is for a link only is looked up `here`.
    pub fn way_to(self, family: Family, address: u128, here: Option<&str>) -> Option<&'a str> {
        let found = self.find(family, address, here)?;
        (!matches!(found.kind, AddressKind::Local | AddressKind::Anycast)).then_some(found.interface)
    }

    /// Whether a packet may come from its source on an interface (`__fib_validate_source`).
    pub(super) fn may_come_from(self, source: u128, interface: &str) -> bool {
        let setting = self.host.sysctls.reverse_path;
        if setting == ReversePath::Off {
            return true;
        }
        match self.find(Family::Ipv4, source, None) {
            Some(found) if found.kind != AddressKind::Unicast => false,
            Some(found) => found.interface == interface || setting == ReversePath::Loose,
            None => false,
        }
    }

    /// The local table first, then the longest prefix of the others.
    fn find(self, family: Family, address: u128, here: Option<&str>) -> Option<Found<'a>> {
        match family {
            Family::Ipv4 => self.own_v4(address).or_else(|| self.routed(family, address, None)),
            Family::Ipv6 => {
                let only = here.filter(|_| Self::is_for_the_link(family, address));
                self.own_v6(address, only).or_else(|| self.routed(family, address, only))
            }
        }
    }

    fn own_v4(self, address: u128) -> Option<Found<'a>> {
        let found = |kind, interface| Some(Found { kind, interface, is_first: false });
        match v4::kind(address) {
            v4::Kind::Loopback if address == v4::LOOPBACK_BROADCAST => return found(AddressKind::Broadcast, LOOPBACK),
            v4::Kind::Loopback => return found(AddressKind::Local, LOOPBACK),
            _ => {}
        }
        let networks = self.host.interfaces.iter().flat_map(|link| link.addresses.iter().map(move |own| (own, link)));
        let mut networks = networks.filter(|(own, _)| family_of(own) == Family::Ipv4);
        let own = networks.clone().find(|(own, _)| wire::bits(own.addr()) == address);
        let own = own.map(|(_, link)| (AddressKind::Local, link));
        let mut all = || networks.find(|(own, _)| own.prefix_len() < 31 && wire::bits(own.broadcast()) == address);
        let (kind, link) = own.or_else(|| all().map(|(_, link)| (AddressKind::Broadcast, link)))?;
        found(kind, &link.name)
    }

    fn own_v6(self, address: u128, only: Option<&str>) -> Option<Found<'a>> {
        let found = |kind, interface| Some(Found { kind, interface, is_first: false });
        if address == 1 {
            return found(AddressKind::Local, LOOPBACK);
        }
        let mut links = self.host.interfaces.iter().filter(|link| only.is_none_or(|only| only == link.name));
        if v6::is_multicast(address) {
            return found(AddressKind::Multicast, &links.next()?.name);
        }
        let own = |network: &&IpNet| family_of(network) == Family::Ipv6;
        for link in links.clone() {
            if link.addresses.iter().filter(own).any(|network| wire::bits(network.addr()) == address) {
                return found(AddressKind::Local, &link.name);
            }
        }
        let anycast = |network: &IpNet| self.host.forwarding && is_routers_anycast(network, address);
        let link = links.find(|link| link.addresses.iter().filter(own).any(anycast))?;
        found(AddressKind::Anycast, &link.name)
    }

    fn routed(self, family: Family, address: u128, only: Option<&str>) -> Option<Found<'a>> {
        let at = wire::address(family, address);
        let mut best: Option<(IpNet, &str)> = None;
        for (network, link) in self.networks().filter(|(_, link)| only.is_none_or(|only| only == link.name)) {
            if network.contains(&at) && best.is_none_or(|(known, _)| network.prefix_len() > known.prefix_len()) {
                best = Some((network, &link.name));
            }
        }
        let (network, interface) = best?;
        let behind_router = |route: &&crate::host::Route| route.to == network && route.interface == interface;
        let on_link = self.host.routes.iter().find(behind_router).is_none_or(|route| route.via.is_none());
        // `ipv6_anycast_destination`
        let is_first =
            family == Family::Ipv6 && on_link && network.prefix_len() < 127 && wire::bits(network.network()) == address;
        Some(Found { kind: AddressKind::Unicast, interface, is_first })
    }

    /// Whether an IPv4 address is that of all on an interface.
    pub fn is_broadcast_on(self, interface: &str, family: Family, address: u128) -> bool {
        let Some(link) = self.host.interface(interface).filter(|_| family == Family::Ipv4) else { return false };
        let all = |own: &IpNet| family_of(own) == Family::Ipv4 && own.prefix_len() < 31;
        v4::kind(address) == v4::Kind::Broadcast
            || link.addresses.iter().any(|own| all(own) && wire::bits(own.broadcast()) == address)
    }

    /// Whether an address is a group's.
    pub fn is_multicast(family: Family, address: u128) -> bool {
        match family {
            Family::Ipv4 => v4::kind(address) == v4::Kind::Multicast,
            Family::Ipv6 => v6::is_multicast(address),
        }
    }

    /// Whether an address has a meaning on its link only.
    pub fn is_for_the_link(family: Family, address: u128) -> bool {
        match family {
            Family::Ipv4 => v4::is_local_group(address) || v4::kind(address) == v4::Kind::Broadcast,
            Family::Ipv6 => wire::is_link_local(address) || v6::is_multicast(address) && address >> 112 & 0xf == 2,
        }
    }

    /// The largest TCP segment that fits the way of a packet out of an interface and the way back to its source
    /// (`get_tcpmss` in `net/netfilter/nft_rt.c`). None where there is no such interface.
    pub fn path_mss(self, oif: &str, packet: &Packet<'_>) -> Option<u16> {
        /// `TCP_MSS_DEFAULT`, where the path has no sensible length.
        const DEFAULT: u16 = 536;
        /// The longest packet of `lo`.
        const LOOPBACK_MTU: u32 = 65_536;
        const TCP_HEADER: u32 = 20;

        let out = if oif == LOOPBACK { LOOPBACK_MTU } else { self.host.interface(oif)?.mtu };
        let family = packet.family();
        let back = match self.outgoing(family, packet.source()) {
            Way::Out(link) => link.mtu,
            Way::Local => LOOPBACK_MTU,
            Way::Group | Way::Martian | Way::Unreachable => out,
        };
        let headers = match family {
            Family::Ipv4 => 20 + TCP_HEADER,
            Family::Ipv6 => 40 + TCP_HEADER,
        };
        let mtu = u16::try_from(out.min(back)).ok().filter(|&mtu| u32::from(mtu) > headers);
        Some(mtu.and_then(|mtu| mtu.checked_sub(u16::try_from(headers).ok()?)).unwrap_or(DEFAULT))
    }
}
