// SPDX-License-Identifier: GPL-3.0-or-later
//! The traffic that a subcommand is about: a capture or a traffic script, and the host that it meets.
//!
//! A capture is read while it is used: how long it is does not matter. A script is read whole, so that all its errors can
//! be told.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::rc::Rc;

use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::{
    Capture, Captured, Entry, Expected, Heading, Script, ScriptError, Source, TimedPacket, Traffic, TrafficError, open,
    read_script,
};

use crate::failure::{Failure, Fault};
use crate::host::{Guess, HostArgs, with_usual_networks};
use crate::input::{self, is_standard};
use crate::output::human::{meant, plural};
use crate::output::{talk, tell_each};

/// Traffic, and the host that it meets: its packets, in order.
pub struct TrafficFile {
    /// What the file is called in messages.
    pub name: String,
    /// The host.
    pub host: Host,
    /// How much of the file was read.
    pub reading: Reading,
    packets: Packets,
}

/// One packet of it.
pub struct Sent {
    /// The packet.
    pub packet: TimedPacket,
    /// What a script expects of it; nothing where it is from a capture.
    pub expected: Option<Expected>,
    /// The line of a script on which it stands.
    pub line: Option<u32>,
}

/// How much of a file was read, in bytes.
#[derive(Clone, Default)]
pub struct Reading {
    /// So far.
    pub read: Rc<Cell<u64>>,
    /// In all, where that is known.
    pub total: Option<u64>,
}

enum Packets {
    Script(Box<dyn Iterator<Item = Sent>>),
    Capture { first: VecDeque<Captured>, rest: Box<Capture<Box<dyn Read>>> },
}

impl TrafficFile {
    /// Reads a script, or the first packets of a capture. Where neither the user nor the script describes the host, those
    /// packets show it.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(path: &Path, arguments: &HostArgs) -> Result<Self, Failure> {
        let name = input::name(path);
        let given = arguments.described()?;
        let (reader, total) = bytes_of(path).map_err(|error| Failure::io("read", &name, &error))?;
        let reading = Reading { read: Rc::default(), total };
        let counted = Counted { reader, count: Rc::clone(&reading.read) };
        match open(counted).map_err(|error| refused(&name, &error))? {
            Source::Script(text) => Self::script(name, &text, given),
            Source::Capture(capture) => Self::capture(name, capture, given, reading),
        }
    }

    /// Traffic that was not read from a file: a script in the user's words.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_words(text: &str, arguments: &HostArgs) -> Result<Self, Failure> {
        // Such words stand on the command line: what is wrong with them is wrong usage.
        let said = |failure| match failure {
            Failure::Told { message, help, .. } => Failure::Told { message, help, fault: Fault::Elsewhere },
            Failure::BrokenPipe => Failure::BrokenPipe,
        };
        let given = arguments.described()?;
        Self::script("traffic".to_owned(), text, given).map_err(said)
    }

    fn script(name: String, text: &str, given: Option<Host>) -> Result<Self, Failure> {
        let read = |host: &Host| match read_script(text, host) {
            (script, errors) if errors.is_empty() => Ok(script),
            (_, errors) => Err(wrong(&name, &errors)),
        };
        let script = read(given.as_ref().unwrap_or(&nobody()))?;
        let (script, host) = match given.or_else(|| script.host.clone()) {
            Some(host) => (script, host),
            None => {
                let mut guess = Guess::default();
                for packet in &script.traffic.packets {
                    guess.note(&packet.bytes, Some(packet.entry == Entry::Sent));
                }
                let host = taken_for_host(&guess.addresses());
                (read(&host)?, host)
            }
        };
        Ok(Self { name, host, reading: Reading::default(), packets: Packets::Script(Box::new(sent(script))) })
    }

    fn capture(
        name: String,
        mut capture: Capture<Box<dyn Read>>,
        given: Option<Host>,
        reading: Reading,
    ) -> Result<Self, Failure> {
        let mut first = VecDeque::new();
        let host = match given {
            Some(host) => host,
            None => {
                first = beginning(&mut capture).map_err(|error| refused(&name, &error))?;
                let mut guess = Guess::default();
                for packet in &first {
                    guess.note(&packet.bytes, packet.heading.map(|heading| heading == Heading::Out));
                }
                taken_for_host(&guess.addresses())
            }
        };
        Ok(Self { name, host, reading, packets: Packets::Capture { first, rest: Box::new(capture) } })
    }

    /// All packets at once, for what looks at them more than once.
    ///
    /// # Errors
    /// The file is damaged, or holds more than can be held.
    pub fn whole(self) -> Result<(Host, Traffic), Failure> {
        const MOST_BYTES: usize = 1 << 30;
        let (host, name) = (self.host.clone(), self.name.clone());
        let mut packets = Vec::new();
        let mut bytes = 0_usize;
        for sent in self {
            let packet = sent?.packet;
            bytes = bytes.saturating_add(packet.bytes.len() + size_of::<TimedPacket>());
            if bytes > MOST_BYTES {
                let message =
                    format!("{name} holds more than {} MiB, too much to be compared at once", MOST_BYTES >> 20);
                return Err(Failure::of_input(message).help("give a part of it: `editcap -r IN OUT 1-100000`"));
            }
            packets.push(packet);
        }
        Ok((host, Traffic { packets }))
    }
}

