// SPDX-License-Identifier: GPL-3.0-or-later
//! `rt`: the packet's route (`net/netfilter/nft_rt.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A property of the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rt {
    /// `NFT_RT_*`
    pub key: u32,
    /// Where it goes.
    pub to: Register,
}

impl Rt {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer.be32(sys::NFTA_RT_DREG, self.to.number()).be32(sys::NFTA_RT_KEY, self.key)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("rt", attributes, &[sys::NFTA_RT_DREG, sys::NFTA_RT_KEY])?;
        Ok(Self { key: attributes.need(sys::NFTA_RT_KEY)?.be32()?, to: Register::read(attributes, sys::NFTA_RT_DREG)? })
    }
}
