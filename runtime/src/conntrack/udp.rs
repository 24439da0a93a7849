// SPDX-License-Identifier: GPL-3.0-or-later
//! UDP and UDP-Lite (`nf_conntrack_proto_udp.c`).

use std::time::Duration;

use ringwall_ir::words::{CtStatus, Protocol};

use super::entry::Entry;
use super::{Arrival, Outcome, ProtocolState};
use crate::packet::checksum;
use crate::packet::wire::number16;

const UNREPLIED: Duration = Duration::from_secs(30);
const REPLIED: Duration = Duration::from_secs(120);
/// What is still active after this time is a stream, not a question and its answer.
const STREAM_AFTER: Duration = Duration::from_secs(2);

const HEADER: usize = 8;

/// When a conversation becomes a stream.
#[derive(Clone, Debug)]
pub struct Stream {
    from: Duration,
}

impl Stream {
    pub fn opened(now: Duration) -> Self {
        Self { from: now + STREAM_AFTER }
    }
}

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    let ProtocolState::Udp(stream) = &entry.protocol else { return Outcome::Invalid };
    if is_wrong(arrival) != Some(false) {
        return Outcome::Invalid;
    }
    let streams = arrival.now > stream.from && entry.status.contains(CtStatus::SEEN_REPLY);
    if streams {
        entry.status = entry.status.with(CtStatus::ASSURED);
    }
    entry.refresh(arrival, if streams { REPLIED } else { UNREPLIED });
    Outcome::Accept
}

/// Whether lengths or checksum are wrong; none where the header is cut short.
fn is_wrong(arrival: &Arrival<'_>) -> Option<bool> {
    let header = arrival.segment.get(..HEADER)?;
    let length = usize::from(number16(header, 4)?);
    let sum = number16(header, 6)?;
    let available = arrival.segment.len();
    Some(if arrival.protocol == Protocol::UDPLITE {
        let covered = if length == 0 { available } else { length };
        // The kernel sums the pseudo header with the protocol number of UDP, so that what RFC 3828 demands is wrong.
        let checksum = || checksum::partial(arrival.packet, arrival.family, Protocol::UDP, arrival.segment, covered);
        !(HEADER..=available).contains(&covered) || sum == 0 || arrival.verify && checksum() != 0
    } else {
        let checksum = || checksum::transport(arrival.packet, arrival.family, Protocol::UDP, arrival.segment);
        !(HEADER..=available).contains(&length) || sum != 0 && arrival.verify && checksum() != 0
    })
}
