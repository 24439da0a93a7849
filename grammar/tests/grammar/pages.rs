// SPDX-License-Identifier: GPL-3.0-or-later
//! The pages of the diagnostics, as far as the grammar can test them: their policies are in the language.

use ringwall_grammar::{Code, parse};

/// The codes that parsing itself gives.
const FOUND_BY_PARSING: &[Code] = &[Code::Syntax, Code::NotYet, Code::ForeignWord];

/// The codes that no policy shows: files that are not even text, and defects of the compiler.
const WITHOUT_EXAMPLE: &[Code] = &[Code::TooLarge, Code::NotText, Code::ByteOrderMark, Code::Internal];

/// The policies of a page that are marked with that word behind `policy`.
fn policies<'p>(page: &'p str, mark: &str) -> Vec<&'p str> {
    let fence = format!("```policy{mark}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split_once("```").expect("the fence is closed").0).collect()
}

#[test]
fn every_page_has_its_code_and_title() {
    for code in Code::ALL {
        let first = code.page().lines().next().unwrap_or_default();
        assert_eq!(first, format!("# {}: {}", code.name(), code.title()));
        let lines = code.page().lines().count();
        assert!((10..=30).contains(&lines), "{}: {lines} lines", code.name());
    }
}

#[test]
fn every_page_shows_the_mistake_and_its_remedy() {
    for code in Code::ALL {
        let (wrong, mended) = (policies(code.page(), ""), policies(code.page(), " fixed"));
        let count = if WITHOUT_EXAMPLE.contains(code) { 0 } else { 1 };
        assert_eq!((wrong.len(), mended.len()), (count, count), "{}", code.name());
    }
}

#[test]
fn mended_policies_are_read_and_wrong_ones_are_wrong_as_the_page_says() {
    for code in Code::ALL {
        for text in policies(code.page(), " fixed") {
            assert_eq!(parse(text).1, [], "{}", code.name());
        }
        for text in policies(code.page(), "") {
            let found: Vec<Code> = parse(text).1.into_iter().map(|finding| finding.code).collect();
            if FOUND_BY_PARSING.contains(code) {
                assert!(!found.is_empty() && found.iter().all(|found| found == code), "{}: {found:?}", code.name());
            } else {
                assert_eq!(found, [], "{}", code.name());
            }
        }
    }
}
