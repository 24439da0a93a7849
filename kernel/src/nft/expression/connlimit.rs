// SPDX-License-Identifier: GPL-3.0-or-later
//! `connlimit`: a number of open conversations (`net/netfilter/nft_connlimit.c`).

use ringwall_ir::ConnLimit;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

pub(in crate::nft) fn write(limit: &ConnLimit, writer: AttributeWriter) -> AttributeWriter {
    writer
        .be32(sys::NFTA_CONNLIMIT_COUNT, limit.count)
        .be32(sys::NFTA_CONNLIMIT_FLAGS, if limit.over { sys::NFT_CONNLIMIT_F_INV } else { 0 })
}

pub(in crate::nft) fn read(attributes: Attributes<'_>) -> Result<ConnLimit, Unknown> {
    only("connlimit", attributes, &[sys::NFTA_CONNLIMIT_COUNT, sys::NFTA_CONNLIMIT_FLAGS])?;
    let over = match attributes.get(sys::NFTA_CONNLIMIT_FLAGS).map_or(Ok(0), Value::be32)? {
        0 => false,
        sys::NFT_CONNLIMIT_F_INV => true,
        other => return Err(Unknown::value("flags of `connlimit`", other)),
    };
    Ok(ConnLimit { count: attributes.need(sys::NFTA_CONNLIMIT_COUNT)?.be32()?, over })
}
