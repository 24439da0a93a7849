// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row of the table of fields, statements and verdicts as it can stand in a rule.

mod field;
mod values;
mod word;

use std::num::{NonZeroU32, NonZeroU64};

use ringwall_ir::fields::{Cell, Cells, FIELDS, WORDS};
use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Field, InterfacePattern, IntervalSet, Limit, LimitUnit, Log, LogTarget, Match, OriginId, Per,
    Ruleset, Statement, Table, TableParts, Values, Verdict,
};

pub use field::samples_of_field;
pub use word::samples_of_word;

use super::{Parts, origin};

/// The name of each row, what a back end says to it, and its samples.
pub fn rows(cell: fn(&Cells) -> Cell) -> impl Iterator<Item = (&'static str, Cell, Vec<Sample>)> {
    let fields = FIELDS.iter().map(move |row| (row.name, cell(&row.cells), samples_of_field(*row)));
    fields.chain(WORDS.iter().map(move |row| (row.name, cell(&row.cells), samples_of_word(row.word))))
}

/// Rules that show a row, where they can stand, and what they speak of.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The table's family.
    pub family: TableFamily,
    /// The type of the base chain.
    pub kind: ChainType,
    /// Its hook.
    pub hook: Hook,
    /// The objects, sets and other chains of the table.
    pub parts: TableParts,
    /// The rules of the base chain.
    pub rules: Vec<Parts>,
}

impl Sample {
    /// Rules of a chain that filters, in the own table.
    pub fn filter(hook: Hook, rules: Vec<Parts>) -> Self {
        Self { family: TableFamily::Inet, kind: ChainType::Filter, hook, parts: TableParts::default(), rules }
    }

    /// Rules of a chain that translates, in the own table.
    pub fn nat(hook: Hook, rules: Vec<Parts>) -> Self {
        Self { kind: ChainType::Nat, ..Self::filter(hook, rules) }
    }

    /// The same in a table of another family.
    pub fn of(self, family: TableFamily) -> Self {
        Self { family, ..self }
    }

    /// The same beside other parts.
    pub fn with(self, parts: TableParts) -> Self {
        Self { parts, ..self }
    }

    /// The ruleset. Each rule has a sentence of its own.
    pub fn ruleset(&self) -> Ruleset {
        let mut origins = vec![origin("parts", "what the rules speak of")];
        let policy = ChainPolicy::Accept;
        let base =
            BaseChain { kind: self.kind, hook: self.hook, priority: Priority(-10), policy, closing: OriginId(0) };
        let mut chain = Chain::base(self.hook.name(), base).unwrap();
        for (steps, verdict) in &self.rules {
            let place = u32::try_from(origins.len()).unwrap();
            origins.push(origin(&format!("s{place}"), &format!("sentence {place}")));
            chain.push(OriginId(place), steps.clone(), verdict.clone()).unwrap_or_else(|illegal| {
                panic!("{illegal}: {steps:#?} {verdict:#?}");
            });
        }
        let mut parts = self.parts.clone();
        parts.chains.push(chain);
        let table = Table::new(self.family, "ringwall", parts).unwrap_or_else(|illegal| panic!("{illegal}: {self:#?}"));
        Ruleset { title: "samples".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
    }
}

/// A rule that accepts what passes the tests.
pub fn accept(tests: Vec<Match>) -> Parts {
    (tests.into_iter().map(Into::into).collect(), Some(Verdict::Accept))
}

/// A test of interfaces.
pub fn interface(field: Field, names: &[&str], negated: bool) -> Match {
    let names: Vec<_> = names.iter().map(|name| InterfacePattern::new(name).unwrap()).collect();
    Match::In { selector: field.into(), values: Values::Inline(InterfacePattern::values(&names)), negated }
}

/// A test of values written in the rule.
pub fn inline(field: Field, set: IntervalSet) -> Match {
    Match::within(field, Values::Inline(set))
}

/// A test of one value.
pub fn one(field: Field, value: u128) -> Match {
    inline(field, IntervalSet::one(value))
}

/// IPv4 alone: what a rate that decides must be about, for iptables and ip6tables count apart.
pub fn ipv4() -> Match {
    one(Field::Nfproto, u128::from(Family::Ipv4.number()))
}

/// A limit.
pub fn limit(amount: u32, per: Per, burst: u32) -> Match {
    let number = |number| NonZeroU32::new(number).unwrap();
    Match::Limit(Limit::packets(number(amount), per, number(burst)))
}

/// A limit of bytes.
pub fn bytes(amount: u64, per: Per, burst: u32) -> Limit {
    Limit { amount: NonZeroU64::new(amount).unwrap(), per, unit: LimitUnit::Bytes, burst, over: false }
}

/// A log.
pub fn log(prefix: &str, target: LogTarget) -> Statement {
    Statement::Log(Log { prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()), target })
}
