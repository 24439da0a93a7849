// SPDX-License-Identifier: GPL-3.0-or-later
//! The Host: what the machine and the kernel's namespace are built from. No address, interface or route is written elsewhere.

mod file;
pub(crate) mod legal;

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use file::{HostError, UnknownWord, read_host};

/// A host: its interfaces, addresses, routes and settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its interfaces, `lo` aside, which every host has.
    pub interfaces: Vec<Interface>,
    /// Its routes, besides those to the networks of its interfaces. The longest prefix wins.
    pub routes: Vec<Route>,
    /// Whether it forwards packets, of either family.
    pub forwarding: bool,
    /// Settings of the kernel that change what happens to packets.
    pub sysctls: Sysctls,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its addresses, each with the prefix length of its network.
    pub addresses: Vec<IpNet>,
    /// Multicast groups that it has joined, besides 224.0.0.1 and ff02::1, which every interface joins.
    pub groups: Vec<IpAddr>,
    /// The longest packet that it carries, in bytes.
    pub mtu: u32,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Where it leads.
    pub to: IpNet,
    /// The interface that packets leave by.
    pub interface: String,
    /// The next router; none: the destination is on the link.
    pub via: Option<IpAddr>,
}

/// `net.netfilter.*` and their neighbours, with the kernel's own defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctls {
    /// `net.netfilter.nf_conntrack_tcp_loose`: pick up conversations in their middle.
    pub tcp_loose: bool,
    /// `net.netfilter.nf_conntrack_tcp_be_liberal`: only resets out of the window are invalid.
    pub tcp_be_liberal: bool,
    /// `net.netfilter.nf_conntrack_tcp_ignore_invalid_rst`: resets out of the window are not invalid.
    pub tcp_ignore_invalid_rst: bool,
    /// `net.netfilter.nf_conntrack_checksum`: verify checksums of what arrives.
    pub checksum: bool,
    /// `net.ipv4.conf.all.rp_filter`: which sources may come in where.
    #[serde(default)]
    pub reverse_path: ReversePath,
    /// `net.netfilter.nf_conntrack_expect_max`: how many conversations helpers may expect at once.
    #[serde(default = "expect_max")]
    pub expect_max: usize,
}

/// What the kernel sets where there is memory enough.
const fn expect_max() -> usize {
    4096
}

/// What IPv4 asks the routes about the source of what arrives (RFC 3704).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReversePath {
    /// Nothing.
    #[default]
    Off,
    /// The route to the source leads out where the packet came in.
    Strict,
    /// There is a route to the source.
    Loose,
}

impl ReversePath {
    /// The setting in the kernel's numbers.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Strict => 1,
            Self::Loose => 2,
        }
    }

    /// The setting of the kernel's number.
    #[must_use]
    pub const fn numbered(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Off),
            1 => Some(Self::Strict),
            2 => Some(Self::Loose),
            _ => None,
        }
    }
}

impl Default for Sysctls {
    fn default() -> Self {
        Self {
            tcp_loose: true,
            tcp_be_liberal: false,
            tcp_ignore_invalid_rst: false,
            checksum: true,
            expect_max: expect_max(),
            reverse_path: ReversePath::Off,
        }
    }
}

impl Host {
    /// A host with one interface, `eth0`, that has these addresses and carries everything.
    #[must_use]
    pub fn with_addresses(addresses: &[IpNet]) -> Self {
        let interface =
            Interface { name: "eth0".to_owned(), addresses: addresses.to_vec(), groups: Vec::new(), mtu: 1500 };
        let everywhere = |to| Route { to, interface: "eth0".to_owned(), via: None };
        Self {
            interfaces: vec![interface],
            routes: vec![
                everywhere(IpNet::V4(ipnet::Ipv4Net::default())),
                everywhere(IpNet::V6(ipnet::Ipv6Net::default())),
            ],
            forwarding: true,
            sysctls: Sysctls::default(),
        }
    }

    /// Why an address cannot be a host's own, if it cannot: nobody could reach it by one of a whole network or of a group.
    #[must_use]
    pub fn refuses(own: IpNet) -> Option<String> {
        legal::own_address(own).err().map(|illegal| illegal.message)
    }

    /// The interface of a name.
    #[must_use]
    pub fn interface(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    /// The number of an interface's device: `lo` is the first, as in every network namespace, the others follow.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        const LOOPBACK: u32 = 1;
        if name == "lo" {
            return Some(LOOPBACK);
        }
        let place = self.interfaces.iter().position(|interface| interface.name == name)?;
        u32::try_from(place).ok()?.checked_add(LOOPBACK + 1)
    }
}
