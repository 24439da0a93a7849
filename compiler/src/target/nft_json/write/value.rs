// SPDX-License-Identifier: GPL-3.0-or-later
//! Values: numbers, names, prefixes, ranges, bits.

use ringwall_ir::{Datatype, IntervalSet, KeyType, Tuple};
use serde_json::{Value, json};

use super::Said;

/// A second in nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// The names that nft takes for numbers wherever they stand (`json_parse_constant` in its `src/parser_json.c`).
const CONSTANTS: [&str; 11] =
    ["ah", "comp", "dccp", "esp", "icmp", "icmpv6", "redirect", "sctp", "tcp", "udp", "udplite"];

/// The values that a field is compared with: one, or several in a set.
pub(super) fn inline(datatype: Datatype, set: &IntervalSet) -> Said {
    let items = datatype.elements(set).into_iter().map(|(first, last)| interval(datatype, first, last));
    Ok(one_or_set(items.collect::<Result<_, _>>()?))
}

/// One item as it is, several in a set.
pub(super) fn one_or_set(items: Vec<Value>) -> Value {
    one_or("set", items)
}

fn one_or(several: &str, items: Vec<Value>) -> Value {
    match <[Value; 1]>::try_from(items) {
        Ok([only]) => only,
        Err(items) => json!({ several: items }),
    }
}

/// A closed interval: a value, a prefix, a stem with `*`, or a range.
pub(super) fn interval(datatype: Datatype, first: u128, last: u128) -> Said {
    if first == last {
        return one(datatype, first);
    }
    if datatype == Datatype::Ifname {
        return interface(first, last);
    }
    if datatype.has_prefixes()
        && let Some(bits) = datatype.bits()
        && let [(start, length)] = IntervalSet::range(first, last).prefixes(bits).as_slice()
    {
        return Ok(json!({ "prefix": { "addr": one(datatype, *start)?, "len": length } }));
    }
    range(datatype, first, last)
}

/// A range, even of one value.
pub(super) fn range(datatype: Datatype, first: u128, last: u128) -> Said {
    // A name may have a `-` of its own, and bits are no ends.
    let end = |value| match datatype.value_name(value) {
        Some(_) => Ok(number(value)),
        None if datatype.is_bits() => Ok(number(value)),
        None => one(datatype, value),
    };
    Ok(json!({ "range": [end(first)?, end(last)?] }))
}

/// nft has 16 bytes for a name with its `*`. A stem as long as a name can be is that name alone.
fn interface(first: u128, last: u128) -> Said {
    let words = Datatype::Ifname.interval_text(first, last);
    match words.strip_suffix('*') {
        Some(stem) if stem.len() > 14 => text(stem),
        _ => text(&words),
    }
}

/// One value.
pub(super) fn one(datatype: Datatype, value: u128) -> Said {
    Ok(match datatype {
        Datatype::Boolean => Value::Bool(value != 0),
        Datatype::CtState | Datatype::CtStatus | Datatype::TcpFlag => bits(datatype, value),
        // The other names are those of `/etc/protocols`, which may not be there.
        Datatype::InetProto => match datatype.value_name(value).filter(|name| CONSTANTS.contains(name)) {
            Some(name) => json!(name),
            None => number(value),
        },
        Datatype::Ifname | Datatype::String => text(&datatype.value_text(value))?,
        Datatype::Classid | Datatype::Duration | Datatype::EtherAddr | Datatype::Ipv4Addr | Datatype::Ipv6Addr => {
            json!(datatype.value_text(value))
        }
        Datatype::Time => number(value / SECOND),
        _ => match datatype.value_name(value) {
            Some(name) => json!(name),
            None => number(value),
        },
    })
}

/// A text that is not one of nft's constants.
pub(super) fn text(text: &str) -> Said {
    if CONSTANTS.contains(&text) {
        return Err(format!("nft 1.0.6 takes the name `{text}` for a number in JSON"));
    }
    Ok(json!(text))
}

/// A number. nft's library reads those of 64 bits with a sign, so the others stand as texts.
pub(super) fn number(value: u128) -> Value {
    i64::try_from(value).map_or_else(|_| json!(value.to_string()), |number| json!(number))
}

/// A number of 64 bits where nft takes no text: the upper half stands as if it were negative.
pub(super) fn signed(value: u64) -> Value {
    json!(value.cast_signed())
}

/// The bits of a value, joined. A list would be taken for a key with what it gives.
fn bits(datatype: Datatype, value: u128) -> Value {
    match names(datatype, value) {
        Some(names) => names.into_iter().reduce(|all, bit| json!({ "|": [all, bit] })).unwrap_or_else(|| json!(0)),
        None => number(value),
    }
}

/// The bits of which one is asked for: one, or a list.
pub(super) fn any_of(datatype: Datatype, value: u128) -> Value {
    match names(datatype, value) {
        Some(names) => match names.as_slice() {
            [only] => only.clone(),
            several => json!(several),
        },
        None => number(value),
    }
}

fn names(datatype: Datatype, value: u128) -> Option<Vec<Value>> {
    let bits = (0..32).map(|place| 1 << place).filter(|bit| value & bit != 0);
    bits.map(|bit| datatype.bit_name(bit).map(|name| json!(name))).collect()
}

/// A mask.
pub(super) fn mask(datatype: Datatype, mask: u128) -> Value {
    match datatype {
        _ if datatype.is_bits() => bits(datatype, mask),
        _ if datatype.has_prefixes() || datatype == Datatype::EtherAddr => json!(datatype.value_text(mask)),
        _ => number(mask),
    }
}

/// A value for each part of a key.
pub(super) fn tuple(types: &[KeyType], tuple: &Tuple) -> Said {
    joined(types, tuple, interval)
}

/// The same of ranges: one value is a range too.
pub(super) fn tuple_of_ranges(types: &[KeyType], tuple: &Tuple) -> Said {
    joined(types, tuple, |datatype, first, last| match first == last {
        true => range(datatype, first, last),
        false => interval(datatype, first, last),
    })
}

fn joined(types: &[KeyType], tuple: &Tuple, part: fn(Datatype, u128, u128) -> Said) -> Said {
    let parts = types.iter().zip(&tuple.0).map(|(key, &(first, last))| part(key.datatype(), first, last));
    Ok(one_or("concat", parts.collect::<Result<_, _>>()?))
}
