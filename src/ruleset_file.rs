// SPDX-License-Identifier: GPL-3.0-or-later
//! The ruleset that traffic is run through: a policy, or somebody's iptables-save file in its place.

use ringwall_compiler::target::iptables;
use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;

use crate::cli::PolicyArgs;
use crate::failure::Failure;
use crate::output::talk;
use crate::policy_file::{self, PolicyFile, Warnings};

/// Reads a policy or an iptables-save file, and tells what is wrong with it. Nothing comes of it where that is too much.
///
/// # Errors
/// It cannot be read.
pub fn read(arguments: &PolicyArgs) -> Result<Option<Ruleset>, Failure> {
    let input = policy_file::read_input(&arguments.policy)?;
    match str::from_utf8(&input.bytes) {
        Ok(text) if is_iptables_save(text) => Ok(read_iptables(&input.name, text)),
        _ => {
            let file = PolicyFile::of(input, arguments.deny_warnings);
            Ok(file.accept(Warnings::Counted).map(|compiled| compiled.ruleset.clone()))
        }
    }
}

/// Such a file starts with a table, `*filter`, but for comments. No policy does.
fn is_iptables_save(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with('*'))
}

fn read_iptables(name: &str, text: &str) -> Option<Ruleset> {
    let (ruleset, errors) = iptables::read(text, family(text));
    for error in &errors {
        talk(format!("{name}:{}: {}", error.line, error.message));
        if let Some(help) = &error.help {
            talk(format!("  help: {help}"));
        }
    }
    errors.is_empty().then_some(ruleset)
}

/// ip6tables-save says its name in its first comment; nothing else in the text tells the families apart for sure.
fn family(text: &str) -> Family {
    if text.lines().next().is_some_and(|line| line.contains("ip6tables-save")) { Family::Ipv6 } else { Family::Ipv4 }
}
