// SPDX-License-Identifier: GPL-3.0-or-later
//! Mistakes that are not slips of the pen, each with the words that explain it.
//!
//! Each mistake is one function, with an example of it; the first that knows the case explains it.

mod forms;
mod lists;
mod marks;
mod order;
mod values;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::draft::{Draft, Stop};
use crate::expected;
use crate::parser::Rule;
use crate::words::{DECLARATIONS, RESERVED, VERBS};

/// The place at which pest stopped.
struct Place<'a> {
    draft: &'a Draft,
    expected: &'a [Rule],
    /// The index of the word there.
    at: usize,
}

/// Says what is wrong with the piece at the place at which pest stopped.
pub(crate) fn explain(draft: &Draft, stop: &Stop) -> Diagnostic {
    let place = Place { draft, expected: &stop.expected, at: draft.index_at(stop.at) };
    MISTAKES.iter().find_map(|mistake| mistake(&place)).unwrap_or_else(|| place.unexpected())
}

const MISTAKES: &[fn(&Place<'_>) -> Option<Diagnostic>] = &[
    forms::form_not_read,
    forms::part_not_read,
    forms::no_sentence,
    marks::odd_quotes,
    marks::open_quote,
    marks::odd_blank,
    marks::backslash,
    marks::mark_of_another_language,
    marks::nothing_behind_comma,
    lists::directions_with_comma,
    lists::several_behind_not,
    values::range_of_another_language,
    values::half_range,
    values::number_without_protocol,
    values::stray_port,
    values::stray_hop_limit,
    values::any_traffic,
    values::name_as_port,
    values::host_name,
    values::odd_name,
    values::reserved_name,
    values::flags_without_mask,
    marks::open_label,
    marks::stray_text,
    order::more_than_otherwise_takes,
    order::late_kind,
    order::late_log,
    order::second_log,
    order::bare_log,
    lists::comma_before_because,
    order::out_of_order,
    forms::expectation_without_fate,
    forms::second_sentence,
    forms::no_item,
    lists::missing_comma,
];

impl<'a> Place<'a> {
    /// The word at some distance from the place; empty outside of the piece.
    fn word(&self, distance: isize) -> &'a str {
        self.at.checked_add_signed(distance).map_or("", |index| self.draft.word(index))
    }

    fn expects(&self, rules: &[Rule]) -> bool {
        self.expected.iter().any(|rule| rules.contains(rule))
    }

    fn at_end(&self) -> bool {
        self.word(0).is_empty()
    }

    /// A finding about the word at the place.
    fn finding(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.draft.place(self.at, 1), message)
    }

    /// A finding about the syntax at the place.
    fn syntax(&self, message: impl Into<String>) -> Diagnostic {
        self.finding(Code::Syntax, message)
    }

    /// A finding about the word before the place.
    fn syntax_before(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, self.draft.place(self.at.saturating_sub(1), 1), message)
    }

    /// The words of the sentence before the place.
    fn sentence_so_far(&self) -> Vec<&'a str> {
        let before: Vec<&str> = (0..self.at).map(|index| self.draft.word(index)).collect();
        let start = before.iter().rposition(|word| VERBS.contains(word) || DECLARATIONS.contains(word));
        before.get(start.unwrap_or(0)..).unwrap_or_default().to_vec()
    }

    /// What is said where nothing better is known.
    fn unexpected(&self) -> Diagnostic {
        let expected = expected::list(self.expected);
        if self.at_end() {
            let message = format!("the sentence ends too early: expected {expected} after `{}`", self.word(-1));
            return self.with_pattern(self.syntax_before(message));
        }
        let word = self.word(0);
        let finding = self.syntax(format!("expected {expected}, found `{word}`"));
        if RESERVED.contains(&word) && self.expects(&[Rule::name, Rule::address, Rule::who, Rule::interfaces]) {
            return finding.help(format!("`{word}` is a word of the language: it cannot be a name"));
        }
        self.with_pattern(finding)
    }

    /// The finding with the pattern of the line, if the line is short enough to have one.
    fn with_pattern(&self, finding: Diagnostic) -> Diagnostic {
        match self.draft.word(0) {
            "baseline" => finding.help("the pattern is `baseline NAME`, or `baseline NAME except LABEL, LABEL`"),
            "network" => finding.help("the pattern is `network NAME = ADDRESSES`"),
            "otherwise" => {
                finding.help("the pattern is `otherwise drop DIRECTION`, with `reject` or `allow` for `drop`")
            }
            "policy" => finding.help("the pattern is `policy NAME edition 1`"),
            "service" => finding.help("the pattern is `service NAME = TRAFFIC`"),
            _ => finding,
        }
    }
}
