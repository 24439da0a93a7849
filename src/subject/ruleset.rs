// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of others, read into the chain IR.

use ringwall_compiler::target::iptables::{self, ReadError};
use ringwall_ir::Ruleset;
use ringwall_ir::json;
use ringwall_ir::words::Family;

use super::form::Form;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::talk;

/// Reads a ruleset, and tells what is wrong with it; nothing comes of it where it is not of its form at all. What the IR
/// has no word for is in it as an unknown.
///
/// # Errors
/// It is no text, or no document of its form.
pub fn read(form: Form, input: &Input) -> Result<Option<Ruleset>, Failure> {
    let text =
        str::from_utf8(&input.bytes).map_err(|_| Failure::new(format!("{} is not text in UTF-8", input.name)))?;
    match form {
        Form::IrJson => json::read(text).map(Some).map_err(|error| Failure::new(format!("{}: {error}", input.name))),
        Form::IptablesSave => Ok(told(&input.name, iptables::read(text, family(text)))),
        Form::Policy => Ok(None),
    }
}

fn told(file: &str, (ruleset, errors): (Ruleset, Vec<ReadError>)) -> Option<Ruleset> {
    for error in &errors {
        talk(format!("{file}:{}: {}", error.line, error.message));
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
