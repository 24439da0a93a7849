// SPDX-License-Identifier: GPL-3.0-or-later
//! A slip of the pen in any word of the language is found at that word, and the word that was meant is named.

use ringwall_grammar::{Span, parse};

/// Between them they hold every word that this version reads.
const POLICY: &str = r#"policy laptop edition 1
network lan = 192.168.1.0/24, fd00:1::/64 except 192.168.1.7
service web = tcp 80, udp 443 from port 1024-65535
baseline host except ping
allow outbound because "why not"
permit established, related inbound and forwarded
permit new, invalid, untracked inbound ssh
drop inbound protocol gre from not lan on eth0, log every as "x" level debug to group 3
reject with tcp-reset inbound tcp flags syn / fin,syn,rst,psh,ack,urg,ece,cwr
log inbound sctp 80 from lan to any
allow inbound icmp 3 code 4, icmpv6 nd-redirect hop limit 255
otherwise drop inbound and outbound, log
expect inbound ssh from lan allowed
expect new inbound ssh from lan dropped
expect outbound ssh from lan on eth0 rejected
"#;

/// Words that a slip turns into a name that may well be meant: what they name is looked up later.
const READ_AS_NAMES: &[(&str, &str)] = &[("any", "10.0.0.0/8")];

#[test]
fn a_slip_in_any_word_is_found_there() {
    assert_eq!(parse(POLICY).1, []);
    let mut missed = Vec::new();
    for span in words_of_the_language() {
        let word = span.of(POLICY);
        for slip in slips(word) {
            let text = format!("{}{slip}{}", &POLICY[..span.start], &POLICY[span.end..]);
            let (_, findings) = parse(&text);
            let place = Span::new(span.start, span.start + slip.len());
            let said = |finding: &ringwall_grammar::Diagnostic| {
                finding.span == place && finding.help.as_ref().is_some_and(|help| help.contains(&format!("`{word}`")))
            };
            if !(findings.len() == 1 && findings.iter().any(said)) {
                let line = text[..place.start].matches('\n').count();
                missed.push(format!("{}\n  {word} -> {slip}: {findings:?}", text.lines().nth(line).unwrap()));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

fn words_of_the_language() -> Vec<Span> {
    let mut spans = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for piece in POLICY.split_inclusive([' ', '\n', ',', '"', '/']) {
        let word = piece.trim_end_matches([' ', '\n', ',', '"', '/']);
        let known = ringwall_grammar::words::RESERVED.contains(&word);
        if known && !quoted && !READ_AS_NAMES.iter().any(|(name, _)| *name == word) {
            spans.push(Span::new(start, start + word.len()));
        }
        quoted ^= piece.ends_with('"');
        start += piece.len();
    }
    spans
}

/// The word with a letter left out, with one twice, and with two exchanged. A word of two letters has too few for a slip.
fn slips(word: &str) -> Vec<String> {
    if word.len() < 3 {
        return Vec::new();
    }
    let middle = word.len() / 2;
    let (head, tail) = word.split_at(middle);
    let mut exchanged: Vec<char> = word.chars().collect();
    exchanged.swap(middle - 1, middle);
    let exchanged: String = exchanged.into_iter().collect();
    [format!("{head}{}", &tail[1..]), format!("{head}{}{tail}", &tail[..1]), exchanged]
        .into_iter()
        .filter(|slip| slip != word && !ringwall_grammar::words::RESERVED.contains(&slip.as_str()))
        .collect()
}
