// SPDX-License-Identifier: GPL-3.0-or-later
//! `byteorder`: turns the bytes of numbers in a register around (`net/netfilter/nft_byteorder.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// Numbers of a register, in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Byteorder {
    /// The register.
    pub register: Register,
    /// To the host's order, instead of the network's.
    pub to_host: bool,
    /// How many bytes of the register.
    pub len: u32,
    /// How many bytes a number has: 2, 4 or 8.
    pub size: u32,
}

impl Byteorder {
    /// Turns one number of so many bytes around, as nft does it: one byte is left alone.
    pub(in crate::nft) const fn of(register: Register, len: u8, to_host: bool) -> Self {
        let size = match len {
            8 | 16 => 8,
            4 | 12 => 4,
            _ => 2,
        };
        Self { register, to_host, len: len as u32, size }
    }

    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let operation = if self.to_host { sys::NFT_BYTEORDER_NTOH } else { sys::NFT_BYTEORDER_HTON };
        writer
            .be32(sys::NFTA_BYTEORDER_SREG, self.register.number())
            .be32(sys::NFTA_BYTEORDER_DREG, self.register.number())
            .be32(sys::NFTA_BYTEORDER_OP, operation)
            .be32(sys::NFTA_BYTEORDER_LEN, self.len)
            .be32(sys::NFTA_BYTEORDER_SIZE, self.size)
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_BYTEORDER_SREG,
            sys::NFTA_BYTEORDER_DREG,
            sys::NFTA_BYTEORDER_OP,
            sys::NFTA_BYTEORDER_LEN,
            sys::NFTA_BYTEORDER_SIZE,
        ];
        only("byteorder", attributes, &known)?;
        let register = Register::read(attributes, sys::NFTA_BYTEORDER_SREG)?;
        if Register::read(attributes, sys::NFTA_BYTEORDER_DREG)? != register {
            return Err(Unknown::Shape("`byteorder` to another register"));
        }
        let to_host = match attributes.need(sys::NFTA_BYTEORDER_OP)?.be32()? {
            sys::NFT_BYTEORDER_NTOH => true,
            sys::NFT_BYTEORDER_HTON => false,
            other => return Err(Unknown::value("operation of `byteorder`", other)),
        };
        Ok(Self {
            register,
            to_host,
            len: attributes.need(sys::NFTA_BYTEORDER_LEN)?.be32()?,
            size: attributes.need(sys::NFTA_BYTEORDER_SIZE)?.be32()?,
        })
    }
}
