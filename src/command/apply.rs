// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall apply`: installs a policy, or somebody's ruleset, in the running kernel.

use ringwall_compiler::target::Target;

use super::Outcome;
use crate::cli::SubjectArgs;
use crate::failure::Failure;
use crate::output::talk;
use crate::policy_file::Warnings;
use crate::subject::Subject;

/// More parts than this are counted: the kernel refuses many only because it refused one before.
#[cfg(feature = "kernel")]
const MOST_TOLD: usize = 10;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    // First of all: without the right to it, reading the file could fail for want of the same right, with another help.
    check_permitted()?;
    let Some(subject) = Subject::read(&arguments.subject, Warnings::Drawn)? else { return Ok(Outcome::Found) };
    refuse_what_is_of_iptables(&subject)?;
    if has_unknowns(&subject) {
        return Ok(Outcome::Found);
    }
    if subject.ruleset.tables.is_empty() {
        let message = format!("there is nothing to install: {} has no tables", subject.file);
        return Err(Failure::of_input(message).help("to take a table away, `nft delete table` does it"));
    }
    install(&subject)?;
    subject.tell_comments(Target::Nft);
    Ok(Outcome::Clean)
}

/// iptables-nft takes tables of those names for its own: it would list our rules wrongly or not at all, and mix its rules
/// with ours; beside the older iptables, packets would have to pass both.
fn refuse_what_is_of_iptables(subject: &Subject) -> Result<(), Failure> {
    if !subject.is_of_iptables() {
        return Ok(());
    }
    let message = format!("{} is of iptables-save: its tables would clash with those of iptables itself", subject.file);
    let help =
        "load it with `iptables-restore`; for a host without iptables, apply what `ringwall compile` makes of it";
    Err(Failure::new(message).help(help))
}

/// Names everything that the IR has no word for: what is left out of a ruleset may be what protects the host.
fn has_unknowns(subject: &Subject) -> bool {
    for (origin, unknown) in subject.ruleset.unknowns() {
        talk(format!("{}: this cannot be installed: {} `{}`", subject.place(Some(origin)), unknown.name, unknown.text));
    }
    subject.ruleset.unknowns().next().is_some()
}

/// How the right to change rulesets is had.
#[cfg(feature = "kernel")]
pub const PERMISSION: &str = "run it as root; in a container, that needs the capability NET_ADMIN too";

#[cfg(feature = "kernel")]
fn check_permitted() -> Result<(), Failure> {
    ringwall_kernel::install::permitted().map_err(|error| Failure::caused(&error).help(PERMISSION))
}

#[cfg(not(feature = "kernel"))]
fn check_permitted() -> Result<(), Failure> {
    Err(Failure::new("this ringwall was built without the part that installs"))
}

#[cfg(feature = "kernel")]
fn install(subject: &Subject) -> Result<(), Failure> {
    use ringwall_kernel::install::apply;

    use crate::output::human::plural;

    let applied = apply(&subject.ruleset).map_err(|error| refused(subject, &error))?;
    for left_out in &applied.left_out {
        let of = if left_out.sentence.is_empty() { String::new() } else { format!(", of `{}`", left_out.sentence) };
        talk(format!("{}: this host has no {} `{}`: left out{of}", subject.file, left_out.kind, left_out.name));
    }
    let name = subject.policy.as_ref().map_or(&subject.file, |policy| &policy.name);
    let tables = subject.ruleset.tables.iter().map(|table| format!("{} {}", table.family().name(), table.name()));
    let tables = tables.collect::<Vec<_>>().join(", ");
    talk(format!("{name}: installed, {} in the kernel (table {tables})", plural(applied.rules, "rule")));
    Ok(())
}

/// Tells each part that is refused, with its place, and gives what ends the command.
#[cfg(feature = "kernel")]
fn refused(subject: &Subject, error: &ringwall_kernel::install::InstallError) -> Failure {
    use ringwall_kernel::install::InstallError;

    let parts = error.parts();
    for (part, reason) in parts.iter().take(MOST_TOLD) {
        talk(format!("{}: {reason}", subject.place(part.origin())));
    }
    if let Some(more @ 1..) = parts.len().checked_sub(MOST_TOLD) {
        talk(format!("{more} more are refused, many perhaps only because of the first"));
    }
    let whole = || Failure::new(format!("{} is not installed", subject.file));
    match error {
        InstallError::NotPermitted => Failure::caused(error).help(PERMISSION),
        InstallError::Iptables(_) => whole().help("give the table another name, or change its rules with iptables"),
        InstallError::Overtaken => Failure::caused(error).help("`ringwall watch` shows which programs these are"),
        _ if parts.is_empty() => Failure::caused(error),
        _ => whole(),
    }
}

/// Not come to: see [`check_permitted`].
#[cfg(not(feature = "kernel"))]
fn install(_: &Subject) -> Result<(), Failure> {
    Ok(())
}
