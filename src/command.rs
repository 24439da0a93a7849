// SPDX-License-Identifier: GPL-3.0-or-later
//! The subcommands, a file each.

mod apply;
mod check;
mod compile;
mod explain;
mod run;
mod test;
mod trace;
mod verify;
mod watch;

use clap::Subcommand;

use crate::failure::Failure;

/// How a subcommand ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was found, or warnings only. Exit code 0.
    Clean,
    /// Errors in what an input says, a difference, a failed expectation. Exit code 1.
    Found,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Show every error and warning of a policy
    Check(check::Args),
    /// Compile a policy to nftables, iptables or the chain IR
    Compile(compile::Args),
    /// Show what becomes of each packet of a capture or a traffic script
    Run(run::Args),
    /// Show why one packet is decided about as it is, sentence by sentence
    Trace(trace::Args),
    /// Test the `expect` sentences of a policy
    Test(test::Args),
    /// Compare meaning, machine and kernel on the same traffic
    Verify(verify::Args),
    /// Install a policy in the running kernel, in one transaction
    Apply(apply::Args),
    /// Show who changes the ruleset of the running kernel, and what
    Watch(watch::Args),
    /// Say more about a diagnostic
    Explain(explain::Args),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What kept it from being done.
    pub fn run(self) -> Result<Outcome, Failure> {
        match self {
            Self::Check(arguments) => check::run(&arguments),
            Self::Compile(arguments) => compile::run(&arguments),
            Self::Run(arguments) => run::run(&arguments),
            Self::Trace(arguments) => trace::run(&arguments),
            Self::Test(arguments) => test::run(&arguments),
            Self::Verify(arguments) => verify::run(&arguments),
            Self::Apply(arguments) => apply::run(&arguments),
            Self::Watch(arguments) => watch::run(&arguments),
            Self::Explain(arguments) => explain::run(&arguments),
        }
    }
}
