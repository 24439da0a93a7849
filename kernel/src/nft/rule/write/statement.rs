// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule does on the way.

use std::borrow::Cow;

use ringwall_ir::fields::{ByteOrder, Load};
use ringwall_ir::{
    Assignment, Data, DataType, Element, Field, KeyType, Meter, Mss, ObjectKind, ObjectRef, Selector, SetUpdate,
    Source, Statement, Target,
};
use rustables::sys;

use super::key::{Form, Where};
use super::{RuleWriter, Unsayable};
use crate::nft::bytes::Bytes;
use crate::nft::expression::{
    Access, BitOperation, Bitwise, Byteorder, Ct, Dynset, Expression, Exthdr, Immediate, Lookup, Meta, Objref, Rt,
    Wanted,
};
use crate::nft::field::{self, Layout};
use crate::nft::register::Register;
use crate::nft::rule::looked_at::by_source;
use crate::nft::set::{DataShape, SetName, layout};

const REGISTER: Register = Register::FIRST;

impl<'a> RuleWriter<'a> {
    /// Writes a statement.
    pub(super) fn statement(&mut self, statement: &'a Statement) -> Result<(), Unsayable> {
        match statement {
            Statement::Assign(assignment) => return self.assign(assignment),
            Statement::Counter(counts) => {
                let counts = self.counted.pop().unwrap_or(*counts);
                self.out.push(Expression::Meter(Meter::Counter(counts)));
            }
            Statement::CtHelper(name) => self.named_object(ObjectKind::CtHelper, name),
            Statement::CtTimeout(name) => self.named_object(ObjectKind::CtTimeout, name),
            Statement::Log(log) => self.out.push(Expression::Log(Cow::Borrowed(log))),
            Statement::Mss(mss) => self.maximum_segment(*mss),
            Statement::Notrack => self.out.push(Expression::Notrack),
            Statement::Object(object) => return self.object(ObjectKind::Counter, object),
            Statement::SetUpdate(update) => return self.set_update(update),
        }
        Ok(())
    }

    fn named_object(&mut self, kind: ObjectKind, name: &'a str) {
        self.out.push(Expression::Objref(Objref::Named { kind: kind.number(), name }));
    }

    /// Writes what names an object, or the map that gives it.
    pub(super) fn object(&mut self, kind: ObjectKind, object: &'a ObjectRef) -> Result<(), Unsayable> {
        match object {
            ObjectRef::Named(name) => self.named_object(kind, name),
            ObjectRef::Map { key, map } => {
                self.key(key, &Where::Named(map), REGISTER)?;
                self.out.push(Expression::Objref(Objref::Map { from: REGISTER, map: SetName::Named(map) }));
            }
        }
        Ok(())
    }

    fn maximum_segment(&mut self, mss: Mss) {
        /// `NFT_RT_TCPMSS`
        const PATH: u32 = sys::NFT_RT_TCPMSS;
        /// The bytes of the option's value.
        const LEN: u8 = 2;
        match mss {
            Mss::Path => self.out.extend([
                Expression::Rt(Rt { key: PATH, to: REGISTER }),
                Expression::Byteorder(Byteorder::of(REGISTER, LEN, false)),
            ]),
            Mss::Value(bytes) => self.immediate(REGISTER, Bytes::of(bytes.into(), LEN, ByteOrder::Network)),
        }
        self.out.push(Expression::Exthdr(Exthdr::SetMaxseg { from: REGISTER }));
    }

    /// Appends what loads data.
    pub(super) fn immediate(&mut self, to: Register, data: Bytes) {
        self.out.push(Expression::Immediate(Immediate::Data { to, data }));
    }

    fn assign(&mut self, assignment: &'a Assignment) -> Result<(), Unsayable> {
        let Assignment { target, keep, source } = assignment;
        let layout = Layout::of(target.field());
        match source {
            Source::Value(value) if *keep == 0 => self.immediate(REGISTER, layout.bytes_of((*value).into())),
            Source::Value(value) => {
                field::load(target.field(), REGISTER, &mut self.out);
                let (mask, xor) = (layout.bytes_of((*keep).into()), layout.bytes_of((*value).into()));
                self.mask(REGISTER, mask, xor);
            }
            Source::Field { .. } | Source::Map { .. } if *keep != 0 => return Err(Unsayable::Joined),
            Source::Field { selector, xor } => {
                self.guard_all(std::slice::from_ref(selector));
                self.copy(*selector, *xor, layout, REGISTER);
            }
            Source::Map { key, map } => {
                let parts = [KeyType::of(target.field())];
                let set = self.map(key, map, |_| DataShape::values(&parts, false), REGISTER)?;
                self.out.push(Expression::Lookup(Lookup { from: REGISTER, set, wanted: Wanted::Data(REGISTER) }));
            }
        }
        self.out.push(store(*target));
        Ok(())
    }

