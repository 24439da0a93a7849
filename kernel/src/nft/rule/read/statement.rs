// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule does on the way, read.

use ringwall_ir::fields::{Field, Load};
use ringwall_ir::{
    Assignment, DataType, KeyType, Match, Mss, ObjectKind, ObjectRef, SetUpdate, Source, Statement, Step, Target,
};

use super::registers::{Done, Held, Value};
use super::{Reading, Strange};
use crate::nft::expression::{Access, Ct, Dynset, Expression, Exthdr, Meta, Objref};
use crate::nft::field::{self, Layout};
use crate::nft::register::Register;
use crate::nft::set::{GivenData, SetName, layout};

impl<'a> Reading<'_, 'a> {
    /// A statement, or a test of a named object.
    pub(super) fn statement(&self, expression: &Expression<'a>) -> Result<Step, Strange> {
        Ok(match expression {
            Expression::Ct(Ct { key, direction, access: Access::Store(from) }) => {
                let target = match field::ct_field(*key, *direction) {
                    Some(Field::CtMark) => Target::CtMark,
                    Some(Field::CtZone(direction)) => Target::CtZone(direction),
                    _ => return Err((format!("ct {key} set"), String::new())),
                };
                self.assignment(target, *from)?.into()
            }
            Expression::Meta(Meta::Store { key, from }) => {
                let target = match field::field_of(Load::Meta(*key)) {
                    Some(Field::MetaMark) => Target::Mark,
                    Some(Field::MetaPriority) => Target::Priority,
                    _ => return Err((format!("meta {key} set"), String::new())),
                };
                self.assignment(target, *from)?.into()
            }
            Expression::Dynset(dynset) => Statement::SetUpdate(Box::new(self.set_update(dynset)?)).into(),
            Expression::Exthdr(Exthdr::SetMaxseg { from }) => Statement::Mss(self.maximum_segment(*from)?).into(),
            Expression::Log(log) => Statement::Log(log.clone().into_owned()).into(),
            Expression::Notrack => Statement::Notrack.into(),
            Expression::Objref(objref) => self.object(objref)?,
            _ => return Err(("expression in a strange place".to_owned(), format!("{expression:?}"))),
        })
    }

    fn assignment(&self, target: Target, from: Register) -> Result<Statement, Strange> {
        let wanted = Layout::of(target.field());
        let value = self.value(from)?;
        // The target's own value, changed in some bits.
        if let Value::Field(field, done) = value
            && *field == target.field()
            && let [Done::Masked { mask, xor }] = done.as_slice()
            && let (Ok(keep), Ok(bits)) = (u32::try_from(wanted.value_of(mask)), u32::try_from(wanted.value_of(xor)))
            && !matches!(target, Target::CtZone(_))
        {
            return Ok(Statement::Assign(Assignment { target, keep, source: Source::Value(bits) }));
        }
        let source = self.source_of(value, &[KeyType::of(target.field())])?;
        Ok(Statement::Assign(Assignment { target, keep: 0, source }))
    }

    /// Where a value comes from that something takes which is of these parts.
    fn source_of(&self, value: &Value<'a>, parts: &[KeyType]) -> Result<Source, Strange> {
        let strange = |name: &str| (name.to_owned(), String::new());
        let [part] = parts else { return Err(strange("value of several parts")) };
        let wanted = layout(*part);
        match value {
            Value::Data(bytes) => {
                let number = u32::try_from(wanted.value_of(bytes)).ok().filter(|_| bytes.len() == wanted.bytes);
                number.map(Source::Value).ok_or_else(|| strange("value that is too wide"))
            }
            Value::Asked(asked) => {
                Ok(Source::Map { key: asked.key.clone(), map: self.map_of(asked, GivenData::Values(parts))? })
            }
            _ => {
                let (row, done, loaded) = self.field_of(value, u8::MAX)?;
                let held = Held::new(row.field, done).ok_or_else(|| strange("field changed otherwise than masked"))?;
                let whole = loaded.is_none_or(|len| len == Layout::of(row.field).bytes);
                let same_order = held.layout.bytes == 1 || held.layout.order == wanted.order;
                let xor = u32::try_from(held.xor).ok();
                match xor.filter(|_| whole && same_order && held.layout.bytes <= wanted.bytes) {
                    Some(xor) => Ok(Source::Field { selector: held.selector, xor }),
                    None => Err(strange("value in another order of bytes")),
                }
            }
        }
    }

    fn set_update(&self, dynset: &Dynset<'a>) -> Result<SetUpdate, Strange> {
        let asked = self.asked(dynset.key, dynset.set)?;
        let SetName::Named(name) = dynset.set else {
            return Err(("update of an anonymous set".to_owned(), String::new()));
        };
        let spec = self.source.named(name);
        let data = match (dynset.data, spec.and_then(|spec| spec.data.as_ref())) {
            (None, _) => None,
            (Some(from), Some(DataType::Values(parts))) => Some(self.source_of(self.value(from)?, parts)?),
            (Some(_), _) => return Err(("update of a map of something else than values".to_owned(), String::new())),
        };
        // What every element of the set counts is not said again.
        let counted = spec.is_some_and(|spec| !spec.meters.is_empty());
        Ok(SetUpdate {
            operation: dynset.operation,
            set: name.to_owned(),
            key: asked.key,
            data,
            timeout: dynset.timeout,
            meters: if counted { Vec::new() } else { dynset.meters.to_vec() },
        })
    }

    fn maximum_segment(&self, from: Register) -> Result<Mss, Strange> {
        match self.value(from)? {
            Value::PathMss { turned: true } => Ok(Mss::Path),
            Value::Data(bytes) if bytes.len() == 2 => {
                let number = bytes.number(ringwall_ir::fields::ByteOrder::Network);
                u16::try_from(number).map(Mss::Value).map_err(|_| ("value that is too wide".to_owned(), String::new()))
            }
            other => Err(("maximum segment size from elsewhere".to_owned(), format!("{other:?}"))),
        }
    }

    fn object(&self, objref: &Objref<'a>) -> Result<Step, Strange> {
        let (kind, object) = match *objref {
            Objref::Named { kind, name } => {
                let kind = ObjectKind::numbered(kind).filter(|kind| self.source.has_object(*kind, name));
                let kind = kind.ok_or_else(|| ("object that cannot be read".to_owned(), format!("`{name}`")))?;
                (kind, ObjectRef::Named(name.to_owned()))
            }
            Objref::Map { from, map } => {
                let asked = self.asked(from, map)?;
                let SetName::Named(name) = map else {
                    return Err(("anonymous map of objects".to_owned(), String::new()));
                };
                match self.source.named(name).and_then(|spec| spec.data.as_ref()) {
                    Some(DataType::Object(kind)) => (*kind, ObjectRef::Map { key: asked.key, map: name.to_owned() }),
                    // An anonymous map has a name in a dump too.
                    _ => return Err(("anonymous map of objects".to_owned(), format!("`{name}`"))),
                }
            }
        };
        match (kind, object) {
            (ObjectKind::Counter, object) => Ok(Statement::Object(object).into()),
            (ObjectKind::Limit | ObjectKind::Quota, object) => Ok(Match::Object { kind, object }.into()),
            (ObjectKind::CtHelper, ObjectRef::Named(name)) => Ok(Statement::CtHelper(name).into()),
            (ObjectKind::CtTimeout, ObjectRef::Named(name)) => Ok(Statement::CtTimeout(name).into()),
            (kind, ObjectRef::Map { map, .. }) => Err((format!("map of {}", kind.name()), format!("`{map}`"))),
        }
    }
}
