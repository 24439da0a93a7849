// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules of the IR in the kernel's terms, as nft 1.0.6 puts them (`netlink_linearize.c`, `rule_postprocess`).
//!
//! Where nft's form is slow, the kernel's fast one is written that nft lists alike; where nft's form means something
//! else than the rule, one that means the same.

mod head;
mod join;
mod key;
mod statement;
mod test;
mod translation;
mod verdict;

pub(super) use translation::parts as translation_parts;

use ringwall_ir::{Counts, Match, Rule, Selector, SetSpec, Step, Table};
use thiserror::Error;

use self::join::Piece;
use crate::nft::expression::{Cmp, Expression, Operator};
use crate::nft::field::{self, Layout};
use crate::nft::known::{Guard, Known, guards};
use crate::nft::register::Register;
use crate::nft::set::{Anonymous, Content, DataShape, SetIds, SetName, Shape};

/// Why a rule cannot be put into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unsayable {
    /// Two fields, or a field and a map, in one value: the kernel can since 6.13, but nft 1.0.6 stops at such a rule, and
    /// with it every listing.
    #[error("nft 1.0.6 fails at a value that is made of two fields")]
    Joined,
    /// Registers hold 64 bytes.
    #[error("the kernel has not so much room for what is looked up at once")]
    Registers,
    /// A name of the host without a number.
    #[error("a name of the host has no number here")]
    Symbol,
    /// Something that was read and is not known.
    #[error("it holds a part that is not known: {0}")]
    Unknown(&'static str),
}

/// Writes the rules of a table, one after the other.
pub struct RuleWriter<'a> {
    table: &'a Table,
    known: Known,
    /// Numbers the anonymous sets of the transaction.
    ids: SetIds,
    /// What the rule's counters have counted, one after the other.
    counted: Vec<Counts>,
    /// The expressions of the rule.
    out: Vec<Expression<'a>>,
    /// The tests of a run, before they are put in order.
    pieces: Vec<Piece>,
    /// The guards of those tests.
    guards: Vec<Guard>,
    /// The expressions of those tests.
    scratch: Vec<Expression<'a>>,
    /// The anonymous sets of the rule.
    sets: Vec<Anonymous<'a>>,
}

impl<'a> RuleWriter<'a> {
    /// A writer for the rules of a table.
    pub fn new(table: &'a Table) -> Self {
        Self {
            table,
            known: Known::default(),
            ids: SetIds::default(),
            counted: Vec::new(),
            out: Vec::new(),
            pieces: Vec::new(),
            guards: Vec::new(),
            scratch: Vec::new(),
            sets: Vec::new(),
        }
    }

    /// Writes a rule: its anonymous sets, and its expressions. `ids` numbers the sets of the transaction; `counted` is
    /// what the rule's counters have counted, where that is not what the rule says.
    ///
    /// # Errors
    /// [`Unsayable`]
    pub fn write(
        &mut self,
        rule: &'a Rule,
        ids: &mut SetIds,
        counted: &[Counts],
    ) -> Result<(&[Anonymous<'a>], &[Expression<'a>]), Unsayable> {
        self.ids = std::mem::take(ids);
        self.counted.clear();
        self.counted.extend(counted.iter().rev());
        let written = self.rule(rule);
        *ids = std::mem::take(&mut self.ids);
        written?;
        Ok((&self.sets, &self.out))
    }

    fn rule(&mut self, rule: &'a Rule) -> Result<(), Unsayable> {
        self.out.clear();
        self.sets.clear();
        self.known = Known::at_start(self.table.family());
        if let Some(guard) = self.guard_at_head(rule) {
            self.guard(guard);
        }
        let mut rest = rule.steps();
        while let [first, behind @ ..] = rest {
            match first {
                Step::Match(Match::In { .. } | Match::Concat { .. }) => {
                    let is_test = |step: &Step| matches!(step, Step::Match(Match::In { .. } | Match::Concat { .. }));
                    let end = rest.iter().position(|step| !is_test(step)).unwrap_or(rest.len());
                    let (run, behind) = rest.split_at(end);
                    self.tests(run)?;
                    rest = behind;
                    continue;
                }
                Step::Match(test) => self.counting_test(test)?,
                Step::Statement(statement) => self.statement(statement)?,
                Step::Unknown(_) => return Err(Unsayable::Unknown("a step")),
            }
            rest = behind;
        }
        if let Some(verdict) = rule.verdict() {
            self.verdict(verdict)?;
        }
        Ok(())
    }

    /// Writes a guard.
    fn guard(&mut self, guard: Guard) {
        self.known.learn(guard);
        let (field, value) = guard.test();
        field::load(field, Register::FIRST, &mut self.out);
        let data = Layout::of(field).bytes_of(value.into());
        self.out.push(Expression::Cmp(Cmp { from: Register::FIRST, operator: Operator::Equal, data }));
    }

    /// Writes the guards that what is looked at still needs.
    fn guard_all(&mut self, selectors: &[Selector]) {
        for guard in selectors.iter().flat_map(|selector| guards(selector.field())) {
            if !self.known.holds(guard) {
                self.guard(guard);
            }
        }
    }

    fn counting_test(&mut self, test: &'a Match) -> Result<(), Unsayable> {
        use ringwall_ir::Meter;
        let meter = match test {
            Match::ConnLimit(limit) => Meter::ConnLimit(*limit),
            Match::Limit(limit) => Meter::Limit(*limit),
            Match::Quota(quota) => Meter::Quota(*quota),
            Match::Object { kind, object } => return self.object(*kind, object),
            Match::Concat { .. } | Match::In { .. } => return Ok(()),
        };
        self.out.push(Expression::Meter(meter));
        Ok(())
    }

    /// What a named set of the table is.
    fn spec(&self, name: &str) -> Option<&'a SetSpec> {
        self.table.set(name).map(ringwall_ir::Set::spec)
    }

    /// Makes an anonymous set or map for the rule.
    fn anonymous(&mut self, shape: Shape<'a>, content: Content<'a>) -> SetName<'a> {
        let id = self.ids.next();
        let name = if shape.data.is_some() { SetName::AnonymousMap(id) } else { SetName::AnonymousSet(id) };
        self.sets.push(Anonymous::new(name, shape, content));
        name
    }

    /// Makes an anonymous map of elements that are written in the rule.
    fn anonymous_map(
        &mut self,
        elements: &'a [ringwall_ir::Element],
        key: &[(ringwall_ir::Field, Layout)],
        data: DataShape,
    ) -> SetName<'a> {
        let shape = Shape::anonymous(key, key::has_intervals(elements), Some(data));
        self.anonymous(shape, Content::of_elements(elements.iter()))
    }
}
