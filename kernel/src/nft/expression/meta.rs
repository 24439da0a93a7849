// SPDX-License-Identifier: GPL-3.0-or-later
//! `meta`: what the kernel knows about a packet beside its bytes (`net/netfilter/nft_meta.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// Loads it, or writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    /// Loads it.
    Load {
        /// `NFT_META_*`
        key: u32,
        /// Where it goes.
        to: Register,
    },
    /// Writes it.
    Store {
        /// `NFT_META_*`
        key: u32,
        /// Where it comes from.
        from: Register,
    },
}

impl Meta {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        match *self {
            Self::Load { key, to } => writer.be32(sys::NFTA_META_KEY, key).be32(sys::NFTA_META_DREG, to.number()),
            Self::Store { key, from } => writer.be32(sys::NFTA_META_KEY, key).be32(sys::NFTA_META_SREG, from.number()),
        }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("meta", attributes, &[sys::NFTA_META_KEY, sys::NFTA_META_DREG, sys::NFTA_META_SREG])?;
        let key = attributes.need(sys::NFTA_META_KEY)?.be32()?;
        Ok(match Register::read_optional(attributes, sys::NFTA_META_SREG)? {
            Some(from) => Self::Store { key, from },
            None => Self::Load { key, to: Register::read(attributes, sys::NFTA_META_DREG)? },
        })
    }
}
