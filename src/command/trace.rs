// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall trace`: one packet's way through the sentences of a policy.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use ringwall_ir::words::Protocol;
use ringwall_runtime::conntrack::{Conntrack, Style};
use ringwall_runtime::engine::{Explaining, Machine};

use super::Outcome;
use crate::cli::{Format, SubjectArgs};
use crate::failure::Failure;
use crate::host::HostArgs;
use crate::input::{is_standard, refuse_standard_twice};
use crate::output::human::plural;
use crate::output::progress::{Progress, Results};
use crate::output::trace::Trace;
use crate::output::{self, json};
use crate::policy_file::Warnings;
use crate::subject::Subject;
use crate::traffic_file::TrafficFile;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// The traffic: a capture or a traffic script, perhaps compressed; `-` is standard input. Or a packet in the words of
    /// a script: `in eth0 tcp 10.0.0.2:1000 > 10.0.0.1:22 syn`; several are separated by `;`
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    traffic: String,
    /// The packet, counted from 1; those before it run first. Of packets in words, the last if not said
    #[arg(long, value_name = "N")]
    packet: Option<usize>,
    #[command(flatten)]
    host: HostArgs,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How packets are said that are not in a file.
const WORDS: &str = "a packet in words is one argument, as in 'in eth0 tcp 10.0.0.2:1000 > 10.0.0.1:22 syn'";

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    let path = Path::new(&arguments.traffic);
    let in_words = !is_standard(path) && arguments.traffic.contains(char::is_whitespace) && !path.exists();
    let traffic = (!in_words).then_some(path);
    let files = [Some(&*arguments.subject.policy.policy), traffic, arguments.host.file()];
    refuse_standard_twice(files.into_iter().flatten())?;
    let Some(subject) = Subject::read(&arguments.subject, Warnings::Counted)? else { return Ok(Outcome::Found) };
    subject.check_runs()?;
    let file = match traffic {
        Some(path) if !is_standard(path) && !path.exists() => {
            return Err(Failure::new(format!("there is no file {}", path.display())).help(WORDS));
        }
        Some(path) => TrafficFile::read(path, &arguments.host)?,
        None => TrafficFile::of_words(&script(&arguments.traffic), &arguments.host)?,
    };
    if arguments.packet.is_none() && !in_words {
        return Err(Failure::new("which packet is not said").help("`--packet 3` traces the third one"));
    }
    let text = trace(&subject, file, arguments.packet, arguments.format)?;
    output::data(&text)?;
    Ok(Outcome::Clean)
}

/// Runs the packets in front of the one that is asked for, and then that one, with an eye on each rule.
fn trace(subject: &Subject, file: TrafficFile, wanted: Option<usize>, format: Format) -> Result<String, Failure> {
    let (name, host) = (file.name.clone(), file.host.clone());
    let mut machine = Machine::new(&file.host, Explaining::new(&subject.ruleset));
    let mut progress = Progress::of(&file.reading, Results::AtTheEnd);
    let mut packets = file.enumerate().map(|(place, sent)| (place + 1, sent)).peekable();
    let mut count = 0;
    while let Some((number, sent)) = packets.next() {
        let packet = sent?.packet;
        count = number;
        let is_wanted = wanted.map_or_else(|| packets.peek().is_none(), |wanted| number == wanted);
        if !is_wanted {
            machine.run_packet(&packet);
            progress.step();
            continue;
        }
        drop(progress);
        let before = Entries::of(machine.conntrack(), packet.at);
        machine.ruling().listen();
        let seen = machine.run_packet(&packet);
        let after = Entries::of(machine.conntrack(), packet.at);
        let trace = Trace {
            ruleset: &subject.ruleset,
            host: &host,
            number,
            packet: &packet,
            seen: &seen,
            met: machine.ruling().met(),
            before: before.without(&after),
            after: after.without(&before),
        };
        return match format {
            Format::Human => Ok(trace.print()),
            Format::Json => json::line(&trace.report()),
        };
    }
    let Some(wanted) = wanted else {
        return Err(Failure::new("there is no packet in these words").help(WORDS));
    };
    Err(Failure::new(format!("{name} has {}, and no packet {wanted}", plural(count, "packet"))))
}

/// The conntrack table at one moment: each entry with what it counted, which tells those that a packet changed from the
/// others, and as it is shown.
struct Entries(Vec<(String, String)>);

impl Entries {
    fn of(conntrack: &Conntrack, now: Duration) -> Self {
        let counted = conntrack.lines(Style::IpConntrack, now);
        Self(counted.into_iter().zip(conntrack.lines(Style::NfConntrack, now)).collect())
    }

    /// The entries that are not in another table, as they are shown.
    fn without(&self, other: &Self) -> Vec<String> {
        let others: HashSet<&str> = other.0.iter().map(|(counted, _)| counted.as_str()).collect();
        let changed = self.0.iter().filter(|(counted, _)| !others.contains(counted.as_str()));
        changed.map(|(_, shown)| shown.clone()).collect()
    }
}

/// Packets in words as a script: each at the start of the traffic unless it says a time, and `in eth0` for `in on eth0`.
fn script(words: &str) -> String {
    words.split([';', '\n']).map(|line| format!("{}\n", script_line(line))).collect()
}

fn script_line(line: &str) -> String {
    const DESCRIPTIONS: [&str; 4] = ["host", "route", "forwarding", "sysctl"];
    let mut words: Vec<&str> = line.split_whitespace().collect();
    match words.first() {
        None => return String::new(),
        Some(first) if DESCRIPTIONS.contains(first) => return line.to_owned(),
        Some(first) if first.starts_with(|first: char| first.is_ascii_digit() || first == '+') => {}
        Some(_) => words.insert(0, "+0"),
    }
    // Where neither is a protocol that there is: between it and `>` stands one end.
    let named = match words.as_slice() {
        [_, "in", first, ..] if begins_packet(first) => false,
        [_, "in", _, second, ..] if begins_packet(second) => true,
        [_, "in", rest @ ..] => rest.iter().position(|word| *word == ">") == Some(3),
        _ => false,
    };
    if named {
        words.insert(2, "on");
    }
    words.join(" ")
}

/// Whether a word stands where a packet begins, behind the interface that it comes in by.
fn begins_packet(word: &str) -> bool {
    matches!(word, "on" | "protocol" | "raw" | "frame") || Protocol::named(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_lines_of_a_script() {
        assert_eq!(script("in eth0 tcp a > b"), "+0 in on eth0 tcp a > b\n");
        assert_eq!(script("out udp a > b; +1 in tcp c > d"), "+0 out udp a > b\n+1 in tcp c > d\n");
        assert_eq!(script("in eth0 tcp a >> b"), "+0 in on eth0 tcp a >> b\n");
        for typo in ["in tpc a > b", "in tcp a >> b", "in wlan0", "inn wlan0 tcp a > b"] {
            assert_eq!(script(typo), format!("+0 {typo}\n"));
        }
        assert_eq!(script("in eth0 tpc a > b"), "+0 in on eth0 tpc a > b\n");
        assert_eq!(
            script("in eth0 protocol 9 a > b; in eth0 frame"),
            "+0 in on eth0 protocol 9 a > b\n+0 in on eth0 frame\n"
        );
        assert_eq!(script("host 10.0.0.1/24;in on x frame"), "host 10.0.0.1/24\n+0 in on x frame\n");
    }
}
