// SPDX-License-Identifier: GPL-3.0-or-later
//! `numgen`: a number that counts up or is drawn (`net/netfilter/nft_numgen.c`).

use ringwall_ir::fields::Numgen as Numbers;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A number generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numgen {
    /// Which numbers.
    pub numbers: Numbers,
    /// Where they go.
    pub to: Register,
}

/// The kernel's number of how numbers are chosen (`enum nft_ng_types`).
pub(in crate::nft) const fn kind_number(numbers: Numbers) -> u32 {
    if numbers.random { sys::NFT_NG_RANDOM } else { sys::NFT_NG_INCREMENTAL }
}

impl Numgen {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer
            .be32(sys::NFTA_NG_DREG, self.to.number())
            .be32(sys::NFTA_NG_MODULUS, self.numbers.modulus)
            .be32(sys::NFTA_NG_TYPE, kind_number(self.numbers))
            .be32(sys::NFTA_NG_OFFSET, self.numbers.offset)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_NG_DREG, sys::NFTA_NG_MODULUS, sys::NFTA_NG_TYPE, sys::NFTA_NG_OFFSET];
        only("numgen", attributes, &known)?;
        let random = match attributes.need(sys::NFTA_NG_TYPE)?.be32()? {
            sys::NFT_NG_INCREMENTAL => false,
            sys::NFT_NG_RANDOM => true,
            other => return Err(Unknown::value("type of `numgen`", other)),
        };
        Ok(Self {
            numbers: Numbers {
                random,
                modulus: attributes.need(sys::NFTA_NG_MODULUS)?.be32()?,
                offset: attributes.get(sys::NFTA_NG_OFFSET).map_or(Ok(0), Value::be32)?,
            },
            to: Register::read(attributes, sys::NFTA_NG_DREG)?,
        })
    }
}
