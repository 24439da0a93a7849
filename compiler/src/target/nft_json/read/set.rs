// SPDX-License-Identifier: GPL-3.0-or-later
//! Named sets and maps, as nft prints them in JSON.
//!
//! nft 1.0.6 prints `integer` for every number, whatever its width, and `time` for points in time and for durations: what
//! is meant is told by the rules that look something up there.

use std::collections::BTreeMap;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{
    DataType, Datatype, Field, KeyType, MapRef, Match, Milliseconds, ObjectKind, ObjectRef, OriginId, Rule, Selector,
    Set, SetFlags, SetOperation, SetSpec, Source, Statement, Step, Tuples, Values, Verdict,
};
use serde_json::Value;

use super::map::{Given, count_alone, elements};
use super::statement::meters;
use super::{NoWord, Read, comment, field};

/// What rules tell of sets, by the name of the set.
#[derive(Default)]
pub(super) struct Uses {
    keys: BTreeMap<String, Vec<Field>>,
    data: BTreeMap<String, Field>,
    /// Sets that packets add to.
    pub(super) updated: Vec<String>,
}

impl Uses {
    /// Learns from a rule.
    pub(super) fn learn(&mut self, rule: &Rule) {
        for step in rule.steps() {
            match step {
                Step::Match(Match::In { selector, values: Values::Set(name), .. }) => self.asked(name, &[*selector]),
                Step::Match(Match::Concat { key, values: Tuples::Set(name), .. }) => self.asked(name, key),
                Step::Match(Match::Object { object: ObjectRef::Map { key, map }, .. })
                | Step::Statement(Statement::Object(ObjectRef::Map { key, map })) => self.asked(map, key),
                Step::Statement(Statement::Assign(assignment)) => {
                    self.source(&assignment.source, Some(assignment.target.field()));
                }
                Step::Statement(Statement::SetUpdate(update)) => {
                    self.asked(&update.set, &update.key);
                    if let Some(Source::Field { selector, .. }) = &update.data {
                        self.data.entry(update.set.clone()).or_insert(selector.field());
                    }
                    if update.operation != SetOperation::Delete {
                        self.updated.push(update.set.clone());
                    }
                }
                Step::Match(_) | Step::Statement(_) | Step::Unknown(_) => {}
            }
        }
        if let Some((key, map)) = rule.verdict().and_then(Verdict::looked_up) {
            self.looked_up(key, map);
        }
    }

    fn source(&mut self, source: &Source, target: Option<Field>) {
        if let Source::Map { key, map } = source {
            self.looked_up(key, map);
            if let (MapRef::Named(name), Some(target)) = (map, target) {
                self.data.entry(name.clone()).or_insert(target);
            }
        }
    }

    fn looked_up(&mut self, key: &[Selector], map: &MapRef) {
        if let MapRef::Named(name) = map {
            self.asked(name, key);
        }
    }

    fn asked(&mut self, name: &str, key: &[Selector]) {
        let fields = || key.iter().map(|selector| selector.field()).collect();
        self.keys.entry(name.to_owned()).or_insert_with(fields);
    }
}

/// A named set or map.
pub(super) fn set(family: TableFamily, name: &str, json: &Value, uses: &Uses, origin: OriginId) -> Read<Set> {
    let asked = uses.keys.get(name).map(Vec::as_slice).unwrap_or_default();
    let key = types(family, json.get("type"), asked)?;
    let written = uses.data.get(name).map(std::slice::from_ref).unwrap_or_default();
    let data = json.get("map").map(|data| data_type(family, data, written)).transpose()?;
    let mut flags = flags(json)?;
    flags.dynamic |= uses.updated.iter().any(|updated| updated == name);
    let span = |name: &str| json.get(name).and_then(Value::as_u64).and_then(|seconds| seconds.checked_mul(1000));
    let size = json.get("size").and_then(Value::as_u64);
    let mut spec = SetSpec {
        data,
        flags,
        timeout: span("timeout").map(Milliseconds),
        gc_interval: span("gc-interval").map(Milliseconds),
        size: size.map(u32::try_from).transpose().map_err(|_| NoWord::of("size of a set"))?,
        auto_merge: json.get("auto-merge").and_then(Value::as_bool).unwrap_or_default(),
        meters: meters(json.get("stmt"))?,
        key,
    };
    spec.flags.dynamic |= count_alone(&spec.meters, json.get("elem"));
    let given = match &spec.data {
        None => Given::Nothing,
        Some(DataType::Object(_)) => Given::Object,
        Some(DataType::Values(parts)) => Given::Values(parts),
        Some(DataType::Verdict) => Given::Verdict,
    };
    let elements = elements(&spec, given, json.get("elem"), origin)?;
    let set = Set::new(name, spec, elements, origin).map_err(|illegal| NoWord(format!("set: {illegal}")))?;
    Ok(set.with_comment(comment(json)))
}

fn flags(json: &Value) -> Read<SetFlags> {
    let words: Vec<&str> = match json.get("flags") {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(word)) => vec![word],
        _ => Vec::new(),
    };
    let mut flags = SetFlags::default();
    for word in words {
        match word {
            "constant" => flags.constant = true,
            "dynamic" => flags.dynamic = true,
            "interval" => flags.interval = true,
            "timeout" => flags.timeout = true,
            other => return Err(NoWord(format!("set flag {other}"))),
        }
    }
    Ok(flags)
}

fn data_type(family: TableFamily, json: &Value, written: &[Field]) -> Read<DataType> {
    if let Some(name) = json.as_str() {
        if name == "verdict" {
            return Ok(DataType::Verdict);
        }
        if let Some(kind) = ObjectKind::ALL.into_iter().find(|kind| kind.name() == name) {
            return Ok(DataType::Object(kind));
        }
    }
    types(family, Some(json), written).map(DataType::Values)
}

/// What a key or the data is, part by part: a word, several, or fields.
fn types(family: TableFamily, json: Option<&Value>, told: &[Field]) -> Read<Vec<KeyType>> {
    let json = json.ok_or_else(|| NoWord::of("set without a type"))?;
    if let Some(fields) = json.get("typeof") {
        let key = field::key(family, fields)?;
        return Ok(key.into_iter().map(|selector| KeyType::of(selector.field())).collect());
    }
    let words: Vec<&str> = match json {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        Value::String(words) => words.split(" . ").collect(),
        _ => Vec::new(),
    };
    let part = |(place, word): (usize, &&str)| one_type(word, told.get(place).filter(|_| told.len() == words.len()));
    words.iter().enumerate().map(part).collect()
}

fn one_type(word: &str, told: Option<&Field>) -> Read<KeyType> {
    match (word, told) {
        ("integer" | "string" | "time", Some(field)) => {
            let found = KeyType::of(*field);
            let meant = match field.datatype() {
                Datatype::Integer => "integer",
                Datatype::String | Datatype::Ifname => "string",
                Datatype::Time | Datatype::Duration => "time",
                _ => "",
            };
            if meant == word { Ok(found) } else { Err(NoWord(format!("set type {word}"))) }
        }
        ("integer" | "string" | "time", None) => Err(NoWord(format!("set type {word} that no rule tells"))),
        ("day", _) => Ok(KeyType::of(Field::MetaDay)),
        ("hour", _) => Ok(KeyType::of(Field::MetaHour)),
        (word, _) => {
            let known = Datatype::named(word).filter(|datatype| datatype.bits().is_some());
            known.map(KeyType::Of).ok_or_else(|| NoWord(format!("set type {word}")))
        }
    }
}
