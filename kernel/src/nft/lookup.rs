// SPDX-License-Identifier: GPL-3.0-or-later
//! `lookup`: the register in a set, or not in it (`net/netfilter/nft_lookup.c`).

use rustables::expr;
use rustables::expr::Register;
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only, register};
use super::set::SetName;
use crate::netlink::{AttributeWriter, Attributes, Value};

/// A search in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The set.
    pub set: SetName,
    /// Matches what is not in it.
    pub inverted: bool,
}

impl Lookup {
    pub(super) fn encode(&self) -> Encoded {
        if !self.inverted {
            let mut lookup = expr::Lookup::default().with_set(self.set.text()).with_sreg(Register::Reg1);
            if let Some(id) = self.set.id() {
                lookup.set_set_id(id);
            }
            return Encoded::typed(lookup);
        }
        let mut attributes = AttributeWriter::new()
            .text(sys::NFTA_LOOKUP_SET, self.set.text())
            .be32(sys::NFTA_LOOKUP_SREG, sys::NFT_REG_1)
            .be32(sys::NFTA_LOOKUP_FLAGS, sys::NFT_LOOKUP_F_INV);
        if let Some(id) = self.set.id() {
            attributes = attributes.be32(sys::NFTA_LOOKUP_SET_ID, id);
        }
        Encoded::spliced("lookup", attributes)
    }

    /// The kernel gives the name alone, of anonymous sets too.
    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_LOOKUP_SET, sys::NFTA_LOOKUP_SREG, sys::NFTA_LOOKUP_FLAGS, sys::NFTA_LOOKUP_SET_ID];
        only("lookup", attributes, &known)?;
        register(attributes, sys::NFTA_LOOKUP_SREG)?;
        let inverted = match attributes.get(sys::NFTA_LOOKUP_FLAGS).map_or(Ok(0), Value::be32)? {
            0 => false,
            sys::NFT_LOOKUP_F_INV => true,
            other => return Err(Unknown::value("flags of `lookup`", other)),
        };
        let name = attributes.need(sys::NFTA_LOOKUP_SET)?.text()?;
        Ok(Self { set: SetName::Named(name.to_owned()), inverted })
    }
}
