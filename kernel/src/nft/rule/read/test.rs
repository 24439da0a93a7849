// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of fields, read.

use ringwall_ir::fields::{Base, ByteOrder, FIELDS, FieldRow, Load, Needs};
use ringwall_ir::{IntervalSet, MapRef, Match, Selector, Tuples, Values};

use super::registers::{Asked, Done, Held, NOTHING, Value};
use super::{Reading, Strange};
use crate::nft::bytes::Bytes;
use crate::nft::expression::{Cmp, Operator, Payload};
use crate::nft::field::Layout;
use crate::nft::register::{Register, padded};
use crate::nft::set::{FoundSet, GivenData, SetName};

fn strange(name: &str) -> Strange {
    (name.to_owned(), String::new())
}

fn other_bytes() -> Strange {
    strange("load of other bytes than are compared")
}

impl<'s, 'a> Reading<'s, 'a> {
    /// A comparison with one value.
    pub(super) fn comparison(&self, cmp: &Cmp) -> Result<Match, Strange> {
        let value = self.value(cmp.from)?;
        // Neighbours that are compared at once are several tests, read by their caller.
        let (row, done, loaded) = self.field_of(value, cmp.data.len())?;
        let mut held = Held::new(row.field, done).ok_or_else(|| strange("field changed otherwise than masked"))?;
        if done.is_empty() {
            held.layout = Layout::compared(row.field);
        }
        if held.xor != 0 {
            return Err(strange("test of bits that are turned over"));
        }
        let negated = match cmp.operator {
            Operator::Equal => false,
            Operator::NotEqual => true,
            _ => return self.half_range(held, cmp),
        };
        let datatype = row.datatype;
        if cmp.data.len() < held.layout.bytes {
            // A stem of a text, or a prefix that was loaded alone.
            let alone = loaded == Some(cmp.data.len()) && datatype.has_prefixes();
            if !(alone || datatype.is_text()) || held.selector.mask().is_some() {
                return Err(other_bytes());
            }
            let length = 8 * cmp.data.len();
            let value = cmp.data.number(ByteOrder::Network) << (row.bits - length);
            return Ok(inline(held.selector, IntervalSet::prefix(value, length, row.bits), negated));
        }
        if cmp.data.len() != held.layout.bytes || loaded.is_some_and(|len| len != cmp.data.len()) {
            return Err(other_bytes());
        }
        let value = held.layout.value_of(&cmp.data);
        if held.layout.bytes_of(value) != cmp.data || value & !held.selector.bits() != 0 {
            return Err(strange("value outside of its mask"));
        }
        match held.selector.mask().and_then(|mask| prefix_length(mask, row.bits)) {
            Some(length) if datatype.has_prefixes() => {
                Ok(inline(Selector::of(row.field), IntervalSet::prefix(value, length, row.bits), negated))
            }
            _ => Ok(inline(held.selector, IntervalSet::one(value), negated)),
        }
    }

    /// Whether every packet passes: an address is compared with the prefix of no length.
    pub(super) fn passes_all(&self, cmp: &Cmp) -> bool {
        let Some(Value::Payload(payload, done)) = self.registers.get(cmp.from) else { return false };
        let nothing = |done: &Done| matches!(done, Done::Masked { mask, xor } if mask.is_zero() && xor.is_zero());
        let [done] = done.as_slice() else { return false };
        // The header is whole in every packet that comes so far.
        let there = payload.base == Base::Network
            && self.row_at(payload, value_len(&Value::payload(*payload))).is_ok_and(|row| row.datatype.has_prefixes());
        there && nothing(done) && cmp.operator == Operator::Equal && cmp.data.is_zero()
    }

