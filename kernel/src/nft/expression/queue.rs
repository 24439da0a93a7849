// SPDX-License-Identifier: GPL-3.0-or-later
//! `queue`: a program decides (`net/netfilter/nft_queue.c`).

use ringwall_ir::Queue;
use rustables::sys;

use super::only;
use crate::netlink::{AttributeWriter, Attributes, Value};
use crate::nft::Unknown;

/// `NFT_QUEUE_FLAG_BYPASS` and `NFT_QUEUE_FLAG_CPU_FANOUT`.
const BYPASS: u16 = 1;
const FANOUT: u16 = 2;

pub(super) fn write(queue: &Queue, writer: AttributeWriter) -> AttributeWriter {
    let (first, last) = queue.numbers;
    let flags = if queue.bypass { BYPASS } else { 0 } | if queue.fanout { FANOUT } else { 0 };
    let writer = writer
        .be16(sys::NFTA_QUEUE_NUM, first)
        .be16(sys::NFTA_QUEUE_TOTAL, last.saturating_sub(first).saturating_add(1));
    if flags == 0 { writer } else { writer.be16(sys::NFTA_QUEUE_FLAGS, flags) }
}

pub(super) fn read(attributes: Attributes<'_>) -> Result<Queue, Unknown> {
    only("queue", attributes, &[sys::NFTA_QUEUE_NUM, sys::NFTA_QUEUE_TOTAL, sys::NFTA_QUEUE_FLAGS])?;
    let first = attributes.need(sys::NFTA_QUEUE_NUM)?.be16()?;
    let total = attributes.get(sys::NFTA_QUEUE_TOTAL).map_or(Ok(1), Value::be16)?;
    let flags = attributes.get(sys::NFTA_QUEUE_FLAGS).map_or(Ok(0), Value::be16)?;
    if flags & !(BYPASS | FANOUT) != 0 {
        return Err(Unknown::value("flags of `queue`", flags));
    }
    let last = first.checked_add(total.saturating_sub(1)).ok_or_else(|| Unknown::value("queues", total))?;
    Ok(Queue { numbers: (first, last), bypass: flags & BYPASS != 0, fanout: flags & FANOUT != 0 })
}
