// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel judges by its own clock: connection tracking is aged as the traffic says, and limits and the timeouts of
//! elements cannot be.

use ringwall_ir::{
    Elements, MapRef, Match, Meter, ObjectKind, OriginId, Rule, Ruleset, Set, Statement, Step, Table, Tuples, Values,
    Verdict,
};
use ringwall_runtime::traffic::Traffic;

/// Whether a second passes between packets. Their limits and timeouts may notice less, but less passes in the kernel anyway.
pub fn passes(traffic: &Traffic) -> bool {
    let (first, last) = (traffic.packets.first(), traffic.packets.last());
    first.zip(last).is_some_and(|(first, last)| first.at.as_secs() < last.at.as_secs())
}

/// The rules that go by time other than that of connection tracking.
pub fn judged(ruleset: &Ruleset) -> Vec<OriginId> {
    let rules = ruleset.chains().flat_map(|(table, chain)| chain.rules().iter().map(move |rule| (table, rule)));
    let mut origins: Vec<_> =
        rules.filter(|(table, rule)| goes_by_time(table, rule)).map(|(_, rule)| rule.origin()).collect();
    origins.dedup();
    origins
}

fn goes_by_time(table: &Table, rule: &Rule) -> bool {
    let asks = |step: &Step| match step {
        Step::Match(Match::Limit(_) | Match::Object { kind: ObjectKind::Limit, .. }) => true,
        Step::Match(Match::In { values: Values::Set(name), .. } | Match::Concat { values: Tuples::Set(name), .. }) => {
            table.set(name).is_some_and(is_timed)
        }
        Step::Statement(Statement::SetUpdate(update)) => {
            update.timeout.is_some() || has_limit(&update.meters) || table.set(&update.set).is_some_and(is_timed)
        }
        _ => false,
    };
    let looked_up = rule
        .verdict()
        .and_then(Verdict::looked_up)
        .is_some_and(|(_, map)| matches!(map, MapRef::Named(name) if table.set(name).is_some_and(is_timed)));
    looked_up || rule.steps().iter().any(asks)
}

/// Whether its elements end by themselves, or count by time.
fn is_timed(set: &Set) -> bool {
    let of_elements = match set.elements() {
        Elements::List(list) => list.iter().any(|element| has_limit(&element.meters)),
        Elements::Intervals(_) => false,
    };
    set.spec().flags.timeout || has_limit(&set.spec().meters) || of_elements
}

fn has_limit(meters: &[Meter]) -> bool {
    meters.iter().any(|meter| matches!(meter, Meter::Limit(_)))
}
