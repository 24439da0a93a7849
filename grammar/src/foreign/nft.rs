// SPDX-License-Identifier: GPL-3.0-or-later
//! Lines of nft.

use super::{Line, Sentence, address, direction, otherwise, port_range, state, verdict};
use crate::tree::Direction;

/// A line of nft, if these words are one.
pub(super) fn line(words: &[&str]) -> Option<Line> {
    let ours = match words {
        ["nft", rest @ ..] => return line(rest).or(Some(Line { language: "nftables", ours: None })),
        ["add" | "insert", "rule", _family, _table, chain, rest @ ..] => {
            direction(chain).and_then(|direction| rule(rest, direction))
        }
        ["table", ..] | ["chain", _, "{"] | ["flush", "ruleset" | "table" | "chain", ..] => None,
        ["add" | "create" | "delete", "table" | "chain" | "set" | "map", ..] => None,
        ["type", "filter" | "nat" | "route", "hook", hook, rest @ ..] => hook_policy(hook, rest),
        ["policy", _, ";"] => None,
        ["ct", "state" | "status" | "mark" | "direction", ..]
        | ["tcp" | "udp" | "sctp", "dport" | "sport" | "flags", ..]
        | ["iif" | "iifname" | "oif" | "oifname", ..]
        | ["ip" | "ip6", "saddr" | "daddr" | "protocol" | "nexthdr", ..]
        | ["meta", _, ..]
            if ends_in_verdict(words) =>
        {
            rule(words, Direction::Inbound)
        }
        _ => return None,
    };
    Some(Line { language: "nftables", ours })
}

fn ends_in_verdict(words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| matches!(*word, "accept" | "drop" | "reject" | "log" | "jump" | "goto" | "queue" | "return"))
}

/// `input priority 0; policy drop;`
fn hook_policy(hook: &str, rest: &[&str]) -> Option<String> {
    let at = rest.iter().position(|word| *word == "policy")?;
    Some(otherwise(&verdict(rest.get(at + 1)?)?, direction(hook)?))
}

/// A rule in a chain of that direction, as our sentence if all of its words are known.
fn rule(words: &[&str], direction: Direction) -> Option<String> {
    let mut sentence = Sentence { direction: Some(direction), ..Sentence::default() };
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        rest = match *word {
            "accept" | "drop" | "reject" => {
                sentence.verb = verdict(word);
                behind
            }
            "counter" => behind,
            "ct" => {
                let (list, behind) = list(behind.strip_prefix(&["state"])?)?;
                sentence.states = list.into_iter().map(state).collect::<Option<_>>()?;
                behind
            }
            "tcp" | "udp" | "sctp" => {
                let (list, behind) = list(behind.strip_prefix(&["dport"])?)?;
                let ports: Vec<String> = list.into_iter().map(port_range).collect::<Option<_>>()?;
                sentence.traffic(Some(word), Some(ports.join(", ")))?;
                behind
            }
            "ip" | "ip6" => match behind {
                ["saddr", from, behind @ ..] => {
                    sentence.from = Some(address(from)?);
                    behind
                }
                ["daddr", to, behind @ ..] => {
                    sentence.to = Some(address(to)?);
                    behind
                }
                _ => return None,
            },
            "iif" | "iifname" => interface(behind, &mut sentence.arrives_on)?,
            "oif" | "oifname" => interface(behind, &mut sentence.leaves_on)?,
            _ => return None,
        };
    }
    sentence.text()
}

fn interface<'w, 't>(words: &'w [&'t str], end: &mut Option<String>) -> Option<&'w [&'t str]> {
    let (name, behind) = words.split_first()?;
    *end = Some(name.trim_matches('"').to_owned());
    Some(behind)
}

/// `{ a, b }`, `a,b` or `a`, and what stands behind it.
fn list<'w, 't>(words: &'w [&'t str]) -> Option<(Vec<&'t str>, &'w [&'t str])> {
    if let ["{", rest @ ..] = words {
        let end = rest.iter().position(|word| *word == "}")?;
        let (inside, behind) = (rest.get(..end)?, rest.get(end + 1..)?);
        return Some((inside.iter().copied().filter(|word| *word != ",").collect(), behind));
    }
    let mut list = vec![*words.first()?];
    let mut rest = words.get(1..)?;
    while let [",", next, behind @ ..] = rest {
        list.push(*next);
        rest = behind;
    }
    Some((list, rest))
}
