// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernel's rules in the IR's terms: registers are followed, expression by expression.
//!
//! Whatever the IR has no word for becomes a step of its own in its place, with a name, and the rest is still read.

mod registers;
mod statement;
mod test;
mod translation;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Match, Meter, ObjectKind, Selector, SetSpec, Statement, Step, Unknown, Verdict, VerdictMap};

use self::registers::{Registers, Value};
use crate::nft::devices::Devices;
use crate::nft::expression::{Access, Ct, Expression, Exthdr, Immediate, Lookup, Meta, Operator, Rt, Wanted};
use crate::nft::field;
use crate::nft::known::{Guard, Known, guards};
use crate::nft::register::Register;
use crate::nft::rule::looked_at;
use crate::nft::set::{FoundSet, SetName};
use crate::nft::verdict::Code;

/// What rules speak of: the sets, chains and objects of their table that can be read.
pub trait Source<'a> {
    /// An anonymous set or map.
    fn anonymous(&self, name: SetName<'a>) -> Option<&FoundSet<'a>>;
    /// A named set or map.
    fn named(&self, name: &str) -> Option<&SetSpec>;
    /// Whether there is such a chain.
    fn has_chain(&self, name: &str) -> bool;
    /// Whether there is such an object.
    fn has_object(&self, kind: ObjectKind, name: &str) -> bool;
    /// The devices that have their names in what is read.
    fn devices(&self) -> &Devices;
}

/// Reads the rules of a table.
#[derive(Clone, Copy)]
pub struct Reader<'s, 'a> {
    family: TableFamily,
    source: &'s dyn Source<'a>,
}

/// A rule that is being read.
struct Reading<'s, 'a> {
    family: TableFamily,
    source: &'s dyn Source<'a>,
    known: Known,
    /// All that tests of the rule tell, contradictions too.
    told: Vec<Guard>,
    /// The steps; none in the place of a test that turned out to be a guard.
    steps: Vec<Option<Step>>,
    /// Tests that may be guards of later ones, and where they are. What is not a test ends that: what stands before it
    /// also keeps packets from it.
    guards: Vec<(Guard, usize)>,
    registers: Registers<'a>,
    verdict: Option<Verdict>,
    /// An expression was not known, so that nothing is known of registers that it may have written.
    lost: bool,
}

/// Why something of a rule cannot be said in the IR: a name for counting, and all of it.
type Strange = (String, String);

impl<'s, 'a> Reader<'s, 'a> {
    /// A reader for the rules of a table of the family.
    pub const fn new(family: TableFamily, source: &'s dyn Source<'a>) -> Self {
        Self { family, source }
    }

