// SPDX-License-Identifier: GPL-3.0-or-later
//! Traffic scripts: traffic as text, one line a packet, to be read and reviewed by people.
//!
//! ```text
//! host 10.0.0.1/24 on eth0
//!
//! # The host asks a name server; a router says that nobody is there.
//! 0.000  out udp 10.0.0.1:5000 > 10.0.0.99:53 data 29 as query                      expect accept new
//! +0.010 in  icmp 10.0.0.99 > 10.0.0.1 destination-unreachable code 3 about query  expect drop related
//! ```
//!
//! A line is `TIME in|out [on INTERFACE] PACKET [as LABEL] [refused] [expect [VERDICT] [STATE]]`; those at the top
//! describe the [`Host`]. `docs/traffic.md` is the reference.
//!
//! Reading never fails: it gives what it could read, and an error for each line that it could not.

mod flows;
mod host;
mod icmp;
mod line;
mod packet;
mod sctp;
mod tcp;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use ringwall_ir::words::CtState;
use thiserror::Error;

use self::host::Description;
pub(crate) use self::host::{SYSCTLS, default_routes};
use self::packet::Context;
use self::words::{Problem, Words};
use super::entry::{self, LOOPBACK};
use super::{Entry, Sender, TimedPacket, Traffic};
use crate::host::{Host, UnknownWord};
use crate::observation::Fate;
use crate::packet::Packet;
use crate::packet::wire::address;

/// A traffic script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// The host that it describes, if it does.
    pub host: Option<Host>,
    /// The packets.
    pub traffic: Traffic,
    /// What is expected of each packet, in their order.
    pub expectations: Vec<Option<Expected>>,
    /// The line of each packet, in their order, counted from 1.
    pub lines: Vec<u32>,
}

/// What is expected of a packet; what is not said may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What becomes of it.
    pub verdict: Option<Fate>,
    /// Its ct state.
    pub state: Option<CtState>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// How it could be right.
    pub help: Option<String>,
    /// A word that is none of those that may stand there.
    pub unknown: Option<UnknownWord>,
}

/// Reads a traffic script. The host decides on which interface a packet arrives where the line does not say it; a host
/// that the script describes takes the place of the one given.
#[must_use]
pub fn read_script(text: &str, host: &Host) -> (Script, Vec<ScriptError>) {
    let mut reader = Reader {
        given: host,
        described: Description::default(),
        context: Context::default(),
        script: Script::default(),
    };
    let mut errors = Vec::new();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    for (line, words) in (1..).zip(text.lines().map(Words::of)) {
        if let Err(Problem { message, help, unknown }) = reader.read_line(words, line) {
            errors.push(ScriptError { line, message: printable(&message), help, unknown });
        }
    }
    (Script { host: reader.described.host, ..reader.script }, errors)
}

/// Some editors write it in front of UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A message in which words of the script stand, whatever they hold: without control characters, and not too long.
fn printable(message: &str) -> String {
    const LONGEST: usize = 160;
    let escaped = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    let mut text: String = message.chars().take(LONGEST).map(escaped).collect();
    if message.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

/// A script that is being read.
struct Reader<'a> {
    given: &'a Host,
    described: Description,
    context: Context,
    script: Script,
}

