// SPDX-License-Identifier: GPL-3.0-or-later
//! From pest's pairs to the syntax tree.
//!
//! `policy.pest` decides what can be read; here every pair finds its place. A number that is too large for the tree is
//! the only mistake of an author that is found here.

mod items;
mod traffic;
mod who;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::origin::Origin;
use crate::parser::{Pair, Rule};
use crate::span::{Span, Spanned};
use crate::tree::Name;

/// What was built, or what is wrong with it.
type Built<T> = Result<T, Diagnostic>;

/// Builds trees from the pairs of one text.
pub(crate) struct Builder<'o> {
    origin: &'o Origin,
}

impl<'o> Builder<'o> {
    pub(crate) const fn new(origin: &'o Origin) -> Self {
        Self { origin }
    }

    /// Where the first to the last token of the pair stand in the file.
    fn span(&self, pair: &Pair<'_>) -> Span {
        self.origin.span(tokens(pair))
    }

    /// The text of a token.
    fn name(&self, token: &Pair<'_>) -> Name {
        Spanned::new(token.as_str().to_owned(), self.span(token))
    }

    /// The texts of all tokens of one kind in a pair.
    fn names(&self, pair: &Pair<'_>, rule: Rule) -> Vec<Name> {
        children(pair, rule).map(|token| self.name(&token)).collect()
    }

    /// The value of a number token.
    fn number(&self, token: &Pair<'_>) -> Built<Spanned<u64>> {
        let span = self.span(token);
        match token.as_str().parse() {
            Ok(value) => Ok(Spanned::new(value, span)),
            Err(_) => {
                Err(Diagnostic::new(Code::BadValue, span, format!("the number `{}` is too large", token.as_str()))
                    .help(format!("no number of a policy is larger than {}", u32::MAX)))
            }
        }
    }

    /// The number that stands directly in a pair.
    fn number_in(&self, pair: &Pair<'_>) -> Built<Spanned<u64>> {
        self.number(&self.need(pair, Rule::number)?)
    }

    /// What stands between the quotes of the string in a pair. The span holds the quotes.
    fn string_in(&self, pair: &Pair<'_>) -> Built<Spanned<String>> {
        let token = self.need(pair, Rule::string)?;
        let text = token.as_str();
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        Ok(Spanned::new(inner.to_owned(), self.span(&token)))
    }

    /// The child of that rule, which the grammar promises.
    fn need<'i>(&self, pair: &Pair<'i>, rule: Rule) -> Built<Pair<'i>> {
        child(pair, rule).ok_or_else(|| self.unreadable(pair))
    }

    /// The finding for a pair that has not the children that the grammar promises. No text leads here.
    fn unreadable(&self, pair: &Pair<'_>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, self.span(pair), format!("`{}` cannot be read", pair.as_str().trim_end()))
    }
}

/// The first child of that rule.
fn child<'i>(pair: &Pair<'i>, rule: Rule) -> Option<Pair<'i>> {
    children(pair, rule).next()
}

/// All children of that rule, in order.
fn children<'i>(pair: &Pair<'i>, rule: Rule) -> impl Iterator<Item = Pair<'i>> + use<'i> {
    pair.clone().into_inner().filter(move |inner| inner.as_rule() == rule)
}

/// The rule of the first child.
fn first_rule(pair: &Pair<'_>) -> Option<Rule> {
    pair.clone().into_inner().next().map(|inner| inner.as_rule())
}

/// From the first to the last token of a pair: a pair itself may also hold the blanks behind them.
fn tokens(pair: &Pair<'_>) -> Span {
    let start = pair.as_span().start();
    let mut last = pair.clone();
    while let Some(inner) = last.clone().into_inner().next_back() {
        last = inner;
    }
    Span::new(start, last.as_span().end())
}
