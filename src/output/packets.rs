// SPDX-License-Identifier: GPL-3.0-or-later
//! What became of packets: a table for people, a line of JSON a packet for programs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use ringwall_ir::Ruleset;
use ringwall_ir::words::{CtDirection, CtState, Direction, Hook};
use ringwall_runtime::observation::{Answer, Fate, Observation};
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::TimedPacket;
use serde::Serialize;

use super::human::plural;
use super::sentence::Sentence;
use super::table::{Align, Table};

const COLUMNS: &[(&str, Align)] = &[
    ("#", Align::Right),
    ("time", Align::Right),
    ("direction", Align::Left),
    ("packet", Align::Left),
    ("ct state", Align::Left),
    ("verdict", Align::Left),
    ("decided by", Align::Left),
];

/// The packets as a table, with the host's answers below those that caused them, and how many met which fate.
pub struct PacketTable {
    table: Table,
    fates: Fates,
}

impl PacketTable {
    /// An empty table.
    pub fn new() -> Self {
        Self { table: Table::new(COLUMNS), fates: Fates::default() }
    }

    /// Adds a packet, and gives what can be printed already.
    pub fn add(&mut self, ruleset: &Ruleset, packet: &TimedPacket, seen: &Observation) -> String {
        /// So many rows decide how wide the columns are.
        const ROWS: usize = 4096;
        let number = self.fates.note(seen.fate);
        self.table.row([
            number.to_string(),
            format!("{:.3}", packet.at.as_secs_f64()),
            seen.direction.map_or("-", Direction::name).to_owned(),
            describe(&packet.bytes),
            state(seen),
            seen.fate.map_or("-", Fate::name).to_owned(),
            decider(ruleset, seen),
        ]);
        for answer in &seen.answers {
            self.table.note(&note(ruleset, answer));
        }
        if self.table.waiting() < ROWS { String::new() } else { self.table.print() }
    }

    /// The rest of the table, and what stands below it.
    pub fn finish(mut self) -> String {
        format!("{}\n{}\n", self.table.print(), self.fates)
    }
}

/// How many packets met which fate.
#[derive(Default)]
pub struct Fates {
    counts: BTreeMap<Option<Fate>, usize>,
}

impl Fates {
    /// Counts a packet; gives how many there are.
    pub fn note(&mut self, fate: Option<Fate>) -> usize {
        *self.counts.entry(fate).or_default() += 1;
        self.total()
    }

    /// How many packets met each fate that any met.
    pub fn counts(&self) -> impl Iterator<Item = (Option<Fate>, usize)> {
        self.counts.iter().map(|(fate, count)| (*fate, *count))
    }

    /// How many packets there are.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

impl Display for Fates {
    /// `6 packets: 3 accept, 2 drop, 1 without a verdict`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let known = [Fate::Accept, Fate::Drop, Fate::Reject, Fate::Queued].map(|fate| (Some(fate), fate.name()));
        let parts: Vec<_> = known
            .into_iter()
            .chain([(None, "without a verdict")])
            .filter_map(|(fate, name)| Some(format!("{} {name}", self.counts.get(&fate)?)))
            .collect();
        let total = plural(self.total(), "packet");
        if parts.is_empty() { f.write_str(&total) } else { write!(f, "{total}: {}", parts.join(", ")) }
    }
}

/// `established reply`
pub fn state(seen: &Observation) -> String {
    match (seen.state, seen.ct_direction) {
        (None, _) => "-".to_owned(),
        (Some(state), Some(CtDirection::Reply)) => format!("{state} reply"),
        (Some(state), _) => state.to_string(),
    }
}

pub fn decider(ruleset: &Ruleset, seen: &Observation) -> String {
    match (Sentence::of(ruleset, seen.origin), &seen.reason) {
        (Some(sentence), _) => sentence.to_string(),
        (None, Some(reason)) => format!("({reason})"),
        (None, None) => "-".to_owned(),
    }
}

pub fn note(ruleset: &Ruleset, answer: &Answer) -> String {
    let fate = match (answer.fate, Sentence::of(ruleset, answer.origin)) {
        (Fate::Accept, _) => "sent".to_owned(),
        (fate, Some(sentence)) => format!("{} by {}", fate.name(), sentence),
        (fate, None) => fate.name().to_owned(),
    };
    format!("answer: {}, {fate}", describe(&answer.bytes))
}

/// One packet in one line.
pub fn describe(bytes: &[u8]) -> String {
    match Packet::parse(bytes) {
        Ok(packet) => packet.to_string(),
        Err(_) if bytes.is_empty() => "not an IP packet".to_owned(),
        Err(malformed) => format!("malformed: {malformed}"),
    }
}

/// One packet, for programs. The keys and words are part of the interface. No other object has a key `verdict`.
#[derive(Serialize)]
pub struct PacketLine<'a> {
    /// From 1, in the order of the traffic.
    packet: usize,
    /// Seconds since the first packet.
    time: f64,
    direction: Option<Direction>,
    verdict: Option<Fate>,
    state: Option<CtState>,
    ct_direction: Option<CtDirection>,
    /// The bits of the entry's status before it was confirmed.
    status: Vec<String>,
    sentence: Option<Sentence<'a>>,
    text: String,
    hooks: &'a [Hook],
    reason: Option<&'a str>,
    answers: Vec<AnswerLine<'a>>,
}

/// What the host made because of a packet.
#[derive(Serialize)]
struct AnswerLine<'a> {
    text: String,
    outcome: Fate,
    state: Option<CtState>,
    sentence: Option<Sentence<'a>>,
}

impl<'a> PacketLine<'a> {
    /// What became of the packet of this number, counted from 1.
    pub fn new(ruleset: &'a Ruleset, number: usize, packet: &TimedPacket, seen: &'a Observation) -> Self {
        let answer = |answer: &'a Answer| AnswerLine {
            text: describe(&answer.bytes),
            outcome: answer.fate,
            state: answer.state,
            sentence: Sentence::of(ruleset, answer.origin),
        };
        Self {
            packet: number,
            time: packet.at.as_secs_f64(),
            direction: seen.direction,
            verdict: seen.fate,
            state: seen.state,
            ct_direction: seen.ct_direction,
            status: seen.status.names().map(str::to_ascii_lowercase).collect(),
            sentence: Sentence::of(ruleset, seen.origin),
            text: describe(&packet.bytes),
            hooks: &seen.hooks,
            reason: seen.reason.as_deref(),
            answers: seen.answers.iter().map(answer).collect(),
        }
    }
}
