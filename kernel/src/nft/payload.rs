// SPDX-License-Identifier: GPL-3.0-or-later
//! `payload`: loads bytes of the packet (`net/netfilter/nft_payload.c`).

use rustables::expr::{self, Register};
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only, register};
use crate::netlink::Attributes;

/// Bytes of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The header.
    pub base: Base,
    /// The first byte.
    pub offset: u32,
    /// How many bytes.
    pub len: u32,
}

/// Where offsets count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// The network header.
    Network,
    /// The transport header.
    Transport,
}

impl Payload {
    /// Whether the other bytes follow these.
    pub(super) fn is_before(self, other: Self) -> bool {
        self.base == other.base && self.offset + self.len == other.offset
    }

    pub(super) fn encode(self) -> Encoded {
        let base = match self.base {
            Base::Network => sys::NFT_PAYLOAD_NETWORK_HEADER,
            Base::Transport => sys::NFT_PAYLOAD_TRANSPORT_HEADER,
        };
        let payload = expr::Payload::default()
            .with_dreg(Register::Reg1)
            .with_base(base)
            .with_offset(self.offset)
            .with_len(self.len);
        Encoded::typed(payload)
    }

    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_PAYLOAD_DREG, sys::NFTA_PAYLOAD_BASE, sys::NFTA_PAYLOAD_OFFSET, sys::NFTA_PAYLOAD_LEN];
        only("payload", attributes, &known)?;
        register(attributes, sys::NFTA_PAYLOAD_DREG)?;
        let base = match attributes.need(sys::NFTA_PAYLOAD_BASE)?.be32()? {
            sys::NFT_PAYLOAD_NETWORK_HEADER => Base::Network,
            sys::NFT_PAYLOAD_TRANSPORT_HEADER => Base::Transport,
            other => return Err(Unknown::value("base of `payload`", other)),
        };
        let offset = attributes.need(sys::NFTA_PAYLOAD_OFFSET)?.be32()?;
        let len = attributes.need(sys::NFTA_PAYLOAD_LEN)?.be32()?;
        Ok(Self { base, offset, len })
    }
}
