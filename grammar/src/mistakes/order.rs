// SPDX-License-Identifier: GPL-3.0-or-later
//! The order of the parts of a sentence.

use super::Place;
use crate::diagnostic::Diagnostic;
use crate::parser::Rule;
use crate::words::{DIRECTIONS, RESERVED, STATES, TRANSPORTS};

const ORDER: &str = "the order is: verb, states, directions, traffic, `from`, `to`, `, log`, `because`";

/// `otherwise drop inbound from lan`
pub(super) fn more_than_otherwise_takes(place: &Place<'_>) -> Option<Diagnostic> {
    let so_far = place.sentence_so_far();
    let before = place.at.checked_sub(so_far.len() + 1).map(|index| place.draft.word(index));
    let is_closing = before == Some("otherwise");
    let has_direction = so_far.iter().any(|word| DIRECTIONS.contains(word));
    let is_part = !place.at_end() && place.word(-1) != "," && !so_far.contains(&"log");
    (is_closing && has_direction && is_part).then(|| {
        place
            .syntax("`otherwise` takes directions and a log, nothing else")
            .help("write a plain sentence before it for some of the packets, such as `drop inbound from 192.0.2.0/24`")
    })
}

/// `reject inbound with tcp-reset`
pub(super) fn late_kind(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(0) == "with").then(|| {
        place.syntax("`with` stands only right behind `reject`").help("write `reject with KIND`, and then the rest")
    })
}

/// `allow inbound because "x", log`
pub(super) fn late_log(place: &Place<'_>) -> Option<Diagnostic> {
    let is_late = place.word(-1) == "log" && place.sentence_so_far().contains(&"because");
    is_late.then(|| place.syntax_before("`, log` must stand before `because`").help(ORDER))
}

/// `allow inbound ssh, log as "a", log as "b"`
pub(super) fn second_log(place: &Place<'_>) -> Option<Diagnostic> {
    let logs = place.sentence_so_far().iter().filter(|word| **word == "log").count();
    (place.word(-1) == "log" && logs == 2)
        .then(|| place.syntax_before("a second `, log` in one sentence").help("leave one of them out"))
}

/// `log ssh`
pub(super) fn bare_log(place: &Place<'_>) -> Option<Diagnostic> {
    (place.word(-1) == "log" && place.expects(&[Rule::state, Rule::direction])).then(|| {
        let finding = if place.at_end() {
            place.syntax_before("`log` names neither states nor a direction")
        } else {
            place.syntax(format!("`log` must name states or a direction before `{}`", place.word(0)))
        };
        finding.help("write `log inbound ...` for a sentence, or `, log` behind the sentence that is to be logged")
    })
}

/// `allow ssh inbound`, `drop inbound to lan from guest`
pub(super) fn out_of_order(place: &Place<'_>) -> Option<Diagnostic> {
    let word = place.word(0);
    let (rank, kind) = slot(word)?;
    let so_far = place.sentence_so_far();
    let before = so_far.get(1..).unwrap_or_default();
    let named = if kind.is_empty() { format!("`{word}`") } else { format!("{kind} `{word}`") };
    if let Some(earlier) = before.iter().find(|earlier| slot(earlier).is_some_and(|(other, _)| other > rank)) {
        return Some(place.syntax(format!("{named} must stand before `{earlier}`")).help(ORDER));
    }
    if rank < TRAFFIC && before.iter().any(|earlier| !RESERVED.contains(earlier)) {
        return Some(place.syntax(format!("{named} must stand before the traffic")).help(ORDER));
    }
    let repeated = rank > TRAFFIC && so_far.contains(&word);
    repeated.then(|| place.syntax(format!("a second `{word}` in one sentence")).help(ORDER))
}

/// The place of traffic in the order of a sentence.
pub(super) const TRAFFIC: u8 = 3;

/// The place of a word in the order of a sentence, and what words of that place are called, if they have a name.
pub(super) fn slot(word: &str) -> Option<(u8, &'static str)> {
    Some(match word {
        _ if STATES.contains(&word) => (1, "the state"),
        _ if DIRECTIONS.contains(&word) => (2, "the direction"),
        "icmp" | "icmpv6" | "protocol" => (TRAFFIC, "the traffic"),
        _ if TRANSPORTS.contains(&word) => (TRAFFIC, "the traffic"),
        "from" => (4, ""),
        "to" => (5, ""),
        "log" => (6, ""),
        "because" => (7, ""),
        _ => return None,
    })
}
