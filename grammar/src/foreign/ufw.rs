// SPDX-License-Identifier: GPL-3.0-or-later
//! Commands of ufw.

use super::{Line, Sentence, address, direction, otherwise, ports, verdict};
use crate::tree::Direction;

/// A command of ufw, if these words are one.
pub(super) fn line(words: &[&str]) -> Option<Line> {
    let (["sudo", "ufw", rest @ ..] | ["ufw", rest @ ..]) = words else { return None };
    let ours = match rest {
        ["default", policy, chain] => default(policy, chain),
        [verb, rest @ ..] => rule(verb, rest),
        [] => None,
    };
    Some(Line { language: "ufw", ours })
}

fn default(policy: &str, chain: &str) -> Option<String> {
    Some(otherwise(&verdict(policy)?, direction(chain)?))
}

fn rule(verb: &str, rest: &[&str]) -> Option<String> {
    let mut sentence =
        Sentence { verb: Some(verdict(verb)?), direction: Some(Direction::Inbound), ..Sentence::default() };
    let mut protocol = None;
    let mut to_ports = None;
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match *word {
            "in" | "out" => sentence.direction = direction(word),
            "from" => sentence.from = any_or_address(rest.next()?)?,
            "to" => sentence.to = any_or_address(rest.next()?)?,
            "port" => to_ports = Some(ports(rest.next()?)?),
            "proto" => protocol = Some(*rest.next()?),
            word if sentence.traffic.is_empty() => sentence.traffic.push(short(word)?),
            _ => return None,
        }
    }
    if protocol.is_some() || to_ports.is_some() {
        sentence.traffic(protocol, to_ports)?;
    }
    sentence.text()
}

/// `22/tcp`, or the name of a service.
fn short(word: &str) -> Option<String> {
    match word.split_once('/') {
        Some((port, protocol @ ("tcp" | "udp"))) => Some(format!("{protocol} {}", ports(port)?)),
        None if word.chars().all(|char| char.is_ascii_lowercase()) => Some(word.to_owned()),
        _ => None,
    }
}

fn any_or_address(word: &str) -> Option<Option<String>> {
    if word == "any" { Some(None) } else { address(word).map(Some) }
}
