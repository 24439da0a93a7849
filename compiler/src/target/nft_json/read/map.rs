// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements of sets and maps, as nft prints them in JSON.

use ringwall_ir::{
    Counts, Data, Element, Elements, Key, KeyType, MapRef, Meter, Milliseconds, OriginId, Selector, SetSpec, Tuple,
};
use serde_json::Value;

use super::statement::{counts, meter};
use super::value::pair;
use super::verdict::plain;
use super::{NoWord, Read, field, test};

/// What bounds the packets that an element stands for.
const BOUNDS: [&str; 3] = ["ct count", "limit", "quota"];

/// What the elements give.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    /// Nothing: it is a set.
    Nothing,
    /// Names of objects.
    Object,
    /// Values, part by part.
    Values(&'a [KeyType]),
    /// Verdicts.
    Verdict,
}

/// A map of values that a rule holds.
pub(super) fn inline_map(key: &[Selector], data: &[KeyType], json: &Value) -> Read<MapRef> {
    inline(key, Given::Values(data), json)
}

/// A map of verdicts that a rule holds.
pub(super) fn inline_verdicts(key: &[Selector], json: &Value) -> Read<MapRef> {
    inline(key, Given::Verdict, json)
}

fn inline(key: &[Selector], given: Given<'_>, json: &Value) -> Read<MapRef> {
    let Some(Value::Array(items)) = json.get("set") else { return Err(NoWord::of("map")) };
    field::check_printed(key)?;
    let types: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
    items.iter().map(|item| element(&types, given, &[], item, OriginId(0))).collect::<Read<_>>().map(MapRef::Inline)
}

/// The elements of a named set.
pub(super) fn elements(spec: &SetSpec, given: Given<'_>, json: Option<&Value>, origin: OriginId) -> Read<Elements> {
    let Some(Value::Array(items)) = json else { return Ok(Elements::NONE) };
    let element = |item| element(&spec.key, given, &spec.meters, item, origin);
    let list: Vec<Element> = items.iter().map(element).collect::<Read<_>>()?;
    // Plain values of one part are numbers and no more.
    let plain = list.iter().map(|element| match &element.key {
        Key::Tuple(Tuple(parts)) if element.is_plain() => match parts.as_slice() {
            [only] => Some(*only),
            _ => None,
        },
        _ => None,
    });
    match plain.collect::<Option<Vec<_>>>() {
        Some(intervals) if spec.key.len() == 1 => Ok(Elements::read(spec, intervals, origin)),
        _ => Ok(Elements::List(list)),
    }
}

fn element(types: &[KeyType], given: Given<'_>, meters: &[Meter], json: &Value, origin: OriginId) -> Read<Element> {
    let (key, data) = match (given, pair(Some(json))) {
        (Given::Nothing, _) => (json, None),
        (_, Some([key, data])) => (key, Some(data)),
        (_, None) => return Err(NoWord::of("element of a map")),
    };
    let (value, facts) = match key.get("elem") {
        Some(facts) => (facts.get("val").ok_or_else(|| NoWord::of("element"))?, Some(facts)),
        None => (key, None),
    };
    let span = |name: &str| facts.and_then(|facts| facts.get(name)).and_then(Value::as_u64);
    let span = |name: &str| span(name).and_then(|seconds| seconds.checked_mul(1000)).map(Milliseconds);
    // What an element has counted is not the ruleset's. What it is bound by must be what its set says of all.
    for (bound, body) in BOUNDS.iter().filter_map(|bound| Some((bound, facts?.get(*bound)?))) {
        let own = meter(bound, body).ok().map(Meter::uncounted);
        if !meters.iter().any(|meter| Some(meter.uncounted()) == own) {
            return Err(NoWord(format!("element with a {bound}")));
        }
    }
    let comment = facts.and_then(|facts| facts.get("comment")).and_then(Value::as_str).map(str::to_owned);
    Ok(Element {
        key: if value == "*" { Key::Any } else { Key::Tuple(test::tuple(types, value)?) },
        data: data.map(|data| gives(given, data)).transpose()?,
        timeout: span("timeout"),
        expires: span("expires"),
        meters: counted(meters, facts),
        comment,
        origin,
    })
}

/// Whether elements count what their set does not say of all: nft takes that of sets alone that packets add to.
pub(super) fn count_alone(meters: &[Meter], elements: Option<&Value>) -> bool {
    let items = elements.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let facts = |item: &Value| pair(Some(item)).map_or(item, |[key, _]| key).get("elem").cloned();
    meters.is_empty() && items.iter().filter_map(facts).any(|facts| facts.get("counter").is_some())
}

/// What an element has counted, where it counts packets and no more.
fn counted(meters: &[Meter], facts: Option<&Value>) -> Vec<Meter> {
    match (meters, facts.and_then(|facts| facts.get("counter")).map(counts)) {
        ([Meter::Counter(_)], Some(counts)) if counts != Counts::default() => vec![Meter::Counter(counts)],
        ([], Some(counts)) => vec![Meter::Counter(counts)],
        _ => Vec::new(),
    }
}

fn gives(given: Given<'_>, json: &Value) -> Read<Data> {
    match given {
        Given::Object => {
            json.as_str().map(|name| Data::Object(name.to_owned())).ok_or_else(|| NoWord::of("name of an object"))
        }
        Given::Verdict => plain(json).map(Data::Verdict),
        Given::Values(parts) => test::tuple(parts, json).map(Data::Values),
        Given::Nothing => Err(NoWord::of("element of a set")),
    }
}
