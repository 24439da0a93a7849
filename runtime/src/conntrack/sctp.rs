// SPDX-License-Identifier: GPL-3.0-or-later
//! SCTP (`nf_conntrack_proto_sctp.c`; RFC 9260).

mod transitions;

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus};

use super::entry::{Entry, ProtocolState};
use super::{Arrival, Outcome};
use crate::packet::checksum;
use crate::packet::wire::{array, byte, number16, number32};

const HEADER: usize = 12;

/// Chunk types that change the state, or that checks ask for.
mod chunk {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const HEARTBEAT: u8 = 4;
    pub const HEARTBEAT_ACK: u8 = 5;
    pub const ABORT: u8 = 6;
    pub const SHUTDOWN: u8 = 7;
    pub const SHUTDOWN_ACK: u8 = 8;
    pub const ERROR: u8 = 9;
    pub const COOKIE_ECHO: u8 = 10;
    pub const COOKIE_ACK: u8 = 11;
    pub const SHUTDOWN_COMPLETE: u8 = 14;
}

/// How far an association is, in the kernel's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    None,
    Closed,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownSent,
    ShutdownRecd,
    ShutdownAckSent,
    HeartbeatSent,
}

impl State {
    /// The state as `/proc/net/nf_conntrack` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Closed => "CLOSED",
            Self::CookieWait => "COOKIE_WAIT",
            Self::CookieEchoed => "COOKIE_ECHOED",
            Self::Established => "ESTABLISHED",
            Self::ShutdownSent => "SHUTDOWN_SENT",
            Self::ShutdownRecd => "SHUTDOWN_RECD",
            Self::ShutdownAckSent => "SHUTDOWN_ACK_SENT",
            Self::HeartbeatSent => "HEARTBEAT_SENT",
        }
    }

    const fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::None | Self::Closed => 10,
            Self::Established => 210,
            Self::HeartbeatSent => 30,
            _ => 3,
        })
    }
}

/// An association.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Association {
    state: State,
    /// The verification tags that packets in each direction carry; zero: not known.
    tags: [u32; 2],
    /// Whether an INIT was seen in the direction.
    initiated: [bool; 2],
    /// A heartbeat carried a wrong tag in this direction: its acknowledgement may bring the right one.
    doubted: Option<CtDirection>,
}

/// One chunk of a packet.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: u8,
    flags: u8,
    length: usize,
    value: &'a [u8],
}

/// A packet whose chunks make sense together.
struct Packet<'a> {
    tag: u32,
    bytes: &'a [u8],
}

/// The packet is invalid.
struct Wrong;

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    let Some(packet) = Packet::of(arrival) else { return Outcome::Invalid };
    let confirmed = entry.is_confirmed();
    let ProtocolState::Sctp(association) = &mut entry.protocol else { return Outcome::Invalid };
    if !confirmed {
        match Association::opened(&packet) {
            Some(opened) => *association = opened,
            None => return Outcome::Invalid,
        }
    }
    if !association.tag_may_be_right(&packet, arrival.direction) {
        return Outcome::Invalid;
    }
    let mut refresh = true;
    let mut established = false;
    for chunk in packet.chunks() {
        let before = association.state;
        if association.take(&packet, chunk, arrival.direction, &mut refresh, confirmed).is_err() {
            return Outcome::Invalid;
        }
        established |= association.state == State::Established && before != State::Established;
    }
    let state = association.state;
    if established {
        entry.status = entry.status.with(CtStatus::ASSURED);
    }
    if refresh {
        entry.refresh(arrival, state.timeout());
    }
    Outcome::Accept
}

