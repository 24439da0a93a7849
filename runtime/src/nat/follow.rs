// SPDX-License-Identifier: GPL-3.0-or-later
//! Translation of conversations that a helper expected: as their master is translated, and to where the payload said.

use std::time::Duration;

use super::{End, Range, bind_entry};
use crate::conntrack::{EntryId, Expectation, Follow, Table};

/// Binds both ends of a new conversation, as far as the expectation that it fulfils says (`expectfn`).
pub fn follow(table: &mut Table, id: EntryId, expected: &Expectation, now: Duration) {
    match expected.follow {
        None => {}
        Some(Follow::Master) => follow_master(table, id, expected, now),
    }
}

/// Its source becomes what the master sends to, its destination what the master receives from (`nf_nat_follow_master`).
fn follow_master(table: &mut Table, id: EntryId, expected: &Expectation, now: Duration) {
    let Some(master) = table.get(expected.master) else { return };
    let there = *master.tuple(expected.saved.direction.reversed());
    let source = Range { addresses: Some((there.destination, there.destination)), ..Range::default() };
    bind_entry(table, id, End::Source, Some(source), now);
    let ports = Some((expected.saved.port, expected.saved.port));
    let destination = Range { addresses: Some((there.source, there.source)), ports, ..Range::default() };
    bind_entry(table, id, End::Destination, Some(destination), now);
}
