// SPDX-License-Identifier: GPL-3.0-or-later
//! `nat`, `masq` and `redir`: translations (`net/netfilter/nft_nat.c`, `nft_masq.c`, `nft_redir.c`).

use ringwall_ir::words::NatFlags;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;
use crate::nft::register::Register;

/// Two registers: the first of a range and its last, where it has another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The smallest; none: what is there stays.
    pub first: Option<Register>,
    /// The largest; none: it is the smallest.
    pub last: Option<Register>,
}

/// A translation of a source or a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nat {
    /// The destination, not the source.
    pub destination: bool,
    /// `NFPROTO_*`
    pub family: u32,
    /// The addresses.
    pub addresses: Ends,
    /// The ports.
    pub ports: Ends,
    /// How an end is chosen.
    pub flags: NatFlags,
}

/// A translation to an address of the host: of the interface that a packet leaves by, or of the one that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The ports.
    pub ports: Ends,
    /// How a port is chosen.
    pub flags: NatFlags,
}

/// `NF_NAT_RANGE_*` of `include/uapi/linux/netfilter/nf_nat.h`. The first two tell which registers are there: the kernel
/// sets them by itself.
const MAP_IPS: u32 = 1;
const PROTO_SPECIFIED: u32 = 1 << 1;
const PROTO_RANDOM: u32 = 1 << 2;
const PERSISTENT: u32 = 1 << 3;
const PROTO_RANDOM_FULLY: u32 = 1 << 4;
const NETMAP: u32 = 1 << 6;

fn flag_bits(flags: NatFlags) -> u32 {
    [
        (flags.random, PROTO_RANDOM),
        (flags.fully_random, PROTO_RANDOM_FULLY),
        (flags.persistent, PERSISTENT),
        (flags.netmap, NETMAP),
    ]
    .into_iter()
    .map(|(set, bit)| if set { bit } else { 0 })
    .sum()
}

fn read_flags(attributes: Attributes<'_>, kind: u16) -> Result<NatFlags, Unknown> {
    let bits = attributes.get(kind).map_or(Ok(0), Value::be32)?;
    if bits & !(MAP_IPS | PROTO_SPECIFIED | PROTO_RANDOM | PERSISTENT | PROTO_RANDOM_FULLY | NETMAP) != 0 {
        return Err(Unknown::value("flags of a translation", bits));
    }
    Ok(NatFlags {
        random: bits & PROTO_RANDOM != 0,
        fully_random: bits & PROTO_RANDOM_FULLY != 0,
        persistent: bits & PERSISTENT != 0,
        netmap: bits & NETMAP != 0,
    })
}

impl Ends {
    fn write(self, writer: AttributeWriter, first: u16, last: u16) -> AttributeWriter {
        let writer = match self.first {
            Some(register) => writer.be32(first, register.number()),
            None => writer,
        };
        match self.last {
            Some(register) => writer.be32(last, register.number()),
            None => writer,
        }
    }

    /// The kernel dumps the last where it was not given too: as the first.
    fn read(attributes: Attributes<'_>, first: u16, last: u16) -> Result<Self, Unknown> {
        let first = Register::read_optional(attributes, first)?;
        let last = Register::read_optional(attributes, last)?;
        Ok(Self { first, last: last.filter(|_| last != first) })
    }
}

fn write_flags(writer: AttributeWriter, kind: u16, flags: u32) -> AttributeWriter {
    if flags == 0 { writer } else { writer.be32(kind, flags) }
}

impl Nat {
    pub(super) fn write(&self, writer: AttributeWriter) -> AttributeWriter {
        let kind = if self.destination { sys::NFT_NAT_DNAT } else { sys::NFT_NAT_SNAT };
        let writer = writer.be32(sys::NFTA_NAT_TYPE, kind).be32(sys::NFTA_NAT_FAMILY, self.family);
        let writer = self.addresses.write(writer, sys::NFTA_NAT_REG_ADDR_MIN, sys::NFTA_NAT_REG_ADDR_MAX);
        let writer = self.ports.write(writer, sys::NFTA_NAT_REG_PROTO_MIN, sys::NFTA_NAT_REG_PROTO_MAX);
        write_flags(writer, sys::NFTA_NAT_FLAGS, flag_bits(self.flags))
    }

    pub(super) fn read(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_NAT_TYPE,
            sys::NFTA_NAT_FAMILY,
            sys::NFTA_NAT_REG_ADDR_MIN,
            sys::NFTA_NAT_REG_ADDR_MAX,
            sys::NFTA_NAT_REG_PROTO_MIN,
            sys::NFTA_NAT_REG_PROTO_MAX,
            sys::NFTA_NAT_FLAGS,
        ];
        only("nat", attributes, &known)?;
        let destination = match attributes.need(sys::NFTA_NAT_TYPE)?.be32()? {
            sys::NFT_NAT_SNAT => false,
            sys::NFT_NAT_DNAT => true,
            other => return Err(Unknown::value("type of `nat`", other)),
        };
        Ok(Self {
            destination,
            family: attributes.need(sys::NFTA_NAT_FAMILY)?.be32()?,
            addresses: Ends::read(attributes, sys::NFTA_NAT_REG_ADDR_MIN, sys::NFTA_NAT_REG_ADDR_MAX)?,
            ports: Ends::read(attributes, sys::NFTA_NAT_REG_PROTO_MIN, sys::NFTA_NAT_REG_PROTO_MAX)?,
            flags: read_flags(attributes, sys::NFTA_NAT_FLAGS)?,
        })
    }
}

/// The attributes of `masq` or `redir`: first port, last port, flags.
type Kinds = (u16, u16, u16);
const MASQ: Kinds = (sys::NFTA_MASQ_REG_PROTO_MIN, sys::NFTA_MASQ_REG_PROTO_MAX, sys::NFTA_MASQ_FLAGS);
const REDIR: Kinds = (sys::NFTA_REDIR_REG_PROTO_MIN, sys::NFTA_REDIR_REG_PROTO_MAX, sys::NFTA_REDIR_FLAGS);

impl Own {
    pub(super) fn write_masq(&self, writer: AttributeWriter) -> AttributeWriter {
        self.write(writer, MASQ)
    }

    pub(super) fn write_redir(&self, writer: AttributeWriter) -> AttributeWriter {
        self.write(writer, REDIR)
    }

    pub(super) fn read_masq(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        Self::read("masq", attributes, MASQ)
    }

    pub(super) fn read_redir(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        Self::read("redir", attributes, REDIR)
    }

    /// The kernel, other than with `nat`, does not set the flag of the ports by itself.
    fn write(&self, writer: AttributeWriter, (first, last, flags): Kinds) -> AttributeWriter {
        let specified = if self.ports.first.is_some() { PROTO_SPECIFIED } else { 0 };
        write_flags(self.ports.write(writer, first, last), flags, flag_bits(self.flags) | specified)
    }

    fn read(name: &'static str, attributes: Attributes<'_>, (first, last, flags): Kinds) -> Result<Self, Unknown> {
        only(name, attributes, &[first, last, flags])?;
        Ok(Self { ports: Ends::read(attributes, first, last)?, flags: read_flags(attributes, flags)? })
    }
}