    /// Everything below or above a value.
    fn half_range(&self, held: Held, cmp: &Cmp) -> Result<Match, Strange> {
        let layout = ordered(held)?;
        if cmp.data.len() != layout.bytes {
            return Err(other_bytes());
        }
        if held.selector.mask().is_some() {
            // nft asks so whether none of several bits is set.
            let below_one = (cmp.operator, layout.value_of(&cmp.data)) == (Operator::Less, 1);
            return if below_one { Ok(inline(held.selector, IntervalSet::one(0), false)) } else { Err(other_bytes()) };
        }
        let (value, max) = (layout.value_of(&cmp.data), held.selector.field().max());
        let nothing = || strange("comparison that nothing passes");
        let set = match cmp.operator {
            Operator::Less => IntervalSet::range(0, value.checked_sub(1).ok_or_else(nothing)?),
            Operator::LessOrEqual => IntervalSet::range(0, value),
            Operator::Greater => IntervalSet::range(value.checked_add(1).ok_or_else(nothing)?, max),
            _ => IntervalSet::range(value, max),
        };
        if set.is_empty() { Err(nothing()) } else { Ok(inline(held.selector, set, false)) }
    }

    /// Both ends of a range, each compared by itself.
    pub(super) fn between(&self, from: Register, first: &Bytes, last: &Bytes) -> Result<Match, Strange> {
        self.range(from, first, last, false)
    }

    /// A range.
    pub(super) fn range(&self, from: Register, first: &Bytes, last: &Bytes, outside: bool) -> Result<Match, Strange> {
        let value = self.value(from)?;
        let (row, done, loaded) = self.field_of(value, first.len())?;
        let held = Held::new(row.field, done).ok_or_else(|| strange("field changed otherwise than masked"))?;
        let layout = ordered(held)?;
        let whole = first.len() == layout.bytes && last.len() == layout.bytes;
        if !whole || loaded.is_some_and(|len| len != first.len()) || held.selector.mask().is_some() || held.xor != 0 {
            return Err(other_bytes());
        }
        let set = IntervalSet::range(layout.value_of(first), layout.value_of(last));
        if set.is_empty() { Err(strange("empty range")) } else { Ok(inline(held.selector, set, outside)) }
    }

    /// A search in a set.
    pub(super) fn membership(&self, from: Register, set: SetName<'a>, negated: bool) -> Result<Vec<Match>, Strange> {
        let Asked { key, layouts, map } = self.asked(from, set)?;
        if let SetName::Named(name) = map
            && self.source.anonymous(map).is_none()
        {
            let name = name.to_owned();
            return Ok(vec![match key.as_slice() {
                [selector] => Match::In { selector: *selector, values: Values::Set(name), negated },
                _ => Match::Concat { key, values: Tuples::Set(name), negated },
            }]);
        }
        let found = self.anonymous(map)?;
        Ok(vec![match (key.as_slice(), layouts.as_slice()) {
            ([selector], [layout]) => inline(*selector, found.read_values(*layout).map_err(unreadable)?, negated),
            _ => {
                let values = Tuples::Inline(found.read_tuples(&layouts).map_err(unreadable)?);
                Match::Concat { key, values, negated }
            }
        }])
    }

    fn anonymous(&self, name: SetName<'a>) -> Result<&'s FoundSet<'a>, Strange> {
        self.source.anonymous(name).ok_or_else(|| (SET.to_owned(), format!("`{}`", name.text())))
    }

