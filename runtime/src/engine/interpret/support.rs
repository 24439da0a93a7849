// SPDX-License-Identifier: GPL-3.0-or-later
//! What the machine does not model, found before it is run.

use ringwall_ir::words::{ChainPolicy, ChainType};
use ringwall_ir::{
    BaseChain, Limit, LimitUnit, MapRef, Match, OriginId, Role, Rule, Ruleset, Selector, Statement, Step, Table,
    Tuples, Values, Verdict,
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
    for (table, chain) in ruleset.chains() {
        // Where nothing is asked and nothing dropped, it does not matter when.
        let idle = |base: &BaseChain| chain.rules().is_empty() && base.policy == ChainPolicy::Accept;
        if let Some((base, reason)) =
            chain.bound().filter(|base| !idle(base)).and_then(|base| Some((base, of_base(base)?)))
        {
            let name = format!("chain type {}", base.kind.name());
            found.push(Unsupported { origin: base.closing, name, reason: reason.to_owned() });
        }
        chain.rules().iter().for_each(|rule| of_rule(table, rule, &mut found));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Why the machine does not model a base chain.
const fn of_base(base: &BaseChain) -> Option<&'static str> {
    match base.kind {
        ChainType::Route => Some("the machine does not model it yet"),
        ChainType::Filter | ChainType::Nat => None,
    }
}

/// A set that a rule looks into: one that packets fill, or whose elements count for themselves, is more than its elements.
fn of_set(table: &Table, name: &str, add: &mut dyn FnMut(&str, &str)) {
    let Some(set) = table.set(name) else { return };
    if set.spec().role() == Role::Dynamic {
        add("dynamic set", "the machine does not model it yet");
    }
    if !set.spec().meters.is_empty() {
        add("set that counts or limits", "the machine does not model it yet");
    }
}

fn of_rule(table: &Table, rule: &Rule, found: &mut Vec<Unsupported>) {
    let mut add = |name: &str, reason: &str| {
        found.push(Unsupported { origin: rule.origin(), name: name.to_owned(), reason: reason.to_owned() });
    };
    let of_selector = |selector: &Selector, add: &mut dyn FnMut(&str, &str)| {
        let row = selector.field().row();
        if let Some(reason) = row.cells.machine.reason() {
            add(row.name, reason);
        }
    };
    for step in rule.steps() {
        match step {
            Step::Match(test) => {
                test.selectors().iter().for_each(|selector| of_selector(selector, &mut add));
                if let Some(row) = test.word().map(ringwall_ir::fields::Word::row)
                    && let Some(reason) = row.cells.machine.reason()
                {
                    add(row.name, reason);
                }
                if matches!(test, Match::Limit(Limit { unit: LimitUnit::Bytes, .. })) {
                    add("limit of bytes", "the machine does not model it yet");
                }
                if let Match::In { values: Values::Set(name), .. } | Match::Concat { values: Tuples::Set(name), .. } =
                    test
                {
                    of_set(table, name, &mut add);
                }
            }
            Step::Statement(Statement::Counter(_) | Statement::Log(_)) | Step::Unknown(_) => {}
            Step::Statement(statement) => {
                let row = statement.word().row();
                if let Some(reason) = row.cells.machine.reason() {
                    add(row.name, reason);
                }
            }
        }
    }
    if let Some(row) = rule.verdict().and_then(Verdict::word).map(ringwall_ir::fields::Word::row)
        && let Some(reason) = row.cells.machine.reason()
    {
        add(row.name, reason);
    }
    if let Some(Verdict::Map(map)) = rule.verdict() {
        if let MapRef::Named(name) = &map.map {
            of_set(table, name, &mut add);
        }
        map.key.iter().for_each(|selector| of_selector(selector, &mut add));
    }
}
