// SPDX-License-Identifier: GPL-3.0-or-later
//! A socket of packet(7) that sends whole frames by one interface, and receives none.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::socket_option;

/// Opens a socket on the interface of a number.
///
/// # Errors
/// What the system says to it.
pub(super) fn open(interface: u32) -> io::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    // The queue of an interface takes packets only some time after it has been set up (`net/core/link_watch.c`).
    socket_option::set(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, &1)?;
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        // Of no protocol: nothing is received.
        sll_protocol: 0,
        sll_ifindex: interface.cast_signed(),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel reads no more than `length` bytes of `address`, which is as long.
    let answer = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if answer == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}
