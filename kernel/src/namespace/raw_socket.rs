// SPDX-License-Identifier: GPL-3.0-or-later
//! Raw sockets that take packets with their IP header, in the name of a user.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, sendto, socket,
};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use ringwall_runtime::traffic::Sender;

use super::job::Failure;
use super::socket_option;

/// A socket for each family.
pub(super) struct RawSockets {
    ipv4: OwnedFd,
    ipv6: OwnedFd,
}

impl RawSockets {
    /// Opens the sockets as a user and a group: `meta skuid` and `meta skgid` tell who opened a socket, by the numbers that
    /// files are opened with (`nft_meta_get_eval_skugid`).
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where the user has no number in this namespace; else what the system says.
    pub(super) fn open(sender: Sender) -> Result<Self, Failure> {
        let (uid, gid) = (Uid::from_raw(sender.uid), Gid::from_raw(sender.gid));
        let (before_uid, before_gid) = (setfsuid(uid), setfsgid(gid));
        // The calls tell no error, but who it was before.
        let became = (setfsuid(uid), setfsgid(gid)) == (uid, gid);
        let sockets = if became {
            Self::open_now()
        } else {
            Err(Failure::Unavailable(format!("packets cannot be sent as user {uid} and group {gid} here")))
        };
        setfsuid(before_uid);
        setfsgid(before_gid);
        sockets
    }

    fn open_now() -> Result<Self, Failure> {
        let ipv4 = raw(AddressFamily::Inet).map_err(Failure::at("raw socket of ipv4"))?;
        let ipv6 = raw(AddressFamily::Inet6).map_err(Failure::at("raw socket of ipv6"))?;
        for (socket, level, name, value) in [
            (&ipv4, libc::SOL_SOCKET, libc::SO_BROADCAST, 1),
            // A copy for the host itself would pass postrouting beside the packet.
            (&ipv4, libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP, 0),
            (&ipv6, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP, 0),
            (&ipv6, libc::IPPROTO_IPV6, libc::IPV6_HDRINCL, 1),
        ] {
            socket_option::set(socket.as_fd(), level, name, &value).map_err(Failure::at("raw socket"))?;
        }
        Ok(Self { ipv4, ipv6 })
    }

    /// Sends an IPv4 packet.
    ///
    /// # Errors
    /// What the kernel says to it.
    pub(super) fn send_v4(&self, bytes: &[u8], to: &SockaddrIn) -> Result<(), Errno> {
        sendto(self.ipv4.as_raw_fd(), bytes, to, MsgFlags::empty()).map(drop)
    }

    /// Sends an IPv6 packet.
    ///
    /// # Errors
    /// What the kernel says to it.
    pub(super) fn send_v6(&self, bytes: &[u8], to: &SockaddrIn6) -> Result<(), Errno> {
        sendto(self.ipv6.as_raw_fd(), bytes, to, MsgFlags::empty()).map(drop)
    }
}

fn raw(family: AddressFamily) -> nix::Result<OwnedFd> {
    socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw)
}
