// SPDX-License-Identifier: GPL-3.0-or-later
//! Named sets and maps, and the elements of those that a rule holds.

use ringwall_ir::fields::Word;
use ringwall_ir::{
    Data, DataType, Datatype, Element, Elements, Key, KeyType, MapRef, Milliseconds, ObjectKind, Selector, Set,
    SetSpec, Table,
};
use serde_json::{Map, Value, json};

use super::{Said, field, named, statement, unsaid, value, verdict};
use crate::target::nft;

/// What nft calls it.
pub(super) const fn kind(set: &Set) -> &'static str {
    if set.spec().data.is_some() { "map" } else { "set" }
}

/// `@name`
pub(super) fn reference(name: &str) -> Value {
    json!(format!("@{}", nft::name(name)))
}

/// What a set is, without its elements, or why nft JSON cannot say it.
pub(super) fn declaration(table: &Table, set: &Set) -> Result<Map<String, Value>, String> {
    nft::declaration(table.family(), set)?;
    let SetSpec { key, data, flags, timeout, gc_interval, size, auto_merge, meters } = set.spec();
    if flags.dynamic {
        return Err(unsaid(Word::SetUpdate));
    }
    if *auto_merge {
        return Err("nft 1.0.6 forgets `auto-merge` in JSON".to_owned());
    }
    let mut declared = named(set.name());
    let mut put = |key: &str, value: Value| declared.insert(key.to_owned(), value);
    put("type", types(key)?);
    match data {
        None => {}
        Some(DataType::Object(kind @ (ObjectKind::Counter | ObjectKind::Limit | ObjectKind::Quota))) => {
            put("map", json!(kind.name()));
        }
        Some(DataType::Object(kind)) => return Err(format!("nft has no maps of {}", kind.name())),
        Some(DataType::Values(_)) if nft::gives_ranges(set) => {
            return Err("nft 1.0.6 declares no map of ranges in JSON".to_owned());
        }
        Some(DataType::Values(parts)) => match parts.as_slice() {
            [only] => {
                put("map", json!(word(*only)?));
            }
            _ => return Err("nft 1.0.6 declares no map of several values in JSON".to_owned()),
        },
        Some(DataType::Verdict) => {
            put("map", json!("verdict"));
        }
    }
    let flags: Vec<_> = flags.names().collect();
    if !flags.is_empty() {
        put("flags", json!(flags));
    }
    if let Some(timeout) = timeout {
        put("timeout", seconds(*timeout)?);
    }
    if let Some(interval) = gc_interval {
        put("gc-interval", seconds(*interval)?);
    }
    if let Some(size) = size {
        put("size", json!(size));
    }
    if !meters.is_empty() {
        put("stmt", Value::Array(meters.iter().map(statement::meter).collect()));
    }
    Ok(declared)
}

fn types(key: &[KeyType]) -> Said {
    match key {
        [only] => Ok(json!(word(*only)?)),
        parts => Ok(json!(parts.iter().copied().map(word).collect::<Result<Vec<_>, _>>()?)),
    }
}

/// nft's word for the type of a part. Of what has no width of its own, there is none in JSON, which has no `typeof`.
fn word(part: KeyType) -> Result<&'static str, String> {
    let part = KeyType::of(part.field());
    // A keyword in text only.
    if part.has_word() || part.datatype() == Datatype::Day {
        Ok(part.datatype().name())
    } else {
        Err(format!("nft 1.0.6 has no `typeof` in JSON, as keys like `{part}` need it"))
    }
}

/// A time in JSON.
fn seconds(span: Milliseconds) -> Said {
    if span.0.is_multiple_of(1000) {
        Ok(value::signed(span.0 / 1000))
    } else {
        Err(format!("nft 1.0.6 takes times in whole seconds in JSON, and not {span}"))
    }
}

/// The elements of a named set.
pub(super) fn elements(set: &Set) -> Result<Vec<Value>, String> {
    let spec = set.spec();
    let data: &[KeyType] = match &spec.data {
        Some(DataType::Values(parts)) => parts,
        _ => &[],
    };
    match (set.elements(), spec.key.as_slice()) {
        (Elements::Intervals(intervals), [part]) => {
            let datatype = part.datatype();
            // Without the flag, a set has no room for an interval.
            let list = if spec.flags.interval { datatype.elements(intervals) } else { intervals.values() };
            list.into_iter().map(|(first, last)| value::interval(datatype, first, last)).collect()
        }
        (Elements::Intervals(_), _) => Ok(Vec::new()),
        (Elements::List(list), key) => list_of(key, data, list),
    }
}

/// A map: its name, or its elements.
pub(super) fn map(key: &[Selector], map: &MapRef, data: &[KeyType]) -> Said {
    match map {
        MapRef::Named(name) => Ok(reference(name)),
        MapRef::Inline(elements) => {
            field::listed_key(key)?;
            let types: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
            Ok(json!({ "set": list_of(&types, data, elements)? }))
        }
    }
}

fn list_of(key: &[KeyType], data: &[KeyType], list: &[Element]) -> Result<Vec<Value>, String> {
    // nft takes ranges from all elements of a map, or from none.
    let ranges = list.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()));
    list.iter().map(|each| element(key, data, ranges, each)).collect()
}

fn element(key: &[KeyType], data: &[KeyType], ranges: bool, element: &Element) -> Said {
    let value = match &element.key {
        Key::Any => json!("*"),
        Key::Tuple(tuple) => value::tuple(key, tuple)?,
    };
    let mut facts = Map::new();
    if let Some(timeout) = element.timeout {
        facts.insert("timeout".to_owned(), seconds(timeout)?);
    }
    if let Some(expires) = element.expires {
        facts.insert("expires".to_owned(), seconds(expires)?);
    }
    if let Some(comment) = &element.comment {
        facts.insert("comment".to_owned(), json!(comment));
    }
    let value = if facts.is_empty() {
        value
    } else {
        facts.insert("val".to_owned(), value);
        json!({ "elem": facts })
    };
    let given = match &element.data {
        None => return Ok(value),
        Some(Data::Object(name)) => json!(nft::name(name)),
        Some(Data::Values(tuple)) if ranges => value::tuple_of_ranges(data, tuple)?,
        Some(Data::Values(tuple)) => value::tuple(data, tuple)?,
        Some(Data::Verdict(given)) => verdict::verdict(given)?,
    };
    Ok(json!([value, given]))
}
