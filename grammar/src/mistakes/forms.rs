// SPDX-License-Identifier: GPL-3.0-or-later
//! What opens a sentence, and forms of the language that this version does not compile.

use super::Place;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::not_yet;
use crate::parser::Rule;
use crate::words::{DECLARATIONS, VERBS};

/// `keep open ssh from lan`
pub(super) fn form_not_read(place: &Place<'_>) -> Option<Diagnostic> {
    let words = place.draft.words();
    let label = match words.as_slice() {
        ["[", _, "]", ..] => 3,
        _ => 0,
    };
    Some(not_read(place, label, not_yet::opening(words.get(label..)?)?))
}

/// `allow inbound ssh at most 3/minute`
pub(super) fn part_not_read(place: &Place<'_>) -> Option<Diagnostic> {
    Some(not_read(place, place.at, not_yet::part(place.draft.words().get(place.at..)?)?))
}

fn not_read(place: &Place<'_>, first: usize, form: &not_yet::Form) -> Diagnostic {
    let message = format!("`{}` ({}) is not compiled by this version", form.words.join(" "), form.purpose);
    Diagnostic::new(Code::NotYet, place.draft.place(first, form.words.len()), message).help(form.help)
}

/// `frobnicate the packets`
pub(super) fn no_sentence(place: &Place<'_>) -> Option<Diagnostic> {
    let opens = place.at == 0 && place.expects(&[Rule::kw_baseline]);
    (opens && !place.at_end()).then(|| {
        place.syntax(format!("no sentence starts with `{}`", place.word(0))).help(
            "a line starts with a verb (`allow`, `permit`, `drop`, `reject`, `log`), `otherwise`, `expect`, `network`, \
             `service` or `baseline`",
        )
    })
}

/// `expect inbound ssh`
pub(super) fn expectation_without_fate(place: &Place<'_>) -> Option<Diagnostic> {
    (place.at_end() && place.expects(&[Rule::fate])).then(|| {
        place
            .syntax_before("the expectation does not say what must happen")
            .help("end it with `allowed`, `dropped` or `rejected`")
    })
}

/// `allow outbound, frobnicate`
pub(super) fn no_item(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(-1) == "," && place.expects(&[Rule::kw_baseline])).then(|| {
        place
            .syntax(format!("`{}` neither continues the list before the comma nor starts a sentence", place.word(0)))
            .help("behind a comma stands another item of the list, or a sentence with its verb")
    })
}

/// `allow inbound ssh drop outbound`
pub(super) fn second_sentence(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let opens = VERBS.contains(&word) || DECLARATIONS.contains(&word);
    (opens && place.expects(&[Rule::EOI])).then(|| {
        place
            .syntax(format!("`{word}` opens another sentence"))
            .help(format!("put a line end or a comma before `{word}`"))
    })
}