    /// What is looked up in a set or map, ready to be compared with its keys.
    pub(super) fn asked(&self, from: Register, name: SetName<'a>) -> Result<Asked<'a>, Strange> {
        let unfit = || strange("key that is not that of its set");
        let (interval, held) = match (self.source.anonymous(name), name) {
            (Some(found), _) => {
                let held = self.held_in(from, found.key_len())?;
                (found.is_interval(), held)
            }
            (None, SetName::Named(text)) => {
                let spec = self.source.named(text).ok_or_else(|| (SET.to_owned(), format!("`{text}`")))?;
                let parts: Vec<_> = spec.key.iter().map(|part| crate::nft::set::layout(*part)).collect();
                let held = self.held_in(from, len_of(&parts))?;
                let fit = held.len() == spec.key.len()
                    && held
                        .iter()
                        .zip(&spec.key)
                        .all(|(held, part)| part.fits(held.selector.field()) && held.layout.shift == 0);
                if !fit {
                    return Err(unfit());
                }
                (spec.flags.interval, held)
            }
            (None, _) => return Err((SET.to_owned(), format!("`{}`", name.text()))),
        };
        // Intervals are compared in the network's order, single values as they come.
        let comparable = |held: &Held| {
            let layout = Layout::of(held.selector.field());
            let order = if interval { ByteOrder::Network } else { layout.order };
            held.xor == 0 && (held.layout.bytes == 1 || held.layout.order == order)
        };
        if !held.iter().all(comparable) {
            return Err(unfit());
        }
        let layouts = held.iter().map(|held| if interval { held.layout.ordered() } else { held.layout }).collect();
        Ok(Asked { key: held.iter().map(|held| held.selector).collect(), layouts, map: name })
    }

    /// The map that something was looked up in.
    pub(super) fn map_of(&self, asked: &Asked<'a>, given: GivenData<'_>) -> Result<MapRef, Strange> {
        if let SetName::Named(name) = asked.map
            && self.source.anonymous(asked.map).is_none()
        {
            return Ok(MapRef::Named(name.to_owned()));
        }
        let elements = self.anonymous(asked.map)?.read_list(&asked.layouts, given).map_err(unreadable)?;
        let key: Vec<_> = asked.key.iter().map(|selector| selector.field().datatype()).collect();
        if self.source.devices().are_in(&key, &[], &elements) {
            return Err(strange("interface by name in a map"));
        }
        Ok(MapRef::Inline(elements))
    }

    /// The fields that fill so many bytes from a register on.
    fn held_in(&self, from: Register, len: u32) -> Result<Vec<Held>, Strange> {
        let mut all = Vec::new();
        let (mut next, mut filled) = (Some(from), 0);
        while filled < len {
            let register = next.ok_or_else(other_bytes)?;
            let value = self.value(register)?;
            let (row, done, loaded) = self.field_of(value, value_len(value))?;
            let held = Held::new(row.field, done).ok_or_else(|| strange("field changed otherwise than masked"))?;
            // More bytes of a header than the field has are those of its neighbours.
            if loaded.is_some_and(|len| len != Layout::of(row.field).bytes) {
                return Err(other_bytes());
            }
            all.push(held);
            if all.len() == 1 && u32::from(held.layout.bytes) == len {
                return Ok(all);
            }
            filled += u32::from(padded(held.layout.bytes));
            next = register.behind(held.layout.bytes);
        }
        if filled == len { Ok(all) } else { Err(other_bytes()) }
    }

    pub(super) fn value(&self, from: Register) -> Result<&Value<'a>, Strange> {
        self.registers.get(from).ok_or_else(|| strange(NOTHING))
    }

    /// The field that a value is, what was done to it, and how many bytes of a header were loaded. `len` is how many
    /// bytes are compared.
    pub(super) fn field_of<'v>(
        &self,
        value: &'v Value<'a>,
        len: u8,
    ) -> Result<(FieldRow, &'v [Done], Option<u8>), Strange> {
        match value {
            Value::Field(field, done) => Ok((field.row(), done, None)),
            Value::Payload(payload, done) => {
                let row = self.row_at(payload, len)?;
                Ok((row, done, Some(u8::try_from(payload.len).unwrap_or(u8::MAX))))
            }
            Value::Strange(name) => Err((name.clone(), String::new())),
            Value::Asked(_) => Err(strange("test of what a map says")),
            Value::Data(_) => Err(strange("test of what is written in the rule")),
            Value::PathMss { .. } => Err(strange("test of the path's maximum segment size")),
        }
    }

    /// The field at the place of a header, in packets that are known to have it.
    pub(super) fn row_at(&self, payload: &Payload, len: u8) -> Result<FieldRow, Strange> {
        let fits = |row: &&FieldRow| {
            let Load::Payload(base, offset) = row.load else { return false };
            let layout = Layout::of(row.field);
            let enough = layout.bytes <= len || row.datatype.has_prefixes();
            base == payload.base && u32::from(offset) / 8 == payload.offset && enough && self.known.has(row.field)
        };
        // Ports of a protocol that is known are those of that protocol.
        let special = FIELDS.iter().find(|row| fits(row) && row.needs != Needs::Transport);
        let row = special.or_else(|| FIELDS.iter().find(fits));
        row.copied().ok_or_else(|| {
            let base = match payload.base {
                Base::Link => "ll",
                Base::Network => "nh",
                Base::Transport => "th",
            };
            let bits = |bytes: u32| 8 * u64::from(bytes);
            (format!("field @{base},{},{}", bits(payload.offset), bits(payload.len)), String::new())
        })
    }
}

