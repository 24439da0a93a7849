// SPDX-License-Identifier: GPL-3.0-or-later
//! `exthdr`: IPv6 extension headers and TCP options (`net/netfilter/nft_exthdr.c`).

use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// What is done with a header or option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exthdr {
    /// Loads whether an IPv6 extension header is there.
    Present {
        /// The number of the header.
        header: u8,
        /// Where it goes.
        to: Register,
    },
    /// Loads the bytes of the TCP option maximum segment size.
    Maxseg {
        /// Where they go.
        to: Register,
    },
    /// Writes the bytes of the TCP option maximum segment size.
    SetMaxseg {
        /// Where they come from.
        from: Register,
    },
}

/// `TCPOPT_MSS` of `include/net/tcp.h`, and where its value is in it.
const MAXSEG: u8 = 2;
const MAXSEG_OFFSET: u32 = 2;
const MAXSEG_LEN: u32 = 2;

/// The numbers of an access: operation, header, offset, length, flags.
type Numbers = (u32, u8, u32, u32, u32);

impl Exthdr {
    const fn numbers(self) -> Numbers {
        match self {
            Self::Present { header, .. } => (sys::NFT_EXTHDR_OP_IPV6, header, 0, 1, sys::NFT_EXTHDR_F_PRESENT),
            Self::Maxseg { .. } | Self::SetMaxseg { .. } => {
                (sys::NFT_EXTHDR_OP_TCPOPT, MAXSEG, MAXSEG_OFFSET, MAXSEG_LEN, 0)
            }
        }
    }

    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let (operation, header, offset, len, flags) = self.numbers();
        let writer = match self {
            Self::Present { to, .. } | Self::Maxseg { to } => writer.be32(sys::NFTA_EXTHDR_DREG, to.number()),
            Self::SetMaxseg { from } => writer.be32(sys::NFTA_EXTHDR_SREG, from.number()),
        };
        let writer = writer
            .byte(sys::NFTA_EXTHDR_TYPE, header)
            .be32(sys::NFTA_EXTHDR_OFFSET, offset)
            .be32(sys::NFTA_EXTHDR_LEN, len)
            .be32(sys::NFTA_EXTHDR_OP, operation);
        if flags == 0 { writer } else { writer.be32(sys::NFTA_EXTHDR_FLAGS, flags) }
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_EXTHDR_DREG,
            sys::NFTA_EXTHDR_SREG,
            sys::NFTA_EXTHDR_TYPE,
            sys::NFTA_EXTHDR_OFFSET,
            sys::NFTA_EXTHDR_LEN,
            sys::NFTA_EXTHDR_FLAGS,
            sys::NFTA_EXTHDR_OP,
        ];
        only("exthdr", attributes, &known)?;
        let header = attributes.need(sys::NFTA_EXTHDR_TYPE)?.byte()?;
        let numbers = (
            attributes.get(sys::NFTA_EXTHDR_OP).map_or(Ok(sys::NFT_EXTHDR_OP_IPV6), Value::be32)?,
            header,
            attributes.get(sys::NFTA_EXTHDR_OFFSET).map_or(Ok(0), Value::be32)?,
            attributes.get(sys::NFTA_EXTHDR_LEN).map_or(Ok(0), Value::be32)?,
            attributes.get(sys::NFTA_EXTHDR_FLAGS).map_or(Ok(0), Value::be32)?,
        );
        let to = Register::read_optional(attributes, sys::NFTA_EXTHDR_DREG)?;
        let from = Register::read_optional(attributes, sys::NFTA_EXTHDR_SREG)?;
        let read = match (to, from) {
            (Some(to), None) if numbers.0 == sys::NFT_EXTHDR_OP_IPV6 => Self::Present { header, to },
            (Some(to), None) => Self::Maxseg { to },
            (None, Some(from)) => Self::SetMaxseg { from },
            _ => return Err(Unknown::Shape("`exthdr` that only removes")),
        };
        if read.numbers() == numbers {
            Ok(read)
        } else {
            let (operation, header, offset, len, _) = numbers;
            Err(Unknown::value("part of `exthdr`", format!("{operation}/{header}/{offset}/{len}")))
        }
    }
}
