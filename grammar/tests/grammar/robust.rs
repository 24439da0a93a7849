// SPDX-License-Identifier: GPL-3.0-or-later
//! Nothing breaks the parser: no bytes make it panic, no text makes it slow, and every span lies inside the text.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use ringwall_grammar::words::RESERVED;
use ringwall_grammar::{MAX_BYTES, decode, parse};

const VALID: &str = include_str!("forms.policy");

/// Parses, and looks at every place that is told.
fn places_lie_inside(text: &str) {
    let (tree, findings) = parse(text);
    for finding in &findings {
        let span = finding.span;
        assert!(span.start <= span.end && text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
        assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{}", finding.message);
    }
    // The tree's own form holds each of its places as `start: N, end: N`.
    let debug = format!("{tree:?}");
    for place in debug.split("Span { start: ").skip(1) {
        let (start, rest) = place.split_once(", end: ").unwrap();
        let end = rest.split_once(' ').unwrap().0;
        let range = start.parse().unwrap()..end.parse().unwrap();
        assert!(range.start <= range.end && text.get(range.clone()).is_some(), "{range:?} in {text:?}");
    }
}

/// A word of the language, a mark, or something else.
fn word() -> impl Strategy<Value = String> {
    let words = RESERVED.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    prop_oneof![
        6 => prop::sample::select(words),
        2 => prop::sample::select(vec![",", "\n", "\r\n", "\\\n", "\\", "[", "]", "=", "/", "\"", "#", "{", "}", "-", "+"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec!["ssh", "lan", "10.0.0.1/8", "fd00::1", "22", "80-90", "\"x\"", "eth0*", "é", "accept", "-A"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        match decode(&bytes) {
            Ok(text) => places_lie_inside(text),
            Err(finding) => prop_assert!(finding.span.end <= bytes.len()),
        }
    }

    #[test]
    fn any_text_is_taken(text in "(?s).{0,200}") {
        places_lie_inside(&text);
    }

    #[test]
    fn any_words_are_taken(words in prop::collection::vec(word(), 0..60)) {
        places_lie_inside(&words.join(" "));
        places_lie_inside(&words.concat());
    }

    #[test]
    fn policies_with_a_piece_cut_out_or_put_in_are_taken(
        from in 0..VALID.len(), len in 0usize..40, put in "\\PC{0,5}",
    ) {
        let mut bytes = VALID.as_bytes().to_vec();
        bytes.splice(from..(from + len).min(VALID.len()), put.bytes());
        places_lie_inside(&String::from_utf8_lossy(&bytes));
    }

    /// A line that is broken takes no other line with it.
    #[test]
    fn a_broken_line_leaves_the_others_alone(line in 1usize..30, junk in "[a-z =()\\[;{!-]{1,20}") {
        let mut lines: Vec<&str> = VALID.lines().collect();
        let whole = parse(VALID).0.items.len();
        lines.insert(line + 1, &junk);
        let found = parse(&lines.join("\n")).0.items.len();
        prop_assert!(found >= whole, "{found} of {whole} items with {junk:?}");
    }
}

/// Texts that make a parser try again and again: each is repeated up to 64 KiB.
const NASTY: &[&str] = &[
    ",",
    "[",
    ",[",
    ",[a",
    "\"",
    "\\",
    "\\\n",
    "\\ \n",
    "allow,",
    "allow inbound,",
    "a ",
    "a,",
    "x\n",
    "alow\n",
    "{\n",
    "}\n",
    "tcp ",
    "tcp 1,",
    "from ",
    "not ",
    ", log",
    ", log x",
    "-",
    "1",
    "1.",
    "::",
    "((",
    "é",
    " ",
    "#",
    "\r",
    "log log ",
    "alow inbund ssh form lan becuse \"x\", ",
    "alow inbund ssh\n",
    "in out ",
    ",\\\n",
    "frm ",
    "allow from a, ",
    "-A INPUT ",
    "tcp dport 22 accept ",
    "pass in ",
    "[x] ",
    "all ",
    "allow all inbound traffic\n",
    "allow inbound ssh http\n",
];

#[test]
fn no_text_of_64_kib_takes_a_second() {
    for nasty in NASTY {
        for opening in ["", "allow inbound ", "allow inbound ssh from ", "network a = ", "drop inbound, log as \""] {
            let text = format!("{opening}{}", nasty.repeat((64 << 10) / nasty.len()));
            let start = Instant::now();
            drop(parse(&text));
            let taken = start.elapsed();
            assert!(taken < Duration::from_secs(1), "{taken:?} for {opening:?} and {nasty:?}");
        }
    }
}

#[test]
fn the_largest_policy_takes_seconds() {
    let line = "allow inbound ssh, tcp 80, 443, udp 6000-6100 from lan, 192.168.0.0/16 except 192.168.3.0/24 on eth0 \
                to fd00::1, log as \"x\" because \"a reason\"\n";
    let text = line.repeat(MAX_BYTES / line.len());
    let start = Instant::now();
    let (tree, findings) = parse(&text);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(findings, []);
    assert_eq!(tree.items.len(), text.lines().count());
}

#[test]
fn a_file_of_mistakes_is_explained_up_to_a_point() {
    let text = "alow inbund ssh\n".repeat(MAX_BYTES / 16);
    let start = Instant::now();
    let (_, findings) = parse(&text);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let last = findings.last().unwrap();
    assert!(last.message.contains("are not explained"), "{}", last.message);
}
