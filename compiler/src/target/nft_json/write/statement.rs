// SPDX-License-Identifier: GPL-3.0-or-later
//! Statements that are no verdicts.

use ringwall_ir::words::{LogFlags, LogLevel};
use ringwall_ir::{
    Assignment, ConnLimit, Counts, Field, KeyType, Limit, LimitUnit, Log, LogTarget, MapRef, Meter, Mss, ObjectRef,
    Quota, Selector, Source, Statement,
};
use serde_json::{Map, Value, json};

use super::{Said, field, set, unsaid, value};
use crate::target::nft;

/// A statement.
pub(super) fn statement(statement: &Statement) -> Said {
    match statement {
        Statement::Assign(assignment) => assigned(assignment),
        Statement::Counter(counts) => Ok(counter(*counts)),
        Statement::CtHelper(name) => Ok(json!({ "ct helper": nft::name(name) })),
        Statement::Log(log) => Ok(logged(log)),
        Statement::Mss(mss) => {
            let size = match mss {
                Mss::Path => json!({ "rt": { "key": "mtu" } }),
                Mss::Value(bytes) => json!(bytes),
            };
            let key = field::field(Field::TcpMaxseg)?;
            Ok(json!({ "mangle": { "key": key, "value": size } }))
        }
        Statement::Notrack => Ok(json!({ "notrack": null })),
        Statement::Object(object) => Ok(json!({ "counter": self::object(object)? })),
        Statement::CtTimeout(_) | Statement::SetUpdate(_) => Err(unsaid(statement.word())),
    }
}

/// A named object, or the object that a map gives.
pub(super) fn object(object: &ObjectRef) -> Said {
    match object {
        ObjectRef::Map { key, map } => {
            Ok(json!({ "map": { "key": field::map_key(key)?, "data": set::reference(map) } }))
        }
        ObjectRef::Named(name) => Ok(json!(nft::name(name))),
    }
}

/// What a rule looks up in a map.
pub(super) fn looked_up(key: &[Selector], map: &MapRef, data: &[KeyType]) -> Said {
    Ok(json!({ "map": { "key": field::map_key(key)?, "data": set::map(key, map, data)? } }))
}

fn assigned(assignment: &Assignment) -> Said {
    let Assignment { target, keep, source } = assignment;
    let written = target.field();
    let number = |bits: u32| value::one(written.datatype(), u128::from(bits));
    let (joint, source) = match source {
        Source::Field { selector, xor: 0 } => ("^", field::source(*selector)?),
        Source::Field { selector, xor } => ("^", json!({ "^": [field::source(*selector)?, number(*xor)?] })),
        Source::Map { key, map } => ("^", looked_up(key, map, &[KeyType::of(written)])?),
        Source::Value(bits) => (if keep & bits == 0 { "|" } else { "^" }, number(*bits)?),
    };
    let key = field::field(written)?;
    let value = match keep {
        0 => source,
        _ => json!({ joint: [{ "&": [key, keep] }, source] }),
    };
    Ok(json!({ "mangle": { "key": key, "value": value } }))
}

/// What each element of a set counts.
pub(super) fn meter(meter: &Meter) -> Value {
    match meter {
        Meter::ConnLimit(limit) => conn_limit(*limit),
        Meter::Counter(counts) => counter(*counts),
        Meter::Limit(rate) => limit(rate),
        Meter::Quota(amount) => quota(amount),
    }
}

fn counter(Counts { packets, bytes }: Counts) -> Value {
    match packets | bytes {
        0 => json!({ "counter": null }),
        _ => json!({ "counter": { "packets": value::signed(packets), "bytes": value::signed(bytes) } }),
    }
}

/// A number of open conversations.
pub(super) fn conn_limit(ConnLimit { count, over }: ConnLimit) -> Value {
    json!({ "ct count": { "val": count, "inv": over } })
}

/// A rate.
pub(super) fn limit(limit: &Limit) -> Value {
    json!({ "limit": rate(limit) })
}

/// What a rate is.
pub(super) fn rate(Limit { amount, per, unit, burst, over }: &Limit) -> Map<String, Value> {
    let mut rate = Map::new();
    rate.insert("burst".to_owned(), json!(burst));
    if *over {
        rate.insert("inv".to_owned(), json!(true));
    }
    rate.insert("per".to_owned(), json!(per.name()));
    rate.insert("rate".to_owned(), value::signed(amount.get()));
    if *unit == LimitUnit::Bytes {
        rate.insert("burst_unit".to_owned(), json!("bytes"));
        rate.insert("rate_unit".to_owned(), json!("bytes"));
    }
    rate
}

/// An amount of bytes.
pub(super) fn quota(Quota { bytes, used, over }: &Quota) -> Value {
    let (bytes, used) = (value::signed(*bytes), value::signed(*used));
    json!({ "quota": { "val": bytes, "val_unit": "bytes", "used": used, "used_unit": "bytes", "inv": over } })
}

fn logged(log: &Log) -> Value {
    let mut body = Map::new();
    if let Some(prefix) = &log.prefix {
        body.insert("prefix".to_owned(), json!(prefix));
    }
    match log.target {
        LogTarget::Group { group, snaplen, threshold } => {
            body.insert("group".to_owned(), json!(group));
            if let Some(bytes) = snaplen {
                body.insert("snaplen".to_owned(), json!(bytes));
            }
            if let Some(packets) = threshold {
                body.insert("queue-threshold".to_owned(), json!(packets));
            }
        }
        LogTarget::Kernel { level, flags } => {
            if level != LogLevel::Warn {
                body.insert("level".to_owned(), json!(level.name()));
            }
            if flags != LogFlags::NONE {
                body.insert("flags".to_owned(), json!(flags.names().collect::<Vec<_>>()));
            }
        }
    }
    json!({ "log": if body.is_empty() { Value::Null } else { Value::Object(body) } })
}
