// SPDX-License-Identifier: GPL-3.0-or-later
//! The host that traffic meets: as the user describes it, or as the traffic shows it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;
use ringwall_ir::words::Family;
use ringwall_runtime::host::{Host, read_host};
use ringwall_runtime::packet::Packet;

use crate::failure::Failure;
use crate::input::{self, Input};
use crate::output::human::Canvas;
use crate::output::show;

/// The prefix lengths of the networks that addresses without one are taken to stand in.
const USUAL_PREFIXES: (u8, u8) = (24, 64);

/// How the user describes the host.
#[derive(clap::Args)]
pub struct HostArgs {
    /// The host's addresses, perhaps with the prefix lengths of their networks (else /24 and /64); without this, the
    /// addresses that take part in most of the traffic
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    host_address: Vec<HostAddress>,
    /// A file (TOML) that describes the host: interfaces, addresses, routes, settings; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "host_address")]
    host: Option<PathBuf>,
}

/// `10.0.0.1` or `10.0.0.1/24`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress(IpNet);

impl FromStr for HostAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse().map(Self).or_else(|_| text.parse().map(Self::usual));
        let own = read.map_err(|_| "not an address such as 10.0.0.1, 10.0.0.1/24 or fd00::1".to_owned())?;
        Host::refuses(own.0).map_or(Ok(own), Err)
    }
}

impl HostAddress {
    fn usual(address: IpAddr) -> Self {
        let prefix = if address.is_ipv4() { USUAL_PREFIXES.0 } else { USUAL_PREFIXES.1 };
        Self(IpNet::new(address, prefix).unwrap_or_else(|_| IpNet::from(address)))
    }
}

impl HostArgs {
    /// The file that describes the host, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.host.as_deref()
    }

    /// The host as the user describes it, if the user does.
    ///
    /// # Errors
    /// The host file cannot be read, or is wrong: then every mistake was told.
    pub fn described(&self) -> Result<Option<Host>, Failure> {
        if let Some(path) = &self.host {
            return read_file(path).map(Some);
        }
        let addresses: Vec<_> = self.host_address.iter().map(|address| address.0).collect();
        Ok((!addresses.is_empty()).then(|| Host::with_addresses(&addresses)))
    }
}

fn read_file(path: &Path) -> Result<Host, Failure> {
    let input = Input::read(path, |_| input::Kind::Host)?;
    let text = input.text()?;
    read_host(text).map_err(|mistakes| {
        show(Canvas::of_terminal().mistakes(&input.name, text, &mistakes).trim_end());
        Failure::of_input(format!("{} does not describe a host", input.name))
    })
}

/// Finds the addresses that look like the host's own: of each kind of address, the one that takes part in most packets, and
/// of several such the one that sent first.
#[derive(Default)]
pub struct Guess {
    seen: BTreeMap<IpAddr, Tally>,
    places: usize,
}

impl Guess {
    /// Looks at a packet. Where it is known whether the host sent it, one end of it counts, else both.
    pub fn note(&mut self, bytes: &[u8], sent: Option<bool>) {
        let Ok(parsed) = Packet::parse(bytes) else { return };
        let (source, destination) = parsed.addresses();
        let ends = match sent {
            Some(true) => &[source][..],
            Some(false) => &[destination],
            None => &[source, destination],
        };
        for bits in ends {
            let tally = Tally { count: 0, first: Reverse(self.places) };
            self.seen.entry(address(parsed.family(), *bits)).or_insert(tally).count += 1;
            self.places += 1;
        }
    }

    /// The addresses.
    pub fn addresses(self) -> Vec<IpAddr> {
        let mut most: BTreeMap<Kind, (Tally, IpAddr)> = BTreeMap::new();
        for (address, tally) in self.seen {
            let Some(kind) = Kind::of(address) else { continue };
            let found = most.entry(kind).or_insert((tally, address));
            *found = (tally, address).max(*found);
        }
        most.into_values().map(|(_, address)| address).collect()
    }
}

/// How often an address was seen, and where first. The greater is the likelier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tally {
    count: usize,
    first: Reverse<usize>,
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

/// A host with these addresses, each in a network of the usual size; alone where it could not be the host's there.
pub fn with_usual_networks(addresses: &[IpAddr]) -> Host {
    let usual = |address: &IpAddr| {
        let usual = HostAddress::usual(*address).0;
        if Host::refuses(usual).is_some() { IpNet::from(*address) } else { usual }
    };
    let networks: Vec<_> = addresses.iter().map(usual).collect();
    Host::with_addresses(&networks)
}
