// SPDX-License-Identifier: GPL-3.0-or-later
//! The interpreter: the chain IR, rule by rule, as nf_tables walks it (`nft_do_chain`). Meant to be obviously right.
//!
//! Of long chains it passes over rules of which nothing would come: [`super::classify`] finds the next one. The plain
//! interpreter, and one that is asked what a packet meets, walk over each.

mod bucket;
mod connections;
#[cfg(test)]
mod equality;
mod explain;
mod fib;
mod lists;
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

use std::collections::HashMap;
use std::sync::Arc;

use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Priority};
use ringwall_ir::{BaseChain, Chain, Match, OriginId, Rule, Ruleset, Step, Table, Verdict};

pub use self::explain::{Explaining, Failed, Met, MetChain, MetRule, Outcome};
use self::lists::Finders;
pub(super) use self::read::value;
use self::state::{Place, State};
pub use self::support::{Unsupported, unsupported};
use super::classify::{Classifier, Ends, Rest};
use super::{Action, Decision, Ruling, Stage, View};

/// A ruleset at work. What the machine does not model must have been looked for with [`unsupported`]: here such a test
/// passes no packet, and such a statement does nothing.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    /// The base chains in the order in which packets meet them.
    chains: Vec<Bound<'a>>,
    /// The tables, each with its chains.
    tables: Arc<Vec<Chains<'a>>>,
    /// A bit for each stage of a hook at which some chain is asked.
    asked: u32,
    state: State<'a>,
}

/// The chains of a table.
#[derive(Clone, Debug)]
struct Chains<'a> {
    /// Their numbers, by their names.
    numbers: HashMap<&'a str, usize>,
    /// The classifier of each that is long enough to have one.
    classifiers: Vec<Option<Classifier>>,
    finders: Finders<'a>,
}

/// A base chain, and when it is asked.
#[derive(Clone, Copy, Debug)]
struct Bound<'a> {
    /// The number of its table.
    number: usize,
    table: &'a Table,
    /// The number of the chain in it.
    place: usize,
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

/// The verdict of a rule: its own, or one that a map gave.
#[derive(Clone, Debug)]
enum Said<'a> {
    Own(&'a Verdict),
    Given(Box<Verdict>),
}

impl Said<'_> {
    fn verdict(&self) -> &Verdict {
        match self {
            Self::Own(verdict) => verdict,
            Self::Given(verdict) => verdict,
        }
    }
}

/// What a step of a rule gives to a packet that goes on.
type Passes<T> = Result<T, Halt>;

/// A packet at a step of a rule, and all that is read and changed there.
struct At<'i, 'a, 'v> {
    table: &'a Table,
    chains: &'i Chains<'a>,
    place: Place,
    notes: Option<&'i mut Vec<MetRule<'a>>>,
    state: &'i mut State<'a>,
    view: &'i mut View<'v>,
}

impl<'a> Interpreter<'a> {
    /// The ruleset as it was declared: every limit full, no conversation counted.
    #[must_use]
    pub fn new(ruleset: &'a Ruleset) -> Self {
        Self::made(ruleset, |table, is_live| {
            let chains = table.chains().iter();
            (chains.map(|chain| Classifier::new(table, chain, is_live)).collect(), Finders::of(table))
        })
    }

    /// The same without classifiers: each rule is looked at. Nothing but its speed differs.
    #[must_use]
    pub fn plain(ruleset: &'a Ruleset) -> Self {
        Self::made(ruleset, |_, _| (Vec::new(), Finders::default()))
    }

    fn made(
        ruleset: &'a Ruleset,
        fast: impl Fn(&'a Table, &dyn Fn(&str) -> bool) -> (Vec<Option<Classifier>>, Finders<'a>),
    ) -> Self {
        let mut state = State::new(ruleset);
        let mut tables = Vec::new();
        let mut chains: Vec<Bound<'_>> = Vec::new();
        for (number, table) in ruleset.tables.iter().enumerate() {
            let declared = || table.chains().iter().enumerate();
            for (place, chain) in declared() {
                if let Some(base) = chain.bound() {
                    let stage = stage(table, base, &chains);
                    chains.push(Bound { number, table, place, chain, base, stage });
                }
            }
            let live: Vec<_> = table
                .sets()
                .iter()
                .map(ringwall_ir::Set::name)
                .filter(|name| state.set(number, name).is_some())
                .collect();
            let is_live = |name: &str| live.contains(&name);
            let (classifiers, finders) = fast(table, &is_live);
            let numbers = declared().map(|(place, chain)| (chain.name(), place)).collect();
            tables.push(Chains { numbers, classifiers, finders });
        }
        // Among equals the one that was registered last comes first (`nf_hook_entries_grow`).
        chains.reverse();
        chains.sort_by_key(|bound| bound.base.priority);
        let asked = chains.iter().fold(0, |asked, bound| asked | bit(bound.base.hook, bound.stage));
        Self { chains, tables: Arc::new(tables), asked, state }
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
            let Some(chains) = self.tables.get(bound.number) else { continue };
            let mark = view.carried.mark;
            let mut at = At { table: bound.table, chains, place, notes, state: &mut self.state, view: &mut *view };
            let (decision, policy) = match at.walk(bound.place) {
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

/// The bit of a stage of a hook.
const fn bit(hook: Hook, stage: Stage) -> u32 {
    const STAGES: u32 = Stage::Translated as u32 + 1;
    1 << (hook as u32 * STAGES + stage as u32)
}

impl Chains<'_> {
    fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }
}

impl Bound<'_> {
    fn meets(&self, view: &View<'_>) -> bool {
        (self.stage, self.base.hook) == (view.stage, view.hook) && self.table.family().sees(view.packet.family())
    }
}

