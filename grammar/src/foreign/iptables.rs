// SPDX-License-Identifier: GPL-3.0-or-later
//! Lines of iptables, iptables-save and their IPv6 twins.

use super::{Line, Sentence, address, direction, otherwise, ports, state, verdict};

/// A line of iptables, if these words are one.
pub(super) fn line(words: &[&str]) -> Option<Line> {
    let command = words.iter().position(|word| !matches!(*word, "sudo")).unwrap_or(0);
    let rest = words.get(command..).unwrap_or_default();
    let ours = match rest {
        ["iptables" | "ip6tables", rest @ ..] => rule(rest),
        ["-A" | "-I" | "-P" | "-N" | "-D" | "-F" | "-t" | "--append" | "--insert" | "--policy", ..] => rule(rest),
        ["COMMIT"] => None,
        [table, ..] if table.starts_with('*') && table.len() > 1 => None,
        [chain, policy, ..] if chain.starts_with(':') => closing(chain.trim_start_matches(':'), policy),
        _ => return None,
    };
    Some(Line { language: "iptables", ours })
}

fn closing(chain: &str, policy: &str) -> Option<String> {
    Some(otherwise(&verdict(policy)?, direction(chain)?))
}

/// The words of a rule, as our sentence if all of them are known.
fn rule(words: &[&str]) -> Option<String> {
    let mut sentence = Sentence::default();
    let mut protocol = None;
    let mut destination_ports = None;
    let mut rest = joined_commas(words).into_iter();
    while let Some(option) = rest.next() {
        let value = rest.next()?;
        match option.as_str() {
            "-A" | "-I" | "--append" | "--insert" => sentence.direction = Some(direction(&value)?),
            "-P" | "--policy" => return closing(&value, &rest.next()?),
            "-d" | "--destination" => sentence.to = Some(address(&value)?),
            "--dport" | "--dports" | "--destination-port" => destination_ports = Some(ports(&value)?),
            "-i" | "--in-interface" => sentence.arrives_on = Some(value.replace('+', "*")),
            "-j" | "--jump" => sentence.verb = Some(verdict(&value)?),
            "-m" | "--match"
                if matches!(value.as_str(), "comment" | "conntrack" | "multiport" | "state" | "tcp" | "udp") => {}
            "--comment" => {}
            "-o" | "--out-interface" => sentence.leaves_on = Some(value.replace('+', "*")),
            "-p" | "--protocol" => protocol = Some(value),
            "-s" | "--source" => sentence.from = Some(address(&value)?),
            "--sport" | "--sports" | "--source-port" => sentence.from_ports = Some(ports(&value)?),
            "--state" | "--ctstate" => sentence.states = value.split(',').map(state).collect::<Option<_>>()?,
            _ => return None,
        }
    }
    if protocol.is_some() || destination_ports.is_some() {
        sentence.traffic(protocol.as_deref(), destination_ports)?;
    }
    sentence.text()
}

/// The words with lists such as `80 , 443` joined again.
fn joined_commas(words: &[&str]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(last) if *word == "," || last.ends_with(',') => last.push_str(word),
            _ => joined.push((*word).to_owned()),
        }
    }
    joined
}
