// SPDX-License-Identifier: GPL-3.0-or-later
//! The sentence behind a decision, for people and for programs.

use std::fmt::{self, Display, Formatter};

use ringwall_ir::{OriginId, Ruleset};
use serde::Serialize;

use super::table::squeezed;
use super::terminal::harmless;

/// Longer sentences are cut where people read them.
const LONGEST: usize = 70;

/// A sentence, or a line or rule of somebody else's ruleset. Its keys are part of the interface.
#[derive(Serialize)]
pub struct Sentence<'a> {
    id: &'a str,
    text: &'a str,
    /// None where it has no line.
    line: Option<u32>,
    /// Where it stands that has no line: `inet filter input #3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
}

impl<'a> Sentence<'a> {
    /// The sentence that something comes from, if anything does.
    pub fn of(ruleset: &'a Ruleset, origin: Option<OriginId>) -> Option<Self> {
        let origin = ruleset.origin(origin?)?;
        let line = (origin.line > 0).then_some(origin.line);
        Some(Self { id: origin.name(), text: &origin.text, line, place: origin.place() })
    }
}

impl Display for Sentence<'_> {
    /// `7: allow inbound ssh from lan`, `inet filter input #3: tcp dport 22 accept`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{line}: ")?;
        }
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&harmless(&squeezed(self.text, LONGEST)))
    }
}
