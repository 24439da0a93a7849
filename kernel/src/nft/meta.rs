// SPDX-License-Identifier: GPL-3.0-or-later
//! `meta`: loads what the kernel knows about a packet beside its bytes (`net/netfilter/nft_meta.c`).

use rustables::expr::{self, MetaType};
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only, register};
use crate::netlink::Attributes;

/// What to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// The name of the interface that the packet arrived on: 16 bytes, padded with zeros.
    Iifname,
    /// The transport protocol: one byte.
    L4proto,
    /// The family: one byte.
    Nfproto,
    /// The name of the interface that the packet leaves by.
    Oifname,
}

impl Meta {
    pub(super) fn encode(self) -> Encoded {
        Encoded::typed(expr::Meta::new(match self {
            Self::Iifname => MetaType::IifName,
            Self::L4proto => MetaType::L4Proto,
            Self::Nfproto => MetaType::NfProto,
            Self::Oifname => MetaType::OifName,
        }))
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("meta", attributes, &[sys::NFTA_META_KEY, sys::NFTA_META_DREG])?;
        register(attributes, sys::NFTA_META_DREG)?;
        match attributes.need(sys::NFTA_META_KEY)?.be32()? {
            sys::NFT_META_IIFNAME => Ok(Self::Iifname),
            sys::NFT_META_L4PROTO => Ok(Self::L4proto),
            sys::NFT_META_NFPROTO => Ok(Self::Nfproto),
            sys::NFT_META_OIFNAME => Ok(Self::Oifname),
            other => Err(Unknown::value("key of `meta`", other)),
        }
    }
}
