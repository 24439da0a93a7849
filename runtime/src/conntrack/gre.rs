// SPDX-License-Identifier: GPL-3.0-or-later
//! GRE (`nf_conntrack_proto_gre.c`).

use std::time::Duration;

use ringwall_ir::words::CtStatus;

use super::entry::Entry;
use super::{Arrival, Outcome};

/// How long an entry lives that saw no answer yet.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// How long one lives that did.
pub const STREAM_TIMEOUT: Duration = Duration::from_secs(180);

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    if entry.status.contains(CtStatus::SEEN_REPLY) {
        entry.status = entry.status.with(CtStatus::ASSURED);
        entry.refresh(arrival, STREAM_TIMEOUT);
    } else {
        entry.refresh(arrival, TIMEOUT);
    }
    Outcome::Accept
}
