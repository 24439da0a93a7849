// SPDX-License-Identifier: GPL-3.0-or-later
//! Differences between two backends, and the shortest traffic that shows one.

use ringwall_ir::words::CtState;

use super::{Backend, BackendError};
use crate::host::Host;
use crate::observation::{Fate, Observation};
use crate::packet::wire::put;
use crate::traffic::{TimedPacket, Traffic};

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

/// What a run of a backend counts for, besides its packets: so many packets take as long as it takes to begin.
const BEGINNING: usize = 1000;

/// The shortest part of the traffic on which the backends still differ: packets are left out, in ever smaller pieces,
/// as long as a difference remains (delta debugging). `found` is what they differ in on the whole of it.
///
/// It ends before the two of them were asked about more than `asks` packets, each run counting for [`BEGINNING`] more, and gives
/// what it has by then. Where not even the part up to the first difference can be asked about, that part is given as it is.
///
/// # Errors
/// What kept a backend from running.
pub fn shrink(
    left: &mut dyn Backend,
    right: &mut dyn Backend,
    host: &Host,
    traffic: &Traffic,
    found: &[Difference],
    asks: usize,
) -> Result<(Traffic, Vec<Difference>), BackendError> {
    let Some(first) = found.first() else { return Ok((traffic.clone(), Vec::new())) };
    // Nothing behind the first difference has led to it.
    let end = first.packet.saturating_add(1).min(traffic.packets.len());
    let before = Traffic { packets: traffic.packets.get(..end).unwrap_or_default().to_vec() };
    let mut shrinking = Shrinking { left, right, host, asks, best: before, found: vec![first.clone()] };
    shrinking.keep_the_end()?;
    shrinking.leave_out_pieces()?;
    Ok((shrinking.best, shrinking.found))
}

struct Shrinking<'a> {
    left: &'a mut dyn Backend,
    right: &'a mut dyn Backend,
    host: &'a Host,
    /// How many packets may still be asked about.
    asks: usize,
    best: Traffic,
    found: Vec<Difference>,
}

/// What an attempt to do with less led to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// The backends still differ: it is the best so far.
    Differs,
    /// They agree.
    Agrees,
    /// That would be too many packets to ask about.
    TooDear,
}

impl Shrinking<'_> {
    /// Takes the traffic as the best so far if the backends still differ on it.
    fn attempt(&mut self, packets: Vec<TimedPacket>) -> Result<Attempt, BackendError> {
        let price = 2 * (packets.len() + BEGINNING);
        let Some(rest) = self.asks.checked_sub(price) else { return Ok(Attempt::TooDear) };
        self.asks = rest;
        let traffic = Traffic { packets };
        let found = differences(&self.left.run(self.host, &traffic)?, &self.right.run(self.host, &traffic)?);
        if found.is_empty() {
            return Ok(Attempt::Agrees);
        }
        self.best = traffic;
        self.found = found;
        Ok(Attempt::Differs)
    }

    /// Most often only the few packets before a difference have led to it.
    fn keep_the_end(&mut self) -> Result<(), BackendError> {
        let all = self.best.packets.clone();
        for length in [4, 16, 64, 512, 4096, 32_768] {
            if length >= all.len() {
                break;
            }
            let last = all.get(all.len() - length..).unwrap_or_default();
            if self.attempt(last.to_vec())? != Attempt::Agrees {
                break;
            }
        }
        Ok(())
    }

    fn leave_out_pieces(&mut self) -> Result<(), BackendError> {
        let mut piece = self.best.packets.len() / 2;
        while piece > 0 {
            let mut start = 0;
            while start < self.best.packets.len() {
                let mut packets = self.best.packets.clone();
                packets.drain(start..(start + piece).min(packets.len()));
                match self.attempt(packets)? {
                    Attempt::Differs => {}
                    Attempt::Agrees => start += piece,
                    Attempt::TooDear => return Ok(()),
                }
            }
            piece /= 2;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::traffic::{Entry, Sender};

    /// Sees a packet dropped if it is marked and another with the other mark came before, and counts what it is asked.
    struct Pair {
        sees: bool,
        asked: usize,
    }

    const CAUSE: u8 = 1;
    const EFFECT: u8 = 2;

    impl Backend for Pair {
        fn name(&self) -> &'static str {
            "pair"
        }

        fn run(&mut self, _: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError> {
            self.asked += traffic.packets.len();
            let mut caused = false;
            let seen = traffic.packets.iter().map(|packet| {
                caused |= packet.bytes == [CAUSE];
                let drops = self.sees && caused && packet.bytes == [EFFECT];
                Observation { fate: Some(if drops { Fate::Drop } else { Fate::Accept }), ..Observation::unseen() }
            });
            Ok(seen.collect())
        }
    }

    fn shrunk(traffic: &Traffic, asks: usize) -> (Traffic, Vec<Difference>, usize) {
        let host = Host::with_addresses(&[]);
        let (mut left, mut right) = (Pair { sees: true, asked: 0 }, Pair { sees: false, asked: 0 });
        let found = differences(&left.run(&host, traffic).unwrap(), &right.run(&host, traffic).unwrap());
        (left.asked, right.asked) = (0, 0);
        let (best, found) = shrink(&mut left, &mut right, &host, traffic, &found, asks).unwrap();
        (best, found, left.asked + right.asked)
    }

    /// So many packets, a cause at one place and effects at others.
    fn traffic(length: usize, cause: usize, effects: &[usize]) -> Traffic {
        let packet = |place| TimedPacket {
            at: Duration::ZERO,
            entry: Entry::Sent,
            bytes: vec![if place == cause {
                CAUSE
            } else if effects.contains(&place) {
                EFFECT
            } else {
                0
            }],
            refused: false,
            sender: Sender::default(),
        };
        Traffic { packets: (0..length).map(packet).collect() }
    }

    #[test]
    fn what_leads_to_a_difference_is_left() {
        let (best, found, _) = shrunk(&traffic(5000, 7, &[4000, 4500]), 1_000_000);
        assert_eq!(best.packets.iter().map(|packet| packet.bytes[0]).collect::<Vec<_>>(), [CAUSE, EFFECT]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn no_more_is_asked_than_may_be() {
        let long = traffic(200_000, 7, &[150_000, 199_000]);
        for asks in [0, 10_000, 100_000, 1_000_000] {
            let (best, found, asked) = shrunk(&long, asks);
            assert!(asked <= asks, "{asked} of {asks}");
            assert!(best.packets.len() <= 150_001 && found.len() == 1);
        }
        assert!(shrunk(&long, 1_000_000).0.packets.len() < 150_001);
    }
}
