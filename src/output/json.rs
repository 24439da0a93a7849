// SPDX-License-Identifier: GPL-3.0-or-later
//! The JSON forms. Their keys and words are part of the interface: programs read them.

use ringwall_grammar::{Diagnostic, Severity, Span};
use serde::Serialize;

use crate::failure::Failure;

/// One finding.
#[derive(Serialize)]
pub struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    help: Option<&'a str>,
    place: Place,
    related: Vec<Related<'a>>,
}

/// Where a finding points.
#[derive(Serialize)]
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// In bytes, from 0.
    start: usize,
    /// Behind the last byte.
    end: usize,
}

/// Another place that belongs to a finding.
#[derive(Serialize)]
struct Related<'a> {
    words: &'a str,
    place: Place,
}

impl<'a> Finding<'a> {
    /// A finding in `text`.
    pub fn new(finding: &'a Diagnostic, text: &str) -> Self {
        let related = |(span, words): &'a (Span, String)| Related { words, place: Place::new(*span, text) };
        Self {
            code: finding.code.name(),
            severity: severity(finding.severity()),
            message: &finding.message,
            help: finding.help.as_deref(),
            place: Place::new(finding.span, text),
            related: finding.related.iter().map(related).collect(),
        }
    }
}

impl Place {
    fn new(span: Span, text: &str) -> Self {
        let (line, column) = span.line_column(text);
        Self { line, column, start: span.start, end: span.end }
    }
}

/// A severity's word.
pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// One object on a line of its own.
///
/// # Errors
/// A value that JSON cannot hold, which is a defect.
pub fn line(value: &impl Serialize) -> Result<String, Failure> {
    let mut line = serde_json::to_string(value).map_err(|error| Failure::caused(&error))?;
    line.push('\n');
    Ok(line)
}
