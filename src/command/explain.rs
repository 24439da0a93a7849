// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall explain`: the page of a diagnostic.

use std::fmt::Write;

use ringwall_grammar::{Code, suggest};

use super::Outcome;
use crate::failure::Failure;
use crate::output;

#[derive(clap::Args)]
pub struct Args {
    /// The code of the diagnostic; without one, all of them are listed
    code: Option<String>,
}

pub fn run(arguments: &Args) -> Result<Outcome, Failure> {
    let text = match &arguments.code {
        Some(code) => find(code)?.page().to_owned(),
        None => list(),
    };
    output::data(&text)?;
    Ok(Outcome::Clean)
}

/// Finds a code by its name, as it is printed too: `error[unknown-name]`.
fn find(word: &str) -> Result<Code, Failure> {
    let name = word.split_once('[').map_or(word, |(_, rest)| rest.trim_end_matches(']'));
    let names = || Code::ALL.iter().map(|code| code.name());
    Code::ALL.iter().copied().find(|code| code.name() == name).ok_or_else(|| {
        let failure = Failure::new(format!("no diagnostic has the code `{name}`"));
        match suggest(name, names()) {
            Some(near) => failure.help(format!("did you mean `{near}`? `ringwall explain` lists all")),
            None => failure.help("`ringwall explain` lists all"),
        }
    })
}

fn list() -> String {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
    let mut out = String::new();
    for code in Code::ALL {
        // A String takes every byte.
        let _ =
            writeln!(out, "{:width$}  {:7}  {}", code.name(), output::json::severity(code.severity()), code.title());
    }
    out
}