impl Reader<'_> {
    fn read_line(&mut self, mut words: Words<'_>, line: u32) -> Result<(), Problem> {
        let Some(first) = words.peek() else { return Ok(()) };
        if !host::OPENERS.contains(&first) {
            return self.read_packet(words, line);
        }
        if !self.script.traffic.packets.is_empty() {
            return Err(Problem::new(format!("`{first}` stands behind a packet"))
                .help("describe the host before the first packet"));
        }
        words.next();
        self.described.read(first, &mut words)?;
        nothing_left(words)
    }

    fn read_packet(&mut self, mut words: Words<'_>, line: u32) -> Result<(), Problem> {
        let at = self.time(words.expect("a time")?)?;
        let place = Place::read(&mut words)?;
        let bytes = packet::read(&mut words, &self.context)?;
        let entry = self.entry(place, &bytes)?;
        let label = if words.eat("as") { Some(self.label(&mut words)?) } else { None };
        let refused = words.eat("refused");
        let expected = if words.eat("expect") { Some(Expected::read(&mut words)?) } else { None };
        nothing_left(words)?;

        self.context.flows.note(&bytes);
        if let Some(label) = label {
            self.context.labels.insert(label.to_owned(), bytes.clone());
        }
        self.script.traffic.packets.push(TimedPacket { at, entry, bytes, refused, sender: Sender::default() });
        self.script.expectations.push(expected);
        self.script.lines.push(line);
        Ok(())
    }

    /// A label that no packet has yet.
    fn label<'a>(&self, words: &mut Words<'a>) -> Result<&'a str, Problem> {
        let label = words.expect("a label")?;
        if self.context.labels.contains_key(label) {
            return Err(Problem::new(format!("the label `{label}` is taken already")));
        }
        Ok(label)
    }

    /// `1.5`, or `+0.5` since the packet before.
    fn time(&self, word: &str) -> Result<Duration, Problem> {
        let before = self.script.traffic.packets.last().map_or(Duration::ZERO, |packet| packet.at);
        let relative = word.strip_prefix('+');
        let read = read_time(relative.unwrap_or(word));
        let said = read.ok_or_else(|| {
            Problem::new(format!("`{word}` is not a time"))
                .help("a packet's line starts with its time in seconds, as in 1.5, or +0.5 since the packet before")
                .instead_of(word, host::OPENERS)
        })?;
        let at = if relative.is_some() { before.checked_add(said) } else { Some(said) };
        match at {
            Some(at) if at >= before => Ok(at),
            Some(_) => Err(Problem::new(format!("time {word} is earlier than that of the packet before"))),
            None => Err(Problem::new(format!("time {word} is too far away"))),
        }
    }

    fn entry(&self, place: Place<'_>, packet: &[u8]) -> Result<Entry, Problem> {
        let host = self.described.host.as_ref().unwrap_or(self.given);
        match place {
            Place::Out => Ok(Entry::Sent),
            Place::In(Some(name)) if name == LOOPBACK || host.interface(name).is_some() => {
                Ok(Entry::Arrives(name.to_owned()))
            }
            Place::In(Some(name)) => {
                let names: Vec<_> = host.interfaces.iter().map(|interface| interface.name.as_str()).collect();
                Err(Problem::new(format!("the host has no interface `{name}`"))
                    .help(format!("it has {}", names.join(", ")))
                    .instead_of(name, names))
            }
            Place::In(None) => {
                let source = Packet::parse(packet).ok().map(|packet| address(packet.family(), packet.source()));
                Ok(Entry::Arrives(entry::interface_towards(source, host).to_owned()))
            }
        }
    }
}

/// Where a line says that its packet comes from.
#[derive(Clone, Copy)]
enum Place<'a> {
    In(Option<&'a str>),
    Out,
}

impl<'a> Place<'a> {
    fn read(words: &mut Words<'a>) -> Result<Self, Problem> {
        match words.expect("`in` or `out`")? {
            "out" => Ok(Self::Out),
            "in" if words.eat("on") => words.expect("the name of an interface").map(|name| Self::In(Some(name))),
            "in" => Ok(Self::In(None)),
            word => Err(Problem::new(format!("`in` or `out` is expected, not `{word}`"))
                .help("`in` arrives from the network, for the host or through it; `out` is sent by the host")
                .instead_of(word, ["in", "out"])),
        }
    }
}

fn nothing_left(mut words: Words<'_>) -> Result<(), Problem> {
    match words.next() {
        None => Ok(()),
        Some(word) => {
            Err(Problem::new(format!("the line goes on behind its end, with `{word}`"))
                .instead_of(word, Expected::words()))
        }
    }
}

