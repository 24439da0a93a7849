// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall verify`: the same traffic through the policy's meaning, the machine and the kernel.

mod backends;
mod clock;
mod random;
mod report;

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use ringwall_compiler::probe;
use ringwall_compiler::verify::{Batch, Step, verify};
use ringwall_runtime::compare::draw::draw;
use ringwall_runtime::compare::region::Region;
use ringwall_runtime::traffic::Traffic;

use super::Outcome;
use crate::cli::{Format, PolicyArgs, SubjectArgs, TextArgs};
use crate::failure::Failure;
use crate::host::HostArgs;
use crate::input::refuse_standard_twice;
use crate::output;
use crate::output::human::plural;
use crate::output::progress::Spinner;
use crate::output::talk;
use crate::policy_file::Warnings;
use crate::subject::Subject;
use crate::traffic_file::TrafficFile;

/// More than this are too many to be held.
const MOST_PACKETS: u64 = 10_000_000;

#[derive(clap::Args)]
pub struct Args {
    /// The policy; `-` is standard input
    #[arg(required_unless_present = "random")]
    policy: Option<PathBuf>,
    /// Treat warnings like errors
    #[arg(long)]
    deny_warnings: bool,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    random: random::RandomArgs,
    /// More traffic, sent before what is drawn: a capture (pcap, pcapng) or a traffic script, perhaps compressed; `-` is standard input
    traffic: Option<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
    /// Send at least this many packets, else 10000: every boundary is drawn once, however few are asked for. With
    /// `--random`, draw so many for each ruleset, else 2500
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(..=MOST_PACKETS))]
    packets: Option<usize>,
    /// Another seed draws other packets
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Compares, and says what differs and what no packet reached.
pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    if let Some(count) = arguments.random.random {
        return random::run(count, arguments.packets, &arguments.random, arguments.seed);
    }
    let policy = arguments.policy.clone().unwrap_or_default();
    let files = [Some(policy.as_path()), arguments.traffic.as_deref(), arguments.host.file()];
    refuse_standard_twice(files.into_iter().flatten())?;
    let asked = SubjectArgs {
        policy: PolicyArgs { policy: policy.clone(), deny_warnings: arguments.deny_warnings },
        text: arguments.text.clone(),
    };
    let Some(subject) = Subject::read(&asked, Warnings::Counted)? else { return Ok(Outcome::Found) };
    subject.check_runs()?;
    let batches = batches(arguments, &subject)?;
    if arguments.traffic.is_some() && batches.first().is_some_and(|batch| clock::passes(&batch.traffic)) {
        tell_clock(&subject);
    }
    let mut others = backends::of(&subject.ruleset);
    let spinner = Spinner::new();
    let mut told = |step: Step<'_>| tell(&spinner, step);
    let found = verify(subject.to_verify(), &batches, &mut others, &mut told);
    drop(spinner);
    let found = found.map_err(|error| Failure::caused(&error))?;
    let text = match arguments.format {
        Format::Human => report::human(&subject, &found, arguments.seed, &others),
        Format::Json => report::json(&subject, &found, arguments.seed)?,
    };
    output::data(&text)?;
    Ok(if found.is_clean() { Outcome::Clean } else { Outcome::Found })
}

/// Tells what the verification is at, and each difference when it is found.
fn tell(spinner: &Spinner, step: Step<'_>) {
    match step {
        Step::Asking { backend, batch, of, packets } => {
            spinner.step(format!("{backend}: {}, batch {batch} of {of}", plural(packets, "packet")));
        }
        Step::Shrinking { backend } => {
            spinner.step(format!("{backend}: looking for the shortest traffic that differs"))
        }
        Step::Differs { backend, batch, found } => {
            let first = found.first();
            let first = first.map(|first| format!(", first at packet {} ({})", first.packet + 1, first.what.name()));
            let (number, first) = (plural(found.len(), "difference"), first.unwrap_or_default());
            spinner.say(format!("{backend} and the machine: {number} in batch {batch}{first}"));
        }
    }
}

/// Tells of which rules a difference may come from the kernel's clock alone.
fn tell_clock(subject: &Subject) {
    const MOST: usize = 5;

    let judged = clock::judged(&subject.ruleset);
    if judged.is_empty() {
        return;
    }
    let shown = judged.iter().take(MOST).map(|&origin| subject.place(Some(origin))).collect::<Vec<_>>().join("; ");
    let more = judged.len().saturating_sub(MOST);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    talk(format!(
        "note: the kernel judges limits and timeouts of elements by its own clock, not by that of the traffic: {shown}{more}"
    ));
    talk(
        "  help: a difference at these rules, or behind them, may be one of clocks; `run` and `trace` go by the traffic's",
    );
}

/// The user's traffic, and then the drawn packets in batches so small that no timeout of the kernel passes in one.
fn batches(arguments: &Args, subject: &Subject) -> Result<Vec<Batch>, Failure> {
    const BATCH: usize = 20_000;
    const PACKETS: usize = 10_000;

    let mut batches = Vec::new();
    if let Some(path) = &arguments.traffic {
        let (host, traffic) = TrafficFile::read(path, &arguments.host)?.whole()?;
        batches.push(Batch { host, traffic });
    }
    let sent: usize = batches.iter().map(|batch| batch.traffic.packets.len()).sum();
    let mut regions = subject.policy.as_ref().map(probe::regions).unwrap_or_default();
    let of_ruleset = Region::of_ruleset(&subject.ruleset);
    let host = probe::host(if regions.is_empty() { &of_ruleset } else { &regions });
    regions.extend(of_ruleset);
    let drawn = draw(&host, &regions, arguments.packets.unwrap_or(PACKETS).saturating_sub(sent), arguments.seed);
    let parts = drawn.packets.chunks(BATCH).map(|packets| Traffic { packets: packets.to_vec() });
    batches.extend(parts.map(|traffic| Batch { host: host.clone(), traffic }));
    Ok(batches)
}
