// SPDX-License-Identifier: GPL-3.0-or-later
//! The plain interpreter: the chain IR, rule by rule, as nf_tables walks it (`nft_do_chain`). Meant to be obviously right,
//! not fast.

mod bucket;
mod explain;
mod read;
mod support;

use std::collections::HashMap;
use std::time::Duration;

use ringwall_ir::words::{ChainPolicy, ChainType};
use ringwall_ir::{
    BaseChain, Chain, Data, Element, Elements, Key, Limit, MapRef, Match, OriginId, Rule, Ruleset, Selector, Step,
    Table, Tuples, Verdict, VerdictMap,
};

use self::bucket::Bucket;
pub use self::explain::{Explaining, Failed, Met, MetChain, MetRule, Outcome};
use self::read::value;
pub use self::support::{Unsupported, unsupported};
use super::{Action, Decision, Ruling, View};

/// A ruleset at work. What the machine does not model must have been looked for with [`unsupported`]: here such a test
/// passes no packet, and such a statement does nothing.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    /// The base chains in the order in which packets meet them.
    chains: Vec<(&'a Table, &'a Chain, &'a BaseChain)>,
    buckets: HashMap<Place, Bucket>,
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
        let bound = |(table, chain): (&'a Table, &'a Chain)| chain.bound().map(|base| (table, chain, base));
        let mut chains: Vec<_> = ruleset.chains().filter_map(bound).collect();
        // Among equals the one that was registered last comes first (`nf_hook_entries_grow`).
        chains.reverse();
        chains.sort_by_key(|(_, _, base)| base.priority);
        Self { chains, buckets: HashMap::new() }
    }

    /// Walks a chain and those that it leads to.
    fn walk(&mut self, table: &'a Table, chain: &'a Chain, view: &View<'_>) -> End {
        for rule in chain.rules() {
            if !self.passes_all(table, rule, view) {
                continue;
            }
            let verdict = match rule.verdict() {
                Some(Verdict::Map(map)) => mapped(table, map, view),
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
                    if let Some(action) = action(verdict) {
                        return End::Decided(action, rule.origin());
                    }
                }
            }
        }
        End::Undecided
    }

    fn passes_all(&mut self, table: &Table, rule: &Rule, view: &View<'_>) -> bool {
        rule.steps().iter().all(|step| match step {
            Step::Match(Match::Limit(limit)) => self.take(limit, view.now),
            Step::Match(test) => passes(test, table, view),
            Step::Statement(_) => true,
            Step::Unknown(_) => false,
        })
    }

    fn take(&mut self, limit: &Limit, now: Duration) -> bool {
        let place = std::ptr::from_ref(limit).addr();
        self.buckets.entry(place).or_insert_with(|| Bucket::full(limit)).take(limit, now)
    }
}

impl Ruling for Interpreter<'_> {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let mut last = Decision { action: Action::Accept, origin: None };
        for place in 0..self.chains.len() {
            let Some(&(table, chain, base)) = self.chains.get(place) else { break };
            let meets = base.kind != ChainType::Nat && base.hook == view.hook;
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
}

/// What a verdict does with the packet; none where it is not modelled.
const fn action(verdict: &Verdict) -> Option<Action> {
    match verdict {
        Verdict::Accept => Some(Action::Accept),
        Verdict::Drop => Some(Action::Drop),
        Verdict::Reject(refusal) => Some(Action::Reject(*refusal)),
        _ => None,
    }
}

const fn end(policy: ChainPolicy) -> Action {
    match policy {
        ChainPolicy::Accept => Action::Accept,
        ChainPolicy::Drop => Action::Drop,
    }
}

/// What a verdict map says; none where the packet does not have the fields, or no element has the key.
fn mapped<'t>(table: &'t Table, map: &'t VerdictMap, view: &View<'_>) -> Option<&'t Verdict> {
    let key = values(&map.key, view)?;
    let elements: &[Element] = match &map.map {
        MapRef::Inline(elements) => elements,
        MapRef::Named(name) => match table.set(name)?.elements() {
            Elements::List(list) => list,
            Elements::Intervals(_) => &[],
        },
    };
    let hit = elements.iter().find(|element| matches!(&element.key, Key::Tuple(tuple) if tuple.contains(&key)));
    let found = hit.or_else(|| elements.iter().find(|element| element.key == Key::Any))?;
    match &found.data {
        Some(Data::Verdict(verdict)) => Some(verdict),
        _ => None,
    }
}

/// Whether a packet passes a test. A packet that does not have the field never does.
fn passes(test: &Match, table: &Table, view: &View<'_>) -> bool {
    match test {
        Match::In { selector, values, negated } => value(selector.field(), view)
            .is_some_and(|value| table.values(values).contains(value & selector.bits()) != *negated),
        Match::Concat { key, values: tuples, negated } => {
            values(key, view).is_some_and(|values| has_tuple(table, tuples, &values) != *negated)
        }
        Match::ConnLimit(_) | Match::Limit(_) | Match::Object { .. } | Match::Quota(_) => false,
    }
}

fn has_tuple(table: &Table, tuples: &Tuples, values: &[u128]) -> bool {
    match tuples {
        Tuples::Inline(list) => list.iter().any(|tuple| tuple.contains(values)),
        Tuples::Set(name) => match table.set(name).map(ringwall_ir::Set::elements) {
            Some(Elements::List(list)) => list.iter().any(|element| match &element.key {
                Key::Any => true,
                Key::Tuple(tuple) => tuple.contains(values),
            }),
            Some(Elements::Intervals(_)) | None => false,
        },
    }
}

/// The values of several fields; none where the packet lacks one.
fn values(key: &[Selector], view: &View<'_>) -> Option<Vec<u128>> {
    key.iter().map(|selector| value(selector.field(), view).map(|value| value & selector.bits())).collect()
}
