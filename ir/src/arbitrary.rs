// SPDX-License-Identifier: GPL-3.0-or-later
//! Strategies that build rulesets over all of the IR, for the tests of every back end (feature `arbitrary`).
//!
//! What they build is legal, and as far as can be told without a kernel, the kernel takes it: values are ones that a field
//! can have, the tests of a rule do not exclude each other, statements and verdicts stand where the kernel has them. What a
//! back end does not handle is left out by [`Options::wanted`].

mod coverage;
mod field;
mod nat;
mod object;
mod rule;
mod scope;
mod set;
mod statement;
mod table;
mod test;
#[cfg(test)]
mod tests;
mod value;
mod verdict;

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;

pub use coverage::{coverage, unused};
pub use field::{all_variants, variants};

use self::scope::Scope;
use crate::fields::{Cell, Cells, FIELDS, FieldRow, WORDS, WordRow};
use crate::legal::{Illegal, Place};
use crate::rule::{Rule, Unknown};
use crate::ruleset::{Origin, OriginId, Ruleset};
use crate::words::TableFamily;

/// A row of the declared table.
#[derive(Clone, Copy, Debug)]
pub enum Row {
    /// A field.
    Field(FieldRow),
    /// A statement, a verdict, or a test that is not of a field.
    Word(WordRow),
}

impl Row {
    /// Every row, fields first.
    pub fn all() -> impl Iterator<Item = Self> {
        FIELDS.iter().copied().map(Self::Field).chain(WORDS.iter().copied().map(Self::Word))
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Field(row) => row.name,
            Self::Word(row) => row.name,
        }
    }

    /// Who handles it.
    #[must_use]
    pub const fn cells(&self) -> &Cells {
        match self {
            Self::Field(row) => &row.cells,
            Self::Word(row) => &row.cells,
        }
    }
}

/// What is wanted of rulesets.
#[derive(Clone, Debug)]
pub struct Options {
    /// The families of tables.
    pub families: Vec<TableFamily>,
    /// Whether a row is wanted.
    pub wanted: fn(&Row) -> bool,
    /// Tests of several fields at once, and keys of several parts.
    pub concatenated: bool,
    /// Fields under a mask, other than sets of bits.
    pub masked: bool,
    /// Named sets, maps and objects, and what refers to them.
    pub named: bool,
    /// Names of the host in the place of values.
    pub symbols: bool,
    /// What the IR has no word for.
    pub unknowns: bool,
}

impl Options {
    /// Everything that the IR can say.
    #[must_use]
    pub fn all() -> Self {
        Self {
            families: TableFamily::ALL.to_vec(),
            wanted: |_| true,
            concatenated: true,
            masked: true,
            named: true,
            symbols: true,
            unknowns: true,
        }
    }

    /// What the kernel can be given: no unknowns, and no names of the host.
    #[must_use]
    pub fn loadable() -> Self {
        Self { symbols: false, unknowns: false, ..Self::all() }
    }

    /// These, for a back end: `|row| handled(row.cells().nft)`.
    #[must_use]
    pub fn wanting(self, wanted: fn(&Row) -> bool) -> Self {
        Self { wanted, ..self }
    }
}

/// Whether a cell says that the back end handles the row.
#[must_use]
pub fn handled(cell: Cell) -> bool {
    cell == Cell::Handled
}

/// How many origins a ruleset has, and so which can be named.
const ORIGINS: u32 = 4;

/// Rulesets of one or two tables.
pub fn ruleset(options: Options) -> impl Strategy<Value = Ruleset> {
    let options = Arc::new(options);
    let tables = vec(table::table(&options), 1..3);
    let most = if options.unknowns { 2 } else { 0 };
    let unknowns = vec((origin_id(), unknown()), 0..=most);
    let origins = vec(origin(), ORIGINS as usize);
    (value::words(30), origins, tables, unknowns).prop_map(|(title, origins, mut tables, unknowns)| {
        let named: Vec<_> = tables.iter().map(|table| (table.family(), table.name().to_owned())).collect();
        if let [first, second] = named.as_slice()
            && first == second
        {
            tables.pop();
        }
        Ruleset { title, origins, tables, unknowns }
    })
}

/// Rules that have a meaning at a place of a table of the family, and name nothing of the table.
pub fn rule_for(options: Options, place: Place, family: TableFamily) -> impl Strategy<Value = Rule> {
    rule::rule(Arc::new(Scope::bare(Arc::new(options), family, place)))
}

fn origin() -> impl Strategy<Value = Origin> {
    let because = proptest::option::of("\\PC{0,40}");
    let id = prop_oneof![3 => "[a-z0-9-]{1,12}", 1 => Just(String::new())];
    (id, "\\PC{0,40}", 0..10_000_u32, because).prop_map(|(id, text, line, because)| Origin {
        id,
        text,
        line,
        because,
        spot: None,
    })
}

fn origin_id() -> impl Strategy<Value = OriginId> {
    (0..ORIGINS).prop_map(OriginId)
}

fn unknown() -> impl Strategy<Value = Unknown> {
    ("(match|target|expression) [a-z]{1,9}", "\\PC{0,30}", "\\PC{0,20}").prop_map(|(name, text, reason)| Unknown {
        name,
        text,
        reason,
    })
}

/// One of the strategies, by their weights; none where there is none.
fn one_of<T: std::fmt::Debug + 'static>(strategies: Vec<(u32, BoxedStrategy<T>)>) -> Option<BoxedStrategy<T>> {
    (!strategies.is_empty()).then(|| Union::new_weighted(strategies).boxed())
}

/// What a strategy has built. Something illegal is a mistake of the strategy, which tests must show.
#[expect(clippy::panic, reason = "only tests build with strategies")]
fn legal<T>(built: Result<T, Illegal>) -> T {
    built.unwrap_or_else(|illegal| panic!("a strategy built something illegal: {illegal}"))
}
