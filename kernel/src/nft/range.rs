// SPDX-License-Identifier: GPL-3.0-or-later
//! `range`: the register outside of a range (`net/netfilter/nft_range.c`). Inside of one, nft writes two `cmp`.

use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, data, only, register};
use crate::netlink::{AttributeWriter, Attributes};

/// Matches what is smaller than `first` or larger than `last`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInRange {
    /// The smallest value that does not match.
    pub first: Vec<u8>,
    /// The largest value that does not match.
    pub last: Vec<u8>,
}

impl NotInRange {
    pub(super) fn encode(&self) -> Encoded {
        let attributes = AttributeWriter::new()
            .be32(sys::NFTA_RANGE_SREG, sys::NFT_REG_1)
            .be32(sys::NFTA_RANGE_OP, sys::NFT_RANGE_NEQ)
            .nest(sys::NFTA_RANGE_FROM_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, &self.first))
            .nest(sys::NFTA_RANGE_TO_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, &self.last));
        Encoded::spliced("range", attributes)
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_RANGE_SREG, sys::NFTA_RANGE_OP, sys::NFTA_RANGE_FROM_DATA, sys::NFTA_RANGE_TO_DATA];
        only("range", attributes, &known)?;
        register(attributes, sys::NFTA_RANGE_SREG)?;
        let operator = attributes.need(sys::NFTA_RANGE_OP)?.be32()?;
        if operator != sys::NFT_RANGE_NEQ {
            return Err(Unknown::value("operator of `range`", operator));
        }
        Ok(Self {
            first: data(attributes, sys::NFTA_RANGE_FROM_DATA)?,
            last: data(attributes, sys::NFTA_RANGE_TO_DATA)?,
        })
    }
}
