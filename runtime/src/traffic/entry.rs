// SPDX-License-Identifier: GPL-3.0-or-later
//! Where packets come from, as their addresses and a Host tell it.

use std::net::IpAddr;

use ringwall_ir::words::Family;

use super::Entry;
use super::capture::Heading;
use crate::host::Host;
use crate::packet::wire;

/// The interface that every host has, besides those that a [`Host`] lists.
pub const LOOPBACK: &str = "lo";

/// Where a packet of a capture comes from.
///
/// Where the capture tells that it went out, it was sent, unless its source is one that only a router passes on: then it is
/// a forwarded packet on its way out. Where the capture tells that it came in, it arrives. Else its source decides: the
/// host sends what has an address of its own. A packet arrives on the interface that the capture names, if the host has
/// it, else on the one whose network holds the source, else on the first. What is not IP arrives on the first.
pub fn of(packet: &[u8], host: &Host, heading: Option<Heading>, interface: Option<&str>) -> Entry {
    let source = source(packet);
    let own = source.is_some_and(|source| is_own(host, source));
    let sent = match heading {
        Some(Heading::Out) => own || source.is_none_or(is_never_forwarded),
        Some(Heading::In) => false,
        None => own,
    };
    if sent {
        return Entry::Sent;
    }
    let looped = own.then_some(LOOPBACK);
    let named = interface.filter(|name| host.interface(name).is_some() && heading != Some(Heading::Out));
    Entry::Arrives(named.or(looped).unwrap_or_else(|| interface_towards(source, host)).to_owned())
}

/// Whether no router passes packets of a source on: such a source is the sender's own, whatever is known of its addresses.
fn is_never_forwarded(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_unicast_link_local(),
    }
}

/// The interface that packets of a source arrive on.
pub fn interface_towards(source: Option<IpAddr>, host: &Host) -> &str {
    let holds = |source: IpAddr| {
        host.interfaces
            .iter()
            .find(move |interface| interface.addresses.iter().any(|network| network.contains(&source)))
    };
    source.and_then(holds).or(host.interfaces.first()).map_or(LOOPBACK, |interface| interface.name.as_str())
}

fn source(packet: &[u8]) -> Option<IpAddr> {
    let family = match packet.first()? >> 4 {
        4 => Family::Ipv4,
        6 => Family::Ipv6,
        _ => return None,
    };
    Some(wire::address(family, wire::addresses(packet, family)?.0))
}

fn is_own(host: &Host, address: IpAddr) -> bool {
    let addresses = || host.interfaces.iter().flat_map(|interface| &interface.addresses);
    address.is_loopback() || addresses().any(|own| own.addr() == address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Interface;
    use crate::packet::build::Build;

    fn host() -> Host {
        let mut host = Host::with_addresses(&["10.0.0.1/24".parse().unwrap(), "fd00::1/64".parse().unwrap()]);
        host.interfaces.push(Interface {
            name: "wlan0".to_owned(),
            addresses: vec!["192.168.1.1/24".parse().unwrap()],
            groups: Vec::new(),
            mtu: 1500,
        });
        host
    }

    fn from(source: &str) -> Entry {
        let source: IpAddr = source.parse().unwrap();
        of(&Build::between(source, source).udp(1, 2, b""), &host(), None, None)
    }

    #[test]
    fn the_source_decides() {
        let arrives = |name: &str| Entry::Arrives(name.to_owned());
        for own in ["10.0.0.1", "192.168.1.1", "fd00::1", "127.0.0.53", "::1"] {
            assert_eq!(from(own), Entry::Sent, "{own}");
        }
        for (other, interface) in
            [("10.0.0.2", "eth0"), ("192.168.1.2", "wlan0"), ("fd00::2", "eth0"), ("203.0.113.1", "eth0")]
        {
            assert_eq!(from(other), arrives(interface), "{other}");
        }
        assert_eq!(of(&[], &host(), None, None), arrives("eth0"));
        assert_eq!(of(&[], &Host { interfaces: Vec::new(), ..host() }, None, None), arrives(LOOPBACK));
    }

    #[test]
    fn what_the_capture_tells_goes_before_the_source() {
        let packet = |source: &str| {
            let source: IpAddr = source.parse().unwrap();
            Build::between(source, source).udp(1, 2, b"")
        };
        let told = |source: &str, heading, interface| of(&packet(source), &host(), Some(heading), interface);
        let arrives = |name: &str| Entry::Arrives(name.to_owned());
        for source in ["10.0.0.1", "0.0.0.0", "fe80::7", "::"] {
            assert_eq!(told(source, Heading::Out, None), Entry::Sent, "{source}");
        }
        assert_eq!(of(&[], &host(), Some(Heading::Out), None), Entry::Sent);
        assert_eq!(told("192.168.1.2", Heading::Out, Some("eth0")), arrives("wlan0"), "on its way through");
        assert_eq!(told("10.0.0.1", Heading::In, None), arrives(LOOPBACK));
        assert_eq!(told("10.0.0.2", Heading::In, Some("wlan0")), arrives("wlan0"));
        assert_eq!(told("10.0.0.2", Heading::In, Some("eth7")), arrives("eth0"), "a name that the host does not know");
    }

    #[test]
    fn a_named_interface_is_where_packets_arrive() {
        let packet = Build::between("203.0.113.1".parse().unwrap(), "10.0.0.1".parse().unwrap()).udp(1, 2, b"");
        let entry = of(&packet, &host(), None, Some("wlan0"));
        assert_eq!(entry, Entry::Arrives("wlan0".to_owned()));
    }
}
