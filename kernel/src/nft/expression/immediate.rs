// SPDX-License-Identifier: GPL-3.0-or-later
//! `immediate`: a verdict, or data for a register (`net/netfilter/nft_immediate.c`).

use rustables::sys;

use super::{data, only};
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::bytes::Bytes;
use crate::nft::register::Register;
use crate::nft::verdict::Code;

/// Something that is written in the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate<'a> {
    /// Loads data.
    Data {
        /// Where it goes.
        to: Register,
        /// The data.
        data: Bytes,
    },
    /// Takes a verdict.
    Verdict(Code<'a>),
}

impl<'a> Immediate<'a> {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        match self {
            Self::Data { to, data } => writer
                .be32(sys::NFTA_IMMEDIATE_DREG, to.number())
                .nest(sys::NFTA_IMMEDIATE_DATA, |writer| writer.bytes(sys::NFTA_DATA_VALUE, data.as_slice())),
            Self::Verdict(code) => writer
                .be32(sys::NFTA_IMMEDIATE_DREG, sys::NFT_REG_VERDICT)
                .nest(sys::NFTA_IMMEDIATE_DATA, |writer| code.write(writer)),
        }
    }

    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Unknown> {
        only("immediate", attributes, &[sys::NFTA_IMMEDIATE_DREG, sys::NFTA_IMMEDIATE_DATA])?;
        match Register::read_any(attributes.need(sys::NFTA_IMMEDIATE_DREG)?)? {
            Some(to) => Ok(Self::Data { to, data: data(attributes, sys::NFTA_IMMEDIATE_DATA)? }),
            None => Ok(Self::Verdict(Code::read(attributes.need(sys::NFTA_IMMEDIATE_DATA)?.nested()?)?)),
        }
    }
}
