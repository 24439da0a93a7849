// SPDX-License-Identifier: GPL-3.0-or-later
//! The name service of NetBIOS (`nf_conntrack_netbios_ns.c`, `nf_conntrack_broadcast.c`): the host asks its network by
//! broadcast, and each neighbour may answer from its own address.

use std::time::Duration;

use ringwall_ir::words::CtDirection;

use super::Aid;
use crate::conntrack::expectation::{Class, Destination, Source};

/// How long answers are waited for; the question's entry too. As `timeout` says, if nobody changes it.
const TIMEOUT: Duration = Duration::from_secs(3);
const CLASS: Class = Class { name: None, most: 1, timeout: TIMEOUT };

const PORT: u16 = 137;

pub fn help(aid: &mut Aid<'_>) {
    let Some(prefix) = aid.broadcast.filter(|_| aid.direction == CtDirection::Original) else { return };
    let reply = aid.reply;
    let (_, port) = reply.ends.parted();
    let from = Source { address: Some(reply.source), end: Some(PORT) };
    let to = Destination { family: reply.family, protocol: reply.protocol, address: reply.destination, end: port };
    let mut expectation = aid.expectation(&CLASS, from, to);
    expectation.mask.source = u128::from(u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0));
    expectation.permanent = true;
    // Whether it could be had or not, the question lives as long.
    let _ = aid.expect(expectation);
    aid.refresh(TIMEOUT);
}
