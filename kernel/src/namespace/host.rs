// SPDX-License-Identifier: GPL-3.0-or-later
//! The [`Host`] in the namespace: its interfaces, addresses, routes, groups and sysctls.
//!
//! An interface is one end of a veth pair, whose far end the worker holds. Unlike a TAP device, which needs the right to
//! open `/dev/net/tun`, it can be had by every user.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use ipnet::IpNet;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use ringwall_runtime::host::{Host, Interface};
use ringwall_runtime::traffic::{Entry, Traffic};

use super::job::Failure;
use super::packet_socket;
use super::program::IP;
use super::routes;
use super::socket_option;

/// The interfaces of a host that stands in this namespace; it stands as long as this value lives.
pub(super) struct Devices {
    devices: Vec<Device>,
    /// Memberships end with their sockets.
    _memberships: Vec<OwnedFd>,
}

/// One interface.
pub(super) struct Device {
    /// What is sent here arrives on the interface.
    pub far_end: OwnedFd,
    /// The interface's number.
    pub index: u32,
    /// Its hardware address.
    pub address: [u8; 6],
    /// What it is built from.
    pub interface: Interface,
}

impl Devices {
    /// The device of an interface's name.
    pub(super) fn named(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.interface.name == name)
    }

    /// The device for packets whose destination does not say which: the one that has their source address, or the first.
    pub(super) fn sending(&self, source: IpAddr) -> Option<&Device> {
        let has = |device: &&Device| device.interface.addresses.iter().any(|address| address.addr() == source);
        self.devices.iter().find(has).or(self.devices.first())
    }
}

/// Builds the host for this traffic, up to connection tracking.
///
/// # Errors
/// [`Failure::Unavailable`] where the kernel has no IPv6 or ip(8) is missing; else what is wrong with the host.
pub(super) fn build(host: &Host, traffic: &Traffic) -> Result<Devices, Failure> {
    quieten()?;
    forward(host.forwarding)?;
    sysctl("net/ipv4/conf/all/rp_filter", &host.sysctls.reverse_path.number().to_string())?;
    let commands = commands(host, traffic);
    IP.feed(&["-batch", "-"], &commands).map_err(|failure| name_command(failure, &commands))?;
    let mut devices = Vec::new();
    let mut memberships = Vec::new();
    for (number, interface) in (1..).zip(&host.interfaces) {
        let index = number_of(&interface.name)?;
        let far_end = packet_socket::open(number_of(&far_end(number))?).map_err(Failure::at("packet socket"))?;
        for &group in &interface.groups {
            memberships.push(join(group, index).map_err(Failure::at(format!("joining {group}")))?);
        }
        devices.push(Device { far_end, index, address: hardware_address(number), interface: interface.clone() });
    }
    routes::wait(host)?;
    Ok(Devices { devices, _memberships: memberships })
}

/// Sets what connection tracking reads. It must be awake: its sysctls come with its module.
///
/// # Errors
/// What kept a sysctl from being written.
pub(super) fn set_conntrack(host: &Host) -> Result<(), Failure> {
    let sysctls = &host.sysctls;
    for (name, value) in [
        ("nf_conntrack_tcp_loose", sysctls.tcp_loose),
        ("nf_conntrack_tcp_be_liberal", sysctls.tcp_be_liberal),
        ("nf_conntrack_tcp_ignore_invalid_rst", sysctls.tcp_ignore_invalid_rst),
        ("nf_conntrack_checksum", sysctls.checksum),
    ] {
        sysctl(&format!("net/netfilter/{name}"), if value { "1" } else { "0" })?;
    }
    Ok(())
}

/// No address, router or limit of the kernel's own: what is observed depends on the host and the packets alone.
fn quieten() -> Result<(), Failure> {
    for scope in ["all", "default"] {
        for name in ["accept_ra", "autoconf", "accept_dad", "router_solicitations"] {
            sysctl(&format!("net/ipv6/conf/{scope}/{name}"), "0")?;
        }
    }
    // IN6_ADDR_GEN_MODE_NONE: no link-local address but those of the host.
    sysctl("net/ipv6/conf/default/addr_gen_mode", "1")?;
    for scope in ["all", "default", "lo"] {
        // The larger of `all` and an interface's own counts (`IN_DEV_RPFILTER`); `all` is the host's.
        sysctl(&format!("net/ipv4/conf/{scope}/rp_filter"), "0")?;
        sysctl(&format!("net/ipv4/conf/{scope}/send_redirects"), "0")?;
    }
    // ICMP types that are limited, by destination and altogether: none.
    sysctl("net/ipv4/icmp_ratemask", "0")?;
    sysctl("net/ipv6/icmp/ratemask", "\n")
}

