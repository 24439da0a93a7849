// SPDX-License-Identifier: GPL-3.0-or-later
//! Quotes, blanks, brackets and other marks.

use super::Place;
use crate::diagnostic::Diagnostic;
use crate::mend::misspelt;
use crate::parser::Rule;
use crate::words::suggest;

/// `because “typographic quotes”`
pub(super) fn odd_quotes(place: &Place<'_>) -> Option<Diagnostic> {
    let quote = place.word(0).chars().next().filter(|char| "“”„‟‘’'`«»".contains(*char))?;
    Some(
        place
            .syntax(format!("the mark {quote} is not a quote of the language"))
            .help("write text in straight double quotes: `\"...\"`"),
    )
}

/// `because "no end`
pub(super) fn open_quote(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "\"").then(|| {
        place
            .syntax("the quoted text has no end")
            .help("close it with `\"` on the same line; it cannot hold a `\"` itself")
    })
}

/// A no-break space, which looks like a blank and is none.
pub(super) fn odd_blank(place: &Place<'_>) -> Option<Diagnostic> {
    let blank = place.word(0).chars().next()?;
    let is_odd = (blank.is_whitespace() && !blank.is_ascii()) || ZERO_WIDTH.contains(&blank);
    is_odd.then(|| {
        place
            .syntax(format!("the character U+{:04X} is not a blank", u32::from(blank)))
            .help("write a space in its place, or nothing")
    })
}

/// Zero-width space, non-joiner, joiner, word joiner and no-break space.
const ZERO_WIDTH: &[char] = &['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}'];

/// `allow inbound \ # why`
pub(super) fn backslash(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "\\").then(|| {
        place
            .syntax("`\\` continues a line only as its last character")
            .help("remove what stands behind it; a comment can stand on a line of its own before the sentence")
    })
}

/// `allow inbound { tcp 22; }`
pub(super) fn mark_of_another_language(place: &Place<'_>) -> Option<Diagnostic> {
    let mark = place.word(0);
    let help = match mark {
        ";" => "a sentence ends with its line",
        "{" | "}" => "lists need no braces, and sentences stand in no blocks",
        "(" | ")" => "leave the parentheses out",
        "&" | "|" => "items of a list are joined by commas, directions by `and`",
        _ => return None,
    };
    Some(place.syntax(format!("`{mark}` means nothing in a policy")).help(help))
}

/// `allow outbound,`
pub(super) fn nothing_behind_comma(place: &Place<'_>) -> Option<Diagnostic> {
    (place.at_end() && place.word(-1) == ",").then(|| {
        place
            .syntax_before("nothing follows the comma")
            .help("a comma joins items of a list, or sentences; `\\` at the end continues a line")
    })
}

/// `[home ssh] allow inbound ssh`
pub(super) fn open_label(place: &Place<'_>) -> Option<Diagnostic> {
    place.expects(&[Rule::label_end]).then(|| {
        let finding = if place.at_end() {
            place.syntax_before("the label has no end")
        } else {
            place.syntax(format!("expected `]` at the end of the label, found `{}`", place.word(0)))
        };
        finding.help("a label is one name in brackets, such as `[ssh-home]`")
    })
}

/// `allow inbound ssh "remote admin"`
pub(super) fn stray_text(place: &Place<'_>) -> Option<Diagnostic> {
    let is_stray = place.word(0).starts_with('"') && !place.expects(&[Rule::string]);
    is_stray.then(|| match suggest(place.word(-1), ["because"]) {
        // Behind a comma it was taken for a name, and even the right word could not stand there.
        Some(because) => misspelt(place.word(-1), place.draft.place(place.at - 1, 1), because),
        None => place
            .syntax("a quoted text cannot stand here")
            .help("a reason stands behind `because`, the prefix of a log behind `, log as`"),
    })
}
