// SPDX-License-Identifier: GPL-3.0-or-later
//! TFTP (`nf_conntrack_tftp.c`): a request is answered from a port that the server chooses.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, Protocol};

use super::{Aid, Dropped};
use crate::conntrack::expectation::{Class, Destination, Follow, Source};
use crate::packet::wire::number16;

const CLASS: Class = Class { name: None, most: 1, timeout: Duration::from_secs(300) };

const READ: u16 = 1;
const WRITE: u16 = 2;

pub fn help(aid: &mut Aid<'_>) -> Result<(), Dropped> {
    const HEADER: usize = 8;
    let (Some(READ | WRITE), reply) = (number16(aid.segment, HEADER), aid.reply) else { return Ok(()) };
    let (_, port) = reply.ends.parted();
    let to = Destination { family: reply.family, protocol: Protocol::UDP, address: reply.destination, end: port };
    let mut expectation = aid.expectation(&CLASS, Source::address(reply.source), to);
    // The client waits at its own port, whatever it is translated to.
    (expectation.saved.port, _) = aid.original.ends.parted();
    expectation.saved.direction = CtDirection::Reply;
    expectation.follow = aid.is_translated().then_some(Follow::Master);
    aid.expect(expectation).map_err(|_| Dropped)
}
