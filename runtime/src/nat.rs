// SPDX-License-Identifier: GPL-3.0-or-later
//! Translation of addresses and ports as nf_nat of Linux 6.18 does it: the new ends of a conversation are chosen when it
//! opens, once for its source and once for its destination, and every packet of it is rewritten on its way.
//!
//! What a rule says is a [`Translation`]; the machine makes a [`Range`] of it, with the addresses of the host, and [`bind`]
//! chooses from the range what no other conversation uses. Where no rule says anything, a conversation is bound to what it
//! has, so that a later clash of ports can be told (`nf_nat_alloc_null_binding`).
//!
//! Where a helper reads such a conversation, what it announces is written anew in the payload, and what it expects follows
//! its master. The machine supposes that the kernel has those parts of its helpers (`nf_nat_ftp`, `nf_nat_sip` ...): where
//! they are modules, nobody loads them for a ruleset.

mod choose;
mod follow;
mod payload;
mod rewrite;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus, Hook, NatFlags};

pub(crate) use self::follow::follow;
pub(crate) use self::payload::{redirect, replace as replace_payload};
pub(crate) use self::rewrite::is_icmp;
use crate::conntrack::{Conntrack, EntryId, Table, Tracked};

/// What a rule says of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The new end.
    pub end: NewEnd,
    /// The ports, first and last; none: the port stays where it can.
    pub ports: Option<(u16, u16)>,
    /// How one of several is chosen.
    pub flags: NatFlags,
}

/// The address of a new end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewEnd {
    /// One of these, first and last.
    Addresses(u128, u128),
    /// The one that the conversation has.
    Unchanged,
    /// One of the interface that the packet leaves by.
    Departure,
    /// One of the interface that the packet arrived on; of the loopback interface where the host sends it.
    Arrival,
}

/// Which end of a packet a hook rewrites (`HOOK2MANIP`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The source: at input and postrouting.
    Source,
    /// The destination: at prerouting and output.
    Destination,
}

impl End {
    /// The end that is rewritten at a hook.
    #[must_use]
    pub const fn at(hook: Hook) -> Self {
        match hook {
            Hook::Input | Hook::Postrouting => Self::Source,
            Hook::Prerouting | Hook::Forward | Hook::Output => Self::Destination,
        }
    }

    /// That the end is another one than the packet's.
    const fn changed(self) -> CtStatus {
        match self {
            Self::Source => CtStatus::SRC_NAT,
            Self::Destination => CtStatus::DST_NAT,
        }
    }

    /// That the end was chosen.
    const fn done(self) -> CtStatus {
        match self {
            Self::Source => CtStatus::SRC_NAT_DONE,
            Self::Destination => CtStatus::DST_NAT_DONE,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }

    /// That the end of a packet in a direction is another one: what is the source of the original is the destination of
    /// the replies.
    const fn changed_in(self, direction: CtDirection) -> CtStatus {
        match direction {
            CtDirection::Original => self.changed(),
            CtDirection::Reply => self.other().changed(),
        }
    }
}

/// Ends from which one is chosen (`struct nf_nat_range2`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The addresses, first and last; none: the address stays.
    pub addresses: Option<(u128, u128)>,
    /// The ports, first and last; none: the port stays where it can.
    pub ports: Option<(u16, u16)>,
    /// How one of several is chosen.
    pub flags: NatFlags,
}

/// Whether the end of a packet's conversation was chosen already.
#[must_use]
pub fn is_bound(conntrack: &Conntrack, tracked: Tracked, end: End) -> bool {
    conntrack.status(tracked).contains(end.done())
}

/// Chooses the end of the conversation that a packet opens; from its own ends where no range is given
/// (`nf_nat_setup_info`, `nf_nat_alloc_null_binding`). A conversation that is in the table already stays as it is.
pub fn bind(conntrack: &mut Conntrack, tracked: Tracked, end: End, range: Option<Range>, now: Duration) {
    if let Some(id) = tracked.entry {
        bind_entry(&mut conntrack.table, id, end, range, now);
    }
}

/// Chooses the end of an entry that is not in the table yet.
fn bind_entry(table: &mut Table, id: EntryId, end: End, range: Option<Range>, now: Duration) {
    let Some(entry) = table.get(id) else { return };
    if entry.is_confirmed() {
        return;
    }
    let Some(current) = entry.reply().inverted() else { return };
    let range = range.unwrap_or_else(|| {
        let own = match end {
            End::Source => current.source,
            End::Destination => current.destination,
        };
        Range { addresses: Some((own, own)), ..Range::default() }
    });
    let chosen = choose::tuple(table, id, &current, end, &range, now);
    let Some(reply) = chosen.tuple.inverted() else { return };
    if let Some(gone) = chosen.gone {
        table.end(gone);
    }
    let Some(entry) = table.get_mut(id) else { return };
    entry.port_drawn |= chosen.port_drawn;
    if chosen.tuple != current {
        entry.set_reply(&reply);
        entry.status = entry.status.with(end.changed());
    }
    entry.status = entry.status.with(end.done());
    if end == End::Source {
        table.note_source(id);
    }
}

/// Rewrites a packet at a hook, as its conversation was bound (`nf_nat_packet`). False if it cannot be.
pub fn rewrite(conntrack: &Conntrack, tracked: Tracked, hook: Hook, bytes: &mut [u8]) -> bool {
    let (Some(id), Some(direction)) = (tracked.entry, tracked.direction) else { return true };
    let Some(entry) = conntrack.table.get(id) else { return true };
    let end = End::at(hook);
    if !entry.status.contains(end.changed_in(direction)) {
        return true;
    }
    // The packet shall look like the inverse of the other direction.
    match entry.tuple(direction.reversed()).inverted() {
        Some(target) => rewrite::packet(bytes, &target, end),
        None => false,
    }
}

/// Rewrites an ICMP error about a packet of a translated conversation, and the packet that it quotes
/// (`nf_nat_icmp_reply_translation`, `nf_nat_icmpv6_reply_translation`). False if the error must be dropped.
pub fn rewrite_error(conntrack: &Conntrack, tracked: Tracked, hook: Hook, bytes: &mut [u8]) -> bool {
    let (Some(id), Some(direction)) = (tracked.entry, tracked.direction) else { return true };
    let Some(entry) = conntrack.table.get(id) else { return true };
    let end = End::at(hook);
    if rewrite::is_spoiled_error(bytes) {
        return false;
    }
    if rewrite::is_redirect(bytes) {
        let bound = entry.status.contains(CtStatus::SRC_NAT_DONE.with(CtStatus::DST_NAT_DONE));
        let translated = entry.status.intersects(CtStatus::SRC_NAT.with(CtStatus::DST_NAT));
        if !bound || translated {
            return false;
        }
    }
    if !entry.status.contains(end.changed_in(direction)) {
        return true;
    }
    // The quoted packet went the other way, and shall look as its sender sent it.
    let inner = entry.tuple(direction.reversed());
    match inner.inverted() {
        Some(outer) => rewrite::error(bytes, &inner, &outer, end),
        None => false,
    }
}
