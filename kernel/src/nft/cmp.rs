// SPDX-License-Identifier: GPL-3.0-or-later
//! `cmp`: compares the register with bytes, in network order (`net/netfilter/nft_cmp.c`).

use rustables::expr::{self, CmpOp};
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, data, only, register};
use crate::netlink::Attributes;

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cmp {
    /// What must hold.
    pub operator: Operator,
    /// What the register is compared with.
    pub data: Vec<u8>,
}

/// How the register must stand to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Equal,
    /// Equal or larger.
    GreaterOrEqual,
    /// Equal or smaller.
    LessOrEqual,
    /// Not equal.
    NotEqual,
}

impl Operator {
    /// `==`, or `!=` if negated.
    pub(super) const fn equality(negated: bool) -> Self {
        if negated { Self::NotEqual } else { Self::Equal }
    }
}

impl Cmp {
    pub(super) fn encode(&self) -> Encoded {
        let operator = match self.operator {
            Operator::Equal => CmpOp::Eq,
            Operator::GreaterOrEqual => CmpOp::Gte,
            Operator::LessOrEqual => CmpOp::Lte,
            Operator::NotEqual => CmpOp::Neq,
        };
        Encoded::typed(expr::Cmp::new(operator, self.data.clone()))
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("cmp", attributes, &[sys::NFTA_CMP_SREG, sys::NFTA_CMP_OP, sys::NFTA_CMP_DATA])?;
        register(attributes, sys::NFTA_CMP_SREG)?;
        let operator = match attributes.need(sys::NFTA_CMP_OP)?.be32()? {
            sys::NFT_CMP_EQ => Operator::Equal,
            sys::NFT_CMP_GTE => Operator::GreaterOrEqual,
            sys::NFT_CMP_LTE => Operator::LessOrEqual,
            sys::NFT_CMP_NEQ => Operator::NotEqual,
            other => return Err(Unknown::value("operator of `cmp`", other)),
        };
        Ok(Self { operator, data: data(attributes, sys::NFTA_CMP_DATA)? })
    }
}
