// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernel's rules in the IR's terms.

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Match, Statement, Verdict};

use crate::nft::Unknown;
use crate::nft::condition::Condition;
use crate::nft::expression::Expression;
use crate::nft::immediate::Immediate;
use crate::nft::known::{Guard, Known, needed};
use crate::nft::set::{Set, SetName};
use crate::nft::test;

/// What a rule of the IR is made of.
pub type Parts = (Vec<Match>, Vec<Statement>, Option<Verdict>);

/// Reads a rule of a table of the family. `set` finds the sets that it looks up.
///
/// # Errors
/// [`Unknown`] where the IR has no word for what the rule does.
pub fn read<'a>(
    table: TableFamily,
    expressions: &[Expression],
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Parts, Unknown> {
    let known = Known::at_start(table);
    let mut reader = Reader { known, told: Vec::new(), matches: Vec::new(), guards: Vec::new() };
    let mut rest = reader.matches(expressions, set)?;
    let mut statements = Vec::new();
    while let [Expression::Log(log), behind @ ..] = rest {
        statements.push(Statement::Log(log.clone()));
        rest = behind;
    }
    let verdict = match rest {
        [] => None,
        [Expression::Immediate(Immediate::Accept)] => Some(Verdict::Accept),
        [Expression::Immediate(Immediate::Drop)] => Some(Verdict::Drop),
        [Expression::Reject(reject)] => {
            if table == TableFamily::Inet {
                reader.check_refusal(reject.family().map(Guard::Family))?;
            }
            Some(Verdict::Reject(reject.refusal(table)?))
        }
        _ => return Err(Unknown::Shape("a test behind a statement or verdict")),
    };
    Ok((reader.matches.into_iter().flatten().collect(), statements, verdict))
}

struct Reader {
    known: Known,
    /// All that tests of the rule tell, contradictions too.
    told: Vec<Guard>,
    /// The tests; none in the place of one that turned out to be a guard.
    matches: Vec<Option<Match>>,
    /// Tests that may be guards of later ones, and where they are. A limit ends that: what stands before it also keeps
    /// packets from being counted.
    guards: Vec<(Guard, usize)>,
}

impl Reader {
    fn matches<'a, 'e>(
        &mut self,
        mut rest: &'e [Expression],
        set: &dyn Fn(&SetName) -> Option<&'a Set>,
    ) -> Result<&'e [Expression], Unknown> {
        loop {
            match rest {
                [Expression::Limit(limit), behind @ ..] => {
                    self.guards.clear();
                    self.matches.push(Some(Match::Limit(*limit)));
                    rest = behind;
                }
                [load @ (Expression::CtState | Expression::Meta(_) | Expression::Payload(_)), behind @ ..] => {
                    let (condition, behind) = Condition::read(behind)?;
                    for test in test::read(load, condition, self.known, set)? {
                        self.push(test);
                    }
                    rest = behind;
                }
                _ => return Ok(rest),
            }
        }
    }

    fn push(&mut self, test: Match) {
        for guard in needed(&test) {
            self.take_guard(guard);
        }
        if let Some(guard) = Guard::of(&test) {
            self.known.learn(guard);
            self.told.push(guard);
            self.guards.push((guard, self.matches.len()));
        }
        self.matches.push(Some(test));
    }

    /// Takes a test for the guard that it is.
    fn take_guard(&mut self, guard: Guard) {
        if let Some(i) = self.guards.iter().rposition(|(candidate, _)| *candidate == guard) {
            let (_, place) = self.guards.remove(i);
            if let Some(test) = self.matches.get_mut(place) {
                *test = None;
            }
        }
    }

    /// Refuses an answer of one family where the rule does not test for it. Its guard stays a test: without it the rule
    /// would say that it answers either family.
    fn check_refusal(&self, guard: Option<Guard>) -> Result<(), Unknown> {
        match guard {
            Some(guard) if !self.told.contains(&guard) => {
                Err(Unknown::Shape("a refusal of one family in a rule for both"))
            }
            _ => Ok(()),
        }
    }
}
