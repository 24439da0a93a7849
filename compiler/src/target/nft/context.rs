// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 takes for known of a packet while it reads a rule, and so does not ask again.
//!
//! A test of the protocol tells it, and of several values the last one does (`relational_expr_pctx_update` in its
//! `src/expression.c`): behind `ip protocol { udp, tcp }` it takes every packet for one of tcp. Such tests are written
//! behind the others, and refused where that would change what the rule does.

use ringwall_ir::fields::{Load, Needs};
use ringwall_ir::{Field, Match, Rule, Selector, Step, Values};

use super::merge::counts;
use super::order;
use crate::target::reach::needed;

/// The places of the steps that are written, with the tests that mislead nft behind the others, up to the next step that
/// counts.
///
/// # Errors
/// A step behind such a test that would be misled.
pub(super) fn places(rule: &Rule) -> Result<Vec<usize>, String> {
    let mut places: Vec<usize> = (0..rule.steps().len()).filter(|&place| !is_implied(rule, place)).collect();
    let step = |place: usize| rule.steps().get(place);
    for run in places.chunk_by_mut(|&one, &other| !step(one).is_some_and(counts) && !step(other).is_some_and(counts)) {
        run.sort_by_key(|&place| step(place).and_then(misleads));
    }
    for (index, &place) in places.iter().enumerate() {
        let Some(field) = step(place).filter(|step| misleads(step).is_some()).and_then(field) else { continue };
        let behind = places.get(index + 1..).unwrap_or_default().iter().filter_map(|&place| step(place));
        let misled = behind.clone().any(is_misled)
            || rule
                .verdict()
                .is_some_and(|verdict| order::decided_by(verdict).iter().any(|selector| is_header(*selector)));
        if misled {
            return Err(format!("nft 1.0.6 takes the last value of `{field}` for the only one in what follows"));
        }
    }
    Ok(places)
}

fn field(step: &Step) -> Option<Field> {
    step.test().and_then(Match::field)
}

/// Whether a test of the protocol or family says no more than a field that is asked before the next step that counts.
fn is_implied(rule: &Rule, place: usize) -> bool {
    let implies: fn(&Match) -> bool = match rule.steps().get(place).and_then(Step::test) {
        Some(Match::In { selector, .. }) if *selector == Selector::of(Field::L4proto) => order::needs_protocol,
        Some(Match::In { selector, .. }) if *selector == Selector::of(Field::Nfproto) => {
            |test| needed(test).any(|needs| needs.family().is_some())
        }
        _ => return false,
    };
    let (before, behind) = rule.steps().split_at_checked(place).unwrap_or_default();
    let asked = before.iter().chain(behind.iter().take_while(|step| !counts(step)));
    asked.filter_map(Step::test).any(implies)
}

/// The layer of which a test tells nft more than is so. The lowest are the last, for nft looks up from them.
fn misleads(step: &Step) -> Option<u8> {
    let Step::Match(Match::In { selector, values: Values::Inline(set), negated: false }) = step else { return None };
    if *selector != Selector::of(selector.field()) {
        return None;
    }
    match (selector.field(), set.single()) {
        (Field::L4proto, None) => Some(0),
        (Field::IpProtocol | Field::Ip6Nexthdr, _) => Some(1),
        (Field::EtherType, _) => Some(2),
        (Field::Iiftype, _) => Some(3),
        _ => None,
    }
}

/// Whether what nft takes for known changes what it makes of the step.
fn is_misled(step: &Step) -> bool {
    misleads(step).is_none() && order::looked_at(step).iter().any(|selector| is_header(*selector))
}

/// Whether a field is of a header, or of the entry's copy of one.
fn is_header(selector: Selector) -> bool {
    let row = selector.field().row();
    let of_entry =
        matches!(row.needs, Needs::EntryOf(_)) || matches!(row.field, Field::CtProtoDst(_) | Field::CtProtoSrc(_));
    matches!(row.load, Load::Payload(..) | Load::TcpMaxseg | Load::Exthdr) || of_entry
}
