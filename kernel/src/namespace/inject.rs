// SPDX-License-Identifier: GPL-3.0-or-later
//! Packets into the kernel: frames by the far ends of the interfaces, packets of the host by raw sockets. When the call
//! returns, the packet has passed every hook that it passes at all, unless an overloaded processor has put it off.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use ipnet::IpNet;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockaddrIn, SockaddrIn6, send};
use ringwall_ir::words::{Family, Protocol};
use ringwall_runtime::host::Interface;
use ringwall_runtime::packet::build::Build;
use ringwall_runtime::traffic::{Entry, TimedPacket};

use super::harness::{MARK_SOURCE, REFUSED_SOURCE};
use super::host::{Device, Devices};
use super::job::Failure;
use super::raw_socket::RawSockets;
use super::{LOOPBACK, packet_socket};

/// The source hardware address of packets that arrive.
const NEIGHBOUR: [u8; 6] = [0x02, 0xaa, 0, 0, 0, 0x01];

/// What a frame carries (`include/uapi/linux/if_ether.h`).
const ETHERTYPE_IPV4: [u8; 2] = [0x08, 0x00];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// Where packets go in.
pub(super) struct Injector {
    devices: Devices,
    /// The sockets of each user and group that has sent.
    senders: BTreeMap<(u32, u32), RawSockets>,
    loopback: OwnedFd,
    frame: Vec<u8>,
}

impl Injector {
    /// Opens the sockets.
    ///
    /// # Errors
    /// What the system says to it.
    pub(super) fn new(devices: Devices) -> Result<Self, Failure> {
        let loopback = packet_socket::open(LOOPBACK).map_err(Failure::at("packet socket"))?;
        Ok(Self { devices, senders: BTreeMap::new(), loopback, frame: Vec::new() })
    }

    /// Lets the kernel have a packet. What the kernel says at once to a packet that it does not let out is not an error.
    ///
    /// # Errors
    /// A packet for an interface that is not there, or of a user that nobody can be here.
    pub(super) fn inject(&mut self, packet: &TimedPacket) -> Result<Option<Errno>, Failure> {
        match &packet.entry {
            Entry::Arrives(interface) => self.arrive(interface, packet).map(|()| None),
            Entry::Sent => {
                let sender = packet.sender;
                let sockets = match self.senders.entry((sender.uid, sender.gid)) {
                    Slot::Occupied(slot) => slot.into_mut(),
                    Slot::Vacant(slot) => slot.insert(RawSockets::open(sender)?),
                };
                Ok(send_from(sockets, &self.devices, &packet.bytes).err())
            }
        }
    }

    /// Sends a mark, which arrives behind all that is on its way already: what arrives waits in one queue a processor.
    ///
    /// # Errors
    /// What the system says to it.
    pub(super) fn mark(&self) -> Result<(), Failure> {
        let packet = Build::from_bits(Family::Ipv4, 0, 0).protocol(Protocol(255), &[]);
        let frame = [&[0; 6], &MARK_SOURCE[..], &ETHERTYPE_IPV4, &packet].concat();
        send(self.loopback.as_raw_fd(), &frame, MsgFlags::empty()).map(drop).map_err(Failure::at("sending a mark"))
    }

    fn arrive(&mut self, interface: &str, packet: &TimedPacket) -> Result<(), Failure> {
        let Some(device) = self.devices.named(interface) else {
            return Err(Failure::Broken(format!("a packet arrives on `{interface}`, which the host does not have")));
        };
        let ethertype = if version(&packet.bytes) == Some(6) { ETHERTYPE_IPV6 } else { ETHERTYPE_IPV4 };
        self.frame.clear();
        self.frame.extend(hardware_destination(device, &packet.bytes));
        self.frame.extend(if packet.refused { REFUSED_SOURCE } else { NEIGHBOUR });
        self.frame.extend(ethertype);
        self.frame.extend(&packet.bytes);
        send(device.far_end.as_raw_fd(), &self.frame, MsgFlags::empty())
            .map(drop)
            .map_err(Failure::at(format!("sending to `{interface}`")))
    }
}

fn send_from(sockets: &RawSockets, devices: &Devices, bytes: &[u8]) -> Result<(), Errno> {
    match addresses(bytes).ok_or(Errno::EINVAL)? {
        (_, IpAddr::V4(destination)) => {
            sockets.send_v4(bytes, &SockaddrIn::from(std::net::SocketAddrV4::new(destination, 0)))
        }
        (source, IpAddr::V6(destination)) => {
            let linked = destination.is_unicast_link_local() || destination.is_multicast();
            let scope = if linked { devices.sending(source).map_or(0, |device| device.index) } else { 0 };
            sockets.send_v6(bytes, &SockaddrIn6::from(std::net::SocketAddrV6::new(destination, 0, 0, scope)))
        }
    }
}

/// What the first half byte says.
pub(super) fn version(bytes: &[u8]) -> Option<u8> {
    bytes.first().map(|byte| byte >> 4)
}

/// Source and destination of a packet that has them.
fn addresses(bytes: &[u8]) -> Option<(IpAddr, IpAddr)> {
    fn octets<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..)?.first_chunk().copied()
    }
    match version(bytes)? {
        4 => Some((Ipv4Addr::from(octets(bytes, 12)?).into(), Ipv4Addr::from(octets(bytes, 16)?).into())),
        6 => Some((Ipv6Addr::from(octets(bytes, 8)?).into(), Ipv6Addr::from(octets(bytes, 24)?).into())),
        _ => None,
    }
}

/// What a neighbour would address the frame to: all, a group (RFC 1112 §6.4, RFC 2464 §7) or this device.
fn hardware_destination(device: &Device, bytes: &[u8]) -> [u8; 6] {
    match addresses(bytes) {
        Some((_, IpAddr::V4(to))) if to.is_broadcast() || is_broadcast_of(&device.interface, to) => [0xff; 6],
        Some((_, IpAddr::V4(to))) if to.is_multicast() => {
            let [_, a, b, c] = to.octets();
            [0x01, 0, 0x5e, a & 0x7f, b, c]
        }
        Some((_, IpAddr::V6(to))) if to.is_multicast() => {
            let [.., a, b, c, d] = to.octets();
            [0x33, 0x33, a, b, c, d]
        }
        _ => device.address,
    }
}

fn is_broadcast_of(interface: &Interface, to: Ipv4Addr) -> bool {
    interface.addresses.iter().any(|address| match address {
        IpNet::V4(network) => network.prefix_len() < 31 && network.broadcast() == to,
        IpNet::V6(_) => false,
    })
}
