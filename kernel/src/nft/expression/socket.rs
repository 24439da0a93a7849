// SPDX-License-Identifier: GPL-3.0-or-later
//! `socket`: the socket that a packet is of (`net/netfilter/nft_socket.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A property of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// `NFT_SOCKET_*`
    pub key: u32,
    /// How far below the root a control group is cut; 0 for the other properties.
    pub level: u32,
    /// Where it goes.
    pub to: Register,
}

impl Socket {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let writer = writer.be32(sys::NFTA_SOCKET_DREG, self.to.number()).be32(sys::NFTA_SOCKET_KEY, self.key);
        if self.level == 0 { writer } else { writer.be32(sys::NFTA_SOCKET_LEVEL, self.level) }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        only("socket", attributes, &[sys::NFTA_SOCKET_DREG, sys::NFTA_SOCKET_KEY, sys::NFTA_SOCKET_LEVEL])?;
        Ok(Self {
            key: attributes.need(sys::NFTA_SOCKET_KEY)?.be32()?,
            level: attributes.get(sys::NFTA_SOCKET_LEVEL).map_or(Ok(0), Value::be32)?,
            to: Register::read(attributes, sys::NFTA_SOCKET_DREG)?,
        })
    }
}