    fn mask(&mut self, register: Register, mask: Bytes, xor: Bytes) {
        let operation = BitOperation::Mask { mask, xor };
        self.out.push(Expression::Bitwise(Bitwise { register, len: mask.len().into(), operation }));
    }

    /// Loads a field under its mask with some bits turned over, as a number that something of another layout takes.
    fn copy(&mut self, selector: Selector, xor: u32, wanted: Layout, to: Register) {
        let field = selector.field();
        let layout = Layout::of(field);
        let turned = layout.order != wanted.order && layout.bytes > 1 && !layout.is_partial();
        if turned || layout.is_partial() {
            let mut layout = self.load(selector, to, Form::Alone);
            if turned {
                self.out.push(Expression::Byteorder(Byteorder::of(to, layout.bytes, true)));
                layout = Layout { order: wanted.order, ..layout };
            }
            if xor != 0 {
                self.flip(to, layout, wanted, u128::MAX, xor);
            }
            return;
        }
        field::load(field, to, &mut self.out);
        match (selector.mask(), xor) {
            (None, 0) => {}
            (mask, xor) => self.flip(to, layout, wanted, mask.unwrap_or(u128::MAX), xor),
        }
    }

    /// Masks a number and turns bits of it over: within its own bytes, or within those of what takes it, where bits
    /// beyond its own are turned over. What lies behind it in the register is zero.
    fn flip(&mut self, to: Register, layout: Layout, wanted: Layout, mask: u128, xor: u32) {
        let own = if layout.bits >= 128 { u128::MAX } else { (1 << layout.bits) - 1 };
        let layout = if u128::from(xor) > own { wanted } else { layout };
        self.mask(to, layout.bytes_of(mask & own), layout.bytes_of(xor.into()));
    }

    fn set_update(&mut self, update: &'a SetUpdate) -> Result<(), Unsayable> {
        let SetUpdate { operation, set, key, data, timeout, meters } = update;
        self.guard_all(key);
        self.guard_all(data.as_ref().map_or(&[], by_source));
        let (_, behind) = self.key(key, &Where::Named(set), REGISTER)?;
        let data = match data {
            None => None,
            Some(source) => {
                let to = behind.ok_or(Unsayable::Registers)?;
                self.element_data(set, source, to)?;
                Some(to)
            }
        };
        // What every element of the set counts need not be said again, and the kernel does not tell it again.
        let counted = self.spec(set).is_some_and(|spec| !spec.meters.is_empty());
        self.out.push(Expression::Dynset(Dynset {
            set: SetName::Named(set),
            operation: *operation,
            key: REGISTER,
            data,
            timeout: *timeout,
            meters: if counted { Cow::Borrowed(&[]) } else { Cow::Borrowed(meters.as_slice()) },
        }));
        Ok(())
    }

    /// Loads what an element of a map is to give.
    fn element_data(&mut self, set: &str, source: &'a Source, to: Register) -> Result<(), Unsayable> {
        let parts = match self.spec(set).and_then(|spec| spec.data.as_ref()) {
            Some(DataType::Values(parts)) => parts.as_slice(),
            _ => &[],
        };
        let wanted = layout(parts.first().copied().unwrap_or(KeyType::of(Field::MetaMark)));
        match source {
            Source::Value(value) => self.immediate(to, wanted.bytes_of((*value).into())),
            Source::Field { selector, xor } => self.copy(*selector, *xor, wanted, to),
            Source::Map { key, map } => {
                let set = self.map(key, map, |_| DataShape::values(parts, false), to)?;
                self.out.push(Expression::Lookup(Lookup { from: to, set, wanted: Wanted::Data(to) }));
            }
        }
        Ok(())
    }
}

/// What a source looks at.
/// Appends what writes a register to its target.
fn store(target: Target) -> Expression<'static> {
    let direction = match target {
        Target::CtZone(direction) => direction,
        Target::CtMark | Target::Mark | Target::Priority => None,
    };
    match target.field().row().load {
        Load::Ct(key) => Expression::Ct(Ct { key, direction, access: Access::Store(REGISTER) }),
        Load::Meta(key) => Expression::Meta(Meta::Store { key, from: REGISTER }),
        // No other field can be written.
        _ => Expression::Notrack,
    }
}

/// Whether the data of some element are a first and a last value.
pub(super) fn has_ranges(elements: &[Element]) -> bool {
    elements.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()))
}
