// SPDX-License-Identifier: GPL-3.0-or-later
//! `ct`: loads what connection tracking says of the packet (`net/netfilter/nft_ct.c`).

use rustables::expr;
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only, register};
use crate::netlink::Attributes;

/// Loads the ct state: 32 bits in the host's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CtState;

impl CtState {
    pub(super) fn encode() -> Encoded {
        Encoded::typed(expr::Conntrack::new(expr::ConntrackKey::State))
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("ct", attributes, &[sys::NFTA_CT_KEY, sys::NFTA_CT_DREG])?;
        register(attributes, sys::NFTA_CT_DREG)?;
        match attributes.need(sys::NFTA_CT_KEY)?.be32()? {
            sys::NFT_CT_STATE => Ok(Self),
            other => Err(Unknown::value("key of `ct`", other)),
        }
    }
}
