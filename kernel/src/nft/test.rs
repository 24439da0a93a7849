// SPDX-License-Identifier: GPL-3.0-or-later
//! One test of a field: a load, then a condition on what was loaded. Written from a [`Match`], and read back to it.

use ringwall_ir::fields::{FIELDS, Field, FieldRow, Kind, Load, Needs};
use ringwall_ir::{IntervalSet, Match, Values};

use super::Unknown;
use super::cmp::{Cmp, Operator};
use super::condition::Condition;
use super::expression::Expression;
use super::interface;
use super::known::{Known, guards};
use super::lookup::Lookup;
use super::meta::Meta;
use super::number::{from_bytes, mask, to_bytes};
use super::payload::{Base, Payload};
use super::range::NotInRange;
use super::set::{Set, SetIds, SetName};

/// A loaded field and its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) load: Expression,
    pub(super) condition: Condition,
    /// All bytes of the field must equal one value, so that a neighbour's can be compared along with them.
    pub(super) whole: bool,
}

/// Writes the test of a field. Several values become an anonymous set, which is pushed to `sets`.
pub(super) fn write(test: &Match, sets: &mut Vec<Set>, ids: &mut SetIds) -> Option<Test> {
    let row = test.field()?.row();
    let bytes = |value| to_bytes(value, usize::from(row.bits / 8), row.order);
    let condition = match test {
        Match::AnyOf { bits, .. } => Condition::masked(bytes((*bits).into()), Operator::NotEqual, bytes(0)),
        Match::Masked { mask, value, .. } => {
            Condition::masked(bytes((*mask).into()), Operator::Equal, bytes((*value).into()))
        }
        Match::In { values: Values::Set(name), negated, .. } => {
            Condition::Lookup(Lookup { set: SetName::Named(name.clone()), inverted: *negated })
        }
        Match::In { values: Values::Inline(values), negated, .. } => match row.field.elements(values).as_slice() {
            [(first, last)] => one_interval(&row, *first, *last, *negated),
            _ => looked_up(row.field, values.clone(), *negated, sets, ids),
        },
        Match::Interface { names, negated, .. } => match names.as_slice() {
            [name] => Condition::compare(Operator::equality(*negated), interface::compared(name)),
            _ => looked_up(row.field, interface::numbers(names), *negated, sets, ids),
        },
        Match::Limit(_) => return None,
    };
    let full = usize::from(row.bits / 8);
    let whole = matches!(&condition, Condition::Compare(Cmp { operator: Operator::Equal, data }) if data.len() == full);
    Some(Test { load: load(&row, &condition), condition, whole })
}

/// nft's form of one interval: a value, a prefix (of whole bytes: fewer are loaded), or a range.
fn one_interval(row: &FieldRow, first: u128, last: u128, negated: bool) -> Condition {
    let operator = Operator::equality(negated);
    let bytes = |value| to_bytes(value, usize::from(row.bits / 8), row.order);
    if first == last {
        return Condition::compare(operator, bytes(first));
    }
    match (row.kind, IntervalSet::range(first, last).prefixes(row.bits).as_slice()) {
        (Kind::Address(_), [(value, length)]) if length % 8 == 0 => {
            let mut short = bytes(*value);
            short.truncate(usize::from(length / 8));
            Condition::compare(operator, short)
        }
        (Kind::Address(_), [(value, length)]) => {
            Condition::masked(bytes(mask(*length, row.bits)), operator, bytes(*value))
        }
        _ if negated => Condition::Outside(NotInRange { first: bytes(first), last: bytes(last) }),
        _ => Condition::Between(bytes(first), bytes(last)),
    }
}

fn looked_up(field: Field, values: IntervalSet, inverted: bool, sets: &mut Vec<Set>, ids: &mut SetIds) -> Condition {
    let set = Set::anonymous(ids, field, values);
    let lookup = Lookup { set: set.name.clone(), inverted };
    sets.push(set);
    Condition::Lookup(lookup)
}

