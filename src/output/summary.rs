// SPDX-License-Identifier: GPL-3.0-or-later
//! What a policy did with traffic, by sentence: how many packets in each ct state each sentence decided.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::CtState;
use ringwall_ir::{OriginId, Ruleset};
use ringwall_runtime::observation::{Fate, Observation};
use serde::Serialize;

use super::packets::Fates;
use super::sentence::Sentence;
use super::table::{Align, Table};

const COLUMNS: &[(&str, Align)] = &[
    ("new", Align::Right),
    ("established", Align::Right),
    ("related", Align::Right),
    ("invalid", Align::Right),
    ("untracked", Align::Right),
    ("no state", Align::Right),
    ("packets", Align::Right),
    ("decided by", Align::Left),
];

/// The ct states in the order of the columns; last, none.
const STATES: [Option<CtState>; 6] = [
    Some(CtState::New),
    Some(CtState::Established),
    Some(CtState::Related),
    Some(CtState::Invalid),
    Some(CtState::Untracked),
    None,
];

/// What decides about a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Decider {
    /// A sentence.
    Sentence(OriginId),
    /// No sentence: the host's own reason.
    Host(String),
    /// Nothing: it came to no chain.
    Nothing,
}

/// How many packets each sentence decided, in each ct state. A sentence that decided none is in it too.
pub struct Summary {
    deciders: BTreeMap<Decider, BTreeMap<Option<CtState>, usize>>,
    fates: Fates,
}

impl Summary {
    /// Nothing was decided yet.
    pub fn new(ruleset: &Ruleset) -> Self {
        let rules = ruleset.chains().flat_map(|(_, chain)| {
            let closing = chain.bound().map(|base| base.closing);
            chain.rules().iter().filter(|rule| rule.verdict().is_some()).map(|rule| rule.origin()).chain(closing)
        });
        let sentences: BTreeSet<_> = rules.map(Decider::Sentence).collect();
        let deciders = sentences.into_iter().map(|sentence| (sentence, BTreeMap::new())).collect();
        Self { deciders, fates: Fates::default() }
    }

    /// Counts a packet.
    pub fn note(&mut self, seen: &Observation) {
        self.fates.note(seen.fate);
        let decider = match (seen.origin, &seen.reason) {
            (Some(origin), _) => Decider::Sentence(origin),
            (None, Some(reason)) => Decider::Host(reason.clone()),
            (None, None) => Decider::Nothing,
        };
        *self.deciders.entry(decider).or_default().entry(seen.state).or_default() += 1;
    }

    /// As a table, sentences in the order of the policy.
    pub fn table(&self, ruleset: &Ruleset) -> String {
        let mut table = Table::new(COLUMNS);
        for (decider, states) in &self.deciders {
            let count = |state: &Option<CtState>| states.get(state).copied().unwrap_or_default();
            let number = |count: usize| if count == 0 { "-".to_owned() } else { count.to_string() };
            let cells = STATES.iter().map(|state| number(count(state)));
            let words = match decider {
                Decider::Sentence(origin) => {
                    Sentence::of(ruleset, Some(*origin)).map(|sentence| sentence.to_string()).unwrap_or_default()
                }
                Decider::Host(reason) => format!("({reason})"),
                Decider::Nothing => "(nothing)".to_owned(),
            };
            table.row(cells.chain([number(states.values().sum()), words]));
        }
        format!("{}\n{}\n", table.print(), self.fates)
    }

    /// For programs. The keys and words are part of the interface.
    pub fn report<'a>(&'a self, ruleset: &'a Ruleset) -> Report<'a> {
        let line = |(decider, states): (&'a Decider, &'a BTreeMap<Option<CtState>, usize>)| {
            let (sentence, reason) = match decider {
                Decider::Sentence(origin) => (Sentence::of(ruleset, Some(*origin)), None),
                Decider::Host(reason) => (None, Some(reason.as_str())),
                Decider::Nothing => (None, None),
            };
            let named = states.iter().map(|(state, count)| (state.map_or("none", CtState::name), *count));
            Decided { sentence, reason, packets: states.values().sum(), states: named.collect() }
        };
        Report {
            packets: self.fates.total(),
            verdicts: self.fates.counts().map(|(fate, count)| (fate.map_or("none", Fate::name), count)).collect(),
            decided: self.deciders.iter().map(line).collect(),
        }
    }
}

/// A summary for programs.
#[derive(Serialize)]
pub struct Report<'a> {
    packets: usize,
    verdicts: BTreeMap<&'static str, usize>,
    decided: Vec<Decided<'a>>,
}

/// What one sentence decided, or the host itself.
#[derive(Serialize)]
struct Decided<'a> {
    sentence: Option<Sentence<'a>>,
    reason: Option<&'a str>,
    packets: usize,
    states: BTreeMap<&'static str, usize>,
}
