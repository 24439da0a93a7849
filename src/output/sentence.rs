// SPDX-License-Identifier: GPL-3.0-or-later
//! The sentence behind a decision, for people and for programs.

use std::fmt::{self, Display, Formatter};

use ringwall_ir::{OriginId, Ruleset};
use serde::Serialize;

use super::table::squeezed;
use super::terminal::harmless;

/// Longer sentences are cut where people read them.
const LONGEST: usize = 70;

/// A sentence, or a line of somebody else's ruleset. Its keys are part of the interface.
#[derive(Serialize)]
pub struct Sentence<'a> {
    id: &'a str,
    text: &'a str,
    line: u32,
}

impl<'a> Sentence<'a> {
    /// The sentence that something comes from, if anything does.
    pub fn of(ruleset: &'a Ruleset, origin: Option<OriginId>) -> Option<Self> {
        let origin = ruleset.origin(origin?)?;
        Some(Self { id: &origin.id, text: &origin.text, line: origin.line })
    }
}

impl Display for Sentence<'_> {
    /// `7: allow inbound ssh from lan`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}: ", self.line)?;
        }
        f.write_str(&harmless(&squeezed(self.text, LONGEST)))
    }
}
