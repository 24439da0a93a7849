// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall apply`: installs a policy in the running kernel, in one transaction.

use ringwall_compiler::Compiled;

use super::Outcome;
use crate::cli::PolicyArgs;
use crate::failure::Failure;
use crate::policy_file::{PolicyFile, Warnings};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArgs,
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    let file = PolicyFile::read(&arguments.policy)?;
    let Some(compiled) = file.accept(Warnings::Drawn) else { return Ok(Outcome::Found) };
    install(compiled)?;
    Ok(Outcome::Clean)
}

#[cfg(feature = "kernel")]
fn install(compiled: &Compiled) -> Result<(), Failure> {
    use ringwall_kernel::install::{InstallError, apply};

    use crate::output::human::plural;
    use crate::output::talk;

    let applied = apply(&compiled.ruleset).map_err(|error| match error {
        InstallError::NotPermitted => Failure::caused(&error).help("run it as root"),
        error => Failure::caused(&error),
    })?;
    talk(format!("{}: installed, {} in the kernel", compiled.policy.name, plural(applied.rules, "rule")));
    Ok(())
}

#[cfg(not(feature = "kernel"))]
fn install(_: &Compiled) -> Result<(), Failure> {
    Err(Failure::new("this ringwall was built without the part that installs"))
}
