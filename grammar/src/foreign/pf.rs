// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules of pf.

use super::{Line, Sentence, address, direction, port_range, verdict};
use crate::tree::{Direction, Verb};

/// A rule of pf, if these words are one: its verbs alone are not enough, for they are also plain words.
pub(super) fn line(words: &[&str]) -> Option<Line> {
    let (["pass" | "block", "in" | "out" | "all" | "quick" | "log" | "on" | "proto" | "from" | "drop" | "return", ..]
    | ["scrub" | "antispoof" | "rdr" | "rdr-to", ..]) = words
    else {
        return None;
    };
    Some(Line { language: "pf", ours: rule(words) })
}

fn rule(words: &[&str]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let mut sentence = Sentence { verb: Some(verdict(verb)?), ..Sentence::default() };
    let mut protocol = None;
    let mut interface = None;
    let mut to_ports = None;
    let mut after_to = false;
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match *word {
            "all" | "quick" | "drop" => {}
            "keep" => drop(rest.next()),
            "return" => sentence.verb = Some(Verb::Reject(None)),
            "log" => sentence.log = true,
            "in" | "out" => sentence.direction = direction(word),
            "on" => interface = Some((*rest.next()?).to_owned()),
            "proto" => protocol = Some(*rest.next()?),
            "from" => sentence.from = any_or_address(rest.next()?)?,
            "to" => after_to = true,
            "port" if after_to => to_ports = Some(port_range(rest.next()?)?),
            word if after_to => sentence.to = any_or_address(word)?,
            _ => return None,
        }
    }
    match sentence.direction? {
        Direction::Outbound => sentence.leaves_on = interface,
        _ => sentence.arrives_on = interface,
    }
    if protocol.is_some() || to_ports.is_some() {
        sentence.traffic(protocol, to_ports)?;
    }
    sentence.text()
}

fn any_or_address(word: &str) -> Option<Option<String>> {
    if word == "any" { Some(None) } else { address(word).map(Some) }
}
