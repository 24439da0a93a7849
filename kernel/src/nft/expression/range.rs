// SPDX-License-Identifier: GPL-3.0-or-later
//! `range`: a register in or outside of a range (`net/netfilter/nft_range.c`). Inside of one, nft writes two `cmp`.

use rustables::sys;

use super::{data, only};
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::bytes::Bytes;
use crate::nft::register::Register;

/// A range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The register.
    pub from: Register,
    /// Matches what is outside of it.
    pub outside: bool,
    /// The smallest value in it.
    pub first: Bytes,
    /// The largest value in it.
    pub last: Bytes,
}

impl Range {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer
            .be32(sys::NFTA_RANGE_SREG, self.from.number())
            .be32(sys::NFTA_RANGE_OP, if self.outside { sys::NFT_RANGE_NEQ } else { sys::NFT_RANGE_EQ })
            .nest(sys::NFTA_RANGE_FROM_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, self.first.as_slice()))
            .nest(sys::NFTA_RANGE_TO_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, self.last.as_slice()))
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_RANGE_SREG, sys::NFTA_RANGE_OP, sys::NFTA_RANGE_FROM_DATA, sys::NFTA_RANGE_TO_DATA];
        only("range", attributes, &known)?;
        let outside = match attributes.need(sys::NFTA_RANGE_OP)?.be32()? {
            sys::NFT_RANGE_EQ => false,
            sys::NFT_RANGE_NEQ => true,
            other => return Err(Unknown::value("operator of `range`", other)),
        };
        Ok(Self {
            from: Register::read(attributes, sys::NFTA_RANGE_SREG)?,
            outside,
            first: data(attributes, sys::NFTA_RANGE_FROM_DATA)?,
            last: data(attributes, sys::NFTA_RANGE_TO_DATA)?,
        })
    }
}
