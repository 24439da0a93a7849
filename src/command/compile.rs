// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall compile`: the text of a target.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ringwall_compiler::target::iptables::CtMatch;
use ringwall_compiler::target::{Unsayable, iptables, nft};
use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;

use super::Outcome;
use crate::cli::PolicyArgs;
use crate::failure::Failure;
use crate::input::is_standard;
use crate::output::table::squeezed;
use crate::output::{self, talk};
use crate::policy_file::{PolicyFile, Warnings};

/// Longer sentences are cut where they are shown.
const LONGEST_SENTENCE: usize = 100;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
    /// What to compile to
    #[arg(long, value_enum, default_value_t = Target::Nft)]
    target: Target,
    /// The spelling of ct states in iptables' texts
    #[arg(long, value_enum, default_value_t = Spelling::Conntrack)]
    ct_match: Spelling,
    /// Replace this file, as a whole or not at all, instead of writing to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// For `nft -f`
    Nft,
    /// For `iptables-restore`
    Iptables,
    /// For `ip6tables-restore`
    Ip6tables,
    /// The chain IR, for reading
    Ir,
}

#[derive(Clone, Copy, ValueEnum)]
enum Spelling {
    /// `-m state --state`, the older one
    State,
    /// `-m conntrack --ctstate`
    Conntrack,
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    refuse_to_replace_the_policy(arguments)?;
    let file = PolicyFile::read(&arguments.policy)?;
    let Some(compiled) = file.accept(Warnings::Drawn) else { return Ok(Outcome::Found) };
    match write(&compiled.ruleset, arguments) {
        Ok(text) => output::data_to(arguments.output.as_deref(), &text).map(|()| Outcome::Clean),
        Err(unsayable) => {
            unsayable.iter().for_each(|part| tell(&file.name, &compiled.ruleset, part));
            Ok(Outcome::Found)
        }
    }
}

/// A slip of the keyboard must not cost the author the policy.
fn refuse_to_replace_the_policy(arguments: &Args) -> Result<(), Failure> {
    let place = |path: &Path| fs::canonicalize(path).ok().filter(|_| !is_standard(path));
    match arguments.output.as_deref().and_then(place) {
        Some(output) if Some(&output) == place(&arguments.policy.policy).as_ref() => {
            Err(Failure::new(format!("the output would replace the policy, {}", output.display())))
        }
        _ => Ok(()),
    }
}

fn write(ruleset: &Ruleset, arguments: &Args) -> Result<String, Vec<Unsayable>> {
    let spelling = match arguments.ct_match {
        Spelling::State => CtMatch::State,
        Spelling::Conntrack => CtMatch::Conntrack,
    };
    let restore = |family| iptables::write(ruleset, family, spelling).map(|written| written.text);
    match arguments.target {
        Target::Nft => nft::write(ruleset),
        Target::Iptables => restore(Family::Ipv4),
        Target::Ip6tables => restore(Family::Ipv6),
        Target::Ir => Ok(ruleset.to_string()),
    }
}

/// Tells what the target cannot say, and which sentence asks for it.
fn tell(file: &str, ruleset: &Ruleset, unsayable: &Unsayable) {
    match ruleset.origin(unsayable.origin) {
        Some(sentence) => {
            talk(format!("{file}:{}: {unsayable}\n  {}", sentence.line, squeezed(&sentence.text, LONGEST_SENTENCE)));
        }
        None => talk(format!("{file}: {unsayable}")),
    }
}
