// SPDX-License-Identifier: GPL-3.0-or-later
//! Statements, as nft prints them in JSON.

use std::num::NonZeroU64;

use ringwall_ir::words::{LogFlags, LogLevel, TableFamily};
use ringwall_ir::{
    Assignment, ConnLimit, Counts, Datatype, Field, KeyType, Limit, LimitUnit, Log, LogTarget, MapRef, Match, Meter,
    Milliseconds, Mss, ObjectKind, ObjectRef, Per, Quota, Selector, SetOperation, SetUpdate, Source, Statement, Step,
    Target,
};
use serde_json::Value;

use super::map::inline_map;
use super::test::set_name;
use super::{NoWord, Read, field, value};

/// A statement that is no verdict.
pub(super) fn statement(family: TableFamily, kind: &str, body: &Value) -> Read<Step> {
    Ok(match kind {
        "counter" => match object(family, body)? {
            Some(object) => Statement::Object(object).into(),
            None => Statement::Counter(counts(body)).into(),
        },
        "quota" => match object(family, body)? {
            Some(object) => Match::Object { kind: ObjectKind::Quota, object }.into(),
            None => Match::Quota(quota(body)?).into(),
        },
        "limit" => match object(family, body)? {
            Some(object) => Match::Object { kind: ObjectKind::Limit, object }.into(),
            None => Match::Limit(limit(body)?).into(),
        },
        "ct count" => Match::ConnLimit(conn_limit(body)?).into(),
        "ct helper" => Statement::CtHelper(name(kind, body)?).into(),
        "ct timeout" => Statement::CtTimeout(name(kind, body)?).into(),
        "log" => Statement::Log(log(body)?).into(),
        "mangle" => written(family, body)?.into(),
        "notrack" => Statement::Notrack.into(),
        "set" | "map" => Statement::SetUpdate(Box::new(update(family, kind, body)?)).into(),
        other => return Err(NoWord(format!("statement {other}"))),
    })
}

fn name(kind: &str, body: &Value) -> Read<String> {
    body.as_str().map(str::to_owned).ok_or_else(|| NoWord(format!("statement {kind} by a map")))
}

/// The object that a statement names; none where it has all in itself.
fn object(family: TableFamily, body: &Value) -> Read<Option<ObjectRef>> {
    if let Some(name) = body.as_str() {
        return Ok(Some(ObjectRef::Named(name.to_owned())));
    }
    let Some(map) = body.get("map") else { return Ok(None) };
    let (key, data) = (map.get("key"), map.get("data").and_then(set_name));
    match (key, data) {
        (Some(key), Some(map)) => Ok(Some(ObjectRef::Map { key: field::key(family, key)?, map })),
        _ => Err(NoWord::of("objects by a map that a rule holds")),
    }
}

fn number(body: &Value, key: &str) -> u64 {
    let number = body.get(key);
    number.and_then(|number| number.as_u64().or_else(|| number.as_i64().map(i64::cast_unsigned))).unwrap_or_default()
}

pub(super) fn counts(body: &Value) -> Counts {
    Counts { packets: number(body, "packets"), bytes: number(body, "bytes") }
}

fn is_inverted(body: &Value) -> bool {
    body.get("inv").and_then(Value::as_bool).unwrap_or_default()
}

/// An amount of bytes in nft's units.
fn amount(body: &Value, key: &str, unit: &str) -> Read<u64> {
    let factor = match body.get(unit).and_then(Value::as_str) {
        None | Some("bytes") => 1,
        Some("kbytes") => 1024,
        Some("mbytes") => 1024 * 1024,
        Some(other) => return Err(NoWord(format!("unit {other}"))),
    };
    number(body, key).checked_mul(factor).ok_or_else(|| NoWord::of("amount of bytes"))
}

pub(super) fn quota(body: &Value) -> Read<Quota> {
    // An object has its bytes by themselves.
    let bytes = if body.get("val").is_some() { amount(body, "val", "val_unit")? } else { number(body, "bytes") };
    Ok(Quota { bytes, used: amount(body, "used", "used_unit")?, over: is_inverted(body) })
}

