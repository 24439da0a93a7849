// SPDX-License-Identifier: GPL-3.0-or-later
//! What is wrong with a policy, where, and what its author can do about it.

use crate::code::{Code, Severity};
use crate::span::Span;

/// One finding. The message is lower-case, without a full stop and without names of Rust types; user text stands in back-ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of finding: a row of the table in [`crate::code`].
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Other places that belong to it, each with a few words.
    pub related: Vec<(Span, String)>,
    /// What the author can do next.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding without help or related places.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span, related: Vec::new(), help: None }
    }

    /// Says what the author can do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points to another place that belongs to the finding.
    #[must_use]
    pub fn related(mut self, span: Span, words: impl Into<String>) -> Self {
        self.related.push((span, words.into()));
        self
    }

    /// How severe a finding of this code is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Whether one of the findings is an error.
#[must_use]
pub fn any_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|finding| finding.severity() == Severity::Error)
}
