// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests, and what is looked up in maps.

use ringwall_ir::{Data, Element, Elements, Key, MapRef, Match, Selector, Table, Tuples, Verdict, VerdictMap};

use super::read::value;
use crate::engine::View;

/// What a verdict map says; none where the packet does not have the fields, or no element has the key.
pub(super) fn verdict<'t>(table: &'t Table, map: &'t VerdictMap, view: &View<'_>) -> Option<&'t Verdict> {
    match data(table, &map.key, &map.map, view)? {
        Data::Verdict(verdict) => Some(verdict),
        _ => None,
    }
}

/// What a map gives; none where the packet does not have the fields, or no element has the key.
pub(super) fn data<'t>(table: &'t Table, key: &[Selector], map: &'t MapRef, view: &View<'_>) -> Option<&'t Data> {
    let key = values(key, view)?;
    let elements: &[Element] = match map {
        MapRef::Inline(elements) => elements,
        MapRef::Named(name) => match table.set(name)?.elements() {
            Elements::List(list) => list,
            Elements::Intervals(_) => &[],
        },
    };
    let hit = elements.iter().find(|element| matches!(&element.key, Key::Tuple(tuple) if tuple.contains(&key)));
    let found = hit.or_else(|| elements.iter().find(|element| element.key == Key::Any))?;
    found.data.as_ref()
}

/// Whether a packet passes a test. A packet that does not have the field never does.
pub(super) fn passes(test: &Match, table: &Table, view: &View<'_>) -> bool {
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
pub(super) fn values(key: &[Selector], view: &View<'_>) -> Option<Vec<u128>> {
    key.iter().map(|selector| value(selector.field(), view).map(|value| value & selector.bits())).collect()
}
