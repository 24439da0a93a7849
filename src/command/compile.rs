// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall compile`: the text of a target.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ringwall_compiler::target::iptables::CtMatch;
use ringwall_compiler::target::{self, Unsayable, iptables, nft, nft_json};
use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;

use super::Outcome;
use crate::cli::SubjectArgs;
use crate::failure::Failure;
use crate::input::is_standard;
use crate::output::table::squeezed;
use crate::output::{self, map, talk, tell_each};
use crate::policy_file::Warnings;
use crate::subject::Subject;

/// Longer sentences are cut where they are shown.
const LONGEST_SENTENCE: usize = 100;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// What to compile to
    #[arg(long, value_enum, default_value_t = Target::Nft)]
    target: Target,
    /// The spelling of ct states in iptables' texts
    #[arg(long, value_enum, default_value_t = Spelling::Conntrack)]
    ct_match: Spelling,
    /// Chains of one's own in iptables' texts, beside the rules of others, instead of whole tables
    #[arg(long)]
    own_chains: bool,
    /// Replace this file, as a whole or not at all, instead of writing to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// For `nft -f`
    Nft,
    /// For `nft -j -f`
    NftJson,
    /// For `iptables-restore`
    Iptables,
    /// For `ip6tables-restore`
    Ip6tables,
    /// For `ipset restore`: the sets that the texts for iptables and ip6tables speak of
    Ipset,
    /// The chain IR, for reading
    Ir,
    /// The chain IR as JSON, for programs
    IrJson,
}

impl Target {
    /// The program that loads the text; none where it loads no comments, or the text is of the IR.
    const fn program(self) -> Option<target::Target> {
        match self {
            Self::Nft => Some(target::Target::Nft),
            Self::NftJson => Some(target::Target::NftJson),
            Self::Iptables => Some(target::Target::Iptables),
            Self::Ip6tables => Some(target::Target::Ip6tables),
            Self::Ipset | Self::Ir | Self::IrJson => None,
        }
    }
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
    let Some(subject) = Subject::read(&arguments.subject, Warnings::Drawn)? else { return Ok(Outcome::Found) };
    match write(&subject.ruleset, arguments) {
        Ok(text) => {
            deliver(&subject, arguments.output.as_deref(), &text)?;
            arguments.target.program().into_iter().for_each(|target| subject.tell_comments(target));
            Ok(Outcome::Clean)
        }
        Err(unsayable) => {
            tell_each(&unsayable, |part| tell(&subject, part));
            Ok(Outcome::Found)
        }
    }
}

/// To a file goes the text with its side map, to standard output the text alone.
fn deliver(subject: &Subject, output: Option<&Path>, text: &str) -> Result<(), Failure> {
    output::data_to(output, text)?;
    match output.filter(|path| path.is_file()) {
        Some(path) => output::file::replace(&map::path(path), &map::text(subject, path, text)?),
        None => Ok(()),
    }
}

/// A slip of the keyboard must not cost the author the policy.
fn refuse_to_replace_the_policy(arguments: &Args) -> Result<(), Failure> {
    let place = |path: &Path| fs::canonicalize(path).ok().filter(|_| !is_standard(path));
    match arguments.output.as_deref().and_then(place) {
        Some(output) if Some(&output) == place(&arguments.subject.policy.policy).as_ref() => {
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
    let options = iptables::Options { ct: spelling, own_chains: arguments.own_chains };
    let restore = |family| iptables::write(ruleset, family, options);
    match arguments.target {
        Target::Nft => nft::write(ruleset),
        Target::NftJson => nft_json::write(ruleset),
        Target::Ipset => iptables::write_sets(ruleset, options),
        Target::Iptables => restore(Family::Ipv4).map(|written| written.text),
        Target::Ip6tables => restore(Family::Ipv6).map(|written| written.text),
        Target::Ir => Ok(ruleset.to_string()),
        Target::IrJson => Ok(ringwall_ir::json::write(ruleset)),
    }
}

/// Tells what the target cannot say, which sentence asks for it, and what can be done.
fn tell(subject: &Subject, unsayable: &Unsayable) {
    let place = subject.place(Some(unsayable.origin));
    match subject.ruleset.origin(unsayable.origin) {
        Some(sentence) => talk(format!("{place}: {unsayable}\n  {}", squeezed(&sentence.text, LONGEST_SENTENCE))),
        None => talk(format!("{place}: {unsayable}")),
    }
    let is_unknown = subject.ruleset.unknowns().any(|(origin, _)| origin == unsayable.origin);
    if let Some(help) = unsayable.help.as_deref().or(is_unknown.then_some(OF_UNKNOWNS)) {
        talk(format!("  help: {help}"));
    }
}

/// What can be done about a part of somebody's ruleset that is not known.
const OF_UNKNOWNS: &str = "mend it where it is written, or take the rule out of what is compiled and load it apart";
