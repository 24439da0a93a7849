// SPDX-License-Identifier: GPL-3.0-or-later
//! `quota`: an amount of bytes, in a rule, an element or an object (`net/netfilter/nft_quota.c`).

use ringwall_ir::Quota;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

/// `NFT_QUOTA_F_DEPLETED`: the kernel notes for itself that it has told about the end.
const DEPLETED: u32 = sys::NFT_QUOTA_F_DEPLETED;

pub(in crate::nft) fn write(quota: &Quota, writer: AttributeWriter) -> AttributeWriter {
    writer
        .be64(sys::NFTA_QUOTA_BYTES, quota.bytes)
        .be64(sys::NFTA_QUOTA_CONSUMED, quota.used)
        .be32(sys::NFTA_QUOTA_FLAGS, if quota.over { sys::NFT_QUOTA_F_INV } else { 0 })
}

pub(in crate::nft) fn read(attributes: Attributes<'_>) -> Result<Quota, Unknown> {
    let known = [sys::NFTA_QUOTA_BYTES, sys::NFTA_QUOTA_CONSUMED, sys::NFTA_QUOTA_FLAGS, sys::NFTA_QUOTA_PAD];
    only("quota", attributes, &known)?;
    let flags = attributes.get(sys::NFTA_QUOTA_FLAGS).map_or(Ok(0), Value::be32)?;
    if flags & !(DEPLETED | sys::NFT_QUOTA_F_INV) != 0 {
        return Err(Unknown::value("flags of `quota`", flags));
    }
    Ok(Quota {
        bytes: attributes.need(sys::NFTA_QUOTA_BYTES)?.be64()?,
        used: attributes.get(sys::NFTA_QUOTA_CONSUMED).map_or(Ok(0), Value::be64)?,
        over: flags & sys::NFT_QUOTA_F_INV != 0,
    })
}
