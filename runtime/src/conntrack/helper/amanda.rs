// SPDX-License-Identifier: GPL-3.0-or-later
//! Amanda (`nf_conntrack_amanda.c`): a client that is backed up offers the server ports to fetch its data from.

use std::time::Duration;

use ringwall_ir::words::{CtDirection, Protocol};

use super::text::{decimal, low16};
use super::{Aid, Dropped};
use crate::conntrack::expectation::{Class, Destination, Source};

const CLASS: Class = Class { name: None, most: 4, timeout: Duration::from_secs(180) };

/// A client may take long to answer (`master_timeout`).
const MASTER_TIMEOUT: Duration = Duration::from_secs(300);
/// What ports are offered for, in a line that starts with CONNECT.
const STREAMS: [&[u8]; 4] = [b"DATA ", b"MESG ", b"INDEX ", b"STATE "];

pub fn help(aid: &mut Aid<'_>) -> Result<(), Dropped> {
    if aid.direction == CtDirection::Original {
        return Ok(());
    }
    aid.refresh(MASTER_TIMEOUT);
    let Some((start, line)) = aid.udp().and_then(connect_line) else { return Ok(()) };
    let mut result = Ok(());
    for stream in STREAMS {
        let Some(at) = find(line, stream) else { continue };
        let offset = at + stream.len();
        let digits = line.get(offset..).map(|rest| rest.get(..5).unwrap_or(rest)).unwrap_or_default();
        let (port, length) = decimal(digits);
        let port = low16(port);
        if port == 0 {
            break;
        }
        let original = aid.original;
        let to =
            Destination { family: original.family, protocol: Protocol::TCP, address: original.destination, end: port };
        let expectation = aid.expectation(&CLASS, Source::address(original.source), to);
        let place = start + offset..start + offset + length;
        if aid.announce(expectation, place, |port| port.to_string()).is_err() {
            result = Err(Dropped);
        }
    }
    result
}

/// What follows CONNECT, up to the end of the line, and where it starts.
fn connect_line(data: &[u8]) -> Option<(usize, &[u8])> {
    const CONNECT: &[u8] = b"CONNECT ";
    let start = find(data, CONNECT)? + CONNECT.len();
    let rest = data.get(start..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some((start, rest.get(..end)?))
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
