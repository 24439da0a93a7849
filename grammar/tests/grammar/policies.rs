// SPDX-License-Identifier: GPL-3.0-or-later
//! Policies that are read: their trees, and the spans in them.

use std::path::PathBuf;

use crate::show::{assert_snapshot, outline};
use ringwall_grammar::tree::{Item, Tree};
use ringwall_grammar::{Code, Span, parse};

const LAPTOP: &str = r#"policy laptop edition 1

network lan = 192.168.1.0/24, fd00:1::/64

baseline host                            # loopback and more

allow outbound
permit established inbound
allow inbound ssh from lan               because "remote admin at home"   # trailing
otherwise drop inbound, log as "in-drop"

expect inbound ssh from 192.168.1.7 allowed
expect inbound ssh from 203.0.113.9 dropped
"#;

#[test]
fn the_whole_policy_of_one_line() {
    assert_snapshot("founding", &outline("allow outbound, permit established inbound"));
}

#[test]
fn a_laptop() {
    assert_snapshot("laptop", &outline(LAPTOP));
}

#[test]
fn every_form_of_the_language() {
    assert_snapshot("forms", &outline(include_str!("forms.policy")));
}

#[test]
fn line_ends_and_continuations_change_nothing_but_places() {
    let tree = |text: &str| parse(text);
    let (expected, findings) = tree(LAPTOP);
    assert_eq!(findings, []);
    let crlf = LAPTOP.replace('\n', "\r\n");
    let folded = LAPTOP.replace(" from", " \\\n   from").replace(", ", ",\\\n\t");
    for text in [crlf.clone(), folded.clone(), folded.replace('\n', "\r\n")] {
        let (found, findings) = tree(&text);
        assert_eq!(findings, []);
        assert_eq!(names_and_kinds(&found), names_and_kinds(&expected));
        outline(&text);
    }
}

/// What a tree says, without the places.
fn names_and_kinds(tree: &Tree) -> String {
    let debug = format!("{tree:?}");
    let mut without_places = String::new();
    for (index, part) in debug.split("Span { ").enumerate() {
        without_places.push_str(if index == 0 { part } else { part.split_once('}').unwrap().1 });
    }
    without_places
}

#[test]
fn spans_end_with_the_last_word_whatever_follows() {
    for behind in ["", "  ", "\t# comment", "\r\n", " \\\n ", ",permit established"] {
        let text = format!("  allow inbound ssh from lan{behind}");
        let (tree, findings) = parse(&text);
        assert_eq!(findings, [], "{text:?}");
        let Some(Item::Sentence(sentence)) = tree.items.first() else { panic!("{tree:?}") };
        assert_eq!(sentence.span, Span::new(2, 28), "{text:?}");
    }
}

#[test]
fn spans_behind_characters_of_several_bytes_are_exact() {
    let text = "# ünïcödé ✓\nallow inbound ssh because \"größer ✓\" # ✓\nallow inbund http";
    let (tree, findings) = parse(text);
    let Some(Item::Sentence(sentence)) = tree.items.first() else { panic!("{tree:?}") };
    assert_eq!(sentence.span.of(text), "allow inbound ssh because \"größer ✓\"");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].span.of(text), "inbund");
    assert_eq!(findings[0].span.line_column(text), (3, 7));
}

#[test]
fn a_file_may_be_empty() {
    for text in ["", "\n", "\r\n\r\n", "# only a comment", "  \t ", "\n \\\n\n"] {
        assert_eq!(parse(text), (Tree::default(), vec![]), "{text:?}");
    }
}

#[test]
fn mended_sentences_stand_in_the_tree_as_they_were_meant() {
    let (meant, _) = parse("allow inbound ssh from lan, drop invalid\npermit established inbound");
    let (tree, findings) = parse("alow inbund ssh frm lan, drp invalid\npermit estabished inbound");
    assert_eq!(findings.len(), 5);
    assert_eq!(names_and_kinds(&tree), names_and_kinds(&meant));
}

/// The policies that the language was tried on are read, but for the forms that this version names as not read yet.
#[test]
fn shared_policies_are_read() {
    let shared = std::env::var_os("RINGWALL_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let Ok(directory) = std::fs::read_dir(shared.join("language/policies")) else {
        eprintln!("skipped: no policies under {}", shared.display());
        return;
    };
    let mut read = 0;
    for file in
        directory.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "policy"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        for finding in parse(&text).1 {
            assert_eq!(finding.code, Code::NotYet, "{}: {}", file.display(), finding.message);
        }
        read += 1;
    }
    assert!(read > 0, "no policies in {}", shared.display());
}