impl<'a> Packet<'a> {
    /// None where the header is short, the checksum wrong, or chunks stand together that must not (`do_basic_checks`).
    fn of(arrival: &Arrival<'a>) -> Option<Self> {
        let bytes = arrival.segment;
        let sum: [u8; 4] = array(bytes, 8)?;
        if arrival.verify && sum != checksum::sctp(bytes) {
            return None;
        }
        let packet = Self { tag: number32(bytes, 4)?, bytes };
        let mut alone = false;
        let mut count = 0;
        for chunk in packet.chunks() {
            alone |= matches!(chunk.kind, chunk::INIT | chunk::INIT_ACK | chunk::SHUTDOWN_COMPLETE);
            let first = matches!(chunk.kind, chunk::COOKIE_ACK | chunk::COOKIE_ECHO);
            if (alone || first) && count > 0 || chunk.length == 0 {
                return None;
            }
            count += 1;
        }
        (count > 0).then_some(packet)
    }

    /// The chunks. A length that leads out of the packet ends them, and so does one of zero.
    fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.bytes.get(HEADER..).unwrap_or_default();
        std::iter::from_fn(move || {
            let length = usize::from(number16(rest, 2)?);
            let chunk = Chunk { kind: byte(rest, 0)?, flags: byte(rest, 1)?, length, value: rest.get(4..)? };
            let behind = rest.get(length.next_multiple_of(4)..).filter(|_| length > 0);
            rest = behind.unwrap_or_default();
            Some(chunk)
        })
    }

    fn has(&self, kinds: &[u8]) -> bool {
        self.chunks().any(|chunk| kinds.contains(&chunk.kind))
    }
}

impl Chunk<'_> {
    /// The tag that an INIT or INIT ACK asks to be addressed by.
    fn initiate_tag(&self) -> Option<u32> {
        const PARAMETERS: usize = 16;
        number32(self.value.get(..PARAMETERS)?, 0)
    }

    /// The T flag: the tag is the peer's (RFC 9260 §8.5.1).
    const fn reflects_tag(&self) -> bool {
        self.flags & 1 == 1
    }
}

impl Association {
    /// How far it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// What the first packet makes (`sctp_new`). None if nothing starts with it (RFC 9260 §8.4).
    fn opened(packet: &Packet<'_>) -> Option<Self> {
        if packet.has(&[chunk::ABORT, chunk::SHUTDOWN_COMPLETE, chunk::COOKIE_ACK]) {
            return None;
        }
        let mut association = Self::default();
        for chunk in packet.chunks() {
            match transitions::next(CtDirection::Original, chunk.kind, State::None) {
                None | Some(State::None) => return None,
                Some(_) => {}
            }
            let [original, reply] = &mut association.tags;
            match chunk.kind {
                chunk::INIT if packet.tag != 0 => return None,
                chunk::INIT => {
                    *reply = chunk.initiate_tag()?;
                    association.initiated = [true, false];
                }
                chunk::HEARTBEAT => *original = packet.tag,
                chunk::SHUTDOWN_ACK => *reply = packet.tag,
                _ => {}
            }
        }
        Some(association)
    }

    const fn tag(&self, direction: CtDirection) -> u32 {
        let [original, reply] = self.tags;
        match direction {
            CtDirection::Original => original,
            CtDirection::Reply => reply,
        }
    }

    const fn tag_mut(&mut self, direction: CtDirection) -> &mut u32 {
        let [original, reply] = &mut self.tags;
        match direction {
            CtDirection::Original => original,
            CtDirection::Reply => reply,
        }
    }

    /// The verification tag, where no chunk has a rule of its own (RFC 9260 §8.5).
    fn tag_may_be_right(&self, packet: &Packet<'_>, direction: CtDirection) -> bool {
        use chunk::{ABORT, COOKIE_ECHO, HEARTBEAT, HEARTBEAT_ACK, INIT, SHUTDOWN_ACK, SHUTDOWN_COMPLETE};
        const SPECIAL: [u8; 7] = [INIT, SHUTDOWN_COMPLETE, COOKIE_ECHO, ABORT, SHUTDOWN_ACK, HEARTBEAT, HEARTBEAT_ACK];
        packet.has(&SPECIAL) || packet.tag == self.tag(direction)
    }

