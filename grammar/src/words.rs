// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of the language, and which of them somebody meant who wrote another.

/// Every word that an author cannot use as a name: the words of the whole edition, also of the forms not read yet.
///
/// The rule `reserved` of `policy.pest` lists the same words; a test compares them.
pub const RESERVED: &[&str] = &[
    "add",
    "addresses",
    "allow",
    "allowed",
    "and",
    "any",
    "apply",
    "as",
    "at",
    "ban",
    "baseline",
    "because",
    "burst",
    "by",
    "check",
    "clamp",
    "code",
    "connections",
    "destination",
    "drop",
    "dropped",
    "edition",
    "else",
    "established",
    "every",
    "except",
    "expect",
    "flags",
    "for",
    "forwarded",
    "from",
    "group",
    "hairpin",
    "hop",
    "hosts",
    "icmp",
    "icmpv6",
    "in",
    "inbound",
    "include",
    "invalid",
    "keep",
    "level",
    "limit",
    "list",
    "log",
    "loosely",
    "mac",
    "mark",
    "marked",
    "masquerade",
    "most",
    "mss",
    "name",
    "network",
    "never",
    "new",
    "not",
    "of",
    "on",
    "open",
    "otherwise",
    "outbound",
    "over",
    "packets",
    "per",
    "permit",
    "policy",
    "port",
    "protocol",
    "publish",
    "published",
    "redirect",
    "reject",
    "rejected",
    "related",
    "sctp",
    "service",
    "set",
    "source",
    "sources",
    "strictly",
    "tcp",
    "template",
    "to",
    "track",
    "translate",
    "udp",
    "unit",
    "until",
    "untrack",
    "untracked",
    "up",
    "user",
    "with",
    "zone",
];

/// Words that open a sentence, but `log`, which also opens a clause.
pub(crate) const VERBS: &[&str] = &["allow", "permit", "drop", "reject", "otherwise", "expect"];

/// Words that open a declaration.
pub(crate) const DECLARATIONS: &[&str] = &["baseline", "network", "policy", "service"];

/// The ct states.
pub(crate) const STATES: &[&str] = &["new", "established", "related", "invalid", "untracked"];

/// The directions.
pub(crate) const DIRECTIONS: &[&str] = &["inbound", "outbound", "forwarded"];

/// The protocols that have ports.
pub(crate) const TRANSPORTS: &[&str] = &["tcp", "udp", "sctp"];

/// Words that mean something in one place only, and are free as names.
pub(crate) const FLAGS: &[&str] = &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

/// Longer words than this are nobody's misspelling: it keeps the comparison cheap, whatever the input.
const LONGEST_WORD: usize = 40;

/// The candidate that `word` was most likely meant to be, if one is near enough.
///
/// Insertions, deletions, substitutions and exchanges of neighbours count one each, capitals nothing. Of several that are
/// equally near one of the same length wins, then the first.
#[must_use]
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    suggestions(word, candidates).into_iter().next()
}

/// All candidates that `word` may have been meant to be, nearest first.
pub(crate) fn suggestions<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let near = |candidate| Some((distance(word, candidate)?, candidate));
    let mut near: Vec<(usize, &str)> = candidates.into_iter().filter_map(near).collect();
    near.sort_by_key(|(distance, candidate)| (*distance, candidate.len().abs_diff(word.len())));
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// How many edits lie between two words, if they are few enough for a slip: one in a word of two to four letters, two up
/// to eight, three in a longer one.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let (ours, theirs) = (word.chars().count(), candidate.chars().count());
    let most = match ours.min(theirs) {
        0 | 1 => return None,
        2..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    if ours > LONGEST_WORD || ours.abs_diff(theirs) > most {
        return None;
    }
    let distance = strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase());
    (distance <= most).then_some(distance)
}

#[cfg(test)]
mod tests {
    use pest::Parser;

    use super::*;
    use crate::parser::{PolicyParser, Rule};

    #[test]
    fn the_list_is_sorted_and_no_reserved_word_is_a_name() {
        assert!(RESERVED.is_sorted());
        for word in RESERVED {
            assert!(PolicyParser::parse(Rule::reserved, word).is_ok(), "{word} is not in the grammar");
            assert!(PolicyParser::parse(Rule::name, word).is_err(), "{word} is a name");
            let longer = format!("{word}x");
            assert!(PolicyParser::parse(Rule::name, &longer).is_ok(), "{longer} is not a name");
        }
    }

    #[test]
    fn every_keyword_of_the_grammar_is_in_the_list() {
        let grammar = include_str!("policy.pest");
        let quoted = grammar.split_once("reserved = @{").and_then(|(_, rest)| rest.split_once('~')).unwrap().0;
        assert_eq!(quoted.split('"').skip(1).step_by(2).count(), RESERVED.len());
        for line in grammar.lines().filter(|line| line.starts_with("kw_")) {
            let word = line.split('"').nth(1).unwrap();
            assert!(RESERVED.contains(&word), "{word}");
        }
    }

    #[test]
    fn slips_of_the_pen_are_found() {
        for (slip, word) in [
            ("alow", "allow"),
            ("inbund", "inbound"),
            ("estabished", "established"),
            ("form", "from"),
            ("DROP", "drop"),
            ("masqurade", "masquerade"),
            ("udpp", "udp"),
            ("otehrwise", "otherwise"),
        ] {
            assert!(suggestions(slip, RESERVED.iter().copied()).contains(&word), "{slip}");
        }
    }

    #[test]
    fn other_words_are_left_alone() {
        for word in ["ssh", "dns", "ntp", "x", "", "web-server", "postgresql", "nfs"] {
            assert_eq!(suggest(word, RESERVED.iter().copied()), None, "{word}");
        }
    }
}
