// SPDX-License-Identifier: GPL-3.0-or-later
//! Drawing traffic as it happens: conversations between hosts around the machine, with losses, packets out of order, sent
//! again, forged, spoiled and cut into fragments, and with errors about them.
//!
//! The ends answer what reached them, with the addresses and ports that they saw: so the machine runs while the traffic is
//! drawn, and what it let through, and how it translated it, is what the ends know. The traffic is then fixed, and anybody
//! can be given it.

mod datagram;
mod invite;
mod mischief;
mod place;
mod talk;
mod tcp;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use fastrand::Rng;
use ringwall_ir::words::Family;

use self::place::Places;
pub(super) use self::place::choose;
use self::talk::{Side, Talk};
use crate::engine::{Machine, Ruling};
use crate::host::Host;
use crate::traffic::{Entry, Sender, TimedPacket, Traffic};

/// What kind of traffic is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many packets, about.
    pub packets: usize,
    /// How many conversations are under way at a time.
    pub talks: usize,
    /// Whether time passes between packets, in whole seconds: timeouts end then, and limits fill.
    pub time_passes: bool,
    /// Whether most conversations are such as helpers read.
    pub helped: bool,
    /// Another seed draws other traffic.
    pub seed: u64,
}

/// Draws traffic for a host under a ruling. The same plan draws the same traffic.
pub fn converse<R: Ruling>(host: &Host, ruling: R, plan: Plan) -> Traffic {
    let mut drawer = Drawer {
        places: Places::around(host),
        machine: Machine::new(host, ruling),
        rng: Rng::with_seed(plan.seed),
        plan,
        now: Duration::ZERO,
        talks: Vec::new(),
        opened: 0,
        late: VecDeque::new(),
        seen: VecDeque::new(),
        packets: Vec::new(),
    };
    while drawer.packets.len() < plan.packets {
        drawer.step();
    }
    Traffic { packets: drawer.packets }
}

struct Drawer<R> {
    places: Places,
    machine: Machine<R>,
    rng: Rng,
    plan: Plan,
    now: Duration,
    talks: Vec<Talk>,
    /// How many conversations were opened so far.
    opened: u16,
    /// Packets that are under way for longer, and the talk and the end that they are for.
    late: VecDeque<(TimedPacket, Option<(usize, Side)>)>,
    /// The last packets: as they came, and as they left, if they did.
    seen: VecDeque<(TimedPacket, Option<Vec<u8>>)>,
    packets: Vec<TimedPacket>,
}

impl<R: Ruling> Drawer<R> {
    fn step(&mut self) {
        if self.plan.time_passes && self.chance(40) {
            const WAITS: [u64; 12] = [1, 1, 2, 3, 5, 10, 11, 30, 31, 60, 120, 300];
            let wait = choose(&WAITS, &mut self.rng).copied().unwrap_or(1);
            self.now += Duration::from_secs(wait);
        }
        if self.talks.len() < self.plan.talks {
            self.open();
        }
        if self.chance(9) {
            self.mischief();
            return;
        }
        if !self.late.is_empty() && self.chance(4) {
            if let Some((packet, end)) = self.late.pop_front() {
                self.emit(packet.bytes, &packet.entry, end);
            }
            return;
        }
        let place = self.rng.usize(..self.talks.len().max(1));
        self.go_on(place);
    }

    /// Opens a conversation, in the place of one that came to its end.
    fn open(&mut self) {
        let talk = Talk::draw(&mut self.rng, &self.places, self.opened, self.plan.helped);
        self.opened = self.opened.wrapping_add(1);
        self.talks.push(talk);
    }

    /// One end of a conversation says something.
    fn go_on(&mut self, place: usize) {
        let Some(talk) = self.talks.get_mut(place) else { return };
        let side = talk.speaker(&mut self.rng);
        let said = talk.say(side, &mut self.rng);
        let entry = talk.entry(side);
        let over = talk.is_over(&mut self.rng);
        if let Some((bytes, entry)) = said.zip(entry) {
            let end = Some((place, side.other()));
            match self.rng.u8(..32) {
                // Lost on the way to the host.
                0 => {}
                // Overtaken by others.
                1 | 2 => self.late.push_back((self.timed(bytes, &entry), end)),
                // Doubled on the way.
                3 => {
                    self.emit(bytes.clone(), &entry, end);
                    self.emit(bytes, &entry, end);
                }
                // The kernel's reassembly sees no time that did not pass.
                4 if !self.plan.time_passes && self.may_fragment(&entry) => self.emit_in_fragments(&bytes, &entry, end),
                _ => self.emit(bytes, &entry, end),
            }
        }
        if over {
            self.talks.swap_remove(place);
            self.late.retain(|(_, end)| end.is_none_or(|(other, _)| other != place && other != self.talks.len()));
        }
    }

    /// What is put together at output and led back to the host is cut into fragments again on `lo`: the harness sees them as
    /// packets of their own.
    fn may_fragment(&self, entry: &Entry) -> bool {
        *entry != Entry::Sent || !Family::ALL.into_iter().any(|family| self.machine.ruling().translates(family))
    }

    fn emit_in_fragments(&mut self, bytes: &[u8], entry: &Entry, end: Option<(usize, Side)>) {
        let mut pieces = mischief::fragments(bytes, &mut self.rng);
        if self.chance(3) {
            pieces.reverse();
        }
        for piece in pieces {
            self.emit(piece, entry, end);
        }
    }

    /// Sends a packet through the machine; what left it may reach the other end.
    fn emit(&mut self, bytes: Vec<u8>, entry: &Entry, end: Option<(usize, Side)>) {
        const REMEMBERED: usize = 32;
        let packet = self.timed(bytes, entry);
        let seen = self.machine.run_packet(&packet);
        let lost = self.chance(16);
        // Nobody can answer a port that is another one each time.
        let left = seen.left.filter(|_| !seen.port_drawn);
        if let (Some(left), Some((place, side)), false) = (&left, end, lost)
            && let Some(talk) = self.talks.get_mut(place)
        {
            let invited = talk.hear(side, left, &self.places, &mut self.rng);
            self.talks.extend(invited);
        }
        self.packets.push(packet.clone());
        self.seen.push_back((packet, left));
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
    }

    fn timed(&self, bytes: Vec<u8>, entry: &Entry) -> TimedPacket {
        TimedPacket { at: self.now, entry: entry.clone(), bytes, refused: false, sender: Sender::default() }
    }

    /// True once in so many times.
    fn chance(&mut self, one_in: u32) -> bool {
        self.rng.u32(..one_in) == 0
    }
}
