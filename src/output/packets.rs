// SPDX-License-Identifier: GPL-3.0-or-later
//! What became of packets: a table for people, a line of JSON a packet for programs.

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
pub fn table<'a>(ruleset: &Ruleset, packets: impl IntoIterator<Item = (&'a TimedPacket, &'a Observation)>) -> String {
    let mut table = Table::new(COLUMNS);
    let mut fates = Vec::new();
    for (i, (packet, seen)) in packets.into_iter().enumerate() {
        fates.push(seen.fate);
        table.row([
            (i + 1).to_string(),
            format!("{:.3}", packet.at.as_secs_f64()),
            seen.direction.map_or("-", Direction::name).to_owned(),
            describe(&packet.bytes),
            state(seen),
            seen.fate.map_or("-", Fate::name).to_owned(),
            decider(ruleset, seen),
        ]);
        for answer in &seen.answers {
            table.note(&note(ruleset, answer));
        }
    }
    format!("{}\n{}\n", table.print(), summary(&fates))
}

/// `established reply`
fn state(seen: &Observation) -> String {
    match (seen.state, seen.ct_direction) {
        (None, _) => "-".to_owned(),
        (Some(state), Some(CtDirection::Reply)) => format!("{state} reply"),
        (Some(state), _) => state.to_string(),
    }
}

fn decider(ruleset: &Ruleset, seen: &Observation) -> String {
    match (Sentence::of(ruleset, seen.origin), &seen.reason) {
        (Some(sentence), _) => sentence.to_string(),
        (None, Some(reason)) => format!("({reason})"),
        (None, None) => "-".to_owned(),
    }
}

fn note(ruleset: &Ruleset, answer: &Answer) -> String {
    let fate = match (answer.fate, Sentence::of(ruleset, answer.origin)) {
        (Fate::Accept, _) => "sent".to_owned(),
        (fate, Some(sentence)) => format!("{} by {}", fate.name(), sentence),
        (fate, None) => fate.name().to_owned(),
    };
    format!("answer: {}, {fate}", describe(&answer.bytes))
}

/// `6 packets: 3 accept, 2 drop, 1 without a verdict`
fn summary(fates: &[Option<Fate>]) -> String {
    let known = [Fate::Accept, Fate::Drop, Fate::Reject, Fate::Queued].map(|fate| (Some(fate), fate.name()));
    let parts: Vec<_> = known
        .into_iter()
        .chain([(None, "without a verdict")])
        .map(|(fate, name)| (fates.iter().filter(|found| **found == fate).count(), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let total = plural(fates.len(), "packet");
    if parts.is_empty() { total } else { format!("{total}: {}", parts.join(", ")) }
}

/// One packet in one line.
fn describe(bytes: &[u8]) -> String {
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
    /// What became of the packet at this place of the traffic, counted from 0.
    pub fn new(ruleset: &'a Ruleset, place: usize, packet: &TimedPacket, seen: &'a Observation) -> Self {
        let answer = |answer: &'a Answer| AnswerLine {
            text: describe(&answer.bytes),
            outcome: answer.fate,
            state: answer.state,
            sentence: Sentence::of(ruleset, answer.origin),
        };
        Self {
            packet: place + 1,
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
