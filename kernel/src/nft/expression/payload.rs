// SPDX-License-Identifier: GPL-3.0-or-later
//! `payload`: loads bytes of the packet (`net/netfilter/nft_payload.c`).

use ringwall_ir::fields::Base;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// Bytes of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The header.
    pub base: Base,
    /// The first byte.
    pub offset: u32,
    /// How many bytes.
    pub len: u32,
    /// Where they go.
    pub to: Register,
}

const BASES: [(Base, u32); 3] = [
    (Base::Link, sys::NFT_PAYLOAD_LL_HEADER),
    (Base::Network, sys::NFT_PAYLOAD_NETWORK_HEADER),
    (Base::Transport, sys::NFT_PAYLOAD_TRANSPORT_HEADER),
];

impl Payload {
    /// Whether the other bytes follow these.
    pub(in crate::nft) fn is_before(self, other: Self) -> bool {
        self.base == other.base && self.offset + self.len == other.offset
    }

    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let base = BASES.into_iter().find(|(base, _)| *base == self.base).map_or(0, |(_, number)| number);
        writer
            .be32(sys::NFTA_PAYLOAD_DREG, self.to.number())
            .be32(sys::NFTA_PAYLOAD_BASE, base)
            .be32(sys::NFTA_PAYLOAD_OFFSET, self.offset)
            .be32(sys::NFTA_PAYLOAD_LEN, self.len)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_PAYLOAD_DREG, sys::NFTA_PAYLOAD_BASE, sys::NFTA_PAYLOAD_OFFSET, sys::NFTA_PAYLOAD_LEN];
        only("payload", attributes, &known)?;
        let number = attributes.need(sys::NFTA_PAYLOAD_BASE)?.be32()?;
        let base = BASES.into_iter().find(|(_, known)| *known == number);
        Ok(Self {
            base: base.ok_or_else(|| Unknown::value("base of `payload`", number))?.0,
            offset: attributes.need(sys::NFTA_PAYLOAD_OFFSET)?.be32()?,
            len: attributes.need(sys::NFTA_PAYLOAD_LEN)?.be32()?,
            to: Register::read(attributes, sys::NFTA_PAYLOAD_DREG)?,
        })
    }
}