/// Loads a field, of an address only as many bytes as are compared.
fn load(row: &FieldRow, condition: &Condition) -> Expression {
    let full = u32::from(row.bits / 8);
    let len = match condition {
        Condition::Compare(cmp) => u32::try_from(cmp.data.len()).unwrap_or(full).min(full),
        _ => full,
    };
    let payload = |base, offset: u8| Expression::Payload(Payload { base, offset: offset.into(), len });
    match row.load {
        Load::CtState => Expression::CtState,
        Load::MetaIifname => Expression::Meta(Meta::Iifname),
        Load::MetaL4proto => Expression::Meta(Meta::L4proto),
        Load::MetaNfproto => Expression::Meta(Meta::Nfproto),
        Load::MetaOifname => Expression::Meta(Meta::Oifname),
        Load::Network(offset) => payload(Base::Network, offset),
        Load::Transport(offset) => payload(Base::Transport, offset),
    }
}

/// Reads a test; `set` finds the sets that tests look up. A load over several fields gives a match for each.
pub(super) fn read<'a>(
    load: &Expression,
    condition: Condition,
    known: Known,
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Vec<Match>, Unknown> {
    let field = match load {
        Expression::CtState => Field::CtState,
        Expression::Meta(Meta::Iifname) => Field::Iifname,
        Expression::Meta(Meta::L4proto) => Field::L4proto,
        Expression::Meta(Meta::Nfproto) => Field::Nfproto,
        Expression::Meta(Meta::Oifname) => Field::Oifname,
        Expression::Payload(payload) => return read_payload(*payload, condition, known, set),
        _ => return Err(Unknown::Shape("a condition without a load before it")),
    };
    Ok(vec![read_condition(&field.row(), condition, set)?])
}

fn read_payload<'a>(
    payload: Payload,
    condition: Condition,
    known: Known,
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Vec<Match>, Unknown> {
    let row = row_at(payload.base, payload.offset, known)?;
    let len = u32::from(row.bits / 8);
    match condition {
        // Neighbours, compared at once.
        Condition::Compare(Cmp { operator: Operator::Equal, data }) if payload.len > len => {
            let (own, rest) = data.split_at_checked(usize::from(row.bits / 8)).ok_or(SHORT)?;
            let mut matches = vec![read_condition(&row, Condition::compare(Operator::Equal, own.to_vec()), set)?];
            let next = Payload { offset: payload.offset + len, len: payload.len - len, ..payload };
            matches.extend(read_payload(next, Condition::compare(Operator::Equal, rest.to_vec()), known, set)?);
            Ok(matches)
        }
        Condition::Compare(ref cmp) if usize::try_from(payload.len) != Ok(cmp.data.len()) => Err(SHORT),
        Condition::Compare(_) => Ok(vec![read_condition(&row, condition, set)?]),
        _ if payload.len == len => Ok(vec![read_condition(&row, condition, set)?]),
        _ => Err(SHORT),
    }
}

const SHORT: Unknown = Unknown::Shape("a load of other bytes than are compared");

/// The field that starts at an offset, in packets that are known to have it.
fn row_at(base: Base, offset: u32, known: Known) -> Result<FieldRow, Unknown> {
    let here = |row: &&FieldRow| match (row.load, base) {
        (Load::Network(start), Base::Network) | (Load::Transport(start), Base::Transport) => u32::from(start) == offset,
        _ => false,
    };
    let has = |row: &&FieldRow| row.needs != Needs::Nothing && guards(row.needs).all(|guard| known.holds(guard));
    let row = FIELDS.iter().find(|row| here(row) && has(row));
    row.copied()
        .ok_or_else(|| Unknown::value("field at offset", format!("{offset} of the {base:?} header").to_lowercase()))
}

fn read_condition<'a>(
    row: &FieldRow,
    condition: Condition,
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Match, Unknown> {
    match row.kind {
        Kind::Bits => read_bits(row, condition),
        Kind::InterfaceName => read_interface(row.field, condition, set),
        _ => read_values(row, condition, set),
    }
}

