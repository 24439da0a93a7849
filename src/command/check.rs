// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall check`: every error and warning of a policy at once.

use ringwall_compiler::Compiled;
use ringwall_grammar::Severity;
use ringwall_ir::words::Direction;
use serde::Serialize;

use super::Outcome;
use crate::cli::{Format, PolicyArgs};
use crate::failure::Failure;
use crate::output::human::plural;
use crate::output::json::Finding;
use crate::output::{self, json};
use crate::policy_file::PolicyFile;

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
    match arguments.format {
        Format::Human => {
            file.tell();
            if let Some(compiled) = &file.compiled {
                output::data(&summary(compiled))?;
            }
        }
        Format::Json => output::data(&json::line(&Report::new(&file))?)?,
    }
    Ok(if file.accepted().is_some() { Outcome::Clean } else { Outcome::Found })
}

/// Which directions the policy governs, and which it leaves alone.
fn summary(compiled: &Compiled) -> String {
    let policy = &compiled.policy;
    let (governed, left): (Vec<_>, Vec<_>) =
        Direction::ALL.into_iter().partition(|direction| policy.governs(*direction));
    let sentences = plural(policy.sentences.len(), "sentence");
    let left = match left.as_slice() {
        [] => String::new(),
        left => format!("; leaves {} packets as they are", listed(left)),
    };
    format!("{}: {sentences}, governs {} packets{left}\n", policy.name, listed(&governed))
}

fn listed(directions: &[Direction]) -> String {
    let names: Vec<_> = directions.iter().map(|direction| direction.name()).collect();
    match names.as_slice() {
        [] => "no".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    policy: Option<&'a str>,
    governed: Vec<&'static str>,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding<'a>>,
}

impl<'a> Report<'a> {
    fn new(file: &'a PolicyFile) -> Self {
        let policy = file.compiled.as_ref().map(|compiled| &compiled.policy);
        let governed = |direction: &Direction| policy.is_some_and(|policy| policy.governs(*direction));
        let number = |severity| file.findings.iter().filter(|finding| finding.severity() == severity).count();
        Self {
            file: &file.name,
            policy: policy.map(|policy| policy.name.as_str()),
            governed: Direction::ALL.into_iter().filter(governed).map(Direction::name).collect(),
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            findings: file.findings.iter().map(|finding| Finding::new(finding, &file.text)).collect(),
        }
    }
}