pub(super) fn limit(body: &Value) -> Read<Limit> {
    let per = body.get("per").and_then(Value::as_str).and_then(Per::named).ok_or_else(|| NoWord::of("limit"))?;
    let unit = match body.get("rate_unit").and_then(Value::as_str) {
        None | Some("packets") => LimitUnit::Packets,
        Some(_) => LimitUnit::Bytes,
    };
    let (rate, burst) = match unit {
        LimitUnit::Packets => (number(body, "rate"), body.get("burst").map_or(5, |_| number(body, "burst"))),
        LimitUnit::Bytes => (amount(body, "rate", "rate_unit")?, amount(body, "burst", "burst_unit")?),
    };
    let (amount, burst) = (NonZeroU64::new(rate), u32::try_from(burst).ok());
    let (amount, burst) = amount.zip(burst).ok_or_else(|| NoWord::of("limit"))?;
    Ok(Limit { amount, per, unit, burst, over: is_inverted(body) })
}

fn conn_limit(body: &Value) -> Read<ConnLimit> {
    let count = body.get("val").and_then(Value::as_i64).ok_or_else(|| NoWord::of("ct count"))?;
    // nft prints the upper half of the numbers of 32 bits as if they were negative.
    let count = u32::try_from(count).or_else(|_| i32::try_from(count).map(i32::cast_unsigned));
    Ok(ConnLimit { count: count.map_err(|_| NoWord::of("ct count"))?, over: is_inverted(body) })
}

/// What each element of a set counts; several are one after the other.
pub(super) fn meters(json: Option<&Value>) -> Read<Vec<Meter>> {
    let Some(Value::Array(items)) = json else { return Ok(Vec::new()) };
    let one = |item: &Value| match item.as_object().and_then(|object| object.iter().next()) {
        Some((kind, body)) => meter(kind, body),
        None => Err(NoWord::of("statement of a set")),
    };
    items.iter().map(one).collect()
}

/// What elements count, by its kind.
pub(super) fn meter(kind: &str, body: &Value) -> Read<Meter> {
    Ok(match kind {
        "counter" => Meter::Counter(counts(body)),
        "quota" => Meter::Quota(quota(body)?),
        "limit" => Meter::Limit(limit(body)?),
        "ct count" => Meter::ConnLimit(conn_limit(body)?),
        other => return Err(NoWord(format!("statement {other} of a set"))),
    })
}

fn log(body: &Value) -> Read<Log> {
    let text = |key| body.get(key).and_then(Value::as_str);
    let narrow = |key| body.get(key).map(|_| number(body, key));
    let flags = match body.get("flags") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name.as_str()],
        _ => Vec::new(),
    };
    let flag = |name: &str| match name {
        "all" => Ok(LogFlags::ALL),
        _ => LogFlags::named(name).ok_or_else(|| NoWord(format!("log flag {name}"))),
    };
    let flags = flags.into_iter().try_fold(LogFlags::NONE, |all, name| Ok(all.union(flag(name)?)))?;
    let known = || NoWord::of("statement log");
    let target = match narrow("group") {
        Some(group) => LogTarget::Group {
            group: u16::try_from(group).map_err(|_| known())?,
            snaplen: narrow("snaplen").map(|bytes| bytes as u32),
            threshold: narrow("queue-threshold").map(u16::try_from).transpose().map_err(|_| known())?,
        },
        None => {
            let level =
                text("level").map(|name| LogLevel::named(name).ok_or_else(|| NoWord(format!("log level {name}"))));
            LogTarget::Kernel { level: level.transpose()?.unwrap_or(LogLevel::Warn), flags }
        }
    };
    Ok(Log { prefix: text("prefix").map(str::to_owned), target })
}

/// What a rule writes into a packet or its entry.
fn written(family: TableFamily, body: &Value) -> Read<Statement> {
    let (Some(key), Some(value)) = (body.get("key"), body.get("value")) else {
        return Err(NoWord::of("statement mangle"));
    };
    let field = field::field(family, key).map_err(|NoWord(name)| NoWord(name.replace("expression ", "write ")))?;
    let target = match field {
        Field::MetaMark => Target::Mark,
        Field::MetaPriority => Target::Priority,
        Field::CtMark => Target::CtMark,
        Field::CtZone(direction) => Target::CtZone(direction),
        Field::TcpMaxseg => return segment_size(value).map(Statement::Mss),
        field => return Err(NoWord(format!("write {}", field.row().name))),
    };
    if let Some(map) = value.get("map") {
        let source = source_map(family, map, &[KeyType::of(target.field())])?;
        return Ok(Statement::Assign(Assignment { target, keep: 0, source }));
    }
    let Bits { field, mask, xor } = bits(family, target.field().datatype(), value)?;
    let assignment = match field {
        None => Assignment::value(target, xor),
        Some(field) if field == target.field() && mask != u32::MAX => {
            Assignment { target, keep: mask, source: Source::Value(xor) }
        }
        Some(field) => {
            let mask = u128::from(mask) & field.max();
            let selector =
                if mask == 0 { return Err(NoWord::of("write of no bits")) } else { Selector::masked(field, mask) };
            Assignment { target, keep: 0, source: Source::Field { selector, xor } }
        }
    };
    Ok(Statement::Assign(assignment))
}

