// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules of the IR in the kernel's terms, as nft 1.0.6 puts them (`netlink_linearize.c`, `rule_postprocess`).

use std::borrow::Cow;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{Family, TableFamily};
use ringwall_ir::{IntervalSet, Match, Statement, Values, Verdict};

use super::{CLOSING, Rule};
use crate::nft::cmp::Operator;
use crate::nft::condition::Condition;
use crate::nft::expression::Expression;
use crate::nft::immediate::Immediate;
use crate::nft::known::{Guard, Known, needed};
use crate::nft::payload::Payload;
use crate::nft::reject::Reject;
use crate::nft::set::{Set, SetIds};
use crate::nft::test::{self, Test};

/// The most bytes that the kernel compares in one step of its evaluation loop (`nft_cmp_fast_eval`).
const FAST_LEN: u32 = 4;

/// Writes a rule for a table of the family.
#[must_use]
pub fn write(table: TableFamily, rule: &ringwall_ir::Rule, comment: String, ids: &mut SetIds) -> Rule {
    let mut writer = Writer { known: Known::at_start(table), ids, sets: Vec::new(), expressions: Vec::new() };
    let reject = match rule.verdict() {
        Some(Verdict::Reject(refusal)) => Some(Reject::of(table, refusal)),
        _ => None,
    };
    if let (TableFamily::Inet, Some(reject)) = (table, reject) {
        writer.guard_refusal(reject, rule.matches());
    }
    let mut rest = rule.matches();
    while !rest.is_empty() {
        let end = rest.iter().position(|test| matches!(test, Match::Limit(_))).unwrap_or(rest.len());
        let (tests, behind) = rest.split_at(end);
        writer.tests(tests);
        rest = match behind {
            [Match::Limit(limit), behind @ ..] => {
                writer.expressions.push(Expression::Limit(*limit));
                behind
            }
            _ => &[],
        };
    }
    for statement in rule.statements() {
        let Statement::Log(log) = statement;
        writer.expressions.push(Expression::Log(log.clone()));
    }
    writer.expressions.extend(match rule.verdict() {
        Some(Verdict::Accept) => Some(Expression::Immediate(Immediate::Accept)),
        Some(Verdict::Drop) => Some(Expression::Immediate(Immediate::Drop)),
        Some(Verdict::Reject(_)) | None => reject.map(Expression::Reject),
    });
    Rule { expressions: writer.expressions, sets: writer.sets, comment }
}

/// The last rule of a closed chain.
#[must_use]
pub fn closing() -> Rule {
    Rule { expressions: vec![Expression::Immediate(Immediate::Drop)], sets: Vec::new(), comment: CLOSING.to_owned() }
}

struct Writer<'a> {
    known: Known,
    ids: &'a mut SetIds,
    sets: Vec<Set>,
    expressions: Vec<Expression>,
}

/// A test behind its guards; none where it went along with a neighbour's.
struct Step {
    guards: Vec<Guard>,
    test: Option<Test>,
}

impl Writer<'_> {
    /// An answer that only one family has is guarded at the head of the rule, unless a test tells the family anyway.
    fn guard_refusal(&mut self, reject: Reject, matches: &[Match]) {
        let Some(guard) = reject.family().map(Guard::Family) else { return };
        let told =
            matches.iter().any(|test| Guard::of(test) == Some(guard) || needed(test).any(|needed| needed == guard));
        if !told && !self.known.holds(guard) {
            self.known.learn(guard);
            guard.write(&mut self.expressions);
        }
    }

    /// Writes tests between which no state changes.
    fn tests(&mut self, tests: &[Match]) {
        let telling = tests.iter().filter(|test| !is_implied(test, tests)).filter_map(simplified);
        let mut steps: Vec<_> = telling.filter_map(|test| self.step(&test)).collect();
        join_neighbours(&mut steps);
        for step in steps {
            for guard in step.guards {
                guard.write(&mut self.expressions);
            }
            if let Some(test) = step.test {
                self.expressions.push(test.load);
                test.condition.write(&mut self.expressions);
            }
        }
    }

    /// A test, behind the guards that it still needs.
    fn step(&mut self, test: &Match) -> Option<Step> {
        let missing: Vec<_> = needed(test).filter(|guard| !self.known.holds(*guard)).collect();
        for guard in missing.iter().copied().chain(Guard::of(test)) {
            self.known.learn(guard);
        }
        Some(Step { guards: missing, test: Some(test::write(test, &mut self.sets, self.ids)?) })
    }
}

/// Whether a test of the family or protocol lets through what another test needs: then the other's guard says it all.
fn is_implied(test: &Match, tests: &[Match]) -> bool {
    tests.iter().flat_map(needed).any(|guard| guard.implies(test))
}

/// The test without families that there are not; none where both that there are pass it.
fn simplified(test: &Match) -> Option<Cow<'_, Match>> {
    let Match::In { field: Field::Nfproto, values: Values::Inline(set), negated: false } = test else {
        return Some(Cow::Borrowed(test));
    };
    let passing: Vec<_> = Family::ALL
        .into_iter()
        .map(|family| u128::from(family.number()))
        .filter(|number| set.contains(*number))
        .collect();
    match passing.as_slice() {
        [number] => {
            let values = Values::Inline(IntervalSet::one(*number));
            Some(Cow::Owned(Match::In { field: Field::Nfproto, values, negated: false }))
        }
        [_, _] => None,
        _ => Some(Cow::Borrowed(test)),
    }
}

/// Compares fields that lie side by side at once, in the place of the first of them (nft's `payload_do_merge`).
fn join_neighbours(steps: &mut [Step]) {
    let mut loads: Vec<_> =
        steps.iter().enumerate().filter_map(|(place, step)| step.test.as_ref()?.compared(place)).collect();
    loads.sort_by_key(|load| (load.payload.base, load.payload.offset, load.place));
    let mut loads = loads.into_iter();
    let Some(mut first) = loads.next() else { return };
    for next in loads {
        if !first.payload.is_before(next.payload) || first.payload.len + next.payload.len > FAST_LEN {
            first = next;
            continue;
        }
        first.payload.len += next.payload.len;
        first.data.extend(next.data);
        for (place, test) in [(first.place, Some(Test::equal(first.payload, first.data.clone()))), (next.place, None)] {
            if let Some(step) = steps.get_mut(place) {
                step.test = test;
            }
        }
    }
}

/// Whole fields of the packet that are compared with values.
struct Compared {
    payload: Payload,
    data: Vec<u8>,
    place: usize,
}

impl Test {
    /// What is compared, if it is whole fields with one value each.
    fn compared(&self, place: usize) -> Option<Compared> {
        match (&self.load, &self.condition) {
            (Expression::Payload(payload), Condition::Compare(cmp)) if self.whole => {
                Some(Compared { payload: *payload, data: cmp.data.clone(), place })
            }
            _ => None,
        }
    }

    /// Compares whole fields.
    fn equal(payload: Payload, data: Vec<u8>) -> Self {
        let condition = Condition::compare(Operator::Equal, data);
        Self { load: Expression::Payload(payload), condition, whole: true }
    }
}
