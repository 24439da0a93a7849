// SPDX-License-Identifier: GPL-3.0-or-later
//! Where packets come from, as their addresses and a Host tell it.

use std::net::IpAddr;

use ringwall_ir::words::Family;

use super::Entry;
use crate::host::Host;
use crate::packet::wire;

/// The interface that every host has, besides those that a [`Host`] lists.
pub const LOOPBACK: &str = "lo";

/// Where a packet comes from. It was sent if its source is an address of the host; else it arrives on the interface whose
/// network holds the source, or on the first. What is not IP arrives on the first.
pub fn of(packet: &[u8], host: &Host) -> Entry {
    let source = source(packet);
    if source.is_some_and(|source| is_own(host, source)) {
        return Entry::Sent;
    }
    Entry::Arrives(interface_towards(source, host).to_owned())
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
        of(&Build::between(source, source).udp(1, 2, b""), &host())
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
        assert_eq!(of(&[], &host()), arrives("eth0"));
        assert_eq!(of(&[], &Host { interfaces: Vec::new(), ..host() }), arrives(LOOPBACK));
    }
}
