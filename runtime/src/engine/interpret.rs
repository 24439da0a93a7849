// SPDX-License-Identifier: GPL-3.0-or-later
//! The plain interpreter: the chain IR, rule by rule, as nf_tables walks it (`nft_do_chain`). Meant to be obviously right,
//! not fast.

mod bucket;
mod connections;
mod explain;
mod fib;
mod lookup;
mod meta;
mod meter;
mod read;
mod set;
mod state;
mod statement;
mod support;
#[cfg(test)]
mod tests;
mod verdict;

use std::borrow::Cow;

use ringwall_ir::words::{ChainPolicy, ChainType, Family, Priority};
use ringwall_ir::{BaseChain, Chain, Match, OriginId, Rule, Ruleset, Step, Table, Verdict};

pub use self::explain::{Explaining, Failed, Met, MetChain, MetRule, Outcome};
use self::state::{Place, State};
pub use self::support::{Unsupported, unsupported};
use super::{Action, Decision, Ruling, Stage, View};

/// A ruleset at work. What the machine does not model must have been looked for with [`unsupported`]: here such a test
/// passes no packet, and such a statement does nothing.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    /// The base chains in the order in which packets meet them.
    chains: Vec<Bound<'a>>,
    state: State<'a>,
}

/// A base chain, and when it is asked.
#[derive(Clone, Copy, Debug)]
struct Bound<'a> {
    /// The number of its table.
    number: usize,
    table: &'a Table,
    chain: &'a Chain,
    base: &'a BaseChain,
    stage: Stage,
}

/// How a walk through a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A rule decided.
    Decided(Action, OriginId),
    /// The end was reached, or a rule returned.
    Undecided,
}

/// Why a packet does not go on within a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    /// It leaves the rule for the next one (`NFT_BREAK`).
    Leave,
    /// It is gone.
    Drop,
}

/// What a step of a rule gives to a packet that goes on.
type Passes<T> = Result<T, Halt>;

/// A packet at a step of a rule, and all that is read and changed there.
struct At<'i, 'a, 'v> {
    table: &'a Table,
    place: Place,
    notes: Option<&'i mut Vec<MetRule<'a>>>,
    state: &'i mut State<'a>,
    view: &'i mut View<'v>,
}

impl<'a> Interpreter<'a> {
    /// The ruleset as it was declared: every limit full, no conversation counted.
    #[must_use]
    pub fn new(ruleset: &'a Ruleset) -> Self {
        let tables = ruleset.tables.iter().enumerate();
        let chains = tables.flat_map(|(number, table)| table.chains().iter().map(move |chain| (number, table, chain)));
        let bound: Vec<_> =
            chains.filter_map(|(number, table, chain)| Some((number, table, chain, chain.bound()?))).collect();
        let mut chains: Vec<_> = bound
            .iter()
            .enumerate()
            .map(|(i, &(number, table, chain, base))| {
                let before = bound.get(..i).unwrap_or_default();
                Bound { number, table, chain, base, stage: stage(table, base, before) }
            })
            .collect();
        // Among equals the one that was registered last comes first (`nf_hook_entries_grow`).
        chains.reverse();
        chains.sort_by_key(|bound| bound.base.priority);
        Self { chains, state: State::new(ruleset) }
    }

    /// Asks the base chains that the packet meets, until one ends its way. What it meets in them is noted where somebody
    /// wants to know.
    fn ask(&mut self, view: &mut View<'_>, mut met: Option<&mut Vec<MetChain<'a>>>) -> Decision {
        let mut last = Decision { action: Action::Accept, origin: None };
        for bound in &self.chains {
            if !bound.meets(view) {
                continue;
            }
            let mut rules = Vec::new();
            let place = Place { table: bound.number, ..Place::default() };
            let notes = met.is_some().then_some(&mut rules);
            let mark = view.carried.mark;
            let mut at = At { table: bound.table, place, notes, state: &mut self.state, view: &mut *view };
            let (decision, policy) = match at.walk(bound.chain) {
                End::Decided(action, origin) => (Decision { action, origin: Some(origin) }, None),
                End::Undecided => {
                    let (policy, closing) = (bound.base.policy, bound.base.closing);
                    (Decision { action: of_policy(policy), origin: Some(closing) }, Some((policy, closing)))
                }
            };
            view.carried.rerouted |= bound.base.kind == ChainType::Route && view.carried.mark != mark;
            if let Some(met) = &mut met {
                met.push(MetChain { table: bound.table, chain: bound.chain, rules, policy });
            }
            last = decision;
            if last.action != Action::Accept {
                break;
            }
        }
        last
    }
}

