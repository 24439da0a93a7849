// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule looks at, as nft prints it in JSON.

use ringwall_ir::fields::{Exthdr, FIELDS, Fib, FibResult, IpsecDirection, Load, Numgen};
use ringwall_ir::words::{CtDirection, Family, TableFamily};
use ringwall_ir::{Datatype, Field, Selector};
use serde_json::Value;

use super::value;
use super::{NoWord, Read};

/// A field, perhaps under a mask.
pub(super) fn selector(family: TableFamily, json: &Value) -> Read<Selector> {
    let Some(Value::Array(parts)) = json.get("&") else { return field(family, json).map(Selector::of) };
    let [inner, masks @ ..] = parts.as_slice() else { return Err(NoWord::of("expression &")) };
    let inner = selector(family, inner)?;
    let datatype = inner.field().datatype();
    let mask = masks.iter().try_fold(inner.bits(), |bits, mask| Ok(bits & value::one(datatype, mask)?))?;
    Ok(Selector::masked(inner.field(), mask))
}

/// The parts of a key: one field, or several.
pub(super) fn key(family: TableFamily, json: &Value) -> Read<Vec<Selector>> {
    match json.get("concat") {
        Some(Value::Array(parts)) => parts.iter().map(|part| selector(family, part)).collect(),
        _ => Ok(vec![selector(family, json)?]),
    }
}

/// Whether nft 1.0.6 prints the values of a concatenation that a rule holds: it does not know the width of numbers there,
/// and prints others for them and for what stands beside them.
pub(super) fn check_printed(key: &[Selector]) -> Read<()> {
    let lost = |selector: &Selector| {
        let row = selector.field().row();
        matches!(row.datatype, Datatype::Integer | Datatype::Duration)
    };
    match key.iter().find(|selector| lost(selector)) {
        Some(selector) if key.len() > 1 => {
            Err(NoWord(format!("concatenation with {}, which nft prints wrongly", selector.field().row().name)))
        }
        _ => Ok(()),
    }
}

/// A field.
pub(super) fn field(family: TableFamily, json: &Value) -> Read<Field> {
    let Some((kind, body)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Err(NoWord::of("expression"));
    };
    let key = body.get("key").and_then(Value::as_str).unwrap_or_default();
    match kind.as_str() {
        "payload" => payload(body),
        "meta" => named(&format!("meta {key}")).or_else(|_| named(key)),
        "ct" => entry(family, key, body),
        "fib" => fib(body),
        "socket" => named(&format!("socket {key}")),
        "rt" if key == "ipsec" => Ok(Field::RtIpsec),
        "rt" => Err(NoWord(format!("expression rt {key}"))),
        "ipsec" => ipsec(key, body),
        "numgen" => numgen(body),
        "exthdr" => exthdr(body),
        "tcp option" => tcp_option(body),
        other => Err(NoWord(format!("expression {other}"))),
    }
}

