// SPDX-License-Identifier: GPL-3.0-or-later
//! `counter`: packets and bytes, in a rule, an element or an object (`net/netfilter/nft_counter.c`).

use ringwall_ir::Counts;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes};
use crate::nft::Unknown;

pub(in crate::nft) fn write(counts: &Counts, writer: AttributeWriter) -> AttributeWriter {
    writer.be64(sys::NFTA_COUNTER_BYTES, counts.bytes).be64(sys::NFTA_COUNTER_PACKETS, counts.packets)
}

pub(in crate::nft) fn read(attributes: Attributes<'_>) -> Result<Counts, Unknown> {
    only("counter", attributes, &[sys::NFTA_COUNTER_BYTES, sys::NFTA_COUNTER_PACKETS, sys::NFTA_COUNTER_PAD])?;
    Ok(Counts {
        packets: attributes.need(sys::NFTA_COUNTER_PACKETS)?.be64()?,
        bytes: attributes.need(sys::NFTA_COUNTER_BYTES)?.be64()?,
    })
}