fn read_bits(row: &FieldRow, condition: Condition) -> Result<Match, Unknown> {
    let Condition::Masked(mask, Cmp { operator, data }) = condition else {
        return Err(Unknown::Shape("bits compared without a mask"));
    };
    let bits = |bytes: &[u8]| {
        number(row, bytes).and_then(|bits| u32::try_from(bits).map_err(|_| Unknown::value("bits", bits)))
    };
    let (mask, value) = (bits(&mask.mask)?, bits(&data)?);
    match operator {
        Operator::Equal => Ok(Match::Masked { field: row.field, mask, value }),
        Operator::NotEqual if value == 0 => Ok(Match::AnyOf { field: row.field, bits: mask }),
        _ => Err(Unknown::Shape("bits compared otherwise than with `==`")),
    }
}

fn read_interface<'a>(
    field: Field,
    condition: Condition,
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Match, Unknown> {
    let (names, negated) = match condition {
        Condition::Compare(Cmp { operator, data }) => (vec![interface::from_compared(&data)?], is_negated(operator)?),
        Condition::Lookup(lookup) => (interface::from_numbers(&found(&lookup, set)?.values)?, lookup.inverted),
        _ => return Err(Unknown::Shape("names of interfaces in a range")),
    };
    Ok(Match::Interface { field, names, negated })
}

fn read_values<'a>(
    row: &FieldRow,
    condition: Condition,
    set: &dyn Fn(&SetName) -> Option<&'a Set>,
) -> Result<Match, Unknown> {
    let (values, negated) = match condition {
        Condition::Between(first, last) => (IntervalSet::range(number(row, &first)?, number(row, &last)?), false),
        Condition::Outside(NotInRange { first, last }) => {
            (IntervalSet::range(number(row, &first)?, number(row, &last)?), true)
        }
        Condition::Compare(Cmp { operator, data }) => (prefix(row, data)?, is_negated(operator)?),
        Condition::Masked(mask, Cmp { operator, data }) => (masked(row, &mask.mask, &data)?, is_negated(operator)?),
        Condition::Lookup(lookup) => {
            let set = found(&lookup, set)?;
            if let SetName::Named(name) = &set.name {
                let values = Values::Set(name.clone());
                return Ok(Match::In { field: row.field, values, negated: lookup.inverted });
            }
            (set.values.clone(), lookup.inverted)
        }
    };
    Ok(Match::In { field: row.field, values: Values::Inline(values), negated })
}

/// The values that begin with the compared bytes: one, or a prefix of an address.
fn prefix(row: &FieldRow, mut data: Vec<u8>) -> Result<IntervalSet, Unknown> {
    let full = usize::from(row.bits / 8);
    if data.len() < full && !matches!(row.kind, Kind::Address(_)) {
        return Err(SHORT);
    }
    let length = data.len().min(full) * 8;
    data.resize(full.max(data.len()), 0);
    Ok(IntervalSet::prefix(number(row, &data)?, u8::try_from(length).unwrap_or(row.bits), row.bits))
}

fn masked(row: &FieldRow, bits: &[u8], data: &[u8]) -> Result<IntervalSet, Unknown> {
    let bits = number(row, bits)?;
    let length = (0..=row.bits).find(|length| mask(*length, row.bits) == bits);
    let length = length.ok_or(Unknown::Shape("a mask that is no prefix"))?;
    let value = number(row, data)?;
    if value & !bits != 0 {
        return Err(Unknown::Shape("a value outside of its mask"));
    }
    Ok(IntervalSet::prefix(value, length, row.bits))
}

fn number(row: &FieldRow, bytes: &[u8]) -> Result<u128, Unknown> {
    match from_bytes(bytes, row.order) {
        Some(number) if bytes.len() == usize::from(row.bits / 8) => Ok(number),
        _ => Err(SHORT),
    }
}

fn is_negated(operator: Operator) -> Result<bool, Unknown> {
    match operator {
        Operator::Equal => Ok(false),
        Operator::NotEqual => Ok(true),
        Operator::GreaterOrEqual | Operator::LessOrEqual => Err(Unknown::Shape("half a range")),
    }
}

fn found<'a>(lookup: &Lookup, set: &dyn Fn(&SetName) -> Option<&'a Set>) -> Result<&'a Set, Unknown> {
    set(&lookup.set).ok_or_else(|| Unknown::value("set", lookup.set.text()))
}
