// SPDX-License-Identifier: GPL-3.0-or-later
//! What a verification found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use ringwall_compiler::verify::{BackendReport, Example, MACHINE, Report, SentenceReport};
use ringwall_ir::words::CtState;
use ringwall_ir::{Origin, OriginId};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::compare::difference::{Difference, What};
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Entry, TimedPacket};
use serde::Serialize;

use super::backends::Timed;
use crate::failure::Failure;
use crate::output::human::plural;
use crate::output::json;
use crate::output::table::{Align, Table, squeezed, wrapped};
use crate::subject::Subject;

/// The report for people.
pub fn human(subject: &Subject, report: &Report, seed: u64, timed: &[Timed]) -> String {
    let mut out = format!("{}: {}, seed {seed}\n\n", subject.title(), plural(report.packets, "packet"));
    out.push_str(&backends(report, timed));
    out.push('\n');
    out.push_str(&sentences(subject, report));
    for backend in &report.backends {
        if let Some(example) = &backend.example {
            out.push_str(&told(subject, &backend.name, example));
        }
    }
    out.push('\n');
    out.push_str(&conclusion(report));
    out
}

fn backends(report: &Report, timed: &[Timed]) -> String {
    let mut table = Table::new(&[("backend", Align::Left), ("result", Align::Left), ("packets/s", Align::Right)]);
    for backend in &report.backends {
        let result = match (&backend.unavailable, backend.differences) {
            (Some(_), _) => "left out".to_owned(),
            (None, _) if backend.name == MACHINE => "the others are compared with it".to_owned(),
            (None, 0) => "agrees".to_owned(),
            (None, count) => format!("decides {} otherwise", plural(count, "packet")),
        };
        let rate = timed.iter().find(|other| other.name() == backend.name).and_then(Timed::rate);
        table.row([backend.name.clone(), result, rate.map_or_else(String::new, |rate| format!("{rate:.0}"))]);
        for line in backend.unavailable.iter().flat_map(|reasons| left_out(reasons)) {
            table.note(&line);
        }
    }
    table.print()
}

/// Why a backend was left out: each reason in lines of its own, and of many how many more there are.
fn left_out(reasons: &str) -> Vec<String> {
    const WIDTH: usize = 78;
    const MOST: usize = 5;
    let mut all: Vec<(&str, usize)> = Vec::new();
    for reason in reasons.split("; ") {
        match all.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => all.push((reason, 1)),
        }
    }
    let told = all.iter().take(MOST).flat_map(|(reason, count)| {
        let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
        let lines = wrapped(&format!("{reason}{times}"), WIDTH).into_iter().enumerate();
        lines.map(|(place, line)| if place == 0 { line } else { format!("  {line}") })
    });
    let more = all.len().saturating_sub(MOST);
    told.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

/// What each sentence decided in each ct state; a sentence that decided nothing says why.
fn sentences(subject: &Subject, report: &Report) -> String {
    const LONGEST: usize = 60;

    let states = CtState::ALL.map(|state| (state.name(), Align::Right));
    let mut table = Table::new(&[&[("decided by", Align::Left)][..], &states].concat());
    for sentence in &report.sentences {
        let counts =
            CtState::ALL.map(|state| sentence.tally.decided.get(&state).map_or_else(String::new, usize::to_string));
        table.row([vec![squeezed(&told_by(subject, sentence.origin), LONGEST)], counts.to_vec()].concat());
        if sentence.is_unreached() {
            table.note("no packet reached it");
        } else if sentence.tally.decided.is_empty() {
            let by: Vec<_> = sentence.tally.covered.keys().map(|&origin| named(subject, origin)).collect();
            table.note(&format!("covered: all of its packets were decided before it, by {}", by.join(", ")));
        }
    }
    table.print()
}

