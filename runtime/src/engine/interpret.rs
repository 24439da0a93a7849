// SPDX-License-Identifier: GPL-3.0-or-later
//! The plain interpreter: the chain IR, rule by rule, as nf_tables walks it (`nft_do_chain`). Meant to be obviously right,
//! not fast.

mod bucket;
mod explain;
mod lookup;
mod read;
mod statement;
mod support;
mod verdict;

use std::collections::HashMap;
use std::time::Duration;

use ringwall_ir::words::{ChainPolicy, ChainType, Family, Priority};
use ringwall_ir::{BaseChain, Chain, Limit, Match, OriginId, Rule, Ruleset, Step, Table, Verdict};

use self::bucket::Bucket;
pub use self::explain::{Explaining, Failed, Met, MetChain, MetRule, Outcome};
pub use self::support::{Unsupported, unsupported};
use super::{Action, Decision, Ruling, Stage, View};

/// A ruleset at work. What the machine does not model must have been looked for with [`unsupported`]: here such a test
/// passes no packet, and such a statement does nothing.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    /// The base chains in the order in which packets meet them.
    chains: Vec<Bound<'a>>,
    buckets: HashMap<Place, Bucket>,
}

/// A base chain, and when it is asked.
#[derive(Clone, Copy, Debug)]
struct Bound<'a> {
    table: &'a Table,
    chain: &'a Chain,
    base: &'a BaseChain,
    stage: Stage,
}

/// A limit, by the place in memory of its test: each test of a ruleset has a bucket of its own.
type Place = usize;

/// How a walk through a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A rule decided.
    Decided(Action, OriginId),
    /// The end was reached, or a rule returned.
    Undecided,
}

impl<'a> Interpreter<'a> {
    /// The ruleset, with every limit full.
    #[must_use]
    pub fn new(ruleset: &'a Ruleset) -> Self {
        let bound: Vec<_> =
            ruleset.chains().filter_map(|(table, chain)| Some((table, chain, chain.bound()?))).collect();
        let mut chains: Vec<_> = bound
            .iter()
            .enumerate()
            .map(|(i, &(table, chain, base))| {
                let before = bound.get(..i).unwrap_or_default();
                Bound { table, chain, base, stage: stage(table, base, before) }
            })
            .collect();
        // Among equals the one that was registered last comes first (`nf_hook_entries_grow`).
        chains.reverse();
        chains.sort_by_key(|bound| bound.base.priority);
        Self { chains, buckets: HashMap::new() }
    }

    /// Walks a chain and those that it leads to.
    fn walk(&mut self, table: &'a Table, chain: &'a Chain, view: &mut View<'_>) -> End {
        for rule in chain.rules() {
            if !self.passes_all(table, rule, view) {
                continue;
            }
            let verdict = match rule.verdict() {
                Some(Verdict::Map(map)) => lookup::verdict(table, map, view),
                verdict => verdict,
            };
            match verdict {
                None | Some(Verdict::Continue) => {}
                Some(Verdict::Return) => return End::Undecided,
                Some(Verdict::Jump(name)) => {
                    if let Some(target) = table.chain(name)
                        && let decided @ End::Decided(..) = self.walk(table, target, view)
                    {
                        return decided;
                    }
                }
                Some(Verdict::Goto(name)) => {
                    return table.chain(name).map_or(End::Undecided, |target| self.walk(table, target, view));
                }
                Some(verdict) => {
                    if let Some(action) = verdict::action(table, verdict, view) {
                        return End::Decided(action, rule.origin());
                    }
                }
            }
        }
        End::Undecided
    }

    /// Takes the steps of a rule in order. False at the first test that the packet does not pass.
    fn passes_all(&mut self, table: &Table, rule: &Rule, view: &mut View<'_>) -> bool {
        rule.steps().iter().all(|step| match step {
            Step::Match(Match::Limit(limit)) => self.take(limit, view.now),
            Step::Match(test) => lookup::passes(test, table, view),
            Step::Statement(statement) => {
                statement::execute(statement, table, view);
                true
            }
            Step::Unknown(_) => false,
        })
    }

    fn take(&mut self, limit: &Limit, now: Duration) -> bool {
        let place = std::ptr::from_ref(limit).addr();
        self.buckets.entry(place).or_insert_with(|| Bucket::full(limit)).take(limit, now)
    }
}

/// When a base chain is asked. Of a chain at the priority of translation and the translation, the one that was registered
/// last comes first; translation is registered with the first chain of type nat of the family.
fn stage(table: &Table, base: &BaseChain, before: &[(&Table, &Chain, &BaseChain)]) -> Stage {
    if base.kind == ChainType::Nat {
        return Stage::Translating;
    }
    let stage = Stage::of(base.hook, base.priority);
    let beside = stage == Stage::Translated && Stage::of(base.hook, Priority(base.priority.0 - 1)) != stage;
    let shares =
        |other: &Table| Family::ALL.iter().any(|&family| table.family().sees(family) && other.family().sees(family));
    let behind = before.iter().any(|(other, _, base)| base.kind == ChainType::Nat && shares(other));
    if beside && behind { Stage::Tracked } else { stage }
}

impl Ruling for Interpreter<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let mut last = Decision { action: Action::Accept, origin: None };
        for place in 0..self.chains.len() {
            let Some(&Bound { table, chain, base, stage }) = self.chains.get(place) else { break };
            let meets = stage == view.stage && base.hook == view.hook;
            if !meets || !table.family().sees(view.packet.family()) {
                continue;
            }
            last = match self.walk(table, chain, view) {
                End::Decided(action, origin) => Decision { action, origin: Some(origin) },
                End::Undecided => Decision { action: end(base.policy), origin: Some(base.closing) },
            };
            if last.action != Action::Accept {
                break;
            }
        }
        last
    }

    fn translates(&self, family: Family) -> bool {
        self.chains.iter().any(|bound| bound.stage == Stage::Translating && bound.table.family().sees(family))
    }
}

const fn end(policy: ChainPolicy) -> Action {
    match policy {
        ChainPolicy::Accept => Action::Accept,
        ChainPolicy::Drop => Action::Drop,
    }
}
