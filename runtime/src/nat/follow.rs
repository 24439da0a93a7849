// SPDX-License-Identifier: GPL-3.0-or-later
//! Translation of conversations that a helper expected: as their master is translated, and to where the payload said.

use std::time::Duration;

use ringwall_ir::words::CtDirection;

use super::{End, Range, bind_entry};
use crate::conntrack::{EntryId, Expectation, Follow, Saved, Table};

/// Binds both ends of a new conversation, as far as the expectation that it fulfils says (`expectfn`).
pub fn follow(table: &mut Table, id: EntryId, expected: &Expectation, now: Duration) {
    match expected.follow {
        None => {}
        Some(Follow::Master) => follow_master(table, id, expected, now),
        Some(Follow::Call) => follow_call(table, id, expected, now),
        Some(way @ (Follow::Signalling | Follow::Media)) => follow_payload(table, id, expected, way, now),
    }
}

/// Its source becomes what the master sends to, its destination what the master receives from (`nf_nat_follow_master`).
fn follow_master(table: &mut Table, id: EntryId, expected: &Expectation, now: Duration) {
    let Some(master) = table.get(expected.master) else { return };
    let there = master.tuple(expected.saved.direction.reversed());
    let source = Range { addresses: Some((there.destination, there.destination)), ..Range::default() };
    bind_entry(table, id, End::Source, Some(source), now);
    let ports = Some((expected.saved.port, expected.saved.port));
    let destination = Range { addresses: Some((there.source, there.source)), ports, ..Range::default() };
    bind_entry(table, id, End::Destination, Some(destination), now);
}

/// Its destination becomes what stood in the payload. Its source becomes the end that is expected of it, or what the
/// master sends to if it comes from where the master's packets do (`nf_nat_sip_expected`).
fn follow_payload(table: &mut Table, id: EntryId, expected: &Expectation, way: Follow, now: Duration) {
    let Saved { address, port, direction } = expected.saved;
    let range = Range { addresses: Some((address, address)), ports: Some((port, port)), ..Range::default() };
    bind_entry(table, id, End::Destination, Some(range), now);
    let Some(source) = source(table, id, expected, way, direction) else { return };
    bind_entry(table, id, End::Source, Some(source), now);
}

fn source(
    table: &mut Table,
    id: EntryId,
    expected: &Expectation,
    way: Follow,
    direction: CtDirection,
) -> Option<Range> {
    let original = table.get(id)?.original();
    let (port, _) = original.ends.parted();
    let is_pair = |other: &Expectation| {
        (other.tuple.family, other.tuple.protocol) == (original.family, original.protocol)
            && (other.saved.address, other.saved.port) == (original.source, port)
    };
    let pair = table.expectations.of_mut(expected.master).find(|other| is_pair(other));
    if let Some(pair) = pair.filter(|_| way == Follow::Media) {
        let (_, port) = pair.tuple.ends.parted();
        let address = pair.tuple.destination;
        return Some(Range { addresses: Some((address, address)), ports: Some((port, port)), ..Range::default() });
    }
    let master = table.get(expected.master)?;
    let address = master.tuple(direction.reversed()).destination;
    let same = master.tuple(direction).source == original.source;
    same.then(|| Range { addresses: Some((address, address)), ..Range::default() })
}

/// Its ends become those of the control connection, and the client's call id the one that the other side knows
/// (`pptp_nat_expected`).
fn follow_call(table: &mut Table, id: EntryId, expected: &Expectation, now: Duration) {
    let Saved { port, direction, .. } = expected.saved;
    let Some(master) = table.get(expected.master) else { return };
    let there = master.tuple(direction.reversed());
    let key = |way| (way == direction).then_some((port, port));
    let source = (End::Source, there.destination, key(CtDirection::Original));
    let destination = (End::Destination, there.source, key(CtDirection::Reply));
    for (end, address, ports) in [source, destination] {
        let range = Range { addresses: Some((address, address)), ports, ..Range::default() };
        bind_entry(table, id, end, Some(range), now);
    }
}
