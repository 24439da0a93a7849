// SPDX-License-Identifier: GPL-3.0-or-later
//! `immediate`: a verdict (`net/netfilter/nft_immediate.c`).

use rustables::expr::{self, VerdictKind};
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only};
use crate::netlink::Attributes;

/// `NF_DROP` of `include/uapi/linux/netfilter.h`.
const NF_DROP: u32 = 0;
/// `NF_ACCEPT` of the same.
const NF_ACCEPT: u32 = 1;

/// The verdicts that are one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immediate {
    /// The packet leaves the chain and goes on.
    Accept,
    /// The packet is gone.
    Drop,
}

impl Immediate {
    pub(super) fn encode(self) -> Encoded {
        Encoded::typed(expr::Immediate::new_verdict(match self {
            Self::Accept => VerdictKind::Accept,
            Self::Drop => VerdictKind::Drop,
        }))
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("immediate", attributes, &[sys::NFTA_IMMEDIATE_DREG, sys::NFTA_IMMEDIATE_DATA])?;
        let register = attributes.need(sys::NFTA_IMMEDIATE_DREG)?.be32()?;
        if register != sys::NFT_REG_VERDICT {
            return Err(Unknown::value("register of `immediate`", register));
        }
        let data = attributes.need(sys::NFTA_IMMEDIATE_DATA)?.nested()?;
        let verdict = data.need(sys::NFTA_DATA_VERDICT)?.nested()?;
        only("verdict", verdict, &[sys::NFTA_VERDICT_CODE])?;
        match verdict.need(sys::NFTA_VERDICT_CODE)?.be32()? {
            NF_ACCEPT => Ok(Self::Accept),
            NF_DROP => Ok(Self::Drop),
            other => Err(Unknown::value("verdict", other.cast_signed())),
        }
    }
}
