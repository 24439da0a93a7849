// SPDX-License-Identifier: GPL-3.0-or-later
//! PPTP (`nf_conntrack_pptp.c`): the control connection agrees on the call ids of GRE (RFC 2637). One call at a time is
//! followed; the client is the one that opened the control connection.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, Protocol};

use super::{Aid, Assigned, Dropped, Memory};
use crate::conntrack::entries::EntryId;
use crate::conntrack::expectation::{Class, Destination, Expectation, Follow, Saved, Source, Then};
use crate::conntrack::table::Table;
use crate::conntrack::tuple::{Ends, Tuple};
use crate::packet::wire::{byte, number16, number32};

const CLASS: Class = Class { name: None, most: 2, timeout: Duration::from_secs(300) };

/// The control connection, as far as it is followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Session {
    control: Control,
    call: Call,
    /// The call id of the server (PAC).
    server: u16,
    /// The call id of the client (PNS), as the server knows it.
    client: u16,
    /// The same as the client itself knows it, where the control connection is translated (`struct nf_nat_pptp`).
    inside: u16,
}

/// How far the control connection is (`enum pptp_ctrlsess_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Control {
    #[default]
    None,
    Error,
    StopRequested,
    Requested,
    Confirmed,
}

/// How far the call is (`enum pptp_ctrlcall_state`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Call {
    #[default]
    None,
    OutRequested,
    OutConfirmed,
    InRequested,
    InAnswered,
    InConfirmed,
    ClearRequested,
}

/// A control message: its type, and what follows the header.
struct Message<'a> {
    kind: u16,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The one message of a segment. None if it is none, or is cut short.
    fn of(data: &'a [u8]) -> Option<Self> {
        const CONTROL: u16 = 1;
        const COOKIE: u32 = 0x1a2b_3c4d;
        const HEADER: usize = 12;
        let body = data.get(HEADER..)?;
        let kind = number16(data, 8)?;
        let ours = number16(data, 2)? == CONTROL && number32(data, 4)? == COOKIE;
        (ours && body.len() >= length(kind)).then_some(Self { kind, body })
    }

    fn id(&self, at: usize) -> Option<u16> {
        number16(self.body, at)
    }

    fn succeeds(&self, at: usize) -> bool {
        const OK: u8 = 1;
        byte(self.body, at) == Some(OK)
    }
}

const START_REQUEST: u16 = 1;
const START_REPLY: u16 = 2;
const STOP_REQUEST: u16 = 3;
const STOP_REPLY: u16 = 4;
const OUT_CALL_REQUEST: u16 = 7;
const OUT_CALL_REPLY: u16 = 8;
const IN_CALL_REQUEST: u16 = 9;
const IN_CALL_REPLY: u16 = 10;
const IN_CALL_CONNECT: u16 = 11;
const CLEAR_REQUEST: u16 = 12;
const DISCONNECT: u16 = 13;
const WAN_ERROR: u16 = 14;
const LINK_INFO: u16 = 15;
const ECHO_REQUEST: u16 = 5;
const ECHO_REPLY: u16 = 6;

/// How long the body of a message is at least (RFC 2637 §2).
const fn length(kind: u16) -> usize {
    match kind {
        START_REQUEST | START_REPLY => 144,
        STOP_REQUEST | STOP_REPLY | CLEAR_REQUEST => 4,
        OUT_CALL_REQUEST => 156,
        OUT_CALL_REPLY => 20,
        IN_CALL_REQUEST => 208,
        IN_CALL_REPLY | LINK_INFO => 12,
        IN_CALL_CONNECT => 16,
        DISCONNECT => 136,
        WAN_ERROR => 28,
        _ => 0,
    }
}

pub fn help(aid: &mut Aid<'_>, session: &mut Session) -> Result<(), Dropped> {
    let Some(data) = aid.tcp().filter(|_| aid.is_established()) else { return Ok(()) };
    let Some(message) = Message::of(data.bytes) else { return Ok(()) };
    let fits = match aid.direction {
        CtDirection::Original => session.outbound(&message),
        CtDirection::Reply => session.inbound(aid, &message),
    };
    // What does not fit the state changes nothing, and is not translated.
    match fits {
        Some(()) if aid.is_translated() => session.translate(aid, &message),
        _ => Ok(()),
    }
}

impl Session {
    /// What the client says (`pptp_outbound_pkt`).
    fn outbound(&mut self, message: &Message<'_>) -> Option<()> {
        match message.kind {
            START_REQUEST if self.control == Control::None => self.control = Control::Requested,
            STOP_REQUEST => self.control = Control::StopRequested,
            OUT_CALL_REQUEST if self.control == Control::Confirmed => {
                self.call = Call::OutRequested;
                self.client = message.id(0)?;
            }
            IN_CALL_REPLY if matches!(self.call, Call::InRequested | Call::InAnswered) => {
                let client = message.id(0)?;
                if message.id(2)? != self.server {
                    return None;
                }
                self.call = Call::None;
                if message.succeeds(4) {
                    (self.call, self.client) = (Call::InAnswered, client);
                }
            }
            CLEAR_REQUEST if self.control == Control::Confirmed => self.call = Call::ClearRequested,
            LINK_INFO | ECHO_REQUEST | ECHO_REPLY => {}
            _ => return None,
        }
        Some(())
    }

