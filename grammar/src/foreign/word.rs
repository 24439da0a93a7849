// SPDX-License-Identifier: GPL-3.0-or-later
//! Single words of neighbouring languages, and of plain English, that stand where Ringwall has another.

/// A word that is not ours, and what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Whose it is, as a message says it.
    pub(crate) whose: &'static str,
    /// Our word; empty if it should be left out.
    pub(crate) ours: &'static str,
}

/// Words with one meaning each. A reader looks for the left one.
const WORDS: &[(&str, &str, &str)] = &[
    ("accept", "nftables and iptables", "allow"),
    ("block", "pf", "drop"),
    ("but", "plain English", "except"),
    ("comment", "nftables", "because"),
    ("ct", "nftables", ""),
    ("counter", "nftables", ""),
    ("daddr", "nftables", "to"),
    ("default", "ufw", "otherwise"),
    ("deny", "ufw", "drop"),
    ("dev", "iproute2", "on"),
    ("discard", "other firewalls", "drop"),
    ("dst", "other firewalls", "to"),
    ("egress", "nftables", "outbound"),
    ("everything", "plain English", ""),
    ("all", "pf", ""),
    ("forward", "nftables and iptables", "forwarded"),
    ("if", "iproute2", "on"),
    ("iifname", "nftables", "on"),
    ("in", "pf", "inbound"),
    ("incoming", "ufw", "inbound"),
    ("ingress", "nftables", "inbound"),
    ("input", "nftables and iptables", "inbound"),
    ("interface", "other firewalls", "on"),
    ("oifname", "nftables", "on"),
    ("out", "pf", "outbound"),
    ("outgoing", "ufw", "outbound"),
    ("output", "nftables and iptables", "outbound"),
    ("packets", "plain English", ""),
    ("pass", "pf", "allow"),
    ("proto", "pf", "protocol"),
    ("quick", "pf", ""),
    ("refuse", "plain English", "reject"),
    ("routed", "ufw", "forwarded"),
    ("saddr", "nftables", "from"),
    ("src", "other firewalls", "from"),
    ("state", "nftables and iptables", ""),
    ("traffic", "plain English", ""),
    ("via", "other firewalls", "on"),
    ("without", "plain English", "except"),
    ("!", "iptables", "not"),
];

/// What Ringwall says for a neighbour's word, whatever its capitals.
pub(crate) fn word(theirs: &str) -> Option<Word> {
    let lower = theirs.to_lowercase();
    WORDS.iter().find(|(known, ..)| *known == lower).map(|&(_, whose, ours)| Word { whose, ours })
}
