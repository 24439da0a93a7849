// SPDX-License-Identifier: GPL-3.0-or-later
//! Words and lines of neighbouring languages, known only to say how Ringwall says them.
//!
//! What is said is a help for a person, not a translation of a ruleset: where a line says more than can be told for sure,
//! nothing is said but whose it is.

mod iptables;
mod nft;
mod pf;
mod ufw;
mod word;

use std::fmt;

use crate::tree::{Direction, State, Verb};

pub(crate) use word::word;

/// A line of another language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Whose it is.
    pub(crate) language: &'static str,
    /// How Ringwall says it, if it can be told.
    pub(crate) ours: Option<String>,
}

/// Whether these words are a line of another language.
pub(crate) fn line(words: &[&str]) -> Option<Line> {
    iptables::line(words).or_else(|| ufw::line(words)).or_else(|| nft::line(words)).or_else(|| pf::line(words))
}

/// A sentence in the making.
#[derive(Debug, Default)]
struct Sentence {
    verb: Option<Verb>,
    states: Vec<State>,
    direction: Option<Direction>,
    traffic: Vec<String>,
    from_ports: Option<String>,
    from: Option<String>,
    to: Option<String>,
    arrives_on: Option<String>,
    leaves_on: Option<String>,
    log: bool,
}

impl Sentence {
    /// The sentence in Ringwall's words, if enough is known of it.
    fn text(mut self) -> Option<String> {
        let mut verb = self.verb?;
        let direction = self.direction?;
        if verb == Verb::Allow && self.states.contains(&State::New) {
            self.states.retain(|state| !matches!(state, State::New | State::Established));
        }
        if verb == Verb::Allow && !self.states.is_empty() {
            verb = Verb::Permit;
        }
        let mut text = verb_word(&verb).to_owned();
        let states: Vec<&str> = self.states.iter().map(|state| state_word(*state)).collect();
        push(&mut text, "", &states.join(", "));
        push(&mut text, "", direction_word(direction));
        if let Some(ports) = self.from_ports {
            let item = self.traffic.pop()?;
            self.traffic.push(format!("{item} from port {ports}"));
        }
        push(&mut text, "", &self.traffic.join(", "));
        // Inbound and outbound leave one choice of interface: `on` needs no preposition there.
        let sole = match direction {
            Direction::Inbound if self.from.is_none() => self.arrives_on.take(),
            Direction::Outbound if self.to.is_none() => self.leaves_on.take(),
            _ => None,
        };
        push(&mut text, "on", &sole.unwrap_or_default());
        push_end(&mut text, "from", self.from, self.arrives_on);
        push_end(&mut text, "to", self.to, self.leaves_on);
        if self.log {
            text.push_str(", log");
        }
        Some(text)
    }

    /// Notes a protocol and its destination ports.
    fn traffic(&mut self, protocol: Option<&str>, ports: Option<String>) -> Option<()> {
        let item = match (protocol?, ports) {
            (protocol @ ("tcp" | "udp" | "sctp"), Some(ports)) => format!("{protocol} {ports}"),
            (protocol @ ("tcp" | "udp" | "sctp" | "icmp"), None) => protocol.to_owned(),
            ("icmpv6" | "ipv6-icmp" | "icmp6", None) => "icmpv6".to_owned(),
            (protocol @ ("gre" | "esp" | "ah" | "igmp"), None) => format!("protocol {protocol}"),
            _ => return None,
        };
        self.traffic.push(item);
        Some(())
    }
}

/// A closing of a direction, as `otherwise` says it.
fn otherwise(verb: &Verb, direction: Direction) -> String {
    format!("otherwise {} {}", verb_word(verb), direction_word(direction))
}

fn push(text: &mut String, before: &str, words: &str) {
    for part in [before, words] {
        if !words.is_empty() && !part.is_empty() {
            text.push(' ');
            text.push_str(part);
        }
    }
}

fn push_end(text: &mut String, preposition: &str, addresses: Option<String>, interface: Option<String>) {
    let who = match (addresses, interface) {
        (None, None) => return,
        (Some(addresses), None) => addresses,
        (None, Some(interface)) => format!("on {interface}"),
        (Some(addresses), Some(interface)) => format!("{addresses} on {interface}"),
    };
    push(text, preposition, &who);
}

const fn verb_word(verb: &Verb) -> &'static str {
    match verb {
        Verb::Allow => "allow",
        Verb::Drop => "drop",
        Verb::Log => "log",
        Verb::Permit => "permit",
        Verb::Reject(_) => "reject",
    }
}

const fn state_word(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Established => "established",
        State::Related => "related",
        State::Invalid => "invalid",
        State::Untracked => "untracked",
    }
}

const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
        Direction::Forwarded => "forwarded",
    }
}

/// What a neighbour's verdict does.
fn verdict(word: &str) -> Option<Verb> {
    match word.to_lowercase().as_str() {
        "accept" | "allow" | "pass" | "permit" => Some(Verb::Allow),
        "block" | "deny" | "drop" => Some(Verb::Drop),
        "log" => Some(Verb::Log),
        "reject" => Some(Verb::Reject(None)),
        _ => None,
    }
}

/// A neighbour's name for a ct state.
fn state(word: &str) -> Option<State> {
    match word.to_lowercase().as_str() {
        "established" => Some(State::Established),
        "invalid" => Some(State::Invalid),
        "new" => Some(State::New),
        "related" => Some(State::Related),
        "untracked" => Some(State::Untracked),
        _ => None,
    }
}