fn conclusion(report: &Report) -> String {
    let unreached = report.sentences.iter().filter(|sentence| sentence.is_unreached()).count();
    let mut words = plural(report.differences(), "difference");
    if unreached > 0 {
        let _ = write!(words, ", {} that no packet reached", plural(unreached, "sentence"));
    }
    let missing = report.backends.iter().filter(|backend| backend.unavailable.is_some()).count();
    if missing > 0 {
        let _ = write!(words, ", {} left out", plural(missing, "backend"));
    }
    words.push('\n');
    words
}

/// A difference: the shortest traffic that shows it, and what both sides say of it.
fn told(subject: &Subject, backend: &str, example: &Example) -> String {
    let mut out = format!("\n{backend} and {MACHINE} differ on this traffic:\n");
    /// So many packets are read by a person.
    const MOST: usize = 40;
    let before = example.batch.traffic.packets.len().saturating_sub(MOST);
    if before > 0 {
        let _ = writeln!(out, "  ({} before these)", plural(before, "packet"));
    }
    for (number, packet) in example.batch.traffic.packets.iter().enumerate().skip(before) {
        let _ = writeln!(out, "  {:>3}  {}", number + 1, describe(packet));
        for difference in example.differences.iter().filter(|difference| difference.packet == number) {
            let Difference { what, left, right, .. } = difference;
            let _ = writeln!(out, "       {} differs", what.name());
            let _ = writeln!(out, "         {MACHINE}: {}", seen(subject, left));
            let _ = writeln!(out, "         {backend}: {}", seen(subject, right));
            if *what == What::Packet {
                out += &bytes(left.left.as_deref(), right.left.as_deref(), backend);
            }
        }
    }
    out
}

/// Two packets from the first byte on that is not the same in both.
fn bytes(left: Option<&[u8]>, right: Option<&[u8]>, backend: &str) -> String {
    const LONGEST: usize = 24;
    let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
    let same = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let hex = |packet: &[u8]| {
        let shown: String = packet.iter().skip(same).take(LONGEST).map(|byte| format!("{byte:02x}")).collect();
        let words = Packet::parse(packet).map_or_else(|error| error.to_string(), |packet| packet.to_string());
        format!("{words}, {} bytes, from byte {same}: {shown}", packet.len())
    };
    format!("         {MACHINE}: {}\n         {backend}: {}\n", hex(left), hex(right))
}

fn describe(packet: &TimedPacket) -> String {
    let entry = match &packet.entry {
        Entry::Arrives(interface) => format!("arrives on {interface}"),
        Entry::Sent => "sent".to_owned(),
    };
    let words = Packet::parse(&packet.bytes).map_or_else(|error| error.to_string(), |parsed| parsed.to_string());
    let refused = if packet.refused { ", refused by another table" } else { "" };
    format!("{words}, {entry}{refused}")
}

fn seen(subject: &Subject, observation: &Observation) -> String {
    let mut words = observation.fate.map_or("nothing", Fate::name).to_owned();
    if let Some(state) = observation.state {
        let _ = write!(words, ", {state}");
    }
    if let Some(origin) = observation.origin {
        let (id, text) = self::words(subject, origin);
        let _ = match id {
            "" => write!(words, ", by `{text}`"),
            id => write!(words, ", by {id} `{text}`"),
        };
    }
    if let Some(reason) = &observation.reason {
        let _ = write!(words, ", {reason}");
    }
    for answer in &observation.answers {
        let answered = Packet::parse(&answer.bytes).map_or_else(|error| error.to_string(), |parsed| parsed.to_string());
        let _ = write!(words, "; answer {answered}: {}", answer.fate.name());
        if let Some(state) = answer.state {
            let _ = write!(words, ", {state}");
        }
    }
    words
}

/// What a sentence is called, and what it says. A rule of somebody's ruleset is called by its place.
fn words(subject: &Subject, origin: OriginId) -> (&str, &str) {
    let found = subject.ruleset.origin(origin);
    found.map_or(("?", ""), |origin| (origin.place().unwrap_or(&origin.id), origin.text.as_str()))
}

