// SPDX-License-Identifier: GPL-3.0-or-later
//! The command line: what is common to the subcommands. What belongs to one stands in its file under `command/`.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::command::Command;

const EXIT_CODES: &str = "\
Exit codes: 0 clean, or warnings only; 1 errors found, or a difference; 2 usage, IO or kernel error.
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

/// The form of a result.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}
