// SPDX-License-Identifier: GPL-3.0-or-later
//! A broken piece of a policy while it is being mended: its text, its words, and where they stand in the file.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

use crate::origin::Origin;
use crate::parser::{Pairs, PolicyParser, Rule};
use crate::span::Span;

/// A text that the author may have meant, word by word.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    text: String,
    words: Vec<Span>,
    origin: Origin,
}

/// Where and why a text is not a piece of a policy.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// The offset of the first word that cannot stand where it stands; the length of the text if one is missing there.
    pub(crate) at: usize,
    /// What could have stood there.
    pub(crate) expected: Vec<Rule>,
}

impl Draft {
    /// A piece that starts at byte `base` of the file.
    pub(crate) fn new(text: &str, base: usize) -> Self {
        Self { text: text.to_owned(), words: words(text), origin: Origin::at(base) }
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The text of all words, in order. A quoted text is one word, a mark of punctuation too.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.words.iter().map(|span| span.of(&self.text)).collect()
    }

    /// The text of one word; empty behind the last.
    pub(crate) fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |span| span.of(&self.text))
    }

    /// Which word stands at that offset: one more than the last if it is behind all of them.
    pub(crate) fn index_at(&self, offset: usize) -> usize {
        self.words.partition_point(|word| word.end <= offset)
    }

    /// Where some words, counted from `first`, stand in the file; behind the last word, where that ends.
    pub(crate) fn place(&self, first: usize, count: usize) -> Span {
        let end = Span::new(self.text.len(), self.text.len());
        let start = self.words.get(first).copied().unwrap_or(end);
        let last = self.words.get(first + count.saturating_sub(1)).copied().unwrap_or(end);
        self.origin.span(start.to(last))
    }

    /// The draft with another word, or none, in the place of one of its words. It stays a word of its own: `!lan` becomes
    /// `not lan`.
    pub(crate) fn with(&self, index: usize, word: &str) -> Self {
        let mut draft = self.clone();
        if let Some(span) = self.words.get(index) {
            let behind = self.text.get(span.end..).unwrap_or_default();
            let blank = if !word.is_empty() && behind.starts_with(is_word_char) { " " } else { "" };
            let word = format!("{word}{blank}");
            draft.text.replace_range(span.start..span.end, &word);
            draft.origin.replace(*span, word.len());
            draft.words = words(&draft.text);
        }
        draft
    }

    /// The draft with a comma before one of its words.
    pub(crate) fn with_comma_before(&self, index: usize) -> Self {
        self.with(index, &format!(", {}", self.word(index)))
    }

    /// What pest reads in the text.
    pub(crate) fn read(&self) -> Result<Pairs<'_>, Stop> {
        PolicyParser::parse(Rule::piece, &self.text).map_err(|error| {
            let at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let expected = match error.variant {
                ErrorVariant::ParsingError { positives, .. } => positives,
                ErrorVariant::CustomError { .. } => Vec::new(),
            };
            Stop { at, expected }
        })
    }
}

/// The words of a text: quoted texts, runs of letters and what is written together with them, marks of punctuation.
fn words(text: &str) -> Vec<Span> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let start = text.len() - rest.len();
        let len = match char {
            '"' => quoted_len(rest),
            _ if is_word_char(char) => rest.find(|char| !is_word_char(char)).unwrap_or(rest.len()),
            _ => char.len_utf8(),
        };
        if !matches!(char, ' ' | '\t' | '\r' | '\n') {
            words.push(Span::new(start, start + len));
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    words
}

/// The length of a quoted text with its quotes; of the quote alone if none closes it on its line.
fn quoted_len(text: &str) -> usize {
    let inner = text.get(1..).unwrap_or_default();
    match inner.find(['"', '\n']) {
        Some(end) if inner.get(end..).is_some_and(|rest| rest.starts_with('"')) => end + 2,
        _ => 1,
    }
}

fn is_word_char(char: char) -> bool {
    char.is_alphanumeric() || "_-.:/*@%".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_words() {
        let draft = Draft::new("allow in ssh,tcp 22/tcp because \"x, y\" \"z", 0);
        assert_eq!(draft.words(), ["allow", "in", "ssh", ",", "tcp", "22/tcp", "because", "\"x, y\"", "\"", "z"]);
        assert_eq!(draft.index_at(6), 1);
        assert_eq!(draft.index_at(5), 1);
        assert_eq!(draft.index_at(100), 10);
    }

    #[test]
    fn mended_words_keep_their_place() {
        let draft = Draft::new("alow inbund ssh", 100).with(1, "inbound").with(0, "allow");
        assert_eq!(draft.text, "allow inbound ssh");
        assert_eq!(draft.place(1, 1), Span::new(105, 111));
        assert_eq!(draft.place(2, 1), Span::new(112, 115));
        assert_eq!(draft.place(3, 1), Span::new(115, 115));
    }
}
