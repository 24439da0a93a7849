// SPDX-License-Identifier: GPL-3.0-or-later
//! The long lists of a table, and what finds elements in them: sets and maps with names, and those that are written in rules.

use std::collections::HashMap;

use ringwall_ir::{Element, Elements, MapRef, Match, Rule, Source, Statement, Step, Table, Tuples, Verdict};

use super::state::Place;
use crate::engine::classify::Finder;

/// What finds elements in the lists of a table that do not change.
#[derive(Clone, Debug, Default)]
pub(super) struct Finders<'a> {
    named: HashMap<&'a str, Finder>,
    /// By the chain, the rule and the step: a step has one list at most. Behind the steps is the verdict.
    written: HashMap<(usize, usize, usize), Finder>,
}

impl<'a> Finders<'a> {
    pub(super) fn of(table: &'a Table) -> Self {
        let mut finders = Self::default();
        for set in table.sets() {
            if let Elements::List(list) = set.elements()
                && let Some(finder) = Finder::of_elements(list)
            {
                finders.named.insert(set.name(), finder);
            }
        }
        for (chain, rules) in table.chains().iter().map(ringwall_ir::Chain::rules).enumerate() {
            for (number, rule) in rules.iter().enumerate() {
                finders.of_rule((chain, number), rule);
            }
        }
        finders
    }

    fn of_rule(&mut self, (chain, number): (usize, usize), rule: &Rule) {
        let of_steps = rule.steps().iter().map(of_step);
        let of_verdict = rule.verdict().and_then(map_of).and_then(Finder::of_elements);
        for (step, finder) in of_steps.chain([of_verdict]).enumerate() {
            if let Some(finder) = finder {
                self.written.insert((chain, number, step), finder);
            }
        }
    }

    /// What finds elements of a named set, as it was declared.
    pub(super) fn named(&self, name: &str) -> Option<&Finder> {
        self.named.get(name)
    }

    /// What finds elements of the list that is written at a place.
    pub(super) fn written(&self, place: Place) -> Option<&Finder> {
        if self.written.is_empty() { None } else { self.written.get(&(place.chain, place.rule, place.step)) }
    }
}

fn of_step(step: &Step) -> Option<Finder> {
    match step {
        Step::Match(Match::Concat { values: Tuples::Inline(list), .. }) => Finder::of_tuples(list),
        Step::Statement(Statement::Assign(assignment)) => match &assignment.source {
            Source::Map { map: MapRef::Inline(list), .. } => Finder::of_elements(list),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of the map that a verdict is looked up in, or its new end, where they are written in the rule.
fn map_of(verdict: &Verdict) -> Option<&[Element]> {
    match verdict.looked_up()? {
        (_, MapRef::Inline(list)) => Some(list),
        (_, MapRef::Named(_)) => None,
    }
}
