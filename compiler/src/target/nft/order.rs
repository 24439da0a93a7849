// SPDX-License-Identifier: GPL-3.0-or-later
//! The order in which nft 1.0.6 takes the tests of a rule: what `ct original proto-dst` means, it knows only behind a
//! test of the protocol (`ct_expr_update_type` in its `src/ct.c`).

use ringwall_ir::fields::{Load, Needs};
use ringwall_ir::words::Protocol;
use ringwall_ir::{
    Assignment, Data, DataType, Field, MapRef, Match, Nat, NatEnd, ObjectRef, Rule, Selector, Source, Statement, Step,
    Table, Values, Verdict,
};

use super::context;
use super::merge::counts;

/// The places of the steps, in the order in which they are written. No step changes its place with one that counts.
///
/// # Errors
/// A test for which there is no place.
pub(super) fn places(table: &Table, rule: &Rule) -> Result<Vec<usize>, String> {
    let mut places = context::places(rule)?;
    let at = |places: &[usize], index: usize| places.get(index).and_then(|&place| rule.steps().get(place));
    for index in 0..places.len() {
        let Some(step) = at(&places, index) else { continue };
        let Some(field) = port_of_entry(&looked_at(step)) else { continue };
        let tells = |place: &usize| at(&places, *place).is_some_and(tells_protocol);
        if (0..index).any(|before| tells(&before)) {
            continue;
        }
        let mut run = (index..places.len()).take_while(|&behind| !at(&places, behind).is_some_and(counts));
        let asks = |place: &usize| at(&places, *place).is_some_and(|step| port_of_entry(&looked_at(step)).is_some());
        let told = run.find(|place| tells(place) && !asks(place)).ok_or_else(|| refusal(field))?;
        let place = places.remove(told);
        places.insert(index, place);
    }
    let told = || places.iter().filter_map(|&place| rule.steps().get(place)).any(tells_protocol);
    match rule.verdict() {
        Some(verdict) if changes_ports(table, verdict) && !told() => {
            Err("nft 1.0.6 translates ports only behind a test of the protocol".to_owned())
        }
        Some(verdict) => match port_of_entry(decided_by(verdict)) {
            Some(field) if !told() => Err(refusal(field)),
            _ => Ok(places),
        },
        None => Ok(places),
    }
}

/// Whether a translation gives ports, and looks up no transport header to find them (`stmt_evaluate_nat` in nft's
/// `src/evaluate.c`).
fn changes_ports(table: &Table, verdict: &Verdict) -> bool {
    let of_header = |selector: &Selector| matches!(selector.field().row().needs, Needs::Protocol(_) | Needs::Transport);
    match verdict {
        Verdict::Dnat(Nat { end: NatEnd::Map { key, .. }, .. })
        | Verdict::Snat(Nat { end: NatEnd::Map { key, .. }, .. })
            if key.iter().any(of_header) =>
        {
            false
        }
        Verdict::Dnat(Nat { end: NatEnd::Map { map, .. }, .. })
        | Verdict::Snat(Nat { end: NatEnd::Map { map, .. }, .. })
            if gives_pairs(table, map) =>
        {
            true
        }
        Verdict::Dnat(nat) | Verdict::Snat(nat) => {
            nat.family.is_none()
                || matches!(&nat.end, NatEnd::Map { ports: Some(_), .. } | NatEnd::Range { ports: Some(_), .. })
        }
        Verdict::Masquerade { ports, .. } | Verdict::Redirect { ports, .. } => ports.is_some(),
        _ => false,
    }
}

fn refusal(field: Field) -> String {
    format!("nft 1.0.6 knows what `{field}` is only behind a test of the protocol")
}

fn port_of_entry(selectors: &[Selector]) -> Option<Field> {
    let is_port = |field: &Field| matches!(field, Field::CtProtoDst(_) | Field::CtProtoSrc(_));
    selectors.iter().map(|selector| selector.field()).find(is_port)
}

/// What a step looks at.
pub(in crate::target) fn looked_at(step: &Step) -> Vec<Selector> {
    match step {
        Step::Match(Match::Object { object: ObjectRef::Map { key, .. }, .. })
        | Step::Statement(Statement::Object(ObjectRef::Map { key, .. })) => key.clone(),
        Step::Match(test) => test.selectors().to_vec(),
        Step::Statement(Statement::Assign(Assignment { source, .. })) => of_source(source).to_vec(),
        Step::Statement(Statement::SetUpdate(update)) => {
            let data = update.data.as_ref().map_or(&[][..], of_source);
            update.key.iter().chain(data).copied().collect()
        }
        Step::Statement(_) | Step::Unknown(_) => Vec::new(),
    }
}

fn of_source(source: &Source) -> &[Selector] {
    match source {
        Source::Field { selector, .. } => std::slice::from_ref(selector),
        Source::Map { key, .. } => key,
        Source::Value(_) => &[],
    }
}

/// What a verdict looks at.
pub(in crate::target) fn decided_by(verdict: &Verdict) -> &[Selector] {
    verdict.looked_up().map(|(key, _)| key).unwrap_or_default()
}

/// Whether the map gives addresses with ports.
fn gives_pairs(table: &Table, map: &MapRef) -> bool {
    match map {
        MapRef::Inline(elements) => {
            elements.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if tuple.0.len() > 1))
        }
        MapRef::Named(name) => {
            let data = table.set(name).and_then(|set| set.spec().data.as_ref());
            matches!(data, Some(DataType::Values(parts)) if parts.len() > 1)
        }
    }
}

/// Whether the step, as it is written, tells nft the protocol.
fn tells_protocol(step: &Step) -> bool {
    step.test().is_some_and(|test| needs_protocol(test) || names_protocol(test))
}

/// Whether a test looks at a header of one protocol.
pub(super) fn needs_protocol(test: &Match) -> bool {
    let of_header = |selector: &Selector| {
        let row = selector.field().row();
        row.needs.protocol().is_some() && matches!(row.load, Load::Payload(..))
    };
    test.selectors().iter().any(of_header)
}

fn names_protocol(test: &Match) -> bool {
    let Match::In { selector, values: Values::Inline(set), negated: false } = test else { return false };
    if *selector != Selector::of(selector.field()) {
        return false;
    }
    match selector.field() {
        Field::L4proto => set.intervals().iter().any(|(first, last)| first == last),
        // Of what these name, nft knows fewer.
        Field::IpProtocol | Field::Ip6Nexthdr => {
            let known = [Protocol::TCP, Protocol::UDP, Protocol::UDPLITE, Protocol::DCCP, Protocol::SCTP];
            known.iter().any(|protocol| set.intervals().contains(&(u128::from(protocol.0), u128::from(protocol.0))))
        }
        _ => false,
    }
}
