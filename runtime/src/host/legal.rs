// SPDX-License-Identifier: GPL-3.0-or-later
//! What a host can be: what the kernel would refuse of its description, or take and never use.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Host, Interface, Route};

/// What cannot be, and how it could be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Illegal {
    pub message: String,
    pub help: String,
}

fn illegal<T>(message: String, help: impl Into<String>) -> Result<T, Illegal> {
    Err(Illegal { message, help: help.into() })
}

/// What a device may be called (`dev_valid_name`); those that `/proc/sys/net/*/conf` has for itself are not to be had either,
/// and `%` the kernel takes for a number that it is to choose.
pub(crate) fn interface_name(name: &str) -> Result<(), Illegal> {
    /// `IFNAMSIZ` has room for the zero behind it.
    const LONGEST: usize = 15;
    const TAKEN: [&str; 4] = [".", "..", "all", "default"];
    let refused = |letter: char| letter.is_whitespace() || letter.is_control() || "/:%".contains(letter);
    if name.is_empty() || name.len() > LONGEST || name.contains(refused) {
        let message = format!("`{name}` is not the name of an interface");
        return illegal(message, "names have 1 to 15 bytes, without blanks, `/`, `:` and `%`");
    }
    if TAKEN.contains(&name) {
        return illegal(format!("no interface can be called `{name}`"), "the kernel keeps this name for itself");
    }
    Ok(())
}

/// Whether an address can be a host's own. The kernel takes some of these for IPv4, but nobody could reach the host by them.
///
/// # Errors
/// Why it cannot.
pub(crate) fn own_address(own: IpNet) -> Result<(), Illegal> {
    let address = own.addr();
    let of_all = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    let what = match address {
        _ if address.is_unspecified() => "is no address at all",
        _ if address.is_multicast() => "is a multicast group",
        _ if address.is_loopback() => "is of the loopback interface, which every host has",
        _ if of_all => "is the broadcast address",
        _ => return inside(own),
    };
    let help = if address.is_multicast() { "groups that it has joined stand under `groups`" } else { OWN };
    illegal(format!("{address} {what}, and cannot be the host's own"), help)
}

/// How an own address is written.
const OWN: &str = "write an address that the host has, as in 10.0.0.1/24 or fd00::1/64";

/// An address that is not that of its network, nor, for IPv4, its broadcast address. Networks of one or two addresses have
/// neither (RFC 3021, RFC 6164).
fn inside(own: IpNet) -> Result<(), Illegal> {
    let small = own.prefix_len() + 1 >= own.max_prefix_len();
    if small || own.prefix_len() == 0 {
        return Ok(());
    }
    let (address, network) = (own.addr(), own.trunc());
    if address == own.network() {
        return illegal(format!("{address} is the address of the network {network} itself"), OWN);
    }
    if address.is_ipv4() && address == own.broadcast() {
        return illegal(format!("{address} is the broadcast address of {network}"), OWN);
    }
    Ok(())
}

/// Whether an address is a group that an interface can join.
///
/// # Errors
/// It is none.
pub(crate) fn group(address: IpAddr) -> Result<(), Illegal> {
    if address.is_multicast() {
        return Ok(());
    }
    illegal(format!("{address} is not a multicast group"), "groups are of 224.0.0.0/4 and ff00::/8")
}

/// Whether an interface can be as it is described.
///
/// # Errors
/// An address is said twice, or the links carries too little for IPv6 (RFC 8200, section 5).
pub(crate) fn interface(interface: &Interface) -> Result<(), Illegal> {
    const IPV6: u32 = 1280;
    for (place, own) in interface.addresses.iter().enumerate() {
        if interface.addresses.iter().take(place).any(|other| other.addr() == own.addr()) {
            let message = format!("`{}` has the address {} twice", interface.name, own.addr());
            return illegal(message, "say it once, with the prefix length of its network");
        }
    }
    let ipv6 = interface.addresses.iter().find(|own| !own.addr().is_ipv4());
    match ipv6 {
        Some(own) if interface.mtu < IPV6 => illegal(
            format!("`{}` cannot have {own}: it carries {} bytes, too few for ipv6", interface.name, interface.mtu),
            format!("ipv6 needs an mtu of {IPV6} or more"),
        ),
        _ => Ok(()),
    }
}