impl<'a> At<'_, 'a, '_> {
    /// Walks a chain of the table, by its number, and those that it leads to.
    fn walk(&mut self, number: usize) -> End {
        let Some(chain) = self.table.chains().get(number) else { return End::Undecided };
        let mut next = 0;
        while let Some((rule_number, rest)) = self.next_rule(number, next) {
            match rest.ends {
                Some(Ends::Accept) => return End::Decided(Action::Accept, rest.origin),
                Some(Ends::Drop) => return End::Decided(Action::Drop, rest.origin),
                None => {}
            }
            let Some(rule) = chain.rules().get(rule_number) else { break };
            next = rule_number + 1;
            self.place = Place { chain: number, rule: rule_number, ..self.place };
            let verdict = self.verdict_of(rule, rest.passed as usize);
            self.note(chain, rule, &verdict);
            let verdict = match verdict {
                Ok(Some(verdict)) => verdict,
                Err(Halt::Drop) => return End::Decided(Action::Drop, rule.origin()),
                Err(Halt::Leave) | Ok(None) => continue,
            };
            match verdict.verdict() {
                Verdict::Continue => {}
                Verdict::Return => return End::Undecided,
                Verdict::Jump(name) => {
                    if let Some(target) = self.chains.number(name)
                        && let decided @ End::Decided(..) = self.walk(target)
                    {
                        return decided;
                    }
                }
                Verdict::Goto(name) => {
                    return self.chains.number(name).map_or(End::Undecided, |target| self.walk(target));
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

    /// The number of the first rule of a chain from one on, and what is left of it for the packet. Where nobody wants to know
    /// of them, rules are left out of which nothing would come.
    fn next_rule(&self, chain: usize, from: usize) -> Option<(usize, Rest)> {
        let classifier = self.chains.classifiers.get(chain).and_then(Option::as_ref);
        match classifier.filter(|_| self.notes.is_none()) {
            Some(classifier) => classifier.first(self.view, from),
            None => Some((from, Rest::ALL)),
        }
    }

    /// Notes what came of a rule, where somebody wants to know.
    fn note(&mut self, chain: &'a Chain, rule: &'a Rule, verdict: &Passes<Option<Said<'a>>>) {
        let Some(notes) = &mut self.notes else { return };
        let outcome = match verdict {
            Ok(verdict) => Outcome::Passed(verdict.as_ref().map(|said| said.verdict().clone())),
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

    /// Takes the steps of a rule in order, behind those that are passed, up to its verdict.
    fn verdict_of(&mut self, rule: &'a Rule, passed: usize) -> Passes<Option<Said<'a>>> {
        for (number, step) in rule.steps().iter().enumerate().skip(passed) {
            self.place.step = number;
            match step {
                Step::Match(test) => self.test(test)?,
                Step::Statement(statement) => self.execute(statement)?,
                Step::Unknown(_) => return Err(Halt::Leave),
            }
        }
        self.place.step = rule.steps().len();
        match rule.verdict() {
            Some(Verdict::Map(map)) => self.mapped_verdict(map).map(|verdict| Some(Said::Given(Box::new(verdict)))),
            verdict => Ok(verdict.map(Said::Own)),
        }
    }
}

/// When a base chain is asked. Of a chain at the priority of translation and the translation, the one that was registered
/// last comes first; translation is registered with the first chain of type nat of the family (`nat`: the tables of those
/// that were registered before).
fn stage(table: &Table, base: &BaseChain, before: &[Bound<'_>]) -> Stage {
    if base.kind == ChainType::Nat {
        return Stage::Translating;
    }
    let stage = Stage::of(base.hook, base.priority);
    let beside = stage == Stage::Translated && Stage::of(base.hook, Priority(base.priority.0 - 1)) != stage;
    let shares =
        |other: &Table| Family::ALL.iter().any(|&family| table.family().sees(family) && other.family().sees(family));
    let behind = before.iter().any(|other| other.base.kind == ChainType::Nat && shares(other.table));
    if beside && behind { Stage::Tracked } else { stage }
}

impl Ruling for Interpreter<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        self.ask(view, None)
    }

    fn is_asked(&self, hook: Hook, stage: Stage) -> bool {
        self.asked & bit(hook, stage) != 0
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
