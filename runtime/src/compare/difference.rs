// SPDX-License-Identifier: GPL-3.0-or-later
//! Differences between two backends, and the shortest traffic that shows one.

use ringwall_ir::words::CtState;

use super::{Backend, BackendError};
use crate::host::Host;
use crate::observation::{Fate, Observation};
use crate::packet::wire::put;
use crate::traffic::Traffic;

/// A packet of which two backends say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The packet, by its place in the traffic.
    pub packet: usize,
    /// What differs.
    pub what: What,
    /// What the first backend saw.
    pub left: Observation,
    /// What the second backend saw.
    pub right: Observation,
}

/// What two observations of a packet differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The verdict.
    Verdict,
    /// The ct state.
    State,
    /// The packet as it left.
    Packet,
    /// What the host answered.
    Answers,
}

impl What {
    /// The difference in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::State => "ct state",
            Self::Packet => "packet that left",
            Self::Answers => "answers",
        }
    }
}

/// Every packet of which the two lists say different things.
#[must_use]
pub fn differences(left: &[Observation], right: &[Observation]) -> Vec<Difference> {
    let pairs = left.iter().zip(right).enumerate();
    pairs
        .filter_map(|(packet, (left, right))| {
            difference(left, right).map(|what| Difference { packet, what, left: left.clone(), right: right.clone() })
        })
        .collect()
}

fn difference(left: &Observation, right: &Observation) -> Option<What> {
    if left.fate != right.fate {
        return Some(What::Verdict);
    }
    if left.state != right.state {
        return Some(What::State);
    }
    let port_is_drawn = left.port_drawn || right.port_drawn;
    if let (Some(ours), Some(theirs)) = (&left.left, &right.left)
        && !port_is_drawn
        && fixed(ours) != fixed(theirs)
    {
        return Some(What::Packet);
    }
    (answers(left) != answers(right)).then_some(What::Answers)
}

/// A packet without what every host writes as it likes: the identification and the flow label, and with the first the sum of
/// the IPv4 header.
fn fixed(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    match packet.first().map(|first| first >> 4) {
        Some(4) => {
            put(&mut packet, 4, &[0, 0]);
            put(&mut packet, 10, &[0, 0]);
        }
        Some(6) => {
            let class = packet.get(1).map_or(0, |byte| byte & 0xf0);
            put(&mut packet, 1, &[class, 0, 0]);
        }
        _ => {}
    }
    packet
}

/// What is compared of the answers: how many there were, what became of each and in which ct state.
fn answers(observation: &Observation) -> Vec<(Fate, Option<CtState>)> {
    observation.answers.iter().map(|answer| (answer.fate, answer.state)).collect()
}

/// The shortest part of the traffic on which the backends still differ: packets are left out, in ever smaller pieces,
/// as long as a difference remains (delta debugging). It ends after `rounds` runs of both.
///
/// # Errors
/// What kept a backend from running.
pub fn shrink(
    left: &mut dyn Backend,
    right: &mut dyn Backend,
    host: &Host,
    traffic: &Traffic,
    rounds: usize,
) -> Result<(Traffic, Vec<Difference>), BackendError> {
    let found = differences(&left.run(host, traffic)?, &right.run(host, traffic)?);
    let mut shrinking = Shrinking { left, right, host, rounds, best: traffic.clone(), found };
    shrinking.keep_the_end()?;
    shrinking.leave_out_pieces()?;
    Ok((shrinking.best, shrinking.found))
}

struct Shrinking<'a> {
    left: &'a mut dyn Backend,
    right: &'a mut dyn Backend,
    host: &'a Host,
    rounds: usize,
    best: Traffic,
    found: Vec<Difference>,
}

impl Shrinking<'_> {
    /// Takes the traffic as the best so far if the backends still differ on it.
    fn attempt(&mut self, traffic: Traffic) -> Result<bool, BackendError> {
        self.rounds = self.rounds.saturating_sub(1);
        let found = differences(&self.left.run(self.host, &traffic)?, &self.right.run(self.host, &traffic)?);
        let differs = !found.is_empty();
        if differs {
            self.best = traffic;
            self.found = found;
        }
        Ok(differs)
    }

    /// Nothing behind the first difference has led to it, and most often only the few packets before it have.
    fn keep_the_end(&mut self) -> Result<(), BackendError> {
        let Some(first) = self.found.first() else { return Ok(()) };
        let end = first.packet + 1;
        for length in [4, 16, 64, 512, end] {
            let packets = self.best.packets.get(end.saturating_sub(length)..end).unwrap_or_default().to_vec();
            if self.rounds == 0 || self.attempt(Traffic { packets })? {
                break;
            }
        }
        Ok(())
    }

    fn leave_out_pieces(&mut self) -> Result<(), BackendError> {
        let mut piece = self.best.packets.len() / 2;
        while piece > 0 {
            let mut start = 0;
            while start < self.best.packets.len() && self.rounds > 0 {
                let mut traffic = self.best.clone();
                traffic.packets.drain(start..(start + piece).min(traffic.packets.len()));
                if !self.attempt(traffic)? {
                    start += piece;
                }
            }
            piece /= 2;
        }
        Ok(())
    }
}
