// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the text that pest reads stands in the policy file.
//!
//! A broken piece of a policy is read again apart from the rest, and with misspelt words mended. The spans of what comes
//! out must still point at what the author wrote.

use crate::span::Span;

/// Maps positions in a text that was cut out of a policy file, and then mended, to positions in that file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Where the text starts in the file.
    base: usize,
    /// What was mended, in the order of the text.
    edits: Vec<Edit>,
}

/// One word that was put in the place of another.
#[derive(Clone, Copy, Debug)]
struct Edit {
    /// Where the new word starts, in the mended text.
    at: usize,
    new_len: usize,
    old_len: usize,
}

impl Origin {
    /// A text that starts at byte `base` of the file.
    pub(crate) const fn at(base: usize) -> Self {
        Self { base, edits: Vec::new() }
    }

    /// Notes that the bytes at `word` of the text gave way to `new_len` others. What was mended in the word before is
    /// part of the new edit.
    pub(crate) fn replace(&mut self, word: Span, new_len: usize) {
        let first = self.edits.partition_point(|edit| edit.at < word.start);
        let behind = self.edits.partition_point(|edit| edit.at < word.end);
        let inside: Vec<Edit> = self.edits.drain(first..behind.max(first)).collect();
        let added: usize = inside.iter().map(|edit| edit.new_len).sum();
        let removed: usize = inside.iter().map(|edit| edit.old_len).sum();
        for later in self.edits.iter_mut().skip(first) {
            later.at = later.at + word.start + new_len - word.end;
        }
        let old_len = word.end - word.start + removed - added;
        self.edits.insert(first, Edit { at: word.start, new_len, old_len });
    }

    /// Where the range of the text stands in the file.
    pub(crate) fn span(&self, range: Span) -> Span {
        Span::new(self.position(range.start), self.position(range.end))
    }

    fn position(&self, offset: usize) -> usize {
        let mut position = self.base + offset;
        for edit in self.edits.iter().take_while(|edit| edit.at < offset) {
            let inside = (offset - edit.at).min(edit.new_len);
            let before = if inside < edit.new_len { inside.min(edit.old_len) } else { edit.old_len };
            position = position - inside + before;
        }
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_behind_mended_words_point_into_the_file() {
        // "alow inbund ssh" at byte 10 became "allow inbound ssh", the second word first.
        let mut origin = Origin::at(10);
        origin.replace(Span::new(5, 11), "inbound".len());
        origin.replace(Span::new(0, 4), "allow".len());
        assert_eq!(origin.span(Span::new(0, 5)), Span::new(10, 14));
        assert_eq!(origin.span(Span::new(6, 13)), Span::new(15, 21));
        assert_eq!(origin.span(Span::new(14, 17)), Span::new(22, 25));
    }

    #[test]
    fn an_edit_takes_in_the_edits_inside_of_it() {
        // "a!b c" became "anotb c", and then "x c".
        let mut origin = Origin::at(0);
        origin.replace(Span::new(1, 2), "not".len());
        origin.replace(Span::new(0, 5), "x".len());
        assert_eq!(origin.span(Span::new(0, 1)), Span::new(0, 3));
        assert_eq!(origin.span(Span::new(2, 3)), Span::new(4, 5));
    }
}
