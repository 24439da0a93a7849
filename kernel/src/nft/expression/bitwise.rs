// SPDX-License-Identifier: GPL-3.0-or-later
//! `bitwise`: masks, turns over and shifts the bits of a register (`net/netfilter/nft_bitwise.c`).

use rustables::sys;

use super::{data, only};
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::bytes::Bytes;
use crate::nft::register::Register;

/// What is done to a register, in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bitwise {
    /// The register.
    pub register: Register,
    /// How many bytes of it.
    pub len: u32,
    /// What is done.
    pub operation: BitOperation,
}

/// What is done to bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOperation {
    /// Masked, then turned over.
    Mask {
        /// The bits to keep.
        mask: Bytes,
        /// The bits to turn over then.
        xor: Bytes,
    },
    /// Shifted to the right, as a number of the host in 32-bit words.
    ShiftRight(u32),
}

/// `NFT_BITWISE_BOOL`, which newer headers call `NFT_BITWISE_MASK_XOR`.
const MASK_AND_XOR: u32 = 0;

impl Bitwise {
    /// Keeps the bits of a mask.
    pub(in crate::nft) fn mask(register: Register, mask: Bytes) -> Self {
        let xor = Bytes::of(0, mask.len(), ringwall_ir::fields::ByteOrder::Network);
        Self { register, len: mask.len().into(), operation: BitOperation::Mask { mask, xor } }
    }

    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let writer = writer
            .be32(sys::NFTA_BITWISE_SREG, self.register.number())
            .be32(sys::NFTA_BITWISE_DREG, self.register.number())
            .be32(sys::NFTA_BITWISE_LEN, self.len);
        match self.operation {
            BitOperation::Mask { mask, xor } => writer
                .be32(sys::NFTA_BITWISE_OP, MASK_AND_XOR)
                .nest(sys::NFTA_BITWISE_MASK, |data| data.bytes(sys::NFTA_DATA_VALUE, mask.as_slice()))
                .nest(sys::NFTA_BITWISE_XOR, |data| data.bytes(sys::NFTA_DATA_VALUE, xor.as_slice())),
            BitOperation::ShiftRight(bits) => writer
                .be32(sys::NFTA_BITWISE_OP, sys::NFT_BITWISE_RSHIFT)
                .nest(sys::NFTA_BITWISE_DATA, |data| data.bytes(sys::NFTA_DATA_VALUE, &bits.to_ne_bytes())),
        }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_BITWISE_SREG,
            sys::NFTA_BITWISE_DREG,
            sys::NFTA_BITWISE_LEN,
            sys::NFTA_BITWISE_MASK,
            sys::NFTA_BITWISE_XOR,
            sys::NFTA_BITWISE_OP,
            sys::NFTA_BITWISE_DATA,
        ];
        only("bitwise", attributes, &known)?;
        let register = Register::read(attributes, sys::NFTA_BITWISE_SREG)?;
        if Register::read(attributes, sys::NFTA_BITWISE_DREG)? != register {
            return Err(Unknown::Shape("`bitwise` to another register"));
        }
        let len = attributes.need(sys::NFTA_BITWISE_LEN)?.be32()?;
        let operation = match attributes.get(sys::NFTA_BITWISE_OP).map_or(Ok(MASK_AND_XOR), Value::be32)? {
            MASK_AND_XOR => {
                let mask = data(attributes, sys::NFTA_BITWISE_MASK)?;
                let xor = data(attributes, sys::NFTA_BITWISE_XOR)?;
                if mask.len() != xor.len() || u32::from(mask.len()) != len {
                    return Err(Unknown::Shape("`bitwise` with masks of different lengths"));
                }
                BitOperation::Mask { mask, xor }
            }
            sys::NFT_BITWISE_RSHIFT => {
                let bits = data(attributes, sys::NFTA_BITWISE_DATA)?.number(ringwall_ir::fields::ByteOrder::Host);
                BitOperation::ShiftRight(u32::try_from(bits).map_err(|_| Unknown::value("shift of `bitwise`", bits))?)
            }
            other => return Err(Unknown::value("operation of `bitwise`", other)),
        };
        Ok(Self { register, len, operation })
    }
}
