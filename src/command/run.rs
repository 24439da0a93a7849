// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall run`: what becomes of each packet of a capture or a traffic script.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use ringwall_ir::Ruleset;
use ringwall_ir::words::CtState;
use ringwall_runtime::conntrack::Style;
use ringwall_runtime::engine::{Interpreter, Machine};
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::traffic::Expected;
use serde::Serialize;

use super::Outcome;
use crate::cli::{Format, SubjectArgs};
use crate::failure::Failure;
use crate::host::HostArgs;
use crate::input::refuse_standard_twice;
use crate::output::packets::{PacketLine, table};
use crate::output::{self, json, talk};
use crate::policy_file::Warnings;
use crate::subject::Subject;
use crate::traffic_file::TrafficFile;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// The traffic: a capture (pcap, pcapng) or a traffic script; `-` is standard input
    traffic: PathBuf,
    #[command(flatten)]
    host: HostArgs,
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

/// What the machine saw.
struct Seen {
    observations: Vec<Observation>,
    /// The conntrack table at the end, if it was asked for.
    conntrack: Option<Vec<String>>,
}

/// The last line of the JSON form, if the conntrack table was asked for.
#[derive(Serialize)]
struct TableLine<'a> {
    conntrack: &'a [String],
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    refuse_standard_twice(&arguments.subject.policy.policy, &arguments.traffic)?;
    let Some(subject) = Subject::read(&arguments.subject, Warnings::Counted)? else { return Ok(Outcome::Found) };
    subject.check_runs()?;
    let ruleset = &subject.ruleset;
    let file = TrafficFile::read(&arguments.traffic, &arguments.host)?;
    let seen = observe(ruleset, &file, arguments.conntrack);
    let text = match arguments.format {
        Format::Human => for_people(ruleset, &file, &seen),
        Format::Json => for_programs(ruleset, &file, &seen)?,
    };
    output::data(&text)?;
    Ok(if unmet(&file, &seen) == 0 { Outcome::Clean } else { Outcome::Found })
}

fn observe(ruleset: &Ruleset, file: &TrafficFile, style: Option<TableStyle>) -> Seen {
    let mut machine = Machine::new(&file.host, Interpreter::new(ruleset));
    let packets = &file.traffic.packets;
    let observations = packets.iter().map(|packet| machine.run_packet(packet)).collect();
    let end = packets.last().map_or(Duration::ZERO, |packet| packet.at);
    let conntrack = style.map(|style| machine.conntrack().lines(style.style(), end));
    Seen { observations, conntrack }
}

fn for_people(ruleset: &Ruleset, file: &TrafficFile, seen: &Seen) -> String {
    let mut text = table(ruleset, file.traffic.packets.iter().zip(&seen.observations));
    if let Some(lines) = &seen.conntrack {
        text.push_str("\nconntrack\n");
        for line in lines {
            text.extend([line, "\n"]);
        }
    }
    text
}

fn for_programs(ruleset: &Ruleset, file: &TrafficFile, seen: &Seen) -> Result<String, Failure> {
    let mut text = String::new();
    for (i, (packet, observation)) in file.traffic.packets.iter().zip(&seen.observations).enumerate() {
        text.push_str(&json::line(&PacketLine::new(ruleset, i, packet, observation))?);
    }
    if let Some(lines) = &seen.conntrack {
        text.push_str(&json::line(&TableLine { conntrack: lines })?);
    }
    Ok(text)
}

/// How many packets did not meet what the script expects of them. Each is told.
fn unmet(file: &TrafficFile, seen: &Seen) -> usize {
    let packets = file.expectations.iter().zip(&seen.observations).zip(&file.lines);
    let failed = packets.filter_map(|((expected, seen), line)| Some((miss(expected.as_ref()?, seen)?, line)));
    failed.map(|(miss, line)| talk(format!("{}:{line}: {miss}", file.name))).count()
}

/// How what was seen differs from what is expected, if it does.
fn miss(expected: &Expected, seen: &Observation) -> Option<String> {
    let verdict = expected.verdict.is_none_or(|verdict| seen.fate == Some(verdict));
    let state = expected.state.is_none_or(|state| seen.state == Some(state));
    if verdict && state {
        return None;
    }
    let words = |fate: Option<Fate>, state: Option<CtState>| {
        let words: Vec<_> = fate.map(Fate::name).into_iter().chain(state.map(CtState::name)).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
    };
    let (expected, seen) = (words(expected.verdict, expected.state), words(seen.fate, seen.state));
    Some(format!("expected {expected}, but it is {seen}"))
}
