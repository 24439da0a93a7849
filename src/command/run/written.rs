// SPDX-License-Identifier: GPL-3.0-or-later
//! What a run writes to a file: what left the host, or a traffic script that expects what was seen.

use std::io::BufWriter;
use std::path::Path;

use ringwall_ir::Ruleset;
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::traffic::{CaptureForm, CaptureWriter, Expected, Script, TimedPacket, write_script};

use crate::failure::Failure;
use crate::output::file::{Replacement, replace};
use crate::output::packets::{decider, note, state};

/// A file that is being written.
pub struct Written<'p> {
    path: &'p Path,
    to: To,
    /// How many packets the run has seen.
    count: usize,
}

enum To {
    Capture(Box<CaptureWriter<BufWriter<Replacement>>>),
    Script(Script),
}

impl<'p> Written<'p> {
    /// Begins a file, in the form that its name tells.
    ///
    /// # Errors
    /// It cannot be written, or its name tells no form.
    pub fn of(path: &'p Path, host: &Host) -> Result<Self, Failure> {
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some("pcap") => CaptureForm::Pcap,
            Some("pcapng") => CaptureForm::PcapNg,
            Some("traffic") => {
                let script = Script { host: Some(host.clone()), ..Script::default() };
                return Ok(Self { path, to: To::Script(script), count: 0 });
            }
            _ => {
                let message = format!("the name of {} tells no form that can be written", path.display());
                return Err(Failure::new(message).help("end it in .pcapng, .pcap or .traffic"));
            }
        };
        let writer = CaptureWriter::new(BufWriter::new(Replacement::of(path)?), form);
        let writer = writer.map_err(|error| Failure::io("write", path.display(), &error))?;
        Ok(Self { path, to: To::Capture(Box::new(writer)), count: 0 })
    }

    /// One packet more, and what became of it.
    ///
    /// # Errors
    /// What kept it from being written.
    pub fn packet(&mut self, ruleset: &Ruleset, packet: &TimedPacket, seen: &Observation) -> Result<(), Failure> {
        /// A script is held in memory, and made for people.
        const LONGEST_SCRIPT: usize = 100_000;
        self.count += 1;
        match &mut self.to {
            To::Capture(writer) => write(writer, self.count, ruleset, packet, seen)
                .map_err(|error| Failure::io("write", self.path.display(), &error)),
            To::Script(_) if self.count > LONGEST_SCRIPT => {
                let message = format!("a traffic script of more than {LONGEST_SCRIPT} packets is nothing to be read");
                Err(Failure::new(message).help("write a capture instead: .pcapng or .pcap"))
            }
            To::Script(script) => {
                script.traffic.packets.push(packet.clone());
                let expected = Expected { verdict: seen.fate, state: seen.state };
                script.expectations.push((seen.fate.is_some() || seen.state.is_some()).then_some(expected));
                Ok(())
            }
        }
    }

    /// Puts what was written in the place of the file.
    ///
    /// # Errors
    /// What keeps it from there.
    pub fn finish(self) -> Result<(), Failure> {
        match self.to {
            To::Script(script) => replace(self.path, &write_script(&script)),
            To::Capture(writer) => {
                let written = writer.into_inner().into_inner();
                written.map_err(|error| Failure::io("write", self.path.display(), error.error()))?.finish()
            }
        }
    }
}

/// Writes what left the host because of a packet: the packet itself, and the answers to it.
fn write(
    writer: &mut CaptureWriter<BufWriter<Replacement>>,
    number: usize,
    ruleset: &Ruleset,
    packet: &TimedPacket,
    seen: &Observation,
) -> std::io::Result<()> {
    if let (Some(left), Some(fate)) = (&seen.left, seen.fate) {
        let comment = format!("packet {number}: {}, {}, by {}", fate.name(), state(seen), decider(ruleset, seen));
        writer.write(packet.at, left, &comment)?;
    }
    for answer in seen.answers.iter().filter(|answer| answer.fate == Fate::Accept) {
        let state = answer.state.map_or("-", |state| state.name());
        let words = note(ruleset, answer);
        writer.write(packet.at, &answer.bytes, &format!("packet {number}: {words}, {state}"))?;
    }
    Ok(())
}