/// The field of a name, which takes no parameters.
fn named(name: &str) -> Read<Field> {
    let found = FIELDS.iter().find(|row| row.name == name && row.field.to_string() == name);
    found.map(|row| row.field).ok_or_else(|| NoWord(format!("expression {name}")))
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn payload(body: &Value) -> Read<Field> {
    let name = format!("{} {}", text(body, "protocol"), text(body, "field"));
    if body.get("tunnel").is_some() {
        return Err(NoWord(format!("expression {} {name}", text(body, "tunnel"))));
    }
    if body.get("base").is_some() {
        return Err(NoWord::of("expression raw payload"));
    }
    let found = FIELDS.iter().find(|row| row.name == name && matches!(row.load, Load::Payload(..)));
    found.map(|row| row.field).ok_or_else(|| NoWord(format!("expression {name}")))
}

fn entry(family: TableFamily, key: &str, body: &Value) -> Read<Field> {
    let direction = match text(body, "dir") {
        "original" => Some(CtDirection::Original),
        "reply" => Some(CtDirection::Reply),
        _ => None,
    };
    // In tables of one family, nft calls the addresses by a shorter name.
    let key = match (key, family) {
        ("saddr" | "daddr", TableFamily::Ip) => format!("{} {key}", Family::Ipv4.table().name()),
        ("saddr" | "daddr", TableFamily::Ip6) => format!("{} {key}", Family::Ipv6.table().name()),
        _ => key.to_owned(),
    };
    let name = format!("ct {key}");
    // nft leaves out a test of the family before it, as if the protocol told the family.
    if key == "protocol" && family == TableFamily::Inet {
        return Err(NoWord::of("expression ct protocol, beside which nft lists no family"));
    }
    // Both directions have one protocol, and the kernel does not tell which was asked for (`nft_ct_get_dump`).
    let direction = direction.or((key == "protocol").then_some(CtDirection::Original));
    let row = FIELDS.iter().find(|row| row.name == name).ok_or_else(|| NoWord(format!("expression {name}")))?;
    let wanted = match direction {
        Some(direction) => format!("ct {} {key}", direction.name()),
        None => name.clone(),
    };
    let field = match direction {
        Some(direction) => row.field.of_direction(direction),
        None => Some(row.field),
    };
    field.filter(|field| field.to_string() == wanted).ok_or_else(|| NoWord(format!("expression {wanted}")))
}

fn fib(body: &Value) -> Read<Field> {
    let result = match text(body, "result") {
        "check" => FibResult::Exists,
        "oif" => FibResult::Oif,
        "oifname" => FibResult::Oifname,
        "type" => FibResult::Type,
        other => return Err(NoWord(format!("expression fib {other}"))),
    };
    let flags: Vec<&str> = match body.get("flags") {
        Some(Value::Array(flags)) => flags.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(flag)) => vec![flag],
        _ => Vec::new(),
    };
    let has = |flag| flags.contains(&flag);
    let fib = Fib { daddr: has("daddr"), mark: has("mark"), iif: has("iif"), oif: has("oif"), result };
    let known = ["daddr", "saddr", "mark", "iif", "oif"];
    if has("daddr") == has("saddr") || flags.iter().any(|flag| !known.contains(flag)) {
        return Err(NoWord::of("expression fib"));
    }
    Ok(Field::Fib(fib))
}

fn ipsec(key: &str, body: &Value) -> Read<Field> {
    let direction = match text(body, "dir") {
        "in" => IpsecDirection::In,
        "out" => IpsecDirection::Out,
        _ => return Err(NoWord::of("expression ipsec")),
    };
    let nested = body.get("spnum").and_then(Value::as_u64).is_some_and(|number| number != 0);
    if key == "reqid" && !nested {
        Ok(Field::IpsecReqid(direction))
    } else {
        Err(NoWord(format!("expression ipsec {key}")))
    }
}

fn numgen(body: &Value) -> Read<Field> {
    let number = |key| body.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    let random = match text(body, "mode") {
        "inc" => false,
        "random" => true,
        _ => return Err(NoWord::of("expression numgen")),
    };
    let modulus = number("mod").ok_or_else(|| NoWord::of("expression numgen"))?;
    Ok(Field::Numgen(Numgen { random, modulus, offset: number("offset").unwrap_or_default() }))
}

fn exthdr(body: &Value) -> Read<Field> {
    let name = text(body, "name");
    let known = Exthdr::ALL.into_iter().find(|header| header.name().0 == name);
    match (known, body.get("field").and_then(Value::as_str)) {
        (Some(header), None) => Ok(Field::Exthdr(header)),
        (_, None) => Err(NoWord(format!("expression exthdr {name}"))),
        (_, Some(field)) => Err(NoWord(format!("expression exthdr {name} {field}"))),
    }
}

fn tcp_option(body: &Value) -> Read<Field> {
    match (text(body, "name"), text(body, "field")) {
        ("maxseg", "size") => Ok(Field::TcpMaxseg),
        (name, field) => Err(NoWord(format!("expression tcp option {name} {field}").trim_end().to_owned())),
    }
}
