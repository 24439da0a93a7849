// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of fields, as nft prints them in JSON: `match`.

use ringwall_ir::fields::FibResult;
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Datatype, Field, IntervalSet, KeyType, Match, Selector, Step, Symbol, Tuple, Tuples, Values};
use serde_json::Value;

use super::value::interval;
use super::{NoWord, Read, field, value};

/// What a test says: nothing where every packet passes it.
pub(super) fn test(family: TableFamily, json: &Value) -> Read<Option<Step>> {
    let part = |key: &str| json.get(key).ok_or_else(|| NoWord::of("match"));
    let (left, right) = (part("left")?, part("right")?);
    let operator = part("op")?.as_str().unwrap_or_default();
    let key = field::key(family, left)?;
    match key.as_slice() {
        [selector] => of_one(family, asked(*selector, right), operator, right),
        _ => of_several(key, operator, right).map(|test| Some(test.into())),
    }
}

/// Tests of both ports of any protocol, which nft makes one of and lists as bytes.
pub(super) fn both_ports(json: &Value) -> Option<Vec<Step>> {
    let bytes = json.get("left")?.get("payload")?;
    let number = |key: &str| bytes.get(key).and_then(Value::as_u64);
    let ports = bytes.get("base")?.as_str()? == "th" && number("offset") == Some(0) && number("len") == Some(32);
    let equals = json.get("op")?.as_str() == Some("==");
    let value = json.get("right").and_then(Value::as_u64).filter(|_| ports && equals)?;
    let port = |field, port: u64| Match::within(field, Values::one(u128::from(port))).into();
    Some(vec![port(Field::ThSport, value >> 16 & 0xffff), port(Field::ThDport, value & 0xffff)])
}

/// nft tells by the value whether a route is asked for, or the interface that it leads to.
fn asked(selector: Selector, right: &Value) -> Selector {
    match selector.field() {
        Field::Fib(fib) if fib.result == FibResult::Oif && right.is_boolean() => {
            Field::Fib(ringwall_ir::fields::Fib { result: FibResult::Exists, ..fib }).into()
        }
        _ => selector,
    }
}

fn of_one(family: TableFamily, selector: Selector, operator: &str, right: &Value) -> Read<Option<Step>> {
    let datatype = selector.field().datatype();
    let test = |selector, values, negated| Ok(Some(Match::In { selector, values, negated }.into()));
    let negated = operator == "!=";
    if let Some(name) = set_name(right) {
        return match operator {
            "==" | "in" | "!=" => test(selector, Values::Set(name), negated),
            _ => Err(NoWord(format!("operator {operator}"))),
        };
    }
    if datatype.is_bits() && selector.mask().is_none() && right.get("set").is_none() {
        match operator {
            "in" => return Ok(Some(Match::any_of(selector.field(), value::one(datatype, right)?).into())),
            "!" => return Ok(Some(Match::masked(selector.field(), value::one(datatype, right)?, 0).into())),
            _ => {}
        }
    }
    if datatype == Datatype::IfaceIndex && matches!(operator, "==" | "in" | "!=") && has_names(right) {
        return test(selector, Values::Symbols(names(right)?), negated);
    }
    let set = compared(selector, operator, right)?;
    let passing = if negated { set.complement(selector.field().row().bits) } else { set.clone() };
    if selector.mask().is_none() && !datatype.is_text() {
        if passing.is_empty() {
            return Err(NoWord::of("test that nothing passes"));
        }
        if passing.contains_all(&IntervalSet::range(0, selector.field().max())) {
            return implied(family, selector.field());
        }
    }
    test(selector, Values::Inline(set), negated)
}

/// The values that a field is compared with; with `!=`, those that it must not have.
fn compared(selector: Selector, operator: &str, right: &Value) -> Read<IntervalSet> {
    let datatype = selector.field().datatype();
    let bound = || value::one(datatype, right);
    let below = |last: Option<u128>| last.map_or(IntervalSet::EMPTY, |last| IntervalSet::range(0, last));
    let above = |first: Option<u128>| {
        first.map_or(IntervalSet::EMPTY, |first| IntervalSet::range(first, selector.field().max()))
    };
    match operator {
        "==" | "in" | "!=" => value::set(KeyType::Like(selector.field()), right),
        "<" => bound().map(|bound| below(bound.checked_sub(1))),
        "<=" => bound().map(|bound| below(Some(bound))),
        ">" => bound().map(|bound| above(bound.checked_add(1))),
        ">=" => bound().map(|bound| above(Some(bound))),
        _ => Err(NoWord(format!("operator {operator}"))),
    }
}