fn forward(on: bool) -> Result<(), Failure> {
    let value = if on { "1" } else { "0" };
    sysctl("net/ipv4/ip_forward", value)?;
    sysctl("net/ipv6/conf/all/forwarding", value)
}

fn sysctl(name: &str, value: &str) -> Result<(), Failure> {
    fs::write(format!("/proc/sys/{name}"), value).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::Unavailable(format!("the kernel has no sysctl `{}`", name.replace('/', ".")))
        }
        _ => Failure::at(format!("sysctl `{}`", name.replace('/', ".")))(error),
    })
}

/// The numbers of the far ends start here, those of the interfaces are the host's.
const FIRST_FAR_END: u32 = 1 << 16;

/// The name of the other end of an interface.
fn far_end(number: u16) -> String {
    format!("harness{number}")
}

const fn hardware_address(number: u16) -> [u8; 6] {
    let [high, low] = number.to_be_bytes();
    [0x02, 0, 0, 0, high, low]
}

fn number_of(name: &str) -> Result<u32, Failure> {
    if_nametoindex(name).map_err(Failure::at(format!("interface `{name}`")))
}

/// The commands of ip(8) that make the host's links, addresses and routes. Without ARP no address is resolved: a packet
/// that leaves leaves at once. Far ends take frames of any length.
fn commands(host: &Host, traffic: &Traffic) -> String {
    let mut lines = String::from("link set dev lo up\n");
    for (number, interface) in (1..).zip(&host.interfaces) {
        let (near, far) = (&interface.name, far_end(number));
        let [a, b, c, d, e, f] = hardware_address(number);
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        let mtu = carried(interface, traffic);
        let index = host.number(near).unwrap_or_default();
        let far_index = FIRST_FAR_END + u32::from(number);
        let _ = writeln!(
            lines,
            "link add dev {near} index {index} address {mac} type veth peer name {far} index {far_index}"
        );
        let _ = writeln!(lines, "link set dev {far} arp off mtu 65535 up");
        let _ = writeln!(lines, "link set dev {near} arp off mtu {mtu}");
        for address in &interface.addresses {
            let nodad = if matches!(address, IpNet::V6(_)) { " nodad" } else { "" };
            let _ = writeln!(lines, "address add {address} dev {near}{nodad}");
        }
        let _ = writeln!(lines, "link set dev {near} up");
    }
    for route in &host.routes {
        let via = route.via.map(|router| format!(" via {router} onlink")).unwrap_or_default();
        let _ = writeln!(lines, "route replace {}{via} dev {}", route.to, route.interface);
    }
    lines
}

/// ip(8) names the command that failed by its line only.
fn name_command(failure: Failure, commands: &str) -> Failure {
    let Failure::Broken(problem) = failure else { return failure };
    let line = problem.split_once("Command failed -:").and_then(|(_, line)| line.parse::<usize>().ok());
    match line.and_then(|line| commands.lines().nth(line.checked_sub(1)?)) {
        Some(command) => Failure::Broken(format!("{problem}: `{command}`")),
        None => Failure::Broken(problem),
    }
}

/// The longest packet that an interface carries here. What is longer than the host says and yet arrives or is sent was
/// put together by a card, or waited for one to take it apart; a veth pair would not let it pass.
fn carried(interface: &Interface, traffic: &Traffic) -> usize {
    let passes = |entry: &Entry| match entry {
        Entry::Arrives(name) => *name == interface.name,
        Entry::Sent => true,
    };
    let lengths = traffic.packets.iter().filter(|packet| passes(&packet.entry)).map(|packet| packet.bytes.len());
    lengths.max().unwrap_or_default().max(usize::try_from(interface.mtu).unwrap_or(usize::MAX))
}

/// Joins a multicast group on an interface; the membership ends with the socket.
fn join(group: IpAddr, interface: u32) -> io::Result<OwnedFd> {
    let family = if group.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    match group {
        IpAddr::V4(group) => {
            let request = libc::ip_mreqn {
                imr_multiaddr: libc::in_addr { s_addr: u32::from(group).to_be() },
                imr_address: libc::in_addr { s_addr: 0 },
                imr_ifindex: interface.cast_signed(),
            };
            socket_option::set(socket.as_fd(), libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP, &request)?;
        }
        IpAddr::V6(group) => {
            let request = libc::ipv6_mreq {
                ipv6mr_multiaddr: libc::in6_addr { s6_addr: group.octets() },
                ipv6mr_interface: interface,
            };
            socket_option::set(socket.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP, &request)?;
        }
    }
    Ok(socket)
}
