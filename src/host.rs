// SPDX-License-Identifier: GPL-3.0-or-later
//! The host that traffic meets: as the user describes it, or as the traffic shows it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use ringwall_ir::words::Family;
use ringwall_runtime::host::Host;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{self, Entry, TimedPacket, Traffic};

/// The prefix lengths of the networks that addresses without one are taken to stand in.
const USUAL_PREFIXES: (u8, u8) = (24, 64);

/// How the user describes the host.
#[derive(clap::Args)]
pub struct HostArgs {
    /// The host's addresses, perhaps with the prefix lengths of their networks (else /24 and /64); without this, the
    /// addresses that take part in most of the traffic
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    host_address: Vec<HostAddress>,
}

/// `10.0.0.1` or `10.0.0.1/24`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress(IpNet);

impl FromStr for HostAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(network) = text.parse() {
            return Ok(Self(network));
        }
        text.parse().map(Self::usual).map_err(|_| "not an address such as 10.0.0.1, 10.0.0.1/24 or fd00::1".to_owned())
    }
}

impl HostAddress {
    fn usual(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { USUAL_PREFIXES.0 } else { USUAL_PREFIXES.1 };
        Self(IpNet::new(address, prefix).unwrap_or_else(|_| IpNet::from(address)))
    }
}

impl HostArgs {
    /// The host as the user describes it, if the user does.
    pub fn described(&self) -> Option<Host> {
        let addresses: Vec<_> = self.host_address.iter().map(|address| address.0).collect();
        (!addresses.is_empty()).then(|| Host::with_addresses(&addresses))
    }
}

/// The addresses that look like the host's own: of each kind of address, the one that takes part in most packets, and of
/// several such the one that sent first. A script says which packets the host sends: there, one end of each counts.
pub fn guess(traffic: &Traffic, kind: traffic::Kind) -> Vec<IpAddr> {
    let mut seen: BTreeMap<IpAddr, Tally> = BTreeMap::new();
    for (place, address) in traffic.packets.iter().flat_map(|packet| ends(packet, kind)).enumerate() {
        seen.entry(address).or_insert(Tally { count: 0, first: Reverse(place) }).count += 1;
    }
    let mut most: BTreeMap<Kind, (Tally, IpAddr)> = BTreeMap::new();
    for (address, tally) in seen {
        let Some(kind) = Kind::of(address) else { continue };
        let found = most.entry(kind).or_insert((tally, address));
        *found = (tally, address).max(*found);
    }
    most.into_values().map(|(_, address)| address).collect()
}

/// How often an address was seen, and where first. The greater is the likelier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tally {
    count: usize,
    first: Reverse<usize>,
}

/// The ends of a packet that may be the host.
fn ends(packet: &TimedPacket, kind: traffic::Kind) -> Vec<IpAddr> {
    let Ok(parsed) = Packet::parse(&packet.bytes) else { return Vec::new() };
    let (source, destination) = parsed.addresses();
    let address = |bits: u128| address(parsed.family(), bits);
    match (&packet.entry, kind) {
        (Entry::Sent, traffic::Kind::Script) => vec![address(source)],
        (Entry::Arrives(_), traffic::Kind::Script) => vec![address(destination)],
        (_, traffic::Kind::Capture) => vec![address(source), address(destination)],
    }
}

fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::V4(u32::try_from(bits).unwrap_or_default().into()),
        Family::Ipv6 => IpAddr::V6(bits.into()),
    }
}

/// The kinds of address of which a host usually has one each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Ipv4,
    Ipv6,
    Ipv6LinkLocal,
}

impl Kind {
    /// The kind of an address that a host can have on a network.
    fn of(address: IpAddr) -> Option<Self> {
        match address {
            _ if address.is_multicast() || address.is_unspecified() || address.is_loopback() => None,
            IpAddr::V4(v4) if v4.is_broadcast() => None,
            IpAddr::V4(_) => Some(Self::Ipv4),
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(Self::Ipv6LinkLocal),
            IpAddr::V6(_) => Some(Self::Ipv6),
        }
    }
}

/// A host with these addresses, each in a network of the usual size.
pub fn with_usual_networks(addresses: &[IpAddr]) -> Host {
    let networks: Vec<_> = addresses.iter().map(|address| HostAddress::usual(*address).0).collect();
    Host::with_addresses(&networks)
}
