// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of iptables(8) and iptables-extensions(8) that are written and read, each once.

pub(super) mod address_type;
pub(super) mod hops;
pub(super) mod icmp;
pub(super) mod limit;
pub(super) mod log;
pub(super) mod protocol;
pub(super) mod refusal;
pub(super) mod state;
pub(super) mod tcp;
pub(super) mod time;

pub use state::CtMatch;

/// Whether the word is the name or its beginning, in whatever case: as iptables takes many of its words.
pub(super) fn begins(name: &str, word: &str) -> bool {
    !word.is_empty() && name.get(..word.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(word))
}

/// A text as iptables-save prints it: between quotes, unless it is a plain word.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\' | '\'') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_cut_short() {
        assert!(begins("ESTABLISHED", "est") && begins("NEW", "NEW"));
        assert!(!begins("NEW", "") && !begins("NEW", "NEWER") && !begins("NEW", "é"));
    }

    #[test]
    fn texts_are_quoted_as_iptables_save_quotes_them() {
        assert_eq!(quoted("a-b_9"), "a-b_9");
        assert_eq!(quoted("it's \"x\""), r#""it\'s \"x\"""#);
        assert_eq!(quoted(""), "\"\"");
    }
}
