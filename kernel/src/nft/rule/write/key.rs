// SPDX-License-Identifier: GPL-3.0-or-later
//! What is looked up: fields in registers, one behind the other.

use ringwall_ir::{Element, Field, Key, MapRef, Selector};

use super::{RuleWriter, Unsayable};
use crate::nft::bytes::VALUE_LEN;
use crate::nft::expression::{BitOperation, Bitwise, Byteorder, Expression};
use crate::nft::field::{self, Layout};
use crate::nft::register::Register;
use crate::nft::set::{DataShape, SetName};

/// How a field that shares its bytes with others is brought into a register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As a number of its own.
    Alone,
    /// In its place, the bits around it being zero.
    InPlace,
}

/// Where something is looked up.
pub(super) enum Where<'a> {
    /// In a named set or map.
    Named(&'a str),
    /// In elements that are written in the rule.
    Written(&'a [Element]),
}

impl<'a> RuleWriter<'a> {
    /// Appends what loads a field under its mask. Tells how the value lies there.
    pub(super) fn load(&mut self, selector: Selector, to: Register, form: Form) -> Layout {
        load(&mut self.out, selector, to, form)
    }

    /// Appends guards and loads of a key, ready to be looked up from a register on. Tells how each part lies there, and
    /// the register behind the key.
    pub(super) fn key(&mut self, key: &[Selector], place: &Where<'a>, from: Register) -> Result<Loaded, Unsayable> {
        self.guard_all(key);
        let (interval, alone) = match place {
            Where::Named(name) => (self.spec(name).is_some_and(|spec| spec.flags.interval), true),
            // nft puts values in their place by going through elements, and does not beside one for all others.
            Where::Written(elements) => {
                (has_intervals(elements), elements.iter().any(|element| element.key == Key::Any))
            }
        };
        key_parts(&mut self.out, key, alone, interval, from)
    }

    /// Appends guards and loads of what a map is asked, and gives the map's name. `data` are those of a map that is
    /// written in the rule.
    pub(super) fn map(
        &mut self,
        key: &[Selector],
        map: &'a MapRef,
        data: impl FnOnce(&'a [Element]) -> DataShape,
        from: Register,
    ) -> Result<SetName<'a>, Unsayable> {
        match map {
            MapRef::Named(name) => {
                self.key(key, &Where::Named(name), from)?;
                Ok(SetName::Named(name))
            }
            MapRef::Inline(elements) => {
                let (parts, _) = self.key(key, &Where::Written(elements), from)?;
                Ok(self.anonymous_map(elements, &parts, data(elements)))
            }
        }
    }
}

/// How each part of a key lies there, and the register behind it.
type Loaded = (Vec<(Field, Layout)>, Option<Register>);

/// Appends loads of a key.
pub(super) fn key_parts(
    out: &mut Vec<Expression<'_>>,
    key: &[Selector],
    alone: bool,
    interval: bool,
    from: Register,
) -> Result<Loaded, Unsayable> {
    let joined = key.len() > 1;
    let form = if joined || alone { Form::Alone } else { Form::InPlace };
    let mut parts = Vec::with_capacity(key.len());
    let mut next = Some(from);
    for selector in key {
        let to = next.ok_or(Unsayable::Registers)?;
        let layout = load(out, *selector, to, form);
        // nft turns single bytes around too where several parts are joined.
        if interval && layout.needs_turning() && (joined || layout.bytes > 1) {
            out.push(Expression::Byteorder(Byteorder::of(to, layout.bytes, false)));
        }
        parts.push((selector.field(), layout));
        next = to.behind(if joined { layout.bytes } else { VALUE_LEN as u8 });
    }
    Ok((parts, next))
}

/// Appends what loads a field under its mask. Tells how the value lies there.
pub(super) fn load(out: &mut Vec<Expression<'_>>, selector: Selector, to: Register, form: Form) -> Layout {
    let layout = Layout::of(selector.field());
    field::load(selector.field(), to, out);
    let mask = |bytes| Expression::Bitwise(Bitwise::mask(to, bytes));
    if !layout.is_partial() {
        out.extend(selector.mask().map(|bits| mask(layout.bytes_of(bits))));
        return layout;
    }
    out.push(mask(layout.whole()));
    if form == Form::InPlace && selector.mask().is_none() {
        return layout;
    }
    if layout.bytes > 1 {
        // nft 1.0.6 leaves this out, and so shifts the wrong bits out where the first byte is the lowest.
        out.push(Expression::Byteorder(Byteorder::of(to, layout.bytes, true)));
    }
    let operation = BitOperation::ShiftRight(layout.shift.into());
    out.push(Expression::Bitwise(Bitwise { register: to, len: layout.bytes.into(), operation }));
    let alone = layout.alone();
    out.extend(selector.mask().map(|bits| mask(alone.bytes_of(bits))));
    alone
}

/// Whether a key of some element is more than one value.
pub(super) fn has_intervals(elements: &[Element]) -> bool {
    elements.iter().any(|element| matches!(&element.key, Key::Tuple(tuple) if !tuple.is_single()))
}
