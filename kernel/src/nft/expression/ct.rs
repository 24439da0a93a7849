// SPDX-License-Identifier: GPL-3.0-or-later
//! `ct`: what connection tracking says of the packet (`net/netfilter/nft_ct.c`).

use ringwall_ir::words::CtDirection;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// A property of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ct {
    /// `NFT_CT_*`
    pub key: u32,
    /// Of which direction, where it is said.
    pub direction: Option<CtDirection>,
    /// What is done.
    pub access: Access,
}

/// Loads it, or writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Loads it to a register.
    Load(Register),
    /// Writes it from a register.
    Store(Register),
}

const DIRECTIONS: [(CtDirection, u8); 2] = [(CtDirection::Original, 0), (CtDirection::Reply, 1)];

/// The kernel's number of a direction (`enum ip_conntrack_dir`).
pub(in crate::nft) fn direction_number(direction: CtDirection) -> u8 {
    DIRECTIONS.into_iter().find(|(known, _)| *known == direction).map_or(0, |(_, number)| number)
}

impl Ct {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let writer = match self.access {
            Access::Load(to) => writer.be32(sys::NFTA_CT_DREG, to.number()),
            Access::Store(from) => writer.be32(sys::NFTA_CT_SREG, from.number()),
        };
        let writer = writer.be32(sys::NFTA_CT_KEY, self.key);
        match self.direction {
            Some(direction) => writer.byte(sys::NFTA_CT_DIRECTION, direction_number(direction)),
            None => writer,
        }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [sys::NFTA_CT_KEY, sys::NFTA_CT_DREG, sys::NFTA_CT_SREG, sys::NFTA_CT_DIRECTION];
        only("ct", attributes, &known)?;
        let access = match Register::read_optional(attributes, sys::NFTA_CT_SREG)? {
            Some(from) => Access::Store(from),
            None => Access::Load(Register::read(attributes, sys::NFTA_CT_DREG)?),
        };
        let direction = match attributes.get(sys::NFTA_CT_DIRECTION) {
            None => None,
            Some(number) => {
                let number = number.byte()?;
                let known = DIRECTIONS.into_iter().find(|(_, known)| *known == number);
                Some(known.ok_or_else(|| Unknown::value("direction of `ct`", number))?.0)
            }
        };
        Ok(Self { key: attributes.need(sys::NFTA_CT_KEY)?.be32()?, direction, access })
    }
}