impl Bound<'_> {
    fn meets(&self, view: &View<'_>) -> bool {
        (self.stage, self.base.hook) == (view.stage, view.hook) && self.table.family().sees(view.packet.family())
    }
}

impl<'a> At<'_, 'a, '_> {
    /// Walks a chain of the table and those that it leads to.
    fn walk(&mut self, chain: &'a Chain) -> End {
        let number = self.table.chains().iter().position(|other| other.name() == chain.name()).unwrap_or_default();
        for (rule_number, rule) in chain.rules().iter().enumerate() {
            self.place = Place { chain: number, rule: rule_number, ..self.place };
            let verdict = self.verdict_of(rule);
            self.note(chain, rule, &verdict);
            let verdict = match verdict {
                Ok(Some(verdict)) => verdict,
                Err(Halt::Drop) => return End::Decided(Action::Drop, rule.origin()),
                Err(Halt::Leave) | Ok(None) => continue,
            };
            match &*verdict {
                Verdict::Continue => {}
                Verdict::Return => return End::Undecided,
                Verdict::Jump(name) => {
                    if let Some(target) = self.table.chain(name)
                        && let decided @ End::Decided(..) = self.walk(target)
                    {
                        return decided;
                    }
                }
                Verdict::Goto(name) => {
                    return self.table.chain(name).map_or(End::Undecided, |target| self.walk(target));
                }
                verdict => match self.action(verdict) {
                    Ok(action) => return End::Decided(action, rule.origin()),
                    Err(Halt::Drop) => return End::Decided(Action::Drop, rule.origin()),
                    Err(Halt::Leave) => {}
                },
            }
        }
        End::Undecided
    }

    /// Notes what came of a rule, where somebody wants to know.
    fn note(&mut self, chain: &'a Chain, rule: &'a Rule, verdict: &Passes<Option<Cow<'a, Verdict>>>) {
        let Some(notes) = &mut self.notes else { return };
        let outcome = match verdict {
            Ok(verdict) => Outcome::Passed(verdict.as_deref().cloned()),
            Err(Halt::Drop) => Outcome::Passed(Some(Verdict::Drop)),
            Err(Halt::Leave) => {
                let (place, step) = (self.place.step, rule.steps().get(self.place.step));
                let selectors = step.and_then(Step::test).map(Match::selectors).unwrap_or_default();
                let seen = selectors.iter().map(|selector| read::value(selector.field(), self.view)).collect();
                Outcome::PassedOver(Failed { place, step, seen })
            }
        };
        notes.push(MetRule { chain, rule, outcome });
    }

    /// Takes the steps of a rule in order, up to its verdict.
    fn verdict_of(&mut self, rule: &'a Rule) -> Passes<Option<Cow<'a, Verdict>>> {
        for (number, step) in rule.steps().iter().enumerate() {
            self.place.step = number;
            match step {
                Step::Match(test) => self.test(test)?,
                Step::Statement(statement) => self.execute(statement)?,
                Step::Unknown(_) => return Err(Halt::Leave),
            }
        }
        self.place.step = rule.steps().len();
        match rule.verdict() {
            Some(Verdict::Map(map)) => self.mapped_verdict(map).map(|verdict| Some(Cow::Owned(verdict))),
            verdict => Ok(verdict.map(Cow::Borrowed)),
        }
    }
}

/// When a base chain is asked. Of a chain at the priority of translation and the translation, the one that was registered
/// last comes first; translation is registered with the first chain of type nat of the family.
fn stage(table: &Table, base: &BaseChain, before: &[(usize, &Table, &Chain, &BaseChain)]) -> Stage {
    if base.kind == ChainType::Nat {
        return Stage::Translating;
    }
    let stage = Stage::of(base.hook, base.priority);
    let beside = stage == Stage::Translated && Stage::of(base.hook, Priority(base.priority.0 - 1)) != stage;
    let shares =
        |other: &Table| Family::ALL.iter().any(|&family| table.family().sees(family) && other.family().sees(family));
    let behind = before.iter().any(|(_, other, _, base)| base.kind == ChainType::Nat && shares(other));
    if beside && behind { Stage::Tracked } else { stage }
}

impl Ruling for Interpreter<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        self.ask(view, None)
    }

    fn translates(&self, family: Family) -> bool {
        self.chains.iter().any(|bound| bound.stage == Stage::Translating && bound.table.family().sees(family))
    }
}

const fn of_policy(policy: ChainPolicy) -> Action {
    match policy {
        ChainPolicy::Accept => Action::Accept,
        ChainPolicy::Drop => Action::Drop,
    }
}
