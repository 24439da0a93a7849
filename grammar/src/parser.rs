// SPDX-License-Identifier: GPL-3.0-or-later
//! The parser that pest derives from `policy.pest`. Its rules do not leave this crate.

#[derive(pest_derive::Parser)]
#[grammar = "policy.pest"]
pub(crate) struct PolicyParser;

/// A match of one rule, with the matches in it.
pub(crate) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

/// Matches in the order of the text.
pub(crate) type Pairs<'i> = pest::iterators::Pairs<'i, Rule>;
