// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall run`: what becomes of each packet of a capture or a traffic script.

mod sink;
mod written;

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use ringwall_ir::words::CtState;
use ringwall_runtime::conntrack::Style;
use ringwall_runtime::engine::{Interpreter, Machine};
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::traffic::Expected;

use self::sink::Sink;
use self::written::Written;
use super::Outcome;
use crate::cli::{Format, SubjectArgs};
use crate::failure::Failure;
use crate::host::HostArgs;
use crate::input::refuse_standard_twice;
use crate::output::progress::{Progress, Results};
use crate::output::talk;
use crate::policy_file::Warnings;
use crate::subject::Subject;
use crate::traffic_file::{Sent, TrafficFile};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// The traffic: a capture (pcap, pcapng) or a traffic script, perhaps compressed (gzip, zstd, xz); `-` is standard
    /// input
    traffic: PathBuf,
    #[command(flatten)]
    host: HostArgs,
    /// Instead of each packet, show how many packets each sentence decided, in each ct state
    #[arg(long)]
    summary: bool,
    /// Write the packets as they left the host, and its answers, to a capture (.pcapng, .pcap); or the traffic with what
    /// became of it to a traffic script (.traffic)
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Print the conntrack table at the end
    #[arg(
        long,
        value_enum,
        value_name = "STYLE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "proc"
    )]
    conntrack: Option<TableStyle>,
    /// The form of the result; json gives one object a line for each packet
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableStyle {
    /// As /proc/net/nf_conntrack prints it
    Proc,
    /// As the older ip_conntrack did
    Old,
}

impl TableStyle {
    const fn style(self) -> Style {
        match self {
            Self::Proc => Style::NfConntrack,
            Self::Old => Style::IpConntrack,
        }
    }
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    let files = [Some(&*arguments.subject.policy.policy), Some(&*arguments.traffic), arguments.host.file()];
    refuse_standard_twice(files.into_iter().flatten())?;
    let Some(subject) = Subject::read(&arguments.subject, Warnings::Counted)? else { return Ok(Outcome::Found) };
    subject.check_runs()?;
    let ruleset = &subject.ruleset;
    let file = TrafficFile::read(&arguments.traffic, &arguments.host)?;
    let name = file.name.clone();

    let mut written = arguments.write.as_deref().map(|path| Written::of(path, &file.host)).transpose()?;
    let mut machine = Machine::new(&file.host, Interpreter::new(ruleset));
    let mut sink = Sink::new(ruleset, arguments.format, arguments.summary);
    let mut progress =
        Progress::of(&file.reading, if arguments.summary { Results::AtTheEnd } else { Results::AsTheyCome });
    let mut end = Duration::ZERO;
    let mut misses = Vec::new();
    for sent in file {
        let sent = sent?;
        let seen = machine.run_packet(&sent.packet);
        sink.packet(&sent.packet, &seen)?;
        if let Some(written) = &mut written {
            written.packet(ruleset, &sent.packet, &seen)?;
        }
        misses.extend(miss(&sent, &seen));
        end = sent.packet.at;
        progress.step();
    }
    drop(progress);
    sink.finish(arguments.conntrack.map(|style| machine.conntrack().lines(style.style(), end)))?;
    written.map(Written::finish).transpose()?;
    for miss in &misses {
        talk(format!("{name}:{miss}"));
    }
    Ok(if misses.is_empty() { Outcome::Clean } else { Outcome::Found })
}

/// How what was seen differs from what is expected, if it does, behind the line of the packet.
fn miss(sent: &Sent, seen: &Observation) -> Option<String> {
    let Expected { verdict, state } = sent.expected?;
    if verdict.is_none_or(|verdict| seen.fate == Some(verdict)) && state.is_none_or(|state| seen.state == Some(state)) {
        return None;
    }
    let words = |fate: Option<Fate>, state: Option<CtState>| {
        let words: Vec<_> = fate.map(Fate::name).into_iter().chain(state.map(CtState::name)).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
    };
    let (expected, seen) = (words(verdict, state), words(seen.fate, seen.state));
    Some(format!("{}: expected {expected}, but it is {seen}", sent.line.unwrap_or_default()))
}