    /// Reads a rule.
    pub fn read(self, expressions: &[Expression<'a>]) -> (Vec<Step>, Option<Verdict>) {
        let mut reading = Reading {
            family: self.family,
            source: self.source,
            known: Known::at_start(self.family),
            told: Vec::new(),
            steps: Vec::new(),
            guards: Vec::new(),
            registers: Registers::default(),
            verdict: None,
            lost: false,
        };
        let mut rest = expressions;
        while let [first, behind @ ..] = rest {
            rest = reading.expression(first, behind);
        }
        (reading.steps.into_iter().flatten().collect(), reading.verdict)
    }
}

impl<'s, 'a> Reading<'s, 'a> {
    /// Takes in one expression, or two that belong together. What is left to be read.
    fn expression<'e>(&mut self, first: &Expression<'a>, behind: &'e [Expression<'a>]) -> &'e [Expression<'a>] {
        // What ends a rule stands at its end.
        if let Some(verdict) = self.verdict.take() {
            self.unknown(("verdict amid a rule".to_owned(), verdict.to_string()));
        }
        if let (Expression::Cmp(from), [Expression::Cmp(to), rest @ ..]) = (first, behind)
            && (from.operator, to.operator, from.from) == (Operator::GreaterOrEqual, Operator::LessOrEqual, to.from)
        {
            let read = self.between(from.from, &from.data, &to.data);
            self.take_test(read, || "a range".to_owned());
            return rest;
        }
        match first {
            Expression::Cmp(cmp) if self.passes_all(cmp) => {}
            Expression::Cmp(cmp) => {
                let read = self.neighbours(cmp).unwrap_or_else(|| self.comparison(cmp).map(|test| vec![test]));
                self.take_tests(read, || format!("{} {}", cmp.operator, cmp.data));
            }
            Expression::Range(range) => {
                let read = self.range(range.from, &range.first, &range.last, range.outside);
                self.take_test(read, || "a range".to_owned());
            }
            Expression::Lookup(lookup) => self.lookup(lookup),
            Expression::Meter(meter) => self.meter(meter),
            Expression::Unknown(unknown) => {
                self.unknown((unknown.name.clone(), unknown.text.clone()));
                self.registers = Registers::default();
                self.lost = true;
            }
            Expression::Bitwise(bitwise) => self.registers.bitwise(bitwise),
            Expression::Byteorder(byteorder) => self.registers.turn(byteorder),
            Expression::Payload(payload) => self.registers.set(payload.to, Value::payload(*payload)),
            Expression::Immediate(Immediate::Data { to, data }) => self.registers.set(*to, Value::Data(*data)),
            Expression::Rt(Rt { key: rustables::sys::NFT_RT_TCPMSS, to }) => {
                self.registers.set(*to, Value::PathMss { turned: false });
            }
            Expression::Ct(Ct { access: Access::Load(to), .. })
            | Expression::Exthdr(Exthdr::Present { to, .. } | Exthdr::Maxseg { to })
            | Expression::Meta(Meta::Load { to, .. }) => self.load(first, *to),
            Expression::Fib(fib) => self.load(first, fib.to),
            Expression::Numgen(numgen) => self.load(first, numgen.to),
            Expression::Rt(rt) => self.load(first, rt.to),
            Expression::Socket(socket) => self.load(first, socket.to),
            Expression::Xfrm(xfrm) => self.load(first, xfrm.to),
            Expression::Immediate(Immediate::Verdict(code)) => self.code(*code),
            Expression::Ct(_)
            | Expression::Dynset(_)
            | Expression::Exthdr(_)
            | Expression::Log(_)
            | Expression::Meta(_)
            | Expression::Notrack
            | Expression::Objref(_) => {
                let read = self.statement(first);
                self.take_statement(read);
            }
            Expression::Masq(_)
            | Expression::Nat(_)
            | Expression::Queue(_)
            | Expression::Redir(_)
            | Expression::Reject(_) => {
                let read = self.ending(first);
                self.take_verdict(read);
            }
        }
        behind
    }

    fn load(&mut self, expression: &Expression<'a>, to: Register) {
        let value = match field::loaded(expression) {
            Some((field, _)) => Value::field(field),
            None => Value::Strange(format!("field of `{}` that is not known", expression.name())),
        };
        self.registers.set(to, value);
    }

    fn meter(&mut self, meter: &Meter) {
        self.guards.clear();
        self.steps.push(Some(match meter {
            Meter::ConnLimit(limit) => Match::ConnLimit(*limit).into(),
            Meter::Counter(counts) => Statement::Counter(*counts).into(),
            Meter::Limit(limit) => Match::Limit(*limit).into(),
            Meter::Quota(quota) => Match::Quota(*quota).into(),
        }));
    }

    fn code(&mut self, code: Code<'a>) {
        match code.chain() {
            Some(chain) if !self.source.has_chain(chain) => {
                self.unknown(("chain that cannot be read".to_owned(), code.verdict().to_string()));
            }
            _ => self.verdict = Some(code.verdict()),
        }
    }

    fn lookup(&mut self, lookup: &Lookup<'a>) {
        match lookup.wanted {
            Wanted::In | Wanted::Outside => {
                let read = self.membership(lookup.from, lookup.set, lookup.wanted == Wanted::Outside);
                self.take_tests(read, || format!("lookup in `{}`", lookup.set.text()));
            }
            Wanted::Verdict => {
                let read = self.verdict_map(lookup.from, lookup.set);
                self.take_verdict(read);
            }
            Wanted::Data(to) => {
                let value = match self.asked(lookup.from, lookup.set) {
                    Ok(asked) => Value::Asked(asked),
                    Err(strange) => Value::Strange(strange.0),
                };
                self.registers.set(to, value);
            }
        }
    }

    fn verdict_map(&mut self, from: Register, set: SetName<'a>) -> Result<Verdict, Strange> {
        let asked = self.asked(from, set)?;
        let map = self.map_of(&asked, crate::nft::set::GivenData::Verdicts)?;
        Ok(Verdict::Map(Box::new(VerdictMap { key: asked.key, map })))
    }

    /// Takes in what a test says; what it does not say is a step of its own.
    fn take_test(&mut self, read: Result<Match, Strange>, text: impl FnOnce() -> String) {
        self.take_tests(read.map(|test| vec![test]), text);
    }

    fn take_tests(&mut self, read: Result<Vec<Match>, Strange>, text: impl FnOnce() -> String) {
        match read {
            Ok(tests) => {
                for test in tests {
                    let text = test.to_string();
                    match self.source.devices().name(test) {
                        Ok(test) => self.push(test),
                        Err(name) => self.unknown((name.to_owned(), text)),
                    }
                }
            }
            Err((name, reason)) if reason.is_empty() => self.unknown((name, text())),
            Err((name, reason)) => self.unknown((name, format!("{reason}: {}", text()))),
        }
    }

    fn take_statement(&mut self, read: Result<Step, Strange>) {
        match read {
            Ok(step) => {
                for selectors in looked_at::by_step(&step) {
                    self.take_guards(selectors);
                }
                self.guards.clear();
                self.steps.push(Some(step));
            }
            Err(strange) => self.unknown(strange),
        }
    }

    fn take_verdict(&mut self, read: Result<Verdict, Strange>) {
        match read {
            Ok(verdict) => {
                self.take_guards(looked_at::by_verdict(&verdict));
                self.verdict = Some(verdict);
            }
            Err(strange) => self.unknown(strange),
        }
    }

    /// Pushes what the IR has no word for. What reads a register that an unknown expression may have written says no
    /// more than that one.
    fn unknown(&mut self, (name, text): Strange) {
        self.guards.clear();
        if self.lost
            && name == registers::NOTHING
            && let Some(Some(Step::Unknown(before))) = self.steps.last_mut()
        {
            before.text.push_str("; ");
            before.text.push_str(&text);
            return;
        }
        self.steps.push(Some(Step::Unknown(Unknown { name, text, reason: Unknown::NO_WORD.to_owned() })));
    }

    fn push(&mut self, test: Match) {
        self.take_guards(test.selectors());
        if let Some(told) = Guard::told_by(&test) {
            self.known.learn(told);
            self.told.push(told);
        }
        if let Some(guard) = Guard::of(&test) {
            self.guards.push((guard, self.steps.len()));
        }
        self.steps.push(Some(test.into()));
    }

    /// Takes tests for the guards that they are of what is looked at.
    fn take_guards(&mut self, selectors: &[Selector]) {
        for guard in selectors.iter().flat_map(|selector| guards(selector.field())) {
            let Some(place) = self.guards.iter().rposition(|(candidate, _)| *candidate == guard) else { continue };
            let (_, step) = self.guards.remove(place);
            if let Some(step) = self.steps.get_mut(step) {
                *step = None;
            }
        }
    }
}