/// The name of a set that is not there or cannot be read.
const SET: &str = "set that cannot be read";

pub(super) fn unreadable(unknown: crate::nft::Unknown) -> Strange {
    (SET.to_owned(), unknown.to_string())
}

fn inline(selector: Selector, set: IntervalSet, negated: bool) -> Match {
    Match::In { selector, values: Values::Inline(set), negated }
}

/// How a value lies there that larger and smaller ones can be compared with.
fn ordered(held: Held) -> Result<Layout, Strange> {
    let is_ordered = held.layout.bytes == 1 || held.layout.order == ByteOrder::Network;
    if is_ordered { Ok(held.layout.ordered()) } else { Err(strange("range of bytes in the host's order")) }
}

/// The length of a mask that is a prefix.
fn prefix_length(mask: u128, bits: u8) -> Option<u8> {
    let host = !mask & (u128::MAX >> (128 - bits));
    let is_prefix = host & host.wrapping_add(1) == 0;
    is_prefix.then(|| u8::try_from(mask.count_ones()).ok()).flatten()
}

fn len_of(parts: &[Layout]) -> u32 {
    match parts {
        [only] => only.bytes.into(),
        parts => parts.iter().map(|part| u32::from(padded(part.bytes))).sum(),
    }
}

/// How many bytes of a header were loaded.
fn value_len(value: &Value<'_>) -> u8 {
    match value {
        Value::Payload(payload, _) => u8::try_from(payload.len).unwrap_or(u8::MAX),
        _ => u8::MAX,
    }
}

/// Whole neighbouring fields of the packet that are compared at once, as tests of each.
impl<'s, 'a> Reading<'s, 'a> {
    pub(super) fn neighbours(&mut self, cmp: &Cmp) -> Option<Result<Vec<Match>, Strange>> {
        let Some(Value::Payload(payload, done)) = self.registers.get(cmp.from) else { return None };
        if cmp.operator != Operator::Equal || !done.is_empty() || u32::from(cmp.data.len()) != payload.len {
            return None;
        }
        let mut rest = (*payload, cmp.data);
        let mut tests = Vec::new();
        loop {
            let (payload, data) = rest;
            let row = match self.row_at(&payload, data.len()) {
                Ok(row) => row,
                Err(strange) => return Some(Err(strange)),
            };
            let layout = Layout::of(row.field);
            if layout.bytes >= data.len() {
                if tests.is_empty() {
                    return None;
                }
                tests.push((row, data));
                break;
            }
            let (own, behind) = data.split(layout.bytes)?;
            tests.push((row, own));
            let len = u32::from(layout.bytes);
            rest = (Payload { offset: payload.offset + len, len: payload.len - len, ..payload }, behind);
        }
        Some(
            tests
                .into_iter()
                .map(|(row, data)| {
                    let layout = Layout::of(row.field);
                    if layout.is_partial() || layout.bytes != data.len() {
                        return Err(other_bytes());
                    }
                    Ok(inline(Selector::of(row.field), IntervalSet::one(layout.value_of(&data)), false))
                })
                .collect(),
        )
    }
}
