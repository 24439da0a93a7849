// SPDX-License-Identifier: GPL-3.0-or-later
//! `limit`: a token bucket (`net/netfilter/nft_limit.c`).

use std::num::NonZeroU32;

use ringwall_ir::{Limit, Per};
use rustables::sys;

use super::Unknown;
use super::expression::{Encoded, only};
use crate::netlink::{AttributeWriter, Attributes};

/// No `over`: within the rate the rule goes on.
const FLAGS: u32 = 0;
const UNITS: [Per; 4] = [Per::Second, Per::Minute, Per::Hour, Per::Day];

pub(super) fn encode(limit: &Limit) -> Encoded {
    let attributes = AttributeWriter::new()
        .be64(sys::NFTA_LIMIT_RATE, limit.amount.get().into())
        .be64(sys::NFTA_LIMIT_UNIT, limit.per.seconds().into())
        .be32(sys::NFTA_LIMIT_BURST, limit.burst.get())
        .be32(sys::NFTA_LIMIT_TYPE, sys::NFT_LIMIT_PKTS)
        .be32(sys::NFTA_LIMIT_FLAGS, FLAGS);
    Encoded::spliced("limit", attributes)
}

pub(super) fn decode(attributes: Attributes<'_>) -> Result<Limit, Unknown> {
    let known = [
        sys::NFTA_LIMIT_RATE,
        sys::NFTA_LIMIT_UNIT,
        sys::NFTA_LIMIT_BURST,
        sys::NFTA_LIMIT_TYPE,
        sys::NFTA_LIMIT_FLAGS,
        sys::NFTA_LIMIT_PAD,
    ];
    only("limit", attributes, &known)?;
    let kind = attributes.need(sys::NFTA_LIMIT_TYPE)?.be32()?;
    let flags = attributes.need(sys::NFTA_LIMIT_FLAGS)?.be32()?;
    if (kind, flags) != (sys::NFT_LIMIT_PKTS, FLAGS) {
        return Err(Unknown::Shape("`limit` of bytes or `over` a rate"));
    }
    let unit = attributes.need(sys::NFTA_LIMIT_UNIT)?.be64()?;
    let amount = attributes.need(sys::NFTA_LIMIT_RATE)?.be64()?;
    let burst = attributes.need(sys::NFTA_LIMIT_BURST)?.be32()?;
    let positive = |number: Option<u32>| number.and_then(NonZeroU32::new);
    Ok(Limit {
        amount: positive(u32::try_from(amount).ok()).ok_or_else(|| Unknown::value("rate of `limit`", amount))?,
        per: UNITS
            .into_iter()
            .find(|per| u64::from(per.seconds()) == unit)
            .ok_or_else(|| Unknown::value("unit of `limit`", unit))?,
        burst: positive(Some(burst)).ok_or_else(|| Unknown::value("burst of `limit`", burst))?,
    })
}
