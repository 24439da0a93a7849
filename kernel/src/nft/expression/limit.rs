// SPDX-License-Identifier: GPL-3.0-or-later
//! `limit`: a token bucket, in a rule, an element or an object (`net/netfilter/nft_limit.c`).

use std::num::NonZeroU64;

use ringwall_ir::{Limit, LimitUnit, Per};
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

pub(in crate::nft) fn write(limit: &Limit, writer: AttributeWriter) -> AttributeWriter {
    let kind = match limit.unit {
        LimitUnit::Packets => sys::NFT_LIMIT_PKTS,
        LimitUnit::Bytes => sys::NFT_LIMIT_PKT_BYTES,
    };
    writer
        .be64(sys::NFTA_LIMIT_RATE, limit.amount.get())
        .be64(sys::NFTA_LIMIT_UNIT, limit.per.seconds().into())
        .be32(sys::NFTA_LIMIT_BURST, limit.burst)
        .be32(sys::NFTA_LIMIT_TYPE, kind)
        .be32(sys::NFTA_LIMIT_FLAGS, if limit.over { sys::NFT_LIMIT_F_INV } else { 0 })
}

pub(in crate::nft) fn read(attributes: Attributes<'_>) -> Result<Limit, Unknown> {
    let known = [
        sys::NFTA_LIMIT_RATE,
        sys::NFTA_LIMIT_UNIT,
        sys::NFTA_LIMIT_BURST,
        sys::NFTA_LIMIT_TYPE,
        sys::NFTA_LIMIT_FLAGS,
        sys::NFTA_LIMIT_PAD,
    ];
    only("limit", attributes, &known)?;
    let unit = match attributes.need(sys::NFTA_LIMIT_TYPE)?.be32()? {
        sys::NFT_LIMIT_PKTS => LimitUnit::Packets,
        sys::NFT_LIMIT_PKT_BYTES => LimitUnit::Bytes,
        other => return Err(Unknown::value("type of `limit`", other)),
    };
    let over = match attributes.get(sys::NFTA_LIMIT_FLAGS).map_or(Ok(0), Value::be32)? {
        0 => false,
        sys::NFT_LIMIT_F_INV => true,
        other => return Err(Unknown::value("flags of `limit`", other)),
    };
    let seconds = attributes.need(sys::NFTA_LIMIT_UNIT)?.be64()?;
    let per = Per::ALL.into_iter().find(|per| u64::from(per.seconds()) == seconds);
    let amount = attributes.need(sys::NFTA_LIMIT_RATE)?.be64()?;
    Ok(Limit {
        amount: NonZeroU64::new(amount).ok_or_else(|| Unknown::value("rate of `limit`", amount))?,
        per: per.ok_or_else(|| Unknown::value("unit of `limit`", seconds))?,
        unit,
        burst: attributes.get(sys::NFTA_LIMIT_BURST).map_or(Ok(0), Value::be32)?,
        over,
    })
}
