// SPDX-License-Identifier: GPL-3.0-or-later
//! Values as nft prints them in JSON: numbers, names, prefixes, ranges, lists of bits.

use ringwall_ir::{Datatype, IntervalSet, KeyType};
use serde_json::Value;

use super::test::LOOPBACK;
use super::{NoWord, Read};

/// The names of `/etc/protocols` (IANA's "Assigned Internet Protocol Numbers") by which nft prints protocols, where the
/// IR has another or none.
const PROTOCOLS: &[(&str, u128)] = &[
    ("hopopt", 0),
    ("ip", 0),
    ("ggp", 3),
    ("st", 5),
    ("egp", 8),
    ("igp", 9),
    ("pup", 12),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("iso-tp4", 29),
    ("xtp", 36),
    ("ddp", 37),
    ("idpr-cmtp", 38),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("idrp", 45),
    ("rsvp", 46),
    ("skip", 57),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("rspf", 73),
    ("vmtp", 81),
    ("eigrp", 88),
    ("ax.25", 93),
    ("ipip", 94),
    ("etherip", 97),
    ("encap", 98),
    ("ipcomp", 108),
    ("l2tp", 115),
    ("isis", 124),
    ("fc", 133),
    ("mobility-header", 135),
    ("mpls-in-ip", 137),
    ("manet", 138),
    ("hip", 139),
    ("shim6", 140),
    ("wesp", 141),
    ("rohc", 142),
    ("ethernet", 143),
    ("hopopts", 0),
    ("ospfigp", 89),
];

/// A second in nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// The name of a time that nft printed as text: it has a time zone then, and the list does not say which.
const ZONED: &str = "time in a zone that the list does not name";

/// A set of values: one, a prefix, a range, or the elements of `set`.
pub(super) fn set(part: KeyType, json: &Value) -> Read<IntervalSet> {
    match json.get("set") {
        Some(Value::Array(items)) => items.iter().map(|item| interval(part, item)).collect(),
        Some(only) => interval(part, only).map(|interval| IntervalSet::from_iter([interval])),
        None => interval(part, json).map(|interval| IntervalSet::from_iter([interval])),
    }
}

/// A closed interval of values; several bits together are one value.
pub(super) fn interval(part: KeyType, json: &Value) -> Read<(u128, u128)> {
    let datatype = part.datatype();
    if let Some([first, last]) = pair(json.get("range")) {
        // nft 1.0.6 looks the name up before it turns the bytes around: `3-880` is printed as `ipip`, which is 768, to 880.
        if datatype == Datatype::IfaceType && (first.is_string() || last.is_string()) {
            return Err(NoWord::of("range from the name of an interface type"));
        }
        let (first, last) = (one(datatype, first)?, one(datatype, last)?);
        // nft lists the last range of values of less than a byte to the end of the byte.
        let open = part.bits() < 8 && last == u128::from(u8::MAX);
        return Ok((first, if open { part.largest() } else { last }));
    }
    if let Some(prefix) = json.get("prefix") {
        let address = prefix.get("addr").ok_or_else(|| NoWord::of("prefix"))?;
        let length = prefix.get("len").and_then(Value::as_u64).and_then(|length| u8::try_from(length).ok());
        let length = length.filter(|length| *length <= part.bits()).ok_or_else(|| NoWord::of("prefix"))?;
        let set = IntervalSet::prefix(one(datatype, address)?, length, part.bits());
        return set.intervals().first().copied().ok_or_else(|| NoWord::of("prefix"));
    }
    if let Value::String(text) = json
        && datatype == Datatype::Ifname
    {
        return datatype.parse_interval(text).ok_or_else(|| NoWord::of("name of an interface"));
    }
    if json == "*" {
        return Ok((0, part.largest()));
    }
    one(datatype, json).map(|value| (value, value))
}

/// One value; several bits together are one.
pub(super) fn one(datatype: Datatype, json: &Value) -> Read<u128> {
    match json {
        Value::Array(items) if datatype.is_bits() => together(datatype, items),
        Value::Object(object) => match object.get("|") {
            Some(Value::Array(items)) => together(datatype, items),
            _ => Err(NoWord::of("value")),
        },
        Value::Number(number) => {
            // nft prints the upper half of the numbers of 64 bits as if they were negative.
            let value = number.as_u64().or_else(|| number.as_i64().map(i64::cast_unsigned));
            let value = value.map(u128::from).ok_or_else(|| NoWord::of("number"))?;
            match datatype {
                Datatype::Duration => Ok(value * 1000),
                Datatype::Time => Ok(value * SECOND),
                _ => Ok(value),
            }
        }
        Value::Bool(there) if datatype == Datatype::Boolean => Ok(u128::from(*there)),
        Value::String(text) => text_value(datatype, text),
        _ => Err(NoWord::of("value")),
    }
}

fn together(datatype: Datatype, items: &[Value]) -> Read<u128> {
    items.iter().try_fold(0, |bits, item| Ok(bits | one(datatype, item)?))
}

fn text_value(datatype: Datatype, text: &str) -> Read<u128> {
    // Without a test of the protocol, nft does not know what a port of an entry is, but prints it.
    let text = text.strip_suffix(" [invalid type]").unwrap_or(text);
    let special = match datatype {
        Datatype::InetProto => protocol(text),
        // In concatenations, nft takes an extension header that is there or not for the protocol behind it.
        Datatype::Boolean => {
            protocol(text).or_else(|| Datatype::InetProto.parse_value(text)).filter(|value| *value < 2)
        }
        Datatype::Hour | Datatype::Time => return Err(NoWord::of(ZONED)),
        Datatype::Classid => class(text),
        Datatype::IfaceIndex if text == LOOPBACK.0 => Some(LOOPBACK.1),
        Datatype::Devgroup if text == "default" => Some(0),
        Datatype::Realm if text == "cosmos" => Some(0),
        _ => None,
    };
    let hexadecimal = || text.strip_prefix("0x").and_then(|digits| u128::from_str_radix(digits, 16).ok());
    special
        .or_else(|| datatype.parse_value(text))
        .or_else(hexadecimal)
        .ok_or_else(|| NoWord(format!("value of type {}", datatype.name())))
}

fn protocol(text: &str) -> Option<u128> {
    PROTOCOLS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number)
}

/// A traffic class as tc(8) prints it: a number that is left out is zero.
fn class(text: &str) -> Option<u128> {
    match text {
        "none" => return Some(0),
        "root" => return Some(u128::from(u32::MAX)),
        _ => {}
    }
    let (major, minor) = text.split_once(':')?;
    let number = |text: &str| match text {
        "" => Some(0),
        _ => u16::from_str_radix(text, 16).ok().map(u128::from),
    };
    Some(number(major)? << 16 | number(minor)?)
}

/// The two items of an array.
pub(super) fn pair(json: Option<&Value>) -> Option<[&Value; 2]> {
    match json?.as_array()?.as_slice() {
        [one, other] => Some([one, other]),
        _ => None,
    }
}
