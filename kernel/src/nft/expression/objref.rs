// SPDX-License-Identifier: GPL-3.0-or-later
//! `objref`: a named object, or the object that a map gives (`net/netfilter/nft_objref.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;
use crate::nft::set::SetName;

/// An object to be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objref<'a> {
    /// What a map gives.
    Map {
        /// Where what is looked up starts.
        from: Register,
        /// The map.
        map: SetName<'a>,
    },
    /// A named one.
    Named {
        /// `NFT_OBJECT_*`
        kind: u32,
        /// Its name.
        name: &'a str,
    },
}

impl<'a> Objref<'a> {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        match self {
            Self::Named { kind, name } => {
                writer.be32(sys::NFTA_OBJREF_IMM_TYPE, *kind).text(sys::NFTA_OBJREF_IMM_NAME, name)
            }
            Self::Map { from, map } => {
                let writer =
                    writer.be32(sys::NFTA_OBJREF_SET_SREG, from.number()).text(sys::NFTA_OBJREF_SET_NAME, map.text());
                match map.id() {
                    Some(id) => writer.be32(sys::NFTA_OBJREF_SET_ID, id),
                    None => writer,
                }
            }
        }
    }

    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_OBJREF_IMM_TYPE,
            sys::NFTA_OBJREF_IMM_NAME,
            sys::NFTA_OBJREF_SET_SREG,
            sys::NFTA_OBJREF_SET_NAME,
            sys::NFTA_OBJREF_SET_ID,
        ];
        only("objref", attributes, &known)?;
        Ok(match Register::read_optional(attributes, sys::NFTA_OBJREF_SET_SREG)? {
            Some(from) => {
                Self::Map { from, map: SetName::read(attributes, sys::NFTA_OBJREF_SET_NAME, sys::NFTA_OBJREF_SET_ID)? }
            }
            None => Self::Named {
                kind: attributes.need(sys::NFTA_OBJREF_IMM_TYPE)?.be32()?,
                name: attributes.need(sys::NFTA_OBJREF_IMM_NAME)?.text()?,
            },
        })
    }
}
