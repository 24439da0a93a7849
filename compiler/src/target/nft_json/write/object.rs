// SPDX-License-Identifier: GPL-3.0-or-later
//! Declarations of named objects.

use ringwall_ir::fields::Word;
use ringwall_ir::words::Protocol;
use ringwall_ir::{Counts, Object, ObjectBody, Quota};
use serde_json::{Map, Value, json};

use super::statement::rate;
use super::{named, unsaid, value};

/// What an object is, or why nft JSON cannot say it.
pub(super) fn declaration(object: &Object) -> Result<Map<String, Value>, String> {
    let mut declared = named(object.name());
    let mut put = |key: &str, value: Value| declared.insert(key.to_owned(), value);
    match object.body() {
        ObjectBody::Counter(Counts { packets, bytes }) => {
            put("packets", value::signed(*packets));
            put("bytes", value::signed(*bytes));
        }
        ObjectBody::CtHelper { helper, family, protocol } => {
            if !matches!(*protocol, Protocol::TCP | Protocol::UDP) {
                return Err(format!("nft has no helpers for {protocol}"));
            }
            put("type", json!(helper));
            put("protocol", json!(protocol.to_string()));
            if let Some(family) = family {
                put("l3proto", json!(family.table().name()));
            }
        }
        ObjectBody::CtTimeout { .. } => return Err(unsaid(Word::CtTimeout)),
        ObjectBody::Limit(limit) => declared.extend(rate(limit)),
        ObjectBody::Quota(Quota { bytes, used, over }) => {
            put("bytes", value::signed(*bytes));
            put("used", value::signed(*used));
            put("inv", json!(over));
        }
    }
    if let Some(comment) = object.comment() {
        declared.insert("comment".to_owned(), json!(comment));
    }
    Ok(declared)
}
