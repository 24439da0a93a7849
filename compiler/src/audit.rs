// SPDX-License-Identifier: GPL-3.0-or-later
//! What each sentence decided: the reference meaning, counting.

use std::collections::BTreeMap;

use ringwall_ir::OriginId;
use ringwall_ir::words::{CtState, Direction};
use ringwall_runtime::engine::{Decision, Ruling, View};

use crate::meaning::{Meaning, describes};
use crate::policy::{Effect, Policy};

/// The reference meaning of a policy, which counts what each sentence decides.
#[derive(Clone, Debug)]
pub struct Audit<'a> {
    policy: &'a Policy,
    meaning: Meaning<'a>,
    tallies: BTreeMap<OriginId, Tally>,
}

/// What became of the packets that a sentence matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many it decided, or recorded, in each ct state.
    pub decided: BTreeMap<CtState, usize>,
    /// How many another sentence decided before it.
    pub covered: BTreeMap<OriginId, usize>,
}

impl<'a> Audit<'a> {
    /// Counts for `policy`, from nothing.
    #[must_use]
    pub fn new(policy: &'a Policy) -> Self {
        Self { policy, meaning: Meaning::new(policy), tallies: BTreeMap::new() }
    }

    /// What was counted for a sentence, or for the closing of a direction.
    #[must_use]
    pub fn tally(&self, origin: OriginId) -> Tally {
        self.tallies.get(&origin).cloned().unwrap_or_default()
    }

    fn count(&mut self, direction: Direction, view: &View<'_>) {
        let mut decider = None;
        for sentence in &self.policy.sentences {
            if !sentence.directions.contains(&direction) || !describes(&sentence.scope, view) {
                continue;
            }
            let tally = self.tallies.entry(sentence.origin).or_default();
            match decider {
                None => *tally.decided.entry(view.state).or_default() += 1,
                Some(before) => *tally.covered.entry(before).or_default() += 1,
            }
            if sentence.effect != Effect::Record {
                decider = decider.or(Some(sentence.origin));
            }
        }
        let Some(closing) = self.policy.closings.get(&direction) else { return };
        let tally = self.tallies.entry(closing.origin).or_default();
        match decider {
            None => *tally.decided.entry(view.state).or_default() += 1,
            Some(before) => *tally.covered.entry(before).or_default() += 1,
        }
    }
}

impl Ruling for Audit<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let decision = self.meaning.decide(view);
        let direction = Direction::ALL.into_iter().find(|direction| direction.hook() == view.hook);
        if let Some(direction) = direction.filter(|&direction| view.is_filtering() && self.policy.governs(direction)) {
            self.count(direction, view);
        }
        decision
    }
}
