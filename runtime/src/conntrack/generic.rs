// SPDX-License-Identifier: GPL-3.0-or-later
//! Protocols of which only the addresses are looked at (`nf_conntrack_proto_generic.c`).

use std::time::Duration;

use super::entry::Entry;
use super::{Arrival, Outcome};

const TIMEOUT: Duration = Duration::from_secs(600);

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    entry.refresh(arrival, TIMEOUT);
    Outcome::Accept
}
