// SPDX-License-Identifier: GPL-3.0-or-later
//! What the machine does not model, found before it is run: what the declared table says of a field, a statement or a
//! verdict, and what could not be read.

use ringwall_ir::fields::{Cell, Word};
use ringwall_ir::{
    Match, NatEnd, ObjectRef, OriginId, Rule, Ruleset, Selector, Source, Statement, Step, Table, Verdict,
};

/// A part of a ruleset that the machine does not model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unsupported {
    /// The sentence that it comes from.
    pub origin: OriginId,
    /// Its name in nft's words, for counting.
    pub name: String,
    /// Why not: a part of a sentence, lower-case.
    pub reason: String,
}

/// Everything in the ruleset that the machine cannot run: where there is any, its answers are not the kernel's.
#[must_use]
pub fn unsupported(ruleset: &Ruleset) -> Vec<Unsupported> {
    let mut found: Vec<_> = ruleset
        .unknowns()
        .map(|(origin, unknown)| Unsupported {
            origin,
            name: unknown.name.clone(),
            reason: format!("it could not be read: {}", unknown.reason).trim_end_matches(": ").to_owned(),
        })
        .collect();
    for (_, chain) in ruleset.chains() {
        chain.rules().iter().for_each(|rule| of_rule(rule, &mut found));
    }
    // Its entry gets the helper when it is made; the machine gives helpers to entries that are there, as nf_tables does.
    found.extend(ruleset.tables.iter().flat_map(Table::early).map(|early| Unsupported {
        origin: early.origin,
        name: early.word.to_owned(),
        reason: "before connection tracking, at priority -200 or lower, it is not modelled".to_owned(),
    }));
    found.sort_unstable();
    found.dedup();
    found
}

fn of_rule(rule: &Rule, found: &mut Vec<Unsupported>) {
    let mut add = |name: &str, cell: Cell| {
        if let Some(reason) = cell.reason() {
            found.push(Unsupported { origin: rule.origin(), name: name.to_owned(), reason: reason.to_owned() });
        }
    };
    let words = rule.steps().iter().filter_map(word_of).chain(rule.verdict().and_then(Verdict::word));
    for row in words.map(Word::row) {
        add(row.name, row.cells.machine);
    }
    let of_verdict = rule.verdict().map(of_verdict).unwrap_or_default();
    for selector in rule.steps().iter().flat_map(of_step).chain(of_verdict) {
        let row = selector.field().row();
        add(row.name, row.cells.machine);
    }
}

const fn word_of(step: &Step) -> Option<Word> {
    match step {
        Step::Match(test) => test.word(),
        Step::Statement(statement) => Some(statement.word()),
        Step::Unknown(_) => None,
    }
}

/// Everything that a step looks at.
fn of_step(step: &Step) -> Vec<&Selector> {
    match step {
        Step::Match(Match::Object { object, .. }) | Step::Statement(Statement::Object(object)) => match object {
            ObjectRef::Map { key, .. } => key.iter().collect(),
            ObjectRef::Named(_) => Vec::new(),
        },
        Step::Match(test) => test.selectors().iter().collect(),
        Step::Statement(Statement::Assign(assignment)) => of_source(&assignment.source),
        Step::Statement(Statement::SetUpdate(update)) => {
            update.key.iter().chain(update.data.iter().flat_map(of_source)).collect()
        }
        Step::Statement(_) | Step::Unknown(_) => Vec::new(),
    }
}

fn of_source(source: &Source) -> Vec<&Selector> {
    match source {
        Source::Field { selector, .. } => vec![selector],
        Source::Map { key, .. } => key.iter().collect(),
        Source::Value(_) => Vec::new(),
    }
}

fn of_verdict(verdict: &Verdict) -> Vec<&Selector> {
    match verdict {
        Verdict::Map(map) => map.key.iter().collect(),
        Verdict::Dnat(nat) | Verdict::Snat(nat) => match &nat.end {
            NatEnd::Map { key, .. } => key.iter().collect(),
            NatEnd::Range { .. } => Vec::new(),
        },
        _ => Vec::new(),
    }
}