    /// What the server says (`pptp_inbound_pkt`).
    fn inbound(&mut self, aid: &mut Aid<'_>, message: &Message<'_>) -> Option<()> {
        match message.kind {
            START_REPLY if self.control >= Control::Requested => {
                self.control = if message.succeeds(2) { Control::Confirmed } else { Control::Error };
            }
            STOP_REPLY if self.control <= Control::StopRequested => {
                self.control = if message.succeeds(0) { Control::None } else { Control::Error };
            }
            OUT_CALL_REPLY
                if self.control == Control::Confirmed
                    && matches!(self.call, Call::OutRequested | Call::OutConfirmed)
                    && message.id(2)? == self.client =>
            {
                self.call = Call::None;
                if message.succeeds(4) {
                    self.call = Call::OutConfirmed;
                    self.server = message.id(0)?;
                    self.expect_gre(aid);
                }
            }
            IN_CALL_REQUEST if self.control == Control::Confirmed => {
                self.call = Call::InRequested;
                self.server = message.id(0)?;
            }
            IN_CALL_CONNECT
                if self.control == Control::Confirmed
                    && matches!(self.call, Call::InAnswered | Call::InConfirmed)
                    && message.id(0)? == self.client =>
            {
                self.call = Call::InConfirmed;
                self.expect_gre(aid);
            }
            DISCONNECT => {
                self.call = Call::None;
                self.hang_up(aid.table, aid.id, (aid.original, aid.reply));
            }
            WAN_ERROR | LINK_INFO | ECHO_REQUEST | ECHO_REPLY => {}
            _ => return None,
        }
        Some(())
    }

    /// Writes the call id of the client anew, for the server its port and for the client its own (`pptp_outbound_pkt` and
    /// `pptp_inbound_pkt` of `nf_nat_pptp.c`).
    fn translate(&mut self, aid: &mut Aid<'_>, message: &Message<'_>) -> Result<(), Dropped> {
        const HEADER: usize = 12;
        let (at, id) = match (aid.direction, message.kind) {
            (CtDirection::Original, OUT_CALL_REQUEST) => {
                self.inside = self.client;
                (_, self.client) = aid.reply.ends.parted();
                (0, self.client)
            }
            (CtDirection::Original, IN_CALL_REPLY | CLEAR_REQUEST) => (0, self.client),
            (CtDirection::Reply, OUT_CALL_REPLY) => (2, self.inside),
            (CtDirection::Reply, IN_CALL_CONNECT | WAN_ERROR | DISCONNECT | LINK_INFO) => (0, self.inside),
            _ => return Ok(()),
        };
        aid.write(HEADER + at..HEADER + at + 2, &id.to_be_bytes())
    }

    /// The GRE packets of the call are expected in both directions, and their other call id known (`exp_gre`).
    fn expect_gre(&self, aid: &mut Aid<'_>) {
        let mut outbound = Self::expectation(aid, &aid.original, self.client, self.server);
        let mut inbound = Self::expectation(aid, &aid.reply, self.server, self.client);
        if aid.is_translated() {
            outbound.tuple.ends = Ends::Keys { source: self.inside, destination: self.server };
            outbound.saved = Saved { port: self.client, direction: CtDirection::Original, ..outbound.saved };
            inbound.saved = Saved { port: self.inside, direction: CtDirection::Reply, ..inbound.saved };
            (outbound.follow, inbound.follow) = (Some(Follow::Call), Some(Follow::Call));
        }
        let (one, other) = (outbound.tuple, inbound.tuple);
        if aid.expect(outbound).is_err() {
            return;
        }
        if aid.expect(inbound).is_err() {
            aid.table.expectations.remove(&one);
            return;
        }
        let added = aid.table.calls.add(aid.id, CtDirection::Original, one);
        if added && aid.table.calls.add(aid.id, CtDirection::Reply, other) {
            return;
        }
        if added {
            aid.table.calls.forget(aid.id);
        }
        aid.table.expectations.remove(&one);
        aid.table.expectations.remove(&other);
    }

    fn expectation(aid: &Aid<'_>, control: &Tuple, source: u16, destination: u16) -> Expectation {
        let from = Source { address: Some(control.source), end: Some(source) };
        let to = Destination {
            family: control.family,
            protocol: Protocol::GRE,
            address: control.destination,
            end: destination,
        };
        Expectation { then: Then::CallEnds, ..aid.expectation(&CLASS, from, to) }
    }

    /// Ends the GRE of the call, whichever end began it, or expects it no longer (`pptp_destroy_siblings`).
    pub fn hang_up(self, table: &mut Table, id: EntryId, (original, reply): (Tuple, Tuple)) {
        table.calls.forget(id);
        let zone = table.get(id).map(|entry| entry.zone).unwrap_or_default();
        let keyed = |tuple: Tuple, source, destination| Tuple {
            protocol: Protocol::GRE,
            ends: Ends::Keys { source, destination },
            ..tuple
        };
        for tuple in [keyed(original, self.client, self.server), keyed(reply, self.server, self.client)] {
            match table.confirmed(&tuple, zone) {
                Some(sibling) => {
                    table.end(sibling);
                }
                None => {
                    table.expectations.remove(&tuple);
                }
            }
        }
    }
}

impl Table {
    /// The tuple of the packets of a translated call that go the other way than those of an expectation.
    pub fn other_way(&self, expected: &Expectation) -> Option<Tuple> {
        let master = self.get(expected.master)?;
        let Some(Assigned { memory: Memory::Pptp(session), .. }) = master.help() else { return None };
        let back = master.tuple(expected.saved.direction.reversed());
        let (source, destination) = match expected.saved.direction {
            CtDirection::Original => (session.server, session.client),
            // The kernel looks for the ids in the new entry, where there are none yet.
            CtDirection::Reply => (0, 0),
        };
        Some(Tuple { protocol: Protocol::GRE, ends: Ends::Keys { source, destination }, ..back })
    }
}