/// What is left of a test that every value passes: that the packet has the field.
fn implied(family: TableFamily, field: Field) -> Read<Option<Step>> {
    let needs = field.row().needs;
    let one = |field, number: u8| Ok(Some(Match::within(field, Values::one(u128::from(number))).into()));
    match (needs.protocol(), needs.family()) {
        (Some(protocol), _) => one(Field::L4proto, protocol.0),
        (None, Some(needed)) if family == TableFamily::Inet && needs == ringwall_ir::fields::Needs::Family(needed) => {
            one(Field::Nfproto, needed.number())
        }
        (None, Some(needed)) if needs == ringwall_ir::fields::Needs::Family(needed) => Ok(None),
        _ if needs == ringwall_ir::fields::Needs::Nothing => Ok(None),
        _ => Err(NoWord(format!("test that every value of {field} passes"))),
    }
}

fn of_several(key: Vec<Selector>, operator: &str, right: &Value) -> Read<Match> {
    let negated = match operator {
        "==" | "in" => false,
        "!=" => true,
        _ => return Err(NoWord(format!("operator {operator}"))),
    };
    if let Some(name) = set_name(right) {
        return Ok(Match::Concat { key, values: Tuples::Set(name), negated });
    }
    field::check_printed(&key)?;
    let types: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
    let tuples: Vec<Tuple> = match right.get("set") {
        Some(Value::Array(items)) => items.iter().map(|item| tuple(&types, item)).collect::<Read<_>>()?,
        _ => vec![tuple(&types, right)?],
    };
    Ok(Match::Concat { key, values: Tuples::Inline(tuples), negated })
}

/// A value for each part of a key.
pub(super) fn tuple(types: &[KeyType], json: &Value) -> Read<Tuple> {
    match (types, json.get("concat")) {
        ([part], None) => Ok(Tuple(vec![interval(*part, json)?])),
        (_, Some(Value::Array(parts))) if parts.len() == types.len() => {
            let parts = types.iter().zip(parts).map(|(part, json)| interval(*part, json));
            parts.collect::<Read<_>>().map(Tuple)
        }
        // What stands behind a port of an entry whose protocol nft does not know, it leaves out.
        (_, Some(Value::Array(_))) => Err(NoWord::of("concatenation of which nft prints a part")),
        _ => Err(NoWord::of("concatenation")),
    }
}

/// `@name`, or what an older form has for it.
pub(super) fn set_name(json: &Value) -> Option<String> {
    let text = json.as_str().or_else(|| json.get("set")?.as_str())?;
    text.strip_prefix('@').map(str::to_owned)
}

/// The interface that has the same number on every host (`LOOPBACK_IFINDEX` in include/net/flow.h).
pub(super) const LOOPBACK: (&str, u128) = ("lo", 1);

fn items(right: &Value) -> &[Value] {
    match right.get("set") {
        Some(Value::Array(items)) => items,
        _ => std::slice::from_ref(right),
    }
}

/// What nft prints for the number of no interface: a route that is not there leads to it.
pub(super) const NOWHERE: &str = "0";

fn has_names(right: &Value) -> bool {
    items(right).iter().any(|item| item.as_str().is_some_and(|name| name != LOOPBACK.0 && name != NOWHERE))
}

/// Interfaces by name: only the host that the rule is for knows their numbers.
fn names(right: &Value) -> Read<Vec<Symbol>> {
    let name = |item: &Value| {
        let name = item.as_str().filter(|name| *name != NOWHERE);
        let name = name.ok_or_else(|| NoWord::of("interfaces by name and by number"))?;
        Ok(Symbol { name: name.to_owned(), number: None })
    };
    items(right).iter().map(name).collect()
}