/// A neighbour's name for a direction, a hook or a chain.
fn direction(word: &str) -> Option<Direction> {
    match word.to_lowercase().as_str() {
        "in" | "incoming" | "input" => Some(Direction::Inbound),
        "out" | "outgoing" | "output" => Some(Direction::Outbound),
        "forward" | "routed" => Some(Direction::Forwarded),
        _ => None,
    }
}

/// Whether the word is an address that a sentence can hold as it stands.
fn address(word: &str) -> Option<String> {
    let known = |char: char| char.is_ascii_hexdigit() || ".:/-".contains(char);
    let is_literal =
        word.contains(['.', ':']) && word.starts_with(|char: char| char.is_ascii_hexdigit() || char == ':');
    (is_literal && word.chars().all(known)).then(|| word.to_owned())
}

/// Ports as iptables and ufw write them, `80` or `6000:6100`, joined by commas.
fn ports(list: &str) -> Option<String> {
    let ranges: Vec<String> = list.split(',').map(port_range).collect::<Option<_>>()?;
    Some(ranges.join(", "))
}

fn port_range(text: &str) -> Option<String> {
    let range = text.replace(':', "-");
    let (first, last) = range.split_once('-').unwrap_or((&range, "0"));
    (first.parse::<u16>().is_ok() && last.parse::<u16>().is_ok()).then(|| range.clone())
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ours {
            Some(ours) => write!(f, "{}: {ours}", self.language),
            None => f.write_str(self.language),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;
    use crate::parse;

    /// What is said about a line; every sentence that is said must be one.
    fn said(text: &str) -> String {
        let draft = Draft::new(text, 0);
        let Some(line) = line(&draft.words()) else { return "not foreign".to_owned() };
        if let Some(ours) = &line.ours {
            assert_eq!(parse(ours).1, [], "{ours}");
        }
        line.to_string()
    }

    #[test]
    fn common_lines_are_said_in_our_words() {
        for (theirs, ours) in [
            ("iptables -A INPUT -p tcp --dport 22 -j ACCEPT", "iptables: allow inbound tcp 22"),
            ("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "iptables: allow inbound tcp 22"),
            (
                "-A INPUT -p tcp -m multiport --dports 80,443,6000:6100 -j ACCEPT",
                "iptables: allow inbound tcp 80, 443, 6000-6100",
            ),
            (
                "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT",
                "iptables: permit related, established inbound",
            ),
            ("-A OUTPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "iptables: allow outbound"),
            ("-A INPUT -m conntrack --ctstate INVALID -j DROP", "iptables: drop invalid inbound"),
            (
                "iptables -I FORWARD -s 10.0.0.0/8 -i eth1 -o eth0 -j REJECT",
                "iptables: reject forwarded from 10.0.0.0/8 on eth1 to on eth0",
            ),
            ("iptables -P INPUT DROP", "iptables: otherwise drop inbound"),
            (":FORWARD ACCEPT [0:0]", "iptables: otherwise allow forwarded"),
            ("-A INPUT -i lo -j ACCEPT", "iptables: allow inbound on lo"),
            ("iptables -t nat -A POSTROUTING -j MASQUERADE", "iptables"),
            ("-A INPUT ! -s 10.0.0.0/8 -j DROP", "iptables"),
            ("COMMIT", "iptables"),
            ("ufw allow 22/tcp", "ufw: allow inbound tcp 22"),
            ("ufw deny out 25/tcp", "ufw: drop outbound tcp 25"),
            ("ufw allow ssh", "ufw: allow inbound ssh"),
            ("ufw default deny incoming", "ufw: otherwise drop inbound"),
            ("ufw allow from 192.168.1.0/24 to any port 22 proto tcp", "ufw: allow inbound tcp 22 from 192.168.1.0/24"),
            ("ufw enable", "ufw"),
            ("tcp dport 22 accept", "nftables: allow inbound tcp 22"),
            ("tcp dport { 80, 443 } counter accept", "nftables: allow inbound tcp 80, 443"),
            ("ct state established,related accept", "nftables: permit established, related inbound"),
            ("ct state { established, related } accept", "nftables: permit established, related inbound"),
            ("ct state invalid drop", "nftables: drop invalid inbound"),
            ("ip saddr 10.0.0.0/8 tcp dport ssh accept", "nftables"),
            ("iifname \"lo\" accept", "nftables: allow inbound on lo"),
            ("add rule inet filter output udp dport 53 accept", "nftables: allow outbound udp 53"),
            ("type filter hook input priority 0; policy drop;", "nftables: otherwise drop inbound"),
            ("table inet filter {", "nftables"),
            ("pass in proto tcp to port 22", "pf: allow inbound tcp 22"),
            ("pass in quick on em0 proto tcp from any to any port 22 keep state", "pf: allow inbound tcp 22 on em0"),
            ("block in all", "pf: drop inbound"),
            ("pass out", "pf: allow outbound"),
            ("block drop in log from 192.0.2.1 to any", "pf: drop inbound from 192.0.2.1, log"),
        ] {
            assert_eq!(said(theirs), ours, "{theirs}");
        }
    }

    #[test]
    fn our_own_lines_are_nobody_elses() {
        for text in [
            "allow outbound",
            "policy laptop edition 1",
            "drop inbound from lan",
            "alow inbound ssh",
            "block inbound ssh",
        ] {
            assert_eq!(said(text), "not foreign", "{text}");
        }
    }
}
