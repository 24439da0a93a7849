// SPDX-License-Identifier: GPL-3.0-or-later
//! The `ringwall` command.

mod cli;
mod command;
mod failure;
mod host;
mod input;
mod output;
mod policy_file;
mod subject;
mod traffic_file;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::command::Outcome;
use crate::failure::{Failure, Fault};
use crate::output::talk;

/// Errors in what an input says, a difference, a failed expectation.
const FOUND: u8 = 1;

/// Usage, IO, the system, the kernel. clap uses the same for a wrong command line.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    #[cfg(feature = "kernel")]
    if std::env::args_os().nth(1).is_some_and(|word| word == ringwall_kernel::namespace::WORKER_ARG) {
        return ringwall_kernel::namespace::worker_main();
    }
    match Cli::parse().command.run() {
        Ok(Outcome::Clean) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(FOUND),
        Err(Failure::Told { message, help, fault }) => {
            talk(format!("ringwall: {message}"));
            if let Some(help) = help {
                talk(format!("  help: {help}"));
            }
            ExitCode::from(match fault {
                Fault::Input => FOUND,
                Fault::Elsewhere => FAILED,
            })
        }
    }
}