impl Iterator for TrafficFile {
    type Item = Result<Sent, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let captured = match &mut self.packets {
            Packets::Script(script) => return script.next().map(Ok),
            Packets::Capture { first, rest } => first.pop_front().map(Ok).or_else(|| rest.next())?,
        };
        Some(match captured {
            Ok(captured) => Ok(Sent { packet: captured.meet(&self.host), expected: None, line: None }),
            Err(error) => Err(refused(&self.name, &error)),
        })
    }
}

fn sent(script: Script) -> impl Iterator<Item = Sent> {
    let rest = script.expectations.into_iter().zip(script.lines);
    script.traffic.packets.into_iter().zip(rest).map(|(packet, (expected, line))| Sent {
        packet,
        expected,
        line: Some(line),
    })
}

/// The packets of a capture that show whose it is: as many as are worth being held.
fn beginning(capture: &mut Capture<Box<dyn Read>>) -> Result<VecDeque<Captured>, TrafficError> {
    const PACKETS: usize = 20_000;
    const BYTES: usize = 16 << 20;
    let mut first = VecDeque::new();
    let mut bytes = 0;
    while first.len() < PACKETS && bytes < BYTES {
        let Some(packet) = capture.next().transpose()? else { break };
        bytes += packet.bytes.len();
        first.push_back(packet);
    }
    Ok(first)
}

/// A file that was opened, and how long it is, where that is known.
fn bytes_of(path: &Path) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    if is_standard(path) {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok((Box::new(file), about.is_file().then_some(about.len())))
}

/// Bytes that are counted while they are read.
struct Counted {
    reader: Box<dyn Read>,
    count: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}

fn refused(name: &str, error: &TrafficError) -> Failure {
    Failure::of_input(format!("{name}: {error}")).help(error.help())
}

/// Tells the errors of a script.
fn wrong(name: &str, errors: &[ScriptError]) -> Failure {
    tell_each(errors, |error| {
        talk(format!("{name}:{}: {}", error.line, error.message));
        let rest = error.help.clone().unwrap_or_default();
        let help = error.unknown.as_ref().map_or(rest.clone(), |unknown| meant(unknown, rest));
        if !help.is_empty() {
            talk(format!("  help: {help}"));
        }
    });
    Failure::of_input(format!("{name}: {} in the traffic script", plural(errors.len(), "error")))
}

/// A host without an address, for a first look at the traffic.
fn nobody() -> Host {
    Host::with_addresses(&[])
}

/// The host that the traffic shows, which is told, for it is a guess.
fn taken_for_host(addresses: &[IpAddr]) -> Host {
    let names: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    match names.as_slice() {
        [] => talk("no address of the traffic looks like the host's; `--host-address` names it"),
        names => talk(format!("the host is taken to be {} (`--host-address` says otherwise)", names.join(", "))),
    }
    with_usual_networks(addresses)
}
