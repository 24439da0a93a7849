// SPDX-License-Identifier: GPL-3.0-or-later
//! `xfrm`: the packet's security association (`net/netfilter/nft_xfrm.c`).

use ringwall_ir::fields::IpsecDirection;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A property of the outermost association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xfrm {
    /// `NFT_XFRM_KEY_*`
    pub key: u32,
    /// Of the packet that came, or of the one that will go.
    pub direction: IpsecDirection,
    /// Where it goes.
    pub to: Register,
}

/// The kernel's number of a direction (`XFRM_POLICY_IN`, `XFRM_POLICY_OUT`).
pub(in crate::nft) const fn direction_number(direction: IpsecDirection) -> u8 {
    match direction {
        IpsecDirection::In => 0,
        IpsecDirection::Out => 1,
    }
}

impl Xfrm {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        writer
            .be32(sys::NFTA_XFRM_DREG, self.to.number())
            .be32(sys::NFTA_XFRM_KEY, self.key)
            .byte(sys::NFTA_XFRM_DIR, direction_number(self.direction))
            .be32(sys::NFTA_XFRM_SPNUM, 0)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_XFRM_DREG, sys::NFTA_XFRM_KEY, sys::NFTA_XFRM_DIR, sys::NFTA_XFRM_SPNUM];
        only("xfrm", attributes, &known)?;
        let number = attributes.need(sys::NFTA_XFRM_DIR)?.byte()?;
        let direction =
            [IpsecDirection::In, IpsecDirection::Out].into_iter().find(|known| direction_number(*known) == number);
        match attributes.get(sys::NFTA_XFRM_SPNUM).map_or(Ok(0), Value::be32)? {
            0 => {}
            other => return Err(Unknown::value("association of `xfrm`", other)),
        }
        Ok(Self {
            key: attributes.need(sys::NFTA_XFRM_KEY)?.be32()?,
            direction: direction.ok_or_else(|| Unknown::value("direction of `xfrm`", number))?,
            to: Register::read(attributes, sys::NFTA_XFRM_DREG)?,
        })
    }
}
