// SPDX-License-Identifier: GPL-3.0-or-later
//! Times in rulesets, made such that a test can compare them.

use ringwall_ir::{
    Chain, Element, Elements, Milliseconds, Rule, Ruleset, Set, SetSpec, SetUpdate, Statement, Step, Table,
};

/// The kernel counts time in ticks, of which a second has 100 to 1000: spans in whole seconds, no longer than a year.
pub fn whole_seconds(ruleset: &Ruleset) -> Ruleset {
    let whole = |time: Milliseconds| Milliseconds((time.0 % 31_536_000_000).div_ceil(1000).max(1) * 1000);
    mapped(ruleset, &|time| time.map(whole), &|expires, timeout: Option<Milliseconds>| {
        expires.map(|time| whole(time).min(timeout.unwrap_or(Milliseconds(u64::MAX))))
    })
}

/// Without the time that elements have left, which goes by.
pub fn timeless(ruleset: &Ruleset) -> Ruleset {
    mapped(ruleset, &|time| time, &|_, _| None)
}

type Time = Option<Milliseconds>;

fn mapped(ruleset: &Ruleset, time: &dyn Fn(Time) -> Time, expires: &dyn Fn(Time, Time) -> Time) -> Ruleset {
    let table = |table: &Table| {
        let mut parts = table.clone().into_parts();
        parts.sets = parts.sets.iter().map(|set| set_with(set, time, expires)).collect();
        parts.chains = parts.chains.iter().map(|chain| chain_with(chain, time)).collect();
        Table::new(table.family(), table.name(), parts).unwrap()
    };
    Ruleset { tables: ruleset.tables.iter().map(table).collect(), ..ruleset.clone() }
}

fn set_with(set: &Set, time: &dyn Fn(Time) -> Time, expires: &dyn Fn(Time, Time) -> Time) -> Set {
    let spec =
        SetSpec { timeout: time(set.spec().timeout), gc_interval: time(set.spec().gc_interval), ..set.spec().clone() };
    let element = |element: &Element| {
        let timeout = time(element.timeout);
        Element { timeout, expires: expires(element.expires, timeout.or(spec.timeout)), ..element.clone() }
    };
    let elements = match set.elements() {
        Elements::List(list) => Elements::List(list.iter().map(element).collect()),
        values => values.clone(),
    };
    Set::new(set.name(), spec, elements, set.origin()).unwrap()
}

fn chain_with(chain: &Chain, time: &dyn Fn(Time) -> Time) -> Chain {
    let mut anew = match chain.bound() {
        Some(base) => Chain::base(chain.name(), *base).unwrap(),
        None => Chain::regular(chain.name()).unwrap(),
    };
    for rule in chain.rules() {
        let steps = rule.steps().iter().map(|step| match step {
            Step::Statement(Statement::SetUpdate(update)) => {
                Statement::SetUpdate(Box::new(SetUpdate { timeout: time(update.timeout), ..update.as_ref().clone() }))
                    .into()
            }
            other => other.clone(),
        });
        anew.add(Rule::new(rule.origin(), steps.collect(), rule.verdict().cloned()).unwrap()).unwrap();
    }
    anew
}
