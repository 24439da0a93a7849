// SPDX-License-Identifier: GPL-3.0-or-later
//! The policy that a subcommand is about: read, compiled, and its findings told.

use ringwall_compiler::{Compiled, compile};
use ringwall_grammar::{Diagnostic, any_error, decode};

use crate::cli::PolicyArgs;
use crate::failure::Failure;
use crate::input::{Input, Kind};
use crate::output::human::{Canvas, count};
use crate::output::{show, talk};

/// What a policy is called that has neither a header nor a file name.
const NAMELESS: &str = "policy";

/// A policy file, compiled as far as it can be.
pub struct PolicyFile {
    /// The file in messages.
    pub name: String,
    /// Its text; where it is not text, what comes nearest.
    pub text: String,
    /// What it was compiled to; nothing where it has errors.
    pub compiled: Option<Compiled>,
    /// What was found.
    pub findings: Vec<Diagnostic>,
    deny_warnings: bool,
}

/// How much is said about warnings of a policy that can be used in spite of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Warnings {
    /// All of them, with their places.
    Drawn,
    /// That there are some.
    Counted,
}

impl PolicyFile {
    /// Reads and compiles the policy of the command line.
    ///
    /// # Errors
    /// It cannot be read. What is wrong with its text is no failure, but a finding.
    pub fn read(arguments: &PolicyArgs) -> Result<Self, Failure> {
        let input = Input::read(&arguments.policy, |_| Kind::Policy)?;
        Ok(Self::of(input, arguments.deny_warnings))
    }

    /// Compiles what was read.
    pub fn of(input: Input, deny_warnings: bool) -> Self {
        let stem = input.stem.as_deref().unwrap_or(NAMELESS);
        let (text, (compiled, findings)) = match decode(&input.bytes) {
            Ok(text) => (text.to_owned(), compile(stem, text)),
            Err(finding) => (String::from_utf8_lossy(&input.bytes).into_owned(), (None, vec![finding])),
        };
        Self { name: input.name, text, compiled, findings, deny_warnings }
    }

    /// What it was compiled to, if its findings allow to go on.
    pub fn accepted(&self) -> Option<&Compiled> {
        self.compiled.as_ref().filter(|_| !any_error(&self.findings) && !self.denied())
    }

    /// Tells the findings and gives what it was compiled to, if they allow to go on.
    pub fn accept(&self, warnings: Warnings) -> Option<&Compiled> {
        let accepted = self.accepted();
        if accepted.is_some() && warnings == Warnings::Counted && !self.findings.is_empty() {
            talk(format!("{}: {} (`ringwall check` shows them)", self.name, count(&self.findings)));
        } else {
            self.tell();
        }
        accepted
    }

    /// Draws every finding on standard error.
    pub fn tell(&self) {
        if self.findings.is_empty() {
            return;
        }
        show(Canvas::of_terminal().findings(&self.name, &self.text, &self.findings).trim_end());
        if self.denied() && !any_error(&self.findings) {
            talk("warnings are denied here (`--deny-warnings`)");
        }
    }

    fn denied(&self) -> bool {
        self.deny_warnings && !self.findings.is_empty()
    }
}
