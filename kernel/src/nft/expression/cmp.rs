// SPDX-License-Identifier: GPL-3.0-or-later
//! `cmp`: compares a register with bytes, in network order (`net/netfilter/nft_cmp.c`).

use std::fmt;

use rustables::sys;

use super::{data, only};
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::bytes::Bytes;
use crate::nft::register::Register;

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cmp {
    /// The register.
    pub from: Register,
    /// How it must stand to the data.
    pub operator: Operator,
    /// What the register is compared with.
    pub data: Bytes,
}

/// How a register must stand to data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Equal,
    /// Larger.
    Greater,
    /// Equal or larger.
    GreaterOrEqual,
    /// Smaller.
    Less,
    /// Equal or smaller.
    LessOrEqual,
    /// Not equal.
    NotEqual,
}

const OPERATORS: [(Operator, u32); 6] = [
    (Operator::Equal, sys::NFT_CMP_EQ),
    (Operator::Greater, sys::NFT_CMP_GT),
    (Operator::GreaterOrEqual, sys::NFT_CMP_GTE),
    (Operator::Less, sys::NFT_CMP_LT),
    (Operator::LessOrEqual, sys::NFT_CMP_LTE),
    (Operator::NotEqual, sys::NFT_CMP_NEQ),
];

impl Operator {
    /// `==`, or `!=` if negated.
    pub(in crate::nft) const fn equality(negated: bool) -> Self {
        if negated { Self::NotEqual } else { Self::Equal }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::NotEqual => "!=",
        })
    }
}

impl Cmp {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let operator = OPERATORS.into_iter().find(|(known, _)| *known == self.operator).map_or(0, |(_, number)| number);
        writer
            .be32(sys::NFTA_CMP_SREG, self.from.number())
            .be32(sys::NFTA_CMP_OP, operator)
            .nest(sys::NFTA_CMP_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, self.data.as_slice()))
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("cmp", attributes, &[sys::NFTA_CMP_SREG, sys::NFTA_CMP_OP, sys::NFTA_CMP_DATA])?;
        let number = attributes.need(sys::NFTA_CMP_OP)?.be32()?;
        let operator = OPERATORS.into_iter().find(|(_, known)| *known == number);
        Ok(Self {
            from: Register::read(attributes, sys::NFTA_CMP_SREG)?,
            operator: operator.ok_or_else(|| Unknown::value("operator of `cmp`", number))?.0,
            data: data(attributes, sys::NFTA_CMP_DATA)?,
        })
    }
}
