// SPDX-License-Identifier: GPL-3.0-or-later
//! ICMP and ICMPv6 messages that are no queries: errors, which belong to the conversation that they quote, and kinds that
//! are never tracked (`nf_conntrack_icmpv4_error`, `nf_conntrack_icmpv6_error`, `nf_conntrack_inet_error`).

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, Family, IcmpClass, Protocol, icmp};

use super::Tracked;
use super::entries::EntryId;
use super::table::Table;
use super::tuple::Layers;
use super::zone::Zone;
use crate::packet::checksum;
use crate::packet::wire::{self, byte};

const HEADER: usize = 8;
const REDIRECT: u8 = 137;

/// What such a message is; none where the packet goes on to be looked up by its own tuple.
pub fn track(table: &mut Table, layers: &Layers<'_>, zone: Zone, verify: bool, now: Duration) -> Option<Tracked> {
    match (layers.family, layers.protocol) {
        (Family::Ipv4, Protocol::ICMP) | (Family::Ipv6, Protocol::ICMPV6) => {}
        _ => return None,
    }
    let Some(header) = layers.segment.get(..HEADER) else { return Some(Tracked::INVALID) };
    let checksum = || checksum::transport(layers.packet, layers.family, layers.protocol, layers.segment);
    if verify && checksum() != 0 {
        return Some(Tracked::INVALID);
    }
    let kind = byte(header, 0)?;
    match (layers.family, kind, icmp::class(layers.family, kind)) {
        (Family::Ipv6, REDIRECT, _) => redirect(table, layers, zone, now),
        (_, _, IcmpClass::Untracked) => Some(Tracked::UNTRACKED),
        (_, _, IcmpClass::Error) => Some(quoting(table, layers, zone, HEADER, now)),
        (Family::Ipv4, 19.., _) => Some(Tracked::INVALID),
        _ => None,
    }
}

/// A redirect for IPv6 (RFC 4861 §4.5) belongs to the conversation that its "redirected header" option quotes.
fn redirect(table: &mut Table, layers: &Layers<'_>, zone: Zone, now: Duration) -> Option<Tracked> {
    const OPTIONS: usize = 40;
    const REDIRECTED_HEADER: u8 = 4;
    let whole = layers.segment.len() >= OPTIONS;
    if whole && byte(layers.segment, 1) != Some(0) {
        return None;
    }
    let (source, _) = wire::addresses(layers.packet, layers.family)?;
    let from_the_link = wire::is_link_local(source) && byte(layers.packet, 7) == Some(255);
    match layers.segment.get(OPTIONS..OPTIONS + 2) {
        Some(&[kind, length]) if from_the_link && length > 0 => {
            (kind == REDIRECTED_HEADER).then(|| quoting(table, layers, zone, OPTIONS + 8, now))
        }
        _ => Some(Tracked::INVALID),
    }
}

/// A message that quotes a packet from `offset` on. It is related to the packet's conversation if it goes to where the
/// packet came from.
fn quoting(table: &mut Table, layers: &Layers<'_>, zone: Zone, offset: usize, now: Duration) -> Tracked {
    match quoted(table, layers, zone, offset, now) {
        Some((id, direction)) => Tracked { state: CtState::Related, direction: Some(direction), entry: Some(id) },
        None => Tracked::INVALID,
    }
}

fn quoted(
    table: &mut Table,
    layers: &Layers<'_>,
    zone: Zone,
    offset: usize,
    now: Duration,
) -> Option<(EntryId, CtDirection)> {
    let quote = Layers::of(layers.segment.get(offset..)?, layers.family)?;
    let (id, direction) = table.find(&table.calls.complete(quote.tuple()?).inverted()?, zone, now)?;
    let (_, destination) = wire::addresses(layers.packet, layers.family)?;
    let reached = table.get(id)?.tuple(direction).destination;
    (reached == destination).then_some((id, direction))
}
