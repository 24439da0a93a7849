// SPDX-License-Identifier: GPL-3.0-or-later
//! What a subcommand is about: a policy, or somebody's ruleset in its place.

mod form;
mod place;
mod ruleset;

use ringwall_compiler::Policy;
use ringwall_compiler::target::{NotAsWritten, Target, not_as_written};
use ringwall_compiler::verify;
use ringwall_ir::{OriginId, Ruleset};
use ringwall_runtime::engine::unsupported;

use self::form::Form;
use crate::cli::{SubjectArgs, TextArgs};
use crate::failure::Failure;
use crate::input::{Input, Kind};
use crate::output::human::plural;
use crate::output::talk;
use crate::policy_file::{PolicyFile, Warnings};

/// A ruleset, and the policy that it was compiled from, if it was.
pub struct Subject {
    /// The file in messages.
    pub file: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The ruleset.
    pub ruleset: Ruleset,
    /// The policy.
    pub policy: Option<Policy>,
    form: Form,
}

impl Subject {
    /// Reads a policy or a ruleset, and tells what is wrong with it. Nothing comes of it where that is too much.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(arguments: &SubjectArgs, warnings: Warnings) -> Result<Option<Self>, Failure> {
        let input = Input::read(&arguments.policy.policy, |head| match Form::of(head) {
            Form::Policy => Kind::Policy,
            _ => Kind::Ruleset,
        })?;
        let form = Form::of(&input.bytes);
        refuse_what_is_for_iptables(form, &input, &arguments.text)?;
        if form != Form::Policy {
            let sets = arguments.text.ipset.as_deref().map(|file| Input::read(file, |_| Kind::Ruleset)).transpose()?;
            let ruleset = ruleset::read(form, &input, sets.as_ref(), arguments.text.family)?;
            let subject = |ruleset| Self { file: input.name, bytes: input.bytes, ruleset, policy: None, form };
            return Ok(ruleset.map(subject));
        }
        let (file, bytes) = (input.name.clone(), input.bytes.clone());
        let policy = PolicyFile::of(input, arguments.policy.deny_warnings);
        let compiled = policy.accept(warnings).is_some();
        let subject = policy.compiled.filter(|_| compiled).map(|compiled| Self {
            file,
            bytes,
            ruleset: compiled.ruleset,
            policy: Some(compiled.policy),
            form,
        });
        Ok(subject)
    }

    /// What it is called in results.
    pub fn title(&self) -> String {
        self.policy.as_ref().map_or_else(|| self.file.clone(), |policy| format!("policy {}", policy.name))
    }

    /// Whether it is a text of iptables-save or ip6tables-save.
    pub fn is_of_iptables(&self) -> bool {
        self.form == Form::IptablesSave
    }

    /// Where something stands that comes from a sentence or from a part of somebody's ruleset: for messages, before a
    /// colon.
    pub fn place(&self, origin: Option<OriginId>) -> String {
        let lines = matches!(self.form, Form::Policy | Form::IptablesSave);
        let told = if lines { self.line(origin) } else { origin.and_then(|origin| place::of(&self.ruleset, origin)) };
        match told {
            Some(place) if lines => format!("{}:{place}", self.file),
            Some(place) => format!("{}: {place}", self.file),
            None => self.file.clone(),
        }
    }

    fn line(&self, origin: Option<OriginId>) -> Option<String> {
        let line = self.ruleset.origin(origin?)?.line;
        (line > 0).then(|| line.to_string())
    }

    /// What is verified.
    pub const fn to_verify(&self) -> verify::Subject<'_> {
        verify::Subject { ruleset: &self.ruleset, policy: self.policy.as_ref() }
    }

    /// Tells which comments a target does not have as they were written.
    pub fn tell_comments(&self, target: Target) {
        for NotAsWritten { origin, message } in not_as_written(&self.ruleset, target) {
            talk(format!("{}: warning: {message}", self.place(origin)));
        }
    }

    /// Refuses to run what the machine does not model: its answers would not be the kernel's.
    ///
    /// # Errors
    /// What the machine cannot run, by name and count.
    pub fn check_runs(&self) -> Result<(), Failure> {
        let mut names: Vec<(String, String, usize)> = Vec::new();
        for part in unsupported(&self.ruleset) {
            match names.iter_mut().find(|(name, reason, _)| (name, reason) == (&part.name, &part.reason)) {
                Some((_, _, count)) => *count += 1,
                None => names.push((part.name, part.reason, 1)),
            }
        }
        if names.is_empty() {
            return Ok(());
        }
        let list: Vec<_> = names
            .iter()
            .map(|(name, reason, count)| format!("`{name}` in {}: {reason}", plural(*count, "rule")))
            .collect();
        let message = format!("{}: the machine cannot run this ruleset: {}", self.file, list.join("; "));
        Err(Failure::of_input(message).help("take these rules out, or look at the ruleset in the kernel itself"))
    }
}

/// Some options say what an iptables-save text does not tell itself; of another form they say nothing.
fn refuse_what_is_for_iptables(form: Form, input: &Input, text: &TextArgs) -> Result<(), Failure> {
    let option = match text {
        _ if form == Form::IptablesSave => return Ok(()),
        TextArgs { ipset: Some(_), .. } => "--ipset",
        TextArgs { family: Some(_), .. } => "--family",
        TextArgs { ipset: None, family: None } => return Ok(()),
    };
    Err(Failure::new(format!("`{option}` is for iptables-save texts, and {} is none", input.name)).help("leave it out"))
}