    /// Moves on by one chunk. `refresh` becomes false where the entry must not live longer for it.
    fn take(
        &mut self,
        packet: &Packet<'_>,
        chunk: Chunk<'_>,
        direction: CtDirection,
        refresh: &mut bool,
        confirmed: bool,
    ) -> Result<(), Wrong> {
        if !self.check_tag(packet, chunk, direction, refresh)? {
            return Ok(());
        }
        let old = self.state;
        let new = transitions::next(direction, chunk.kind, old).ok_or(Wrong)?;
        match chunk.kind {
            chunk::INIT => {
                self.note_init(chunk, direction)?;
                if (old, new) == (State::Closed, State::Closed) && confirmed {
                    *refresh = false;
                }
            }
            chunk::INIT_ACK => self.note_init_ack(chunk, direction)?,
            _ => {}
        }
        self.state = new;
        Ok(())
    }

    /// The rules of single chunks about the tag (RFC 9260 §8.5.1). False where the chunk changes nothing more.
    fn check_tag(
        &mut self,
        packet: &Packet<'_>,
        chunk: Chunk<'_>,
        direction: CtDirection,
        refresh: &mut bool,
    ) -> Result<bool, Wrong> {
        let right = match chunk.kind {
            chunk::INIT => packet.tag == 0,
            chunk::ABORT | chunk::SHUTDOWN_COMPLETE if chunk.reflects_tag() => {
                packet.tag == self.tag(direction.reversed())
            }
            chunk::ABORT | chunk::SHUTDOWN_COMPLETE | chunk::COOKIE_ECHO => packet.tag == self.tag(direction),
            chunk::COOKIE_ACK => {
                self.initiated = [false; 2];
                true
            }
            chunk::HEARTBEAT | chunk::HEARTBEAT_ACK => {
                return self.check_heartbeat(packet, chunk.kind, direction, refresh);
            }
            _ => true,
        };
        if right { Ok(true) } else { Err(Wrong) }
    }

    /// Heartbeats run on paths that saw no INIT: the first tag is believed; another one only if it is acknowledged.
    fn check_heartbeat(
        &mut self,
        packet: &Packet<'_>,
        kind: u8,
        direction: CtDirection,
        refresh: &mut bool,
    ) -> Result<bool, Wrong> {
        if self.tag(direction) == 0 {
            *self.tag_mut(direction) = packet.tag;
            return Ok(true);
        }
        if packet.tag == self.tag(direction) {
            self.doubted = None;
            return Ok(true);
        }
        if packet.has(&[chunk::DATA]) || !*refresh {
            return Err(Wrong);
        }
        if kind == chunk::HEARTBEAT {
            self.doubted = Some(direction);
            *refresh = false;
            return Ok(false);
        }
        if self.doubted != Some(direction.reversed()) {
            return Err(Wrong);
        }
        self.doubted = None;
        *self.tag_mut(direction) = packet.tag;
        *self.tag_mut(direction.reversed()) = 0;
        Ok(true)
    }

    /// An INIT that is sent again changes nothing.
    fn note_init(&mut self, chunk: Chunk<'_>, direction: CtDirection) -> Result<(), Wrong> {
        let tag = chunk.initiate_tag().ok_or(Wrong)?;
        if self.tag(direction.reversed()) == tag {
            return Ok(());
        }
        *self.tag_mut(direction.reversed()) = tag;
        let restarted = self.initiated == [true, true];
        let [original, reply] = &mut self.initiated;
        let (this, other) = match direction {
            CtDirection::Original => (original, reply),
            CtDirection::Reply => (reply, original),
        };
        *this = true;
        *other &= !restarted;
        Ok(())
    }

    fn note_init_ack(&mut self, chunk: Chunk<'_>, direction: CtDirection) -> Result<(), Wrong> {
        let tag = chunk.initiate_tag().ok_or(Wrong)?;
        let known = self.tag(direction.reversed());
        let [original, reply] = self.initiated;
        let other_initiated = match direction {
            CtDirection::Original => reply,
            CtDirection::Reply => original,
        };
        let stray = !other_initiated && known != 0 && known != tag;
        let collision = original && reply && known != tag;
        if stray || collision {
            return Err(Wrong);
        }
        *self.tag_mut(direction.reversed()) = tag;
        Ok(())
    }
}
