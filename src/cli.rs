// SPDX-License-Identifier: GPL-3.0-or-later
//! The command line: what is common to the subcommands. What belongs to one stands in its file under `command/`.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::command::Command;

const EXIT_CODES: &str = "\
Exit codes: 0 clean, or warnings only; 1 errors in what a policy, a ruleset, traffic or a host file says, a difference, a
failed expectation; 2 wrong usage, a file that cannot be opened, what the system or the kernel refuses.
Results go to standard output, everything else to standard error. `-` stands for standard input or output.";

/// A compiler for host firewall policy that proves its own output
#[derive(Parser)]
#[command(name = "ringwall", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The policy that a subcommand is about.
#[derive(Args)]
pub struct PolicyArgs {
    /// The policy; `-` is standard input
    pub policy: PathBuf,
    /// Treat warnings like errors
    #[arg(long)]
    pub deny_warnings: bool,
}

/// The policy that a subcommand is about, or a ruleset in its place.
#[derive(Args)]
pub struct SubjectArgs {
    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub text: TextArgs,
}

/// What an iptables-save text in the policy's place does not tell itself.
#[derive(Args, Clone)]
pub struct TextArgs {
    /// The sets that an iptables-save text in the policy's place speaks of, as `ipset save` prints them
    #[arg(long, value_name = "FILE")]
    pub ipset: Option<PathBuf>,
    /// The family of an iptables-save text in the policy's place, where neither its head nor its rules tell
    #[arg(long, value_enum)]
    pub family: Option<TextFamily>,
}

/// A family of iptables-save texts.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFamily {
    /// What iptables-save prints
    Ipv4,
    /// What ip6tables-save prints
    Ipv6,
}

/// The form of a result.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}
