// SPDX-License-Identifier: GPL-3.0-or-later
//! A socket of `NETLINK_NETFILTER` in the calling thread's network namespace.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use libc::{NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK, SOL_NETLINK, SOL_SOCKET, c_int, socklen_t};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, send, socket};

/// Room for one receipt; the kernel fills at most 32 KiB at once (`netlink_recvmsg`).
const RECEIVE_LEN: usize = 64 * 1024;
/// Room for answers that wait to be read.
const ANSWERS_LEN: usize = 8 * 1024 * 1024;

/// Whether to wait for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until there is one.
    Yes,
    /// Only take what is there.
    No,
}

/// A bound socket. An unbound one would get no events.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens and binds a socket. The kernel's errors come with its own words, and without a copy of what was sent.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> io::Result<Self> {
        let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        let socket = Self { fd, sequence: 0, buffer: vec![0; RECEIVE_LEN] };
        socket.set(SOL_NETLINK, NETLINK_EXT_ACK, 1)?;
        socket.set(SOL_NETLINK, NETLINK_CAP_ACK, 1)?;
        socket.make_room(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, ANSWERS_LEN)?;
        Ok(socket)
    }

    /// Joins a multicast group (`NFNLGRP_*`), to get its events.
    ///
    /// # Errors
    /// What the system says.
    pub fn join(&self, group: u32) -> io::Result<()> {
        self.set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, c_int::try_from(group).map_err(|_| Errno::EINVAL)?)
    }

    /// A sequence number for the next request.
    pub const fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Sends bytes as one datagram. The kernel has dealt with it when this returns.
    ///
    /// # Errors
    /// What the system says; `EMSGSIZE` where the datagram is larger than an ordinary user may send.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // Half of what is asked for is the kernel's own bookkeeping, and it doubles what it is given.
        self.make_room(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, bytes.len().saturating_add(RECEIVE_LEN))?;
        send(self.fd.as_raw_fd(), bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// Takes the messages of one datagram from the kernel; none if there is none and waiting is not wanted.
    ///
    /// # Errors
    /// What the system says; `ENOBUFS` where messages were lost for want of room.
    pub fn receive(&mut self, wait: Wait) -> io::Result<Option<&[u8]>> {
        loop {
            match self.receive_from(wait) {
                // Another process can write to this socket; only port 0 is the kernel.
                Ok((_, port)) if port != 0 => {}
                // MSG_TRUNC makes `length` the whole length, which a cut datagram does not have.
                Ok((length, _)) => return Ok(Some(self.buffer.get(..length).ok_or(Errno::EMSGSIZE)?)),
                Err(Errno::EAGAIN) if wait == Wait::No => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Fills the buffer. Returns the whole length of the datagram, and the sender's port.
    fn receive_from(&mut self, wait: Wait) -> Result<(usize, u32), Errno> {
        let flags = match wait {
            Wait::Yes => libc::MSG_TRUNC,
            Wait::No => libc::MSG_TRUNC | libc::MSG_DONTWAIT,
        };
        // SAFETY: `sockaddr_nl` is integers only, for which zeros are a value.
        let mut sender: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        let mut sender_len = size_of::<libc::sockaddr_nl>() as socklen_t;
        // SAFETY: the descriptor is open; each pointer is to a live value of the length that is given with it.
        let length = unsafe {
            libc::recvfrom(
                self.fd.as_raw_fd(),
                self.buffer.as_mut_ptr().cast(),
                self.buffer.len(),
                flags,
                (&raw mut sender).cast(),
                &raw mut sender_len,
            )
        };
        Ok((usize::try_from(length).map_err(|_| Errno::last())?, sender.nl_pid))
    }

    /// Asks for room beyond the system's limit, which needs CAP_NET_ADMIN; else for as much as the limit gives.
    fn make_room(&self, force: c_int, plain: c_int, bytes: usize) -> io::Result<()> {
        let bytes = c_int::try_from(bytes).unwrap_or(c_int::MAX);
        self.set(SOL_SOCKET, force, bytes).or_else(|_| self.set(SOL_SOCKET, plain, bytes))
    }

    fn set(&self, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
        // SAFETY: the descriptor is open, and the pointer and the length describe `value`, which the call only reads.
        let done = unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<c_int>() as socklen_t,
            )
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