/// Whether a route can be: it leads to a network, by a router that is on the interface's link (`fib_check_nh`,
/// `ip6_route_check_nh`).
///
/// # Errors
/// Why it cannot.
pub(crate) fn route(host: &Host, route: &Route) -> Result<(), Illegal> {
    let (to, network) = (route.to, route.to.trunc());
    if to != network {
        return illegal(format!("{to} has bits behind its prefix"), format!("the network is {network}"));
    }
    let Some(via) = route.via else { return Ok(()) };
    let example = "a router has an address in a network of the interface";
    if via.is_unspecified() || via.is_multicast() || via.is_loopback() {
        return illegal(format!("{via} cannot be a router"), example);
    }
    let own = || host.interfaces.iter().flat_map(|interface| &interface.addresses);
    if own().any(|own| own.addr() == via) {
        return illegal(
            format!("the router {via} is the host itself"),
            "leave `via` out where the destination is on the link",
        );
    }
    let Some(interface) = host.interface(&route.interface) else { return Ok(()) };
    let within = |network: &&IpNet| network.contains(&via);
    if matches!(via, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        return Ok(());
    }
    let direct = |other: &&Route| other.interface == route.interface && other.via.is_none();
    let mut links = interface.addresses.iter().chain(host.routes.iter().filter(direct).map(|other| &other.to));
    match links.find(within) {
        None => illegal(
            format!("the router {via} cannot be reached: it is in no network of `{}`", route.interface),
            format!(
                "a route to {} on `{}` without `via` says that it is on the link",
                IpNet::from(via),
                route.interface
            ),
        ),
        Some(network)
            if via.is_ipv4() && network.prefix_len() < 31 && via == network.broadcast() && network.prefix_len() > 0 =>
        {
            illegal(format!("{via} is the broadcast address of {}, and cannot be a router", network.trunc()), example)
        }
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(of: Result<(), Illegal>) -> String {
        of.err().map(|illegal| illegal.message).unwrap_or_default()
    }

    #[test]
    fn own_addresses_can_be_reached() {
        let own = |text: &str| told(own_address(text.parse().unwrap()));
        for good in
            ["10.0.0.1/24", "10.0.0.0/31", "10.0.0.1/31", "10.0.0.1/32", "10.0.0.255/16", "10.0.0.1/0", "fd00::1/64"]
        {
            assert_eq!(own(good), "", "{good}");
        }
        for (bad, words) in [
            ("10.0.0.0/24", "the address of the network 10.0.0.0/24 itself"),
            ("10.0.0.255/24", "the broadcast address of 10.0.0.0/24"),
            ("fd00::/64", "the address of the network fd00::/64 itself"),
            ("224.0.0.251/24", "a multicast group"),
            ("ff02::1/64", "a multicast group"),
            ("0.0.0.0/0", "no address at all"),
            ("::/64", "no address at all"),
            ("127.0.0.1/8", "loopback"),
            ("::1/128", "loopback"),
            ("255.255.255.255/32", "is the broadcast address"),
        ] {
            assert!(own(bad).contains(words), "{bad}: {}", own(bad));
        }
    }

    #[test]
    fn names_are_those_that_the_kernel_takes() {
        for good in ["eth0", "abcdefghijklmno", "-x", "é", "a.b"] {
            assert_eq!(interface_name(good), Ok(()), "{good}");
        }
        for bad in ["", "abcdefghijklmnop", "a/b", "a b", "a:b", "a%d", ".", "..", "all", "default", "\u{7f}"] {
            assert!(interface_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_router_is_on_the_link() {
        let mut host = Host::with_addresses(&["10.0.0.1/24".parse().unwrap(), "fd00::1/64".parse().unwrap()]);
        host.routes.clear();
        let to = |to: &str, via: &str| Route {
            to: to.parse().unwrap(),
            interface: "eth0".to_owned(),
            via: Some(via.parse().unwrap()),
        };
        for (network, via, words) in [
            ("10.9.0.0/16", "10.0.0.2", ""),
            ("fd09::/64", "fd00::2", ""),
            ("fd09::/64", "fe80::2", ""),
            ("10.9.0.1/16", "10.0.0.2", "10.9.0.1/16 has bits behind its prefix"),
            ("10.9.0.0/16", "10.77.0.2", "cannot be reached"),
            ("fd09::/64", "fd77::2", "cannot be reached"),
            ("10.9.0.0/16", "10.0.0.255", "broadcast"),
            ("10.9.0.0/16", "10.0.0.1", "is the host itself"),
            ("10.9.0.0/16", "224.0.0.1", "cannot be a router"),
            ("fd09::/64", "::", "cannot be a router"),
        ] {
            let found = told(route(&host, &to(network, via)));
            assert!(found.contains(words) && found.is_empty() == words.is_empty(), "{network} {via}: {found}");
        }
        let link = Route { to: "10.77.0.2/32".parse().unwrap(), interface: "eth0".to_owned(), via: None };
        host.routes.push(link);
        assert_eq!(route(&host, &to("10.9.0.0/16", "10.77.0.2")), Ok(()));
    }
}
