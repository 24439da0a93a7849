// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of one line, from its tests to its target.

use std::borrow::Cow;
use std::fmt::Write;

use ringwall_ir::words::Protocol;

/// One option of a line that tests something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    /// The match behind `-m` that has the option; none for iptables' own.
    pub(super) module: Option<&'static str>,
    /// `!`
    pub(super) negated: bool,
    /// The option; empty where the match alone says it all.
    pub(super) option: &'static str,
    /// What it compares with, and further options that belong to it; empty where it compares with nothing.
    pub(super) value: Cow<'static, str>,
    /// The protocol that `-p` must demand in the very line, for iptables asks for it.
    pub(super) protocol: Option<Protocol>,
}

impl Test {
    /// An option of iptables itself.
    pub(super) fn own(option: &'static str, negated: bool, value: impl Into<Cow<'static, str>>) -> Self {
        Self { module: None, negated, option, value: value.into(), protocol: None }
    }

    /// An option of a match.
    pub(super) fn of(
        module: &'static str,
        option: &'static str,
        negated: bool,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { module: Some(module), negated, option, value: value.into(), protocol: None }
    }

    /// The same, where `-p` must demand a protocol.
    pub(super) fn beside(self, protocol: Option<Protocol>) -> Self {
        Self { protocol, ..self }
    }

    /// `! --sport 5`
    fn push_to(&self, words: &mut String) {
        for word in [if self.negated { "!" } else { "" }, self.option, &self.value] {
            if !word.is_empty() {
                push(words, format_args!("{word}"));
            }
        }
    }
}

/// The most words of the tests of a line. iptables-restore takes 255 in all (`MAX_ARGC` in `iptables/xshared.h`); the
/// rest are its own, the chain's and the target's.
const WORDS_MAX: usize = 240;

/// The matches of which one `-m` takes several options.
const TAKE_SEVERAL: [&str; 4] = ["limit", "sctp", "tcp", "udp"];

/// iptables' own options in the order in which iptables-save prints them. It makes their tests first, wherever they stand.
const OWN: [&str; 6] = ["-s", "-d", "-i", "-o", "-p", "-f"];

/// The matches that count.
const COUNT: [&str; 4] = ["connlimit", "hashlimit", "limit", "quota"];

/// The matches whose options iptables-save of nf_tables lists together, where the first of them stands.
const LISTED_TOGETHER: [&str; 2] = ["tcp", "udp"];

/// `-s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT`
///
/// # Errors
/// Where the line has too many words, or iptables-save would list it in another order and so count more.
pub(super) fn line<'a>(tests: impl IntoIterator<Item = &'a Test>, target: &str) -> Result<String, String> {
    let mut tests: Vec<&Test> = tests.into_iter().collect();
    let of_iptables = |test: &Test| OWN.iter().position(|option| test.module.is_none() && *option == test.option);
    tests.sort_by_key(|test| of_iptables(test).unwrap_or(OWN.len()));
    let mut words = String::new();
    let mut open: Option<&str> = None;
    let mut taken: Vec<&str> = Vec::new();
    let (mut opened, mut behind): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for test in tests {
        // iptables 1.8.9 merges `! --sport 5 ! --dport 22` of one `-m` into one test that excepts only packets with both.
        let goes_on = open == test.module
            && !test.negated
            && test.module.is_some_and(|module| TAKE_SEVERAL.contains(&module))
            && !taken.contains(&test.option);
        if !goes_on {
            taken.clear();
            open = test.module;
            if let Some(module) = open {
                if COUNT.contains(&module) {
                    behind.append(&mut opened);
                }
                if LISTED_TOGETHER.contains(&module) && behind.contains(&module) {
                    return Err(format!("iptables lists what it tests of {module} ahead of what counts in between"));
                }
                opened.push(module);
                push(&mut words, format_args!("-m {module}"));
            }
        }
        taken.push(test.option);
        test.push_to(&mut words);
    }
    if words.split(' ').count() > WORDS_MAX {
        return Err(format!("a line would have more than {WORDS_MAX} words"));
    }
    if !target.is_empty() {
        push(&mut words, format_args!("{target}"));
    }
    Ok(words)
}

fn push(words: &mut String, more: std::fmt::Arguments<'_>) {
    let blank = if words.is_empty() { "" } else { " " };
    // Writing to a string does not fail.
    let _ = write!(words, "{blank}{more}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_does_not_stand_between_tests_of_one_protocol() {
        let port = |option| Test::of("tcp", option, true, "5");
        let count = || Test::of("quota", "--quota", false, "9");
        assert!(line(&[port("--sport"), count(), port("--dport")], "").is_err());
        assert!(line(&[count(), port("--sport"), port("--dport")], "").is_ok());
        assert!(line(&[port("--sport"), port("--dport"), count()], "").is_ok());
    }

    #[test]
    fn a_match_is_opened_again_for_an_option_that_is_negated_or_comes_again() {
        let tests = [
            Test::own("-p", false, "tcp"),
            Test::own("-s", false, "10.0.0.0/8"),
            Test::of("tcp", "--sport", true, "5"),
            Test::of("tcp", "--dport", false, "22"),
            Test::of("tcp", "--dport", false, "22:23"),
            Test::of("tcp", "--tcp-flags", true, "SYN NONE"),
            Test::of("ttl", "--ttl-gt", false, "3"),
            Test::of("ttl", "--ttl-lt", false, "9"),
        ];
        assert_eq!(
            line(&tests, "-j DROP").as_deref(),
            Ok(
                "-s 10.0.0.0/8 -p tcp -m tcp ! --sport 5 --dport 22 -m tcp --dport 22:23 -m tcp ! --tcp-flags SYN NONE \
                -m ttl --ttl-gt 3 -m ttl --ttl-lt 9 -j DROP"
            )
        );
    }
}
