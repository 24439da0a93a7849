// SPDX-License-Identifier: GPL-3.0-or-later
//! Findings and failures for people: the place in the policy, drawn by miette.

use std::error::Error;
use std::fmt::{self, Display, Formatter, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use ringwall_grammar::{Diagnostic, Severity, Span, suggest};
use ringwall_runtime::host::{HostError, UnknownWord};

use super::{MOST_TOLD, terminal};

/// Places in longer lines, in bytes, are named, not drawn.
const LONGEST_LINE: usize = 400;

/// Where the findings of one policy are drawn.
pub struct Canvas {
    handler: GraphicalReportHandler,
}

impl Canvas {
    /// For standard error as it is.
    pub fn of_terminal() -> Self {
        Self::new(terminal::width(), terminal::has_colour())
    }

    fn new(width: usize, colour: bool) -> Self {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        Self { handler: GraphicalReportHandler::new_themed(theme).with_links(false).with_width(width) }
    }

    /// Every finding with its place in `text`, and their number.
    pub fn findings(&self, name: &str, text: &str, findings: &[Diagnostic]) -> String {
        self.draw(name, text, &findings.iter().map(Told::finding).collect::<Vec<_>>(), &count(findings))
    }

    /// Every mistake of a host file with its place in `text`, and their number.
    pub fn mistakes(&self, name: &str, text: &str, mistakes: &[HostError]) -> String {
        let number = plural(mistakes.len(), "error");
        self.draw(name, text, &mistakes.iter().map(Told::mistake).collect::<Vec<_>>(), &number)
    }

    fn draw(&self, name: &str, text: &str, all: &[Told<'_>], number: &str) -> String {
        let shown = terminal::harmless(text);
        let source = NamedSource::new(terminal::harmless(name), shown.as_str().to_owned());
        let mut out = String::new();
        for told in all.iter().take(MOST_TOLD) {
            let drawn = Drawn { told, place: Place::of(told, &shown), source: &source };
            // A String takes every byte, and miette has no error of its own where the span lies in the text.
            let _ = self.handler.render_report(&mut out, &drawn);
            out.push('\n');
        }
        let left = all.len().saturating_sub(MOST_TOLD);
        if left > 0 {
            let _ = writeln!(out, "... and {left} more\n");
        }
        let _ = writeln!(out, "{}: {number}", terminal::harmless(name));
        out
    }
}

/// What is told about a place in a text.
#[derive(Debug)]
struct Told<'a> {
    severity: Severity,
    /// What `ringwall explain` knows it by.
    code: Option<&'static str>,
    message: &'a str,
    help: Option<String>,
    span: Span,
    related: &'a [(Span, String)],
}

impl<'a> Told<'a> {
    fn finding(finding: &'a Diagnostic) -> Self {
        Self {
            severity: finding.severity(),
            code: Some(finding.code.name()),
            message: &finding.message,
            help: finding.help.clone(),
            span: finding.span,
            related: &finding.related,
        }
    }

    fn mistake(mistake: &'a HostError) -> Self {
        Self {
            severity: Severity::Error,
            code: None,
            message: &mistake.message,
            help: mistake.help.clone().or_else(|| mistake.unknown.as_ref().map(known)),
            span: Span::new(mistake.span.start, mistake.span.end),
            related: &[],
        }
    }
}

/// What an unknown word may have been meant to be, and all that it could be.
fn known(unknown: &UnknownWord) -> String {
    meant(unknown, format!("known are {}", unknown.known.join(", ")))
}

/// What an unknown word may have been meant to be, in front of the rest of a help.
pub fn meant(unknown: &UnknownWord, rest: String) -> String {
    match suggest(&unknown.word, unknown.known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? {rest}").trim_end().to_owned(),
        None => rest,
    }
}

/// `2 errors, 1 warning`
pub fn count(findings: &[Diagnostic]) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity() == severity).count();
    let words: Vec<_> = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| plural(number, word))
        .collect();
    words.join(", ")
}

/// `1 error`, `2 errors`
pub fn plural(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// Where a finding points, as far as it can be drawn.
#[derive(Debug)]
enum Place {
    /// It is drawn under the line.
    Drawn,
    /// Its line is too long to be drawn: line and column.
    Named(usize, usize),
}

impl Place {
    fn of(told: &Told<'_>, text: &str) -> Self {
        let spans = told.related.iter().map(|(span, _)| *span).chain([told.span]);
        if spans.map(|span| longest_line(text, span)).max() <= Some(LONGEST_LINE) {
            return Self::Drawn;
        }
        let (line, column) = told.span.line_column(text);
        Self::Named(line, column)
    }
}

/// The length of the longest line that a span touches, with the lines that are drawn around it, in bytes.
fn longest_line(text: &str, span: Span) -> usize {
    let (before, rest) = text.split_at_checked(span.start).unwrap_or((text, ""));
    let (within, after) = rest.split_at_checked(span.end.saturating_sub(span.start)).unwrap_or((rest, ""));
    let start = before.rmatch_indices('\n').nth(1).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(1).map_or(after.len(), |(at, _)| at);
    let end = before.len() + within.len() + end;
    text.get(start..end).unwrap_or_default().split('\n').map(str::len).max().unwrap_or_default()
}

/// What is told, as miette wants it.
#[derive(Debug)]
struct Drawn<'a> {
    told: &'a Told<'a>,
    place: Place,
    source: &'a NamedSource<String>,
}

impl Display for Drawn<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&terminal::harmless(self.told.message))?;
        match self.place {
            Place::Drawn => Ok(()),
            Place::Named(line, column) => write!(f, " (line {line}, column {column})"),
        }
    }
}

impl Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code(&self) -> Option<Box<dyn Display + '_>> {
        let severity = match self.told.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Some(match self.told.code {
            Some(code) => Box::new(format!("{severity}[{code}]")),
            None => Box::new(severity),
        })
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.told.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help(&self) -> Option<Box<dyn Display + '_>> {
        let help = self.told.help.as_deref()?;
        Some(Box::new(terminal::harmless(help)))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        matches!(self.place, Place::Drawn).then_some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let range = |span: Span| (span.start, span.end.saturating_sub(span.start));
        let primary = LabeledSpan::new_primary_with_span(None, range(self.told.span));
        let related = self
            .told
            .related
            .iter()
            .map(move |(span, words)| LabeledSpan::new_with_span(Some(terminal::harmless(words)), range(*span)));
        Some(Box::new(std::iter::once(primary).chain(related)))
    }
}
