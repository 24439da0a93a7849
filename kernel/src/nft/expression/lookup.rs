// SPDX-License-Identifier: GPL-3.0-or-later
//! `lookup`: a register in a set, or what a map says for it (`net/netfilter/nft_lookup.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;
use crate::nft::set::SetName;

/// A search in a set or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// Where what is looked up starts.
    pub from: Register,
    /// The set.
    pub set: SetName<'a>,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What a search is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Matches what is in the set.
    In,
    /// Matches what is not in it.
    Outside,
    /// Loads what the map gives.
    Data(Register),
    /// Takes the verdict that the map gives.
    Verdict,
}

impl<'a> Lookup<'a> {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let mut writer =
            writer.text(sys::NFTA_LOOKUP_SET, self.set.text()).be32(sys::NFTA_LOOKUP_SREG, self.from.number());
        if let Some(id) = self.set.id() {
            writer = writer.be32(sys::NFTA_LOOKUP_SET_ID, id);
        }
        match self.wanted {
            Wanted::In => writer,
            Wanted::Outside => writer.be32(sys::NFTA_LOOKUP_FLAGS, sys::NFT_LOOKUP_F_INV),
            Wanted::Data(to) => writer.be32(sys::NFTA_LOOKUP_DREG, to.number()),
            Wanted::Verdict => writer.be32(sys::NFTA_LOOKUP_DREG, sys::NFT_REG_VERDICT),
        }
    }

    /// The kernel gives the name alone, of anonymous sets too.
    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_LOOKUP_SET,
            sys::NFTA_LOOKUP_SREG,
            sys::NFTA_LOOKUP_DREG,
            sys::NFTA_LOOKUP_FLAGS,
            sys::NFTA_LOOKUP_SET_ID,
        ];
        only("lookup", attributes, &known)?;
        let flags = attributes.get(sys::NFTA_LOOKUP_FLAGS).map_or(Ok(0), Value::be32)?;
        let to = attributes.get(sys::NFTA_LOOKUP_DREG).map(Register::read_any).transpose()?;
        let wanted = match (flags, to) {
            (0, None) => Wanted::In,
            (sys::NFT_LOOKUP_F_INV, None) => Wanted::Outside,
            (0, Some(None)) => Wanted::Verdict,
            (0, Some(Some(to))) => Wanted::Data(to),
            (other, _) => return Err(Unknown::value("flags of `lookup`", other)),
        };
        let set = SetName::read(attributes, sys::NFTA_LOOKUP_SET, sys::NFTA_LOOKUP_SET_ID)?;
        Ok(Self { from: Register::read(attributes, sys::NFTA_LOOKUP_SREG)?, set, wanted })
    }
}