/// What a sentence says, behind its place where that is all that it is called by.
fn told_by(subject: &Subject, origin: OriginId) -> String {
    let place = subject.ruleset.origin(origin).and_then(Origin::place);
    let (_, text) = words(subject, origin);
    place.map_or_else(|| text.to_owned(), |place| format!("{place}: {text}"))
}

/// A sentence by its id; what is not of a policy has none.
fn named(subject: &Subject, origin: OriginId) -> String {
    match words(subject, origin) {
        ("", text) => format!("`{text}`"),
        (id, _) => id.to_owned(),
    }
}

/// The report for programs.
#[derive(Serialize)]
struct JsonReport<'a> {
    policy: Option<&'a str>,
    packets: usize,
    seed: u64,
    differences: usize,
    backends: Vec<&'a str>,
    left_out: BTreeMap<&'a str, &'a str>,
    sentences: Vec<JsonSentence<'a>>,
    examples: Vec<JsonExample<'a>>,
}

#[derive(Serialize)]
struct JsonSentence<'a> {
    id: &'a str,
    text: &'a str,
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    decided: BTreeMap<&'static str, usize>,
    covered_by: BTreeMap<&'a str, usize>,
    unreached: bool,
}

#[derive(Serialize)]
struct JsonExample<'a> {
    backend: &'a str,
    differences: usize,
    traffic: Vec<String>,
    machine: Vec<String>,
    other: Vec<String>,
}

/// The report for programs: one object.
///
/// # Errors
/// What keeps it from being written as JSON.
pub fn json(subject: &Subject, report: &Report, seed: u64) -> Result<String, Failure> {
    let ran = |backend: &&BackendReport| backend.unavailable.is_none();
    let left_out = |backend: &'_ BackendReport| backend.unavailable.is_some();
    json::line(&JsonReport {
        policy: subject.policy.as_ref().map(|policy| policy.name.as_str()),
        packets: report.packets,
        seed,
        differences: report.differences(),
        backends: report.backends.iter().filter(ran).map(|backend| backend.name.as_str()).collect(),
        left_out: report
            .backends
            .iter()
            .filter(|backend| left_out(backend))
            .map(|backend| (backend.name.as_str(), backend.unavailable.as_deref().unwrap_or_default()))
            .collect(),
        sentences: report.sentences.iter().map(|sentence| json_sentence(subject, sentence)).collect(),
        examples: report.backends.iter().filter_map(|backend| json_example(subject, backend)).collect(),
    })
}

fn json_sentence<'a>(subject: &'a Subject, sentence: &SentenceReport) -> JsonSentence<'a> {
    let origin = subject.ruleset.origin(sentence.origin);
    JsonSentence {
        id: name(subject, sentence.origin),
        text: origin.map_or("", |origin| origin.text.as_str()),
        line: origin.map(|origin| origin.line).filter(|line| *line > 0),
        place: origin.and_then(Origin::place),
        decided: sentence.tally.decided.iter().map(|(state, &count)| (state.name(), count)).collect(),
        covered_by: sentence.tally.covered.iter().map(|(&origin, &count)| (name(subject, origin), count)).collect(),
        unreached: sentence.is_unreached(),
    }
}

fn name(subject: &Subject, origin: OriginId) -> &str {
    subject.ruleset.origin(origin).map_or("?", Origin::name)
}

fn json_example<'a>(subject: &Subject, backend: &'a BackendReport) -> Option<JsonExample<'a>> {
    let example = backend.example.as_ref()?;
    Some(JsonExample {
        backend: &backend.name,
        differences: backend.differences,
        traffic: example.batch.traffic.packets.iter().map(describe).collect(),
        machine: example.differences.iter().map(|difference| seen(subject, &difference.left)).collect(),
        other: example.differences.iter().map(|difference| seen(subject, &difference.right)).collect(),
    })
}
