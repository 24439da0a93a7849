// SPDX-License-Identifier: GPL-3.0-or-later
//! Commas, and what they join.

use super::Place;
use crate::diagnostic::Diagnostic;
use crate::words::DIRECTIONS;

/// `drop inbound, outbound`
pub(super) fn directions_with_comma(place: &Place<'_>) -> Option<Diagnostic> {
    let (before, word) = (place.word(-2), place.word(0));
    (place.word(-1) == "," && DIRECTIONS.contains(&word) && DIRECTIONS.contains(&before)).then(|| {
        place.syntax("directions are joined by `and`, not by a comma").help(format!("write `{before} and {word}`"))
    })
}

/// `from not lan, guest`
pub(super) fn several_behind_not(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(-1) == "," && place.word(-3) == "not").then(|| {
        place.syntax("`not` takes one address or network").help(format!(
            "write `any except {}, {}`",
            place.word(-2),
            place.word(0)
        ))
    })
}

/// `allow inbound ssh, because "..."`
pub(super) fn comma_before_because(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "because" && place.word(-1) == ",")
        .then(|| place.syntax_before("`because` has no comma before it").help("leave the comma out"))
}

/// `allow inbound ssh http`
pub(super) fn missing_comma(place: &Place<'_>) -> Option<Diagnostic> {
    if place.at_end() || place.at == 0 {
        return None;
    }
    let next = place.draft.with_comma_before(place.at);
    let reads_on = match next.read() {
        Ok(_) => true,
        Err(stop) => next.index_at(stop.at) > place.at + 1,
    };
    let (before, word) = (place.word(-1), place.word(0));
    reads_on.then(|| {
        place
            .syntax(format!("`{word}` follows `{before}` without a comma or a word between them"))
            .help(format!("items of a list have commas: `{before}, {word}`; addresses stand behind `from` or `to`"))
    })
}
