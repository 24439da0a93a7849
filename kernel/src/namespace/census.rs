// SPDX-License-Identifier: GPL-3.0-or-later
//! Which conntrack entries there are, as the kernel tells when they come and go.
//!
//! A dump of the conntrack table walks every bucket of the system's hash, whoever has entries in it: it takes milliseconds
//! where a handful of entries is wanted. So they are asked for one by one.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::entry::{self, Identity};
use super::job::Failure;
use crate::netlink::{Messages, NetlinkError, Refused, Socket, Wait};

/// `NFNLGRP_CONNTRACK_NEW` and `NFNLGRP_CONNTRACK_DESTROY`
const GROUPS: [u32; 2] = [1, 3];
/// How much is sent at once: the answers must find room in the socket.
const CHUNK: usize = 32 * 1024;

/// The entries of this namespace.
pub(super) struct Census {
    events: Socket,
    entries: BTreeMap<u32, Identity>,
}

impl Census {
    /// Starts to count. Entries that are there already stay unknown.
    ///
    /// # Errors
    /// What the system says to the socket.
    pub(super) fn open() -> Result<Self, Failure> {
        let step = "listening to connection tracking";
        let events = Socket::open().map_err(Failure::at(step))?;
        for group in GROUPS {
            events.join(group).map_err(Failure::at(step))?;
        }
        Ok(Self { events, entries: BTreeMap::new() })
    }

    /// Takes in which entries came and went.
    ///
    /// # Errors
    /// Events that were lost or cannot be read.
    pub(super) fn update(&mut self) -> Result<(), NetlinkError> {
        while let Some(received) = self.events.receive(Wait::No)? {
            for message in Messages::new(received) {
                let message = message?;
                let identity = Identity::read(&message)?;
                if message.kind == entry::DELETE {
                    self.entries.remove(&identity.id);
                } else {
                    self.entries.insert(identity.id, identity);
                }
            }
        }
        Ok(())
    }

    /// The messages that tell of the entries as they are now.
    ///
    /// # Errors
    /// As [`Self::update`]; what the kernel says to the questions.
    pub(super) fn ask(&mut self, socket: &mut Socket) -> Result<Vec<u8>, NetlinkError> {
        self.update()?;
        let mut answers = Vec::new();
        let mut requests = Vec::new();
        for identity in self.entries.values() {
            identity.write_question(&mut requests);
            exchange_if_full(socket, &mut requests, |received| answers.extend(received))?;
        }
        exchange(socket, &requests, |received| answers.extend(received))?;
        Ok(answers)
    }
}

/// [`exchange`] of the requests that are there, once they are many.
///
/// # Errors
/// As [`exchange`].
pub(super) fn exchange_if_full(
    socket: &mut Socket,
    requests: &mut Vec<u8>,
    answered: impl FnMut(&[u8]),
) -> Result<(), NetlinkError> {
    if requests.len() <= CHUNK {
        return Ok(());
    }
    exchange(socket, &std::mem::take(requests), answered)
}

/// Sends requests, and hands over what is not a refusal. The kernel has worked them off when this returns. An entry may have
/// run out on its own meanwhile.
///
/// # Errors
/// What the kernel refuses for another reason.
pub(super) fn exchange(
    socket: &mut Socket,
    requests: &[u8],
    mut answered: impl FnMut(&[u8]),
) -> Result<(), NetlinkError> {
    if requests.is_empty() {
        return Ok(());
    }
    socket.send(requests)?;
    while let Some(received) = socket.receive(Wait::No)? {
        for answer in Messages::new(received) {
            let answer = answer?;
            if i32::from(answer.kind) != libc::NLMSG_ERROR {
                continue;
            }
            match Refused::read(&answer)? {
                Some(refused) if refused.errno != Errno::ENOENT => return Err(refused.into()),
                _ => {}
            }
        }
        answered(received);
    }
    Ok(())
}
