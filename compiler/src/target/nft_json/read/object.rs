// SPDX-License-Identifier: GPL-3.0-or-later
//! Named objects, as nft prints them in JSON.

use ringwall_ir::words::{Family, Protocol, TableFamily};
use ringwall_ir::{Object, ObjectBody, ObjectKind, OriginId};
use serde_json::Value;

use super::statement::{counts, limit, quota};
use super::{NoWord, Read, comment};

/// The kind of object that an item of the list is.
pub(super) fn kind(item: &str) -> Option<ObjectKind> {
    ObjectKind::ALL.into_iter().find(|kind| kind.name() == item)
}

/// A named object.
pub(super) fn object(table: TableFamily, kind: ObjectKind, name: &str, json: &Value, origin: OriginId) -> Read<Object> {
    let body = match kind {
        ObjectKind::Counter => ObjectBody::Counter(counts(json)),
        ObjectKind::CtHelper => ObjectBody::CtHelper {
            helper: json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            family: family(table, json),
            protocol: protocol(json)?,
        },
        ObjectKind::CtTimeout => {
            ObjectBody::CtTimeout { family: family(table, json), protocol: protocol(json)?, timeouts: timeouts(json)? }
        }
        ObjectKind::Limit => ObjectBody::Limit(limit(json)?),
        ObjectKind::Quota => ObjectBody::Quota(quota(json)?),
    };
    let object = Object::new(name, body, origin).map_err(|illegal| NoWord(format!("{}: {illegal}", kind.name())))?;
    Ok(object.with_comment(comment(json)))
}

/// The family that an object is for, where it is not the table's.
fn family(table: TableFamily, json: &Value) -> Option<Family> {
    let family = match json.get("l3proto").and_then(Value::as_str) {
        Some("ip") => Family::Ipv4,
        Some("ip6") => Family::Ipv6,
        _ => return None,
    };
    (table == TableFamily::Inet || family.table() != table).then_some(family)
}

fn protocol(json: &Value) -> Read<Protocol> {
    let named = |name: &str| Protocol::named(name);
    let protocol = match json.get("protocol") {
        Some(Value::String(name)) => named(name),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u8::try_from(number).ok()).map(Protocol),
        _ => None,
    };
    protocol.ok_or_else(|| NoWord::of("protocol of an object"))
}

fn timeouts(json: &Value) -> Read<Vec<(String, u32)>> {
    let Some(Value::Object(policy)) = json.get("policy") else { return Ok(Vec::new()) };
    let seconds = |(state, seconds): (&String, &Value)| {
        let seconds = seconds.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        Ok((state.clone(), seconds.ok_or_else(|| NoWord::of("ct timeout"))?))
    };
    policy.iter().map(seconds).collect()
}