fn segment_size(value: &Value) -> Read<Mss> {
    let path = value.get("rt").and_then(|route| route.get("key")).and_then(Value::as_str) == Some("mtu");
    let bytes = value.as_u64().and_then(|bytes| u16::try_from(bytes).ok());
    match bytes {
        _ if path => Ok(Mss::Path),
        Some(bytes) => Ok(Mss::Value(bytes)),
        None => Err(NoWord::of("write tcp option maxseg size")),
    }
}

/// `(field & mask) ^ xor`; without a field, a number.
struct Bits {
    field: Option<Field>,
    mask: u32,
    xor: u32,
}

fn bits(family: TableFamily, datatype: Datatype, json: &Value) -> Read<Bits> {
    let operation = json.as_object().and_then(|object| object.iter().next());
    let Some((operator, Value::Array(parts))) = operation.filter(|(name, _)| matches!(name.as_str(), "&" | "|" | "^"))
    else {
        return match json {
            Value::Object(object) if ["<<", ">>"].iter().any(|shift| object.contains_key(*shift)) => {
                Err(NoWord::of("expression shift"))
            }
            Value::Object(_) => Ok(Bits { field: Some(field::field(family, json)?), mask: u32::MAX, xor: 0 }),
            _ => {
                let value = u32::try_from(value::one(datatype, json)?).map_err(|_| NoWord::of("value"))?;
                Ok(Bits { field: None, mask: u32::MAX, xor: value })
            }
        };
    };
    let [first, others @ ..] = parts.as_slice() else { return Err(NoWord(format!("expression {operator}"))) };
    let mut result = bits(family, datatype, first)?;
    for other in others {
        let other = bits(family, datatype, other)?;
        if other.field.is_some() {
            return Err(NoWord(format!("expression {operator} of two fields")));
        }
        let number = other.xor;
        match operator.as_str() {
            "&" => (result.mask, result.xor) = (result.mask & number, result.xor & number),
            "|" => (result.mask, result.xor) = (result.mask & !number, result.xor & !number | number),
            _ => result.xor ^= number,
        }
    }
    Ok(result)
}

/// A value that a map gives.
pub(super) fn source_map(family: TableFamily, map: &Value, data: &[KeyType]) -> Read<Source> {
    let (Some(key), Some(elements)) = (map.get("key"), map.get("data")) else { return Err(NoWord::of("map")) };
    let key = field::key(family, key)?;
    let map = match set_name(elements) {
        Some(name) => MapRef::Named(name),
        None => inline_map(&key, data, elements)?,
    };
    Ok(Source::Map { key, map })
}

fn update(family: TableFamily, kind: &str, body: &Value) -> Read<SetUpdate> {
    let part = |name: &str| body.get(name).ok_or_else(|| NoWord(format!("statement {kind}")));
    let operation = match part("op")?.as_str() {
        Some("add") => SetOperation::Add,
        Some("update") => SetOperation::Update,
        Some("delete") => SetOperation::Delete,
        _ => return Err(NoWord(format!("statement {kind}"))),
    };
    let element = part("elem")?;
    let (key, timeout) = match element.get("elem") {
        Some(element) => (element.get("val"), element.get("timeout").map(|_| number(element, "timeout"))),
        None => (Some(element), None),
    };
    let key = field::key(family, key.ok_or_else(|| NoWord(format!("statement {kind}")))?)?;
    let set = set_name(part(kind)?).ok_or_else(|| NoWord(format!("statement {kind}")))?;
    let data = match body.get("data") {
        Some(Value::Number(number)) => {
            let value = number.as_u64().and_then(|number| u32::try_from(number).ok());
            Some(Source::Value(value.ok_or_else(|| NoWord::of("value"))?))
        }
        Some(data @ Value::Object(_)) => Some(Source::Field { selector: field::selector(family, data)?, xor: 0 }),
        Some(_) => return Err(NoWord::of("data of a map by name")),
        None => None,
    };
    let timeout = timeout.and_then(|seconds| seconds.checked_mul(1000)).map(Milliseconds);
    Ok(SetUpdate { operation, set, key, data, timeout, meters: meters(body.get("stmt"))? })
}
