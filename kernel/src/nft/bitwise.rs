// SPDX-License-Identifier: GPL-3.0-or-later
//! `bitwise`: register = register & mask (`net/netfilter/nft_bitwise.c`).

use rustables::expr;
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, data, only, register};
use crate::netlink::{Attributes, Value};

/// The only operation that ours use: `NFT_BITWISE_BOOL` or `NFT_BITWISE_MASK_XOR`, both 0.
const MASK_AND_XOR: u32 = 0;

/// A mask. The exclusive or that follows is always with zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bitwise {
    /// The bits to keep.
    pub mask: Vec<u8>,
}

impl Bitwise {
    #[expect(clippy::expect_used, reason = "rustables refuses unequal lengths alone, and these are equal")]
    pub(super) fn encode(&self) -> Encoded {
        let zero = vec![0; self.mask.len()];
        Encoded::typed(expr::Bitwise::new(self.mask.clone(), zero).expect("equal lengths"))
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_BITWISE_SREG,
            sys::NFTA_BITWISE_DREG,
            sys::NFTA_BITWISE_LEN,
            sys::NFTA_BITWISE_MASK,
            sys::NFTA_BITWISE_XOR,
            sys::NFTA_BITWISE_OP,
        ];
        only("bitwise", attributes, &known)?;
        register(attributes, sys::NFTA_BITWISE_SREG)?;
        register(attributes, sys::NFTA_BITWISE_DREG)?;
        let operation = attributes.get(sys::NFTA_BITWISE_OP).map_or(Ok(MASK_AND_XOR), Value::be32)?;
        if operation != MASK_AND_XOR {
            return Err(Unknown::value("operation of `bitwise`", operation));
        }
        let mask = data(attributes, sys::NFTA_BITWISE_MASK)?;
        let xor = data(attributes, sys::NFTA_BITWISE_XOR)?;
        if xor.len() != mask.len() || xor.iter().any(|byte| *byte != 0) {
            return Err(Unknown::Shape("`bitwise` with an exclusive or"));
        }
        Ok(Self { mask })
    }
}
