// SPDX-License-Identifier: GPL-3.0-or-later
//! Policy text to syntax tree. Parsing never fails: what cannot be read becomes findings, the rest becomes the tree.

use pest::Parser;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::mend::mend;
use crate::origin::Origin;
use crate::parser::{Pair, PolicyParser, Rule};
use crate::slips::mend_slips;
use crate::span::Span;
use crate::tree::{Header, Tree};
use crate::tree_builder::Builder;

/// So many broken pieces are explained. A file of more is hardly a policy, and explaining takes time.
const MOST_EXPLAINED: usize = 1000;

/// Reads the text of one policy file: the tree of what could be read, and everything that is wrong with the rest.
///
/// Words that are only misspelt are in the tree as they were meant. The findings are in the order of the text.
#[must_use]
pub fn parse(text: &str) -> (Tree, Vec<Diagnostic>) {
    let origin = Origin::default();
    let mut reader = Reader {
        builder: Builder::new(&origin),
        tree: Tree::default(),
        findings: Vec::new(),
        explained: 0,
        unexplained: None,
        open_blocks: 0,
    };
    match PolicyParser::parse(Rule::file, text) {
        Ok(file) => file.flat_map(Pair::into_inner).for_each(|pair| reader.take(&pair)),
        Err(_) => reader.take_broken(text, 0), // the grammar takes every text: this is never reached
    }
    reader.findings.extend(mend_slips(&mut reader.tree));
    if let Some((first, count)) = reader.unexplained {
        let message = format!("{count} broken pieces, from here on, are not explained");
        reader.findings.push(Diagnostic::new(Code::Syntax, first, message).help("is the file a policy at all?"));
    }
    reader.findings.sort_by_key(|finding| finding.span);
    (reader.tree, reader.findings)
}

/// Takes the pieces of a file in their order.
struct Reader<'o> {
    builder: Builder<'o>,
    tree: Tree,
    findings: Vec<Diagnostic>,
    explained: usize,
    /// The first broken piece that is not explained any more, and how many they are.
    unexplained: Option<(Span, usize)>,
    /// How many broken pieces have opened a block: the lines that close them are no mistakes of their own.
    open_blocks: usize,
}

impl Reader<'_> {
    fn take(&mut self, pair: &Pair<'_>) {
        match pair.as_rule() {
            Rule::EOI => {}
            Rule::header => match self.builder.header(pair) {
                Ok(header) => self.tree.header = Some(header),
                Err(finding) => self.findings.push(finding),
            },
            Rule::broken => self.take_broken(pair.as_str(), pair.as_span().start()),
            _ => match self.builder.item(pair) {
                Ok(item) => self.tree.items.push(item),
                Err(finding) => self.findings.push(finding),
            },
        }
    }

    fn take_broken(&mut self, piece: &str, base: usize) {
        let piece = piece.trim_end_matches([' ', '\t', '\r', '\n']);
        if piece == "}" && self.open_blocks > 0 {
            self.open_blocks -= 1;
            return;
        }
        if piece.ends_with('{') {
            self.open_blocks += 1;
        }
        if self.explained == MOST_EXPLAINED {
            let (_, count) = self.unexplained.get_or_insert((Span::new(base, base + piece.len()), 0));
            *count += 1;
            return;
        }
        self.explained += 1;
        let mended = mend(piece, base);
        self.findings.extend(mended.findings);
        self.tree.items.extend(mended.items);
        if let Some(header) = mended.header {
            self.take_late_header(header, Span::new(base, base + piece.len()));
        }
    }

    /// A header that was mended, or stands where none can.
    fn take_late_header(&mut self, header: Header, span: Span) {
        if self.tree.header.is_none() && self.tree.items.is_empty() && !self.findings.is_empty() {
            self.tree.header = Some(header);
            return;
        }
        self.findings.push(
            Diagnostic::new(Code::Syntax, span, "the header must be the first line of a policy")
                .help("move the line `policy NAME edition N` to the top; a policy has one"),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_grammar_takes_every_text(text in "[a-z ,\\[\\]\"#\\\\\n\r\t.:{}=-]{0,80}|(?s).{0,40}") {
            prop_assert!(PolicyParser::parse(Rule::file, &text).is_ok());
        }
    }
}
