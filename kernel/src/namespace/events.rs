// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel says while a packet passes: nf_tables' trace, and the packets that the harness logs.
//!
//! Both come on one socket, so their order is the order in which things happened.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ringwall_ir::words::{CtDirection, CtState, CtStatus};

use super::harness::{LOG_GROUP, MARK};
use super::job::Failure;
use crate::netlink::{AttributeWriter, Attributes, Malformed, Message, Messages, Refused, Socket, Wait, message};

/// `NFNLGRP_NFTRACE`
const TRACE_GROUP: u32 = 9;
/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE`
const TRACE_MESSAGE: u16 = 10 << 8 | 17;
/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`
const LOG_PACKET: u16 = 4 << 8;
/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG`
const LOG_CONFIG: u16 = 4 << 8 | 1;
/// The bytes of a packet that are logged: all of it, for what is longer hardly fits into one receipt.
const LOGGED: u32 = 65_000;
/// How long the processor may put off what is to arrive, in milliseconds.
const LATE: u16 = 5000;

/// One thing that the kernel said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    /// A packet met a rule or the end of a base chain.
    Trace(Trace<'a>),
    /// The harness logged a packet.
    Logged(Logged<'a>),
}

/// A message of nf_tables' trace (`net/netfilter/nf_tables_trace.c`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trace<'a> {
    /// A number for the packet; other packets may get the same one later.
    pub id: u32,
    /// The family of the table, `NFPROTO_*`.
    pub family: u8,
    pub table: &'a [u8],
    pub chain: &'a [u8],
    /// The rule; none at the end of a chain.
    pub rule: Option<u64>,
    /// What the rule or the chain policy said, if that ends the packet's way through the chain.
    pub ruling: Option<Ruling>,
    /// What connection tracking says; none: invalid, or not seen by it yet.
    pub sight: Option<Sight>,
    /// The interface that it arrived on.
    pub iif: u32,
    /// The interface that it leaves by.
    pub oif: u32,
}

/// A verdict that ends a packet's way through a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruling {
    Accept,
    Drop,
}

/// What connection tracking says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub state: CtState,
    pub direction: Option<CtDirection>,
    pub status: CtStatus,
}

impl Sight {
    /// A packet that belongs to no entry.
    pub(super) const INVALID: Self = Self { state: CtState::Invalid, direction: None, status: CtStatus(0) };
}

/// A packet that the harness logged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Logged<'a> {
    /// Which rule logged it.
    pub prefix: &'a str,
    /// The packet, from the IP header on.
    pub bytes: &'a [u8],
}

/// Listens to the trace and the logs of this namespace.
pub(super) struct Listener(Socket);

impl Listener {
    /// Starts to listen.
    ///
    /// # Errors
    /// What the kernel says to it.
    pub(super) fn open() -> Result<Self, Failure> {
        let mut socket = Socket::open().map_err(Failure::at("netlink socket"))?;
        configure_log(&mut socket)?;
        socket.join(TRACE_GROUP).map_err(Failure::at("joining the trace of nf_tables"))?;
        Ok(Self(socket))
    }

    /// Hands over all that was said since the last time.
    ///
    /// # Errors
    /// Events that were lost or cannot be read.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Event<'_>)) -> Result<(), Failure> {
        let failed = "reading the trace of nf_tables";
        while let Some(received) = self.0.receive(Wait::No).map_err(Failure::at(failed))? {
            for message in Messages::new(received) {
                let event = message.and_then(|message| read(&message)).map_err(Failure::at(failed))?;
                event.into_iter().for_each(&mut each);
            }
        }
        Ok(())
    }

    /// Hands over all that is said until the next mark.
    ///
    /// # Errors
    /// As [`Self::drain`]; a mark that does not come.
    pub(super) fn drain_to_mark(&mut self, mut each: impl FnMut(Event<'_>)) -> Result<(), Failure> {
        let mut marked = false;
        while !marked {
            let mut sockets = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            if poll(&mut sockets, PollTimeout::from(LATE)).map_err(Failure::at("poll"))? == 0 {
                return Err(Failure::Broken("the kernel does not get to packets that are on their way".to_owned()));
            }
            self.drain(|event| match event {
                Event::Logged(Logged { prefix: MARK, .. }) => marked = true,
                event => each(event),
            })?;
        }
        Ok(())
    }
}

/// Asks for the packets that the harness logs (`net/netfilter/nfnetlink_log.c`).
fn configure_log(socket: &mut Socket) -> Result<(), Failure> {
    /// `NFULA_CFG_CMD`, and in it `NFULNL_CFG_CMD_BIND`.
    const COMMAND: u16 = 1;
    const BIND: u8 = 1;
    /// `NFULA_CFG_MODE`: `struct nfulnl_msg_config_mode`, with `NFULNL_COPY_PACKET`.
    const MODE: u16 = 2;
    const COPY_PACKET: u8 = 2;

    let [a, b, c, d] = LOGGED.to_be_bytes();
    let step = "asking for logged packets";
    for attributes in [
        AttributeWriter::new().byte(COMMAND, BIND).finish(),
        AttributeWriter::new().bytes(MODE, &[a, b, c, d, COPY_PACKET, 0]).finish(),
    ] {
        let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
        let mut request = Vec::new();
        message(&mut request, LOG_CONFIG, flags, socket.next_sequence(), 0, LOG_GROUP, &[&attributes]);
        socket.send(&request).map_err(Failure::at(step))?;
        let received = socket.receive(Wait::Yes).map_err(Failure::at(step))?.unwrap_or_default();
        for answer in Messages::new(received) {
            let refused = answer.and_then(|answer| Refused::read(&answer)).map_err(Failure::at(step))?;
            refused.map_or(Ok(()), Err).map_err(Failure::at(step))?;
        }
    }
    Ok(())
}

/// The event in a message, if it is one of ours.
fn read<'a>(message: &Message<'a>) -> Result<Option<Event<'a>>, Malformed> {
    let (family, attributes) = match message.kind {
        TRACE_MESSAGE | LOG_PACKET => message.netfilter()?,
        _ => return Ok(None),
    };
    Ok(Some(match message.kind {
        TRACE_MESSAGE => Event::Trace(read_trace(family, attributes)?),
        _ => Event::Logged(read_logged(attributes)?),
    }))
}

/// `enum nft_trace_attributes` of `include/uapi/linux/netfilter/nf_tables.h`.
fn read_trace(family: u8, attributes: Attributes<'_>) -> Result<Trace<'_>, Malformed> {
    let mut trace = Trace { family, ..Trace::default() };
    let (mut state, mut direction, mut status) = (None, None, 0);
    for attribute in attributes.iter() {
        let value = attribute.value;
        match attribute.kind {
            1 => trace.table = name(value.bytes()),
            2 => trace.chain = name(value.bytes()),
            3 => trace.rule = Some(value.be64()?),
            // NFTA_TRACE_VERDICT, and in it NFTA_VERDICT_CODE
            5 => trace.ruling = ruling(value.nested()?.need(1)?.be32()?),
            6 => trace.id = value.be32()?,
            10 => trace.iif = value.be32()?,
            12 => trace.oif = value.be32()?,
            16 => trace.ruling = ruling(value.be32()?),
            19 => direction = Some(value.byte()?),
            20 => status = value.be32()?,
            21 => state = Some(value.be32()?),
            _ => {}
        }
    }
    trace.sight = state.and_then(|state| sight(state, direction, status));
    Ok(trace)
}

/// `enum nfulnl_attr_type` of `include/uapi/linux/netfilter/nfnetlink_log.h`.
fn read_logged(attributes: Attributes<'_>) -> Result<Logged<'_>, Malformed> {
    let mut logged = Logged::default();
    for attribute in attributes.iter() {
        match attribute.kind {
            9 => logged.bytes = attribute.value.bytes(),
            10 => logged.prefix = attribute.value.text()?,
            _ => {}
        }
    }
    Ok(logged)
}

fn name(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\0").unwrap_or(bytes)
}

/// `NF_VERDICT_FLAG_QUEUE_BYPASS`
const QUEUE_BYPASS: i32 = 0x8000;

/// `NF_DROP` carries an error number in its upper half; negative codes are steps within a chain.
fn ruling(code: u32) -> Option<Ruling> {
    match code.cast_signed() {
        libc::NF_ACCEPT => Some(Ruling::Accept),
        code if code >= 0 && code & libc::NF_VERDICT_MASK == libc::NF_DROP => Some(Ruling::Drop),
        // No program listens in the namespace: `nf_queue` in `net/netfilter/nf_queue.c`.
        code if code >= 0 && code & libc::NF_VERDICT_MASK == libc::NF_QUEUE => {
            Some(if code & QUEUE_BYPASS == 0 { Ruling::Drop } else { Ruling::Accept })
        }
        _ => None,
    }
}

fn sight(state: u32, direction: Option<u8>, status: u32) -> Option<Sight> {
    let state = CtState::ALL.into_iter().find(|known| u32::from(known.bit()) == state)?;
    let direction = direction.map(|number| if number == 0 { CtDirection::Original } else { CtDirection::Reply });
    Some(Sight { state, direction, status: CtStatus(status) })
}