const VERDICTS: [Fate; 4] = [Fate::Accept, Fate::Drop, Fate::Reject, Fate::Queued];

impl Expected {
    /// All that can be expected.
    fn words() -> impl Iterator<Item = &'static str> {
        VERDICTS.map(Fate::name).into_iter().chain(CtState::ALL.map(CtState::name))
    }

    fn read(words: &mut Words<'_>) -> Result<Self, Problem> {
        let first = words.peek().unwrap_or_default();
        let verdict = words.peek().and_then(|word| VERDICTS.into_iter().find(|verdict| verdict.name() == word));
        if verdict.is_some() {
            words.next();
        }
        let state = words.peek().and_then(|word| CtState::ALL.into_iter().find(|state| state.name() == word));
        if state.is_some() {
            words.next();
        }
        match (verdict, state) {
            (None, None) => Err(Problem::new("`expect` needs a verdict, a ct state, or both")
                .help(format!(
                    "verdicts are {}; states are {}",
                    VERDICTS.map(Fate::name).join(", "),
                    CtState::ALL.map(CtState::name).join(", ")
                ))
                .instead_of(first, Self::words())),
            _ => Ok(Self { verdict, state }),
        }
    }

    fn write(self) -> String {
        let words = [Some("expect"), self.verdict.map(Fate::name), self.state.map(CtState::name)];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Digits of a fraction of a second, down to nanoseconds.
const FRACTION: usize = 9;

fn read_time(word: &str) -> Option<Duration> {
    let (seconds, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > FRACTION {
        return None;
    }
    Some(Duration::new(seconds.parse().ok()?, format!("{fraction:0<FRACTION$}").parse().ok()?))
}

/// A time in seconds, with as many digits as it needs: three, six or nine.
fn write_time(time: Duration) -> String {
    let (seconds, fraction) = (time.as_secs(), time.subsec_nanos());
    match fraction {
        _ if fraction % 1_000_000 == 0 => format!("{seconds}.{:03}", fraction / 1_000_000),
        _ if fraction % 1000 == 0 => format!("{seconds}.{:06}", fraction / 1000),
        _ => format!("{seconds}.{fraction:09}"),
    }
}

/// Writes a traffic script, so that [`read_script`] reads the same host, traffic and expectations. What words cannot say
/// of a packet is written as hexadecimal digits.
#[must_use]
pub fn write_script(script: &Script) -> String {
    let mut text = String::new();
    let description = script.host.as_ref().map(host::write).unwrap_or_default();
    for line in &description {
        text += line;
        text.push('\n');
    }
    if !description.is_empty() && !script.traffic.packets.is_empty() {
        text.push('\n');
    }
    let mut context = Context::default();
    let expectations = script.expectations.iter().copied().chain(std::iter::repeat(None));
    for (packet, expected) in script.traffic.packets.iter().zip(expectations) {
        text += &write_packet(packet, expected, &context);
        text.push('\n');
        context.flows.note(&packet.bytes);
    }
    text
}

fn write_packet(packet: &TimedPacket, expected: Option<Expected>, context: &Context) -> String {
    let place = match &packet.entry {
        Entry::Sent => "out".to_owned(),
        Entry::Arrives(interface) => format!("in on {interface}"),
    };
    let mut line = format!("{} {place} {}", write_time(packet.at), packet::write(&packet.bytes, context));
    if packet.refused {
        line += " refused";
    }
    if let Some(expected) = expected {
        line += &format!(" {}", expected.write());
    }
    line
}

impl From<Traffic> for Script {
    /// A script that says what the traffic is, and expects nothing of it.
    fn from(traffic: Traffic) -> Self {
        let lines = (1..).take(traffic.packets.len()).collect();
        Self { host: None, expectations: vec![None; traffic.packets.len()], lines, traffic }
    }
}
