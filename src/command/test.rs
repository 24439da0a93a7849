// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall test`: the `expect` sentences of a policy.

use ringwall_compiler::Compiled;
use ringwall_compiler::expectations::{self, Outcome as Tested};
use serde::Serialize;

use super::Outcome;
use crate::cli::{Format, PolicyArgs};
use crate::failure::Failure;
use crate::output::human::plural;
use crate::output::sentence::Sentence;
use crate::output::{self, json};
use crate::policy_file::{PolicyFile, Warnings};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    let file = PolicyFile::read(&arguments.policy)?;
    let Some(compiled) = file.accept(Warnings::Counted) else { return Ok(Outcome::Found) };
    let tested = expectations::run(compiled);
    let text = match arguments.format {
        Format::Human => for_people(compiled, &tested),
        Format::Json => json::line(&Report::new(compiled, &tested))?,
    };
    output::data(&text)?;
    Ok(if tested.iter().all(Tested::holds) { Outcome::Clean } else { Outcome::Found })
}

fn for_people(compiled: &Compiled, tested: &[Tested]) -> String {
    let failed = tested.iter().filter(|one| !one.holds()).count();
    let lines: String = tested.iter().map(|one| line(compiled, one)).collect();
    let end = if failed == 0 { "all hold".to_owned() } else { format!("{failed} failed") };
    match tested.len() {
        0 => format!("{}: no expectations\n", compiled.policy.name),
        number => format!("{lines}{}: {}, {end}\n", compiled.policy.name, plural(number, "expectation")),
    }
}

/// One expectation, and below it the packet that met another fate.
fn line(compiled: &Compiled, tested: &Tested) -> String {
    let words = Sentence::of(&compiled.ruleset, Some(tested.origin)).map(|one| one.to_string()).unwrap_or_default();
    match &tested.failure {
        None if tested.packets == 0 => format!("FAILED  {words}\n        there is no packet that it speaks of\n"),
        None => format!("ok      {words} ({})\n", plural(tested.packets, "packet")),
        Some(failure) => {
            let decider = Sentence::of(&compiled.ruleset, failure.decided_by);
            let decider = decider.map(|sentence| format!(" by {sentence}")).unwrap_or_default();
            format!("FAILED  {words}\n        {} is {}{decider}\n", failure.packet, failure.fate)
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    policy: &'a str,
    failed: usize,
    expectations: Vec<Expectation<'a>>,
}

#[derive(Serialize)]
struct Expectation<'a> {
    sentence: Option<Sentence<'a>>,
    holds: bool,
    packets: usize,
    counterexample: Option<Counterexample<'a>>,
}

/// A packet that met another fate than expected.
#[derive(Serialize)]
struct Counterexample<'a> {
    text: &'a str,
    fate: &'static str,
    sentence: Option<Sentence<'a>>,
}

impl<'a> Report<'a> {
    fn new(compiled: &'a Compiled, tested: &'a [Tested]) -> Self {
        let sentence = |origin| Sentence::of(&compiled.ruleset, origin);
        let expectation = |one: &'a Tested| Expectation {
            sentence: sentence(Some(one.origin)),
            holds: one.holds(),
            packets: one.packets,
            counterexample: one.failure.as_ref().map(|failure| Counterexample {
                text: &failure.packet,
                fate: failure.fate,
                sentence: sentence(failure.decided_by),
            }),
        };
        Self {
            policy: &compiled.policy.name,
            failed: tested.iter().filter(|one| !one.holds()).count(),
            expectations: tested.iter().map(expectation).collect(),
        }
    }
}
