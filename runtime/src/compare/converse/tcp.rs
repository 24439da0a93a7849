// SPDX-License-Identifier: GPL-3.0-or-later
//! What the ends of a TCP connection say: mostly what a stack would, sometimes what none should.

use fastrand::Rng;
use ringwall_ir::words::TcpFlags;

use super::place::choose;
use super::talk::Side;
use crate::packet::Packet;
use crate::packet::build::{Build, Segment};
use crate::packet::wire::number32;

const SYN: TcpFlags = TcpFlags::SYN;
const ACK: TcpFlags = TcpFlags::ACK;

/// A connection.
#[derive(Clone, Debug)]
pub struct Tcp {
    ends: [Half; 2],
    /// The last segment of each end, to be sent again.
    last: [Option<Vec<u8>>; 2],
}

/// How far one end is.
#[derive(Clone, Debug)]
struct Half {
    opened: bool,
    closed: bool,
    /// The number of the next byte that it sends.
    next: u32,
    /// The number of the next byte that it expects; none before it heard anything.
    heard: Option<u32>,
    window: u16,
    /// What it offers in its SYN.
    options: Vec<u8>,
}

impl Half {
    fn draw(rng: &mut Rng) -> Self {
        const OFFERS: [&[u8]; 5] = [
            &[],
            &[2, 4, 5, 0xb4],
            &[2, 4, 5, 0xb4, 1, 3, 3, 7],
            &[2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 2],
            &[3, 3, 14, 4, 2],
        ];
        const WINDOWS: [u16; 5] = [0, 1, 1000, 64_240, 65_535];
        Self {
            opened: false,
            closed: false,
            next: *choose(&[0, 1000, 0x7fff_fff0, 0xffff_fff0], rng).unwrap_or(&0),
            heard: None,
            window: *choose(&WINDOWS, rng).unwrap_or(&1000),
            options: choose(&OFFERS, rng).map(|offer| offer.to_vec()).unwrap_or_default(),
        }
    }
}

impl Tcp {
    pub fn draw(rng: &mut Rng) -> Self {
        Self { ends: [Half::draw(rng), Half::draw(rng)], last: [None, None] }
    }

    /// The next segment of an end; a `line` is what it says, if it says anything that means something.
    pub fn say(
        &mut self,
        side: Side,
        build: Build,
        own: u16,
        other: u16,
        line: Option<Vec<u8>>,
        rng: &mut Rng,
    ) -> Vec<u8> {
        let place = usize::from(side == Side::Answerer);
        let again = self.last.get(place).cloned().flatten();
        if let Some(bytes) = again.filter(|_| rng.u8(..8) == 0) {
            return bytes;
        }
        let [opener, answerer] = &mut self.ends;
        let half = if side == Side::Opener { opener } else { answerer };
        let bytes = half.segment(build, own, other, line.as_deref(), rng);
        if let Some(last) = self.last.get_mut(place) {
            *last = Some(bytes.clone());
        }
        bytes
    }

    /// A segment reached an end.
    pub fn hear(&mut self, side: Side, packet: &Packet<'_>) {
        let [opener, answerer] = &mut self.ends;
        let half = if side == Side::Opener { opener } else { answerer };
        let (Some(flags), Some(sequence)) =
            (packet.tcp_flags(), packet.transport().and_then(|bytes| number32(bytes, 4)))
        else {
            return;
        };
        let ends = u32::from(flags.contains(SYN)) + u32::from(flags.contains(TcpFlags::FIN));
        let length = packet.payload().map_or(0, |payload| u32::try_from(payload.len()).unwrap_or(0)) + ends;
        match half.heard {
            Some(expected) if sequence != expected => {}
            _ => half.heard = Some(sequence.wrapping_add(length)),
        }
    }
}

impl Half {
    fn segment(&mut self, build: Build, own: u16, other: u16, line: Option<&[u8]>, rng: &mut Rng) -> Vec<u8> {
        const DATA: &[u8] = &[b'd'; 600];
        const DATA_KIND: u8 = 16;
        let mut segment = Segment {
            source_port: own,
            destination_port: other,
            sequence: self.next,
            acknowledgement: self.heard.unwrap_or(0),
            flags: if self.heard.is_some() { ACK } else { TcpFlags(0) },
            window: self.window,
            ..Segment::default()
        };
        let options = self.options.clone();
        if !self.opened || self.heard.is_none() {
            segment.flags = segment.flags.with(SYN);
            segment.options = &options;
            if !self.opened {
                self.next = self.next.wrapping_add(1);
            } else {
                segment.sequence = self.next.wrapping_sub(1);
            }
            self.opened = true;
            return build.tcp(&segment);
        }
        let sack = self.selective(rng);
        // Those that have something to say mostly say it.
        let kind = if line.is_some() && rng.u8(..4) > 0 { DATA_KIND } else { rng.u8(..DATA_KIND) };
        match kind {
            0 => segment.flags = TcpFlags::RST,
            1 => segment.flags = TcpFlags::RST.with(ACK),
            2 | 3 => {
                segment.flags = TcpFlags::FIN.with(ACK);
                if !self.closed {
                    self.next = self.next.wrapping_add(1);
                }
                self.closed = true;
            }
            4 => segment.sequence = self.stray(segment.sequence, rng),
            5 => segment.acknowledgement = self.stray(segment.acknowledgement, rng),
            6 => segment.options = &sack,
            7 => segment.window = *choose(&[0, 1, 500, 65_535], rng).unwrap_or(&0),
            8 => segment.flags = TcpFlags(rng.u8(..)),
            9 | 10 => {}
            _ => {
                let data = DATA.get(..rng.usize(1..DATA.len())).unwrap_or_default();
                segment.payload = line.unwrap_or(data);
                segment.flags = segment.flags.with(TcpFlags::PSH);
                self.next = self.next.wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0));
            }
        }
        build.tcp(&segment)
    }

    /// A number near an edge of what can be expected.
    fn stray(&self, from: u32, rng: &mut Rng) -> u32 {
        let window = u32::from(self.window);
        let edges = [1, 2, window, window + 1, 66_000, 2 * window, 1 << 20, 1 << 30, 1 << 31, 600];
        let by = choose(&edges, rng).copied().unwrap_or(1);
        if rng.bool() { from.wrapping_add(by) } else { from.wrapping_sub(by) }
    }

    /// An option that tells of bytes behind a hole.
    fn selective(&self, rng: &mut Rng) -> Vec<u8> {
        let first = self.heard.unwrap_or(0).wrapping_add(rng.u32(..2000));
        let last = first.wrapping_add(rng.u32(..2000));
        [&[1, 1, 5, 10][..], &first.to_be_bytes(), &last.to_be_bytes()].concat()
    }
}
