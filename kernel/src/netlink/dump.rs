// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading from nf_tables: dumps, and the generation of the ruleset.

use libc::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR};
use nix::errno::Errno;
use rustables::sys;

use super::error::{Malformed, NetlinkError, Refused};
use super::message::{Message, Messages, message};
use super::socket::{Socket, Wait};

/// How often a dump is tried again that a change interrupted.
const TRIES: usize = 20;

/// What to dump.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The request's type with its subsystem, such as [`Query::nf_tables`] gives.
    pub kind: u16,
    /// `NFPROTO_*`
    pub family: u8,
    /// Attributes that narrow the dump.
    pub attributes: &'a [u8],
}

impl<'a> Query<'a> {
    /// A query of nf_tables: one of `NFT_MSG_GET*`.
    #[must_use]
    pub const fn nf_tables(operation: u32, family: u8, attributes: &'a [u8]) -> Self {
        Self { kind: nf_tables_kind(operation), family, attributes }
    }
}

/// What a message does, if it is one of nf_tables: one of `NFT_MSG_*`.
#[must_use]
pub fn nf_tables_operation(kind: u16) -> Option<u32> {
    let (subsystem, operation) = (u32::from(kind) >> 8, u32::from(kind) & 0xff);
    (subsystem == sys::NFNL_SUBSYS_NFTABLES).then_some(operation)
}

/// The type of a message of nf_tables.
pub(super) const fn nf_tables_kind(operation: u32) -> u16 {
    (sys::NFNL_SUBSYS_NFTABLES << 8 | operation) as u16
}

/// The messages that a dump gave.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    sequence: u32,
    received: Vec<u8>,
}

impl Dump {
    /// Each of them, without the one that says it is over.
    pub fn messages(&self) -> impl Iterator<Item = Result<Message<'_>, Malformed>> {
        let wanted = |message: &Message<'_>| {
            message.sequence == self.sequence && !matches!(i32::from(message.kind), NLMSG_DONE | NLMSG_ERROR)
        };
        Messages::new(&self.received).filter(move |message| message.as_ref().map_or(true, wanted))
    }
}

/// Dumps whole lists of objects; again where somebody changed them meanwhile.
///
/// # Errors
/// [`NetlinkError`]; `ENOENT` where what the query names is not there.
pub fn dump(socket: &mut Socket, query: Query<'_>) -> Result<Dump, NetlinkError> {
    for _ in 0..TRIES {
        if let Some(dump) = attempt(socket, query)? {
            return Ok(dump);
        }
    }
    Err(NetlinkError::Interrupted)
}

/// One try; none if a change interrupted it.
fn attempt(socket: &mut Socket, query: Query<'_>) -> Result<Option<Dump>, NetlinkError> {
    let sequence = socket.next_sequence();
    let mut request = Vec::new();
    message(
        &mut request,
        query.kind,
        (NLM_F_REQUEST | NLM_F_DUMP) as u16,
        sequence,
        query.family,
        0,
        &[query.attributes],
    );
    socket.send(&request)?;
    let mut dump = Dump { sequence, received: Vec::new() };
    let mut interrupted = false;
    loop {
        let received = socket.receive(Wait::Yes)?.ok_or(NetlinkError::Silent)?;
        dump.received.extend(received);
        for answer in Messages::new(received) {
            let answer = answer?;
            if answer.sequence != sequence {
                continue;
            }
            interrupted |= i32::from(answer.flags) & NLM_F_DUMP_INTR != 0;
            if matches!(i32::from(answer.kind), NLMSG_DONE | NLMSG_ERROR) {
                return match Refused::read(&answer)? {
                    Some(refused) if refused.errno == Errno::EINTR => Ok(None),
                    Some(refused) => Err(refused.into()),
                    None => Ok((!interrupted).then_some(dump)),
                };
            }
        }
    }
}

/// The generation of the ruleset: a number that every committed transaction of any program raises.
///
/// # Errors
/// [`NetlinkError`]; `EPERM` where the caller lacks CAP_NET_ADMIN in the network namespace.
pub fn generation(socket: &mut Socket) -> Result<u32, NetlinkError> {
    let sequence = socket.next_sequence();
    let mut request = Vec::new();
    message(&mut request, nf_tables_kind(sys::NFT_MSG_GETGEN), NLM_F_REQUEST as u16, sequence, 0, 0, &[]);
    socket.send(&request)?;
    loop {
        let received = socket.receive(Wait::Yes)?.ok_or(NetlinkError::Silent)?;
        for answer in Messages::new(received) {
            let answer = answer?;
            if answer.sequence != sequence {
                continue;
            }
            if i32::from(answer.kind) == NLMSG_ERROR {
                return Err(Refused::read(&answer)?.map_or(NetlinkError::Silent, NetlinkError::Refused));
            }
            return Ok(answer.netfilter()?.1.need(sys::NFTA_GEN_ID)?.be32()?);
        }
    }
}
