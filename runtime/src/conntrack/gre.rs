// SPDX-License-Identifier: GPL-3.0-or-later
//! GRE (`nf_conntrack_proto_gre.c`).

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtStatus};

use super::entries::EntryId;
use super::entry::Entry;
use super::tuple::{Ends, Tuple};
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

/// The calls of PPTP that a helper read of. A packet of a call says the call id of its receiver only; the sender's, which
/// is part of the tuple too, is looked up here (`struct nf_ct_gre_keymap`).
#[derive(Clone, Debug, Default)]
pub struct Calls {
    known: Vec<Call>,
    /// The entries of GRE that were expected.
    carried: Vec<EntryId>,
}

#[derive(Clone, Debug)]
struct Call {
    /// The entry of the control connection.
    master: EntryId,
    direction: CtDirection,
    tuple: Tuple,
}

impl Call {
    /// Whether packets of the tuple may belong to it (`gre_key_cmpfn`).
    fn fits(&self, tuple: &Tuple) -> bool {
        let (_, ours) = self.tuple.ends.parted();
        let (_, theirs) = tuple.ends.parted();
        self.tuple.source == tuple.source && self.tuple.destination == tuple.destination && ours == theirs
    }
}

impl Calls {
    /// Adds one direction of a call (`nf_ct_gre_keymap_add`). False if the entry has another call in that direction.
    pub fn add(&mut self, master: EntryId, direction: CtDirection, tuple: Tuple) -> bool {
        if let Some(call) = self.known.iter().find(|call| call.master == master && call.direction == direction) {
            return call.fits(&tuple);
        }
        self.known.push(Call { master, direction, tuple });
        true
    }

    /// Removes the calls of an entry (`nf_ct_gre_keymap_destroy`).
    pub fn forget(&mut self, master: EntryId) {
        self.known.retain(|call| call.master != master);
    }

    /// Notes an entry of GRE that was expected.
    pub fn carry(&mut self, id: EntryId) {
        self.carried.push(id);
    }

    /// The first entry of a call is gone, and with it what is known of the calls of its master (`destroy_gre_conntrack`).
    pub fn drop_carried(&mut self, id: EntryId, master: EntryId) {
        if let Some(at) = self.carried.iter().position(|carried| *carried == id) {
            self.carried.remove(at);
            self.forget(master);
        }
    }

    /// Whether nothing is known, of any call.
    pub const fn is_empty(&self) -> bool {
        self.known.is_empty() && self.carried.is_empty()
    }

    /// The entries that matter to calls: those of control connections and of GRE.
    pub fn entries(&self) -> impl Iterator<Item = EntryId> {
        self.known.iter().map(|call| call.master).chain(self.carried.iter().copied())
    }

    /// The tuple of a packet with the sender's call id, if it is known (`gre_keymap_lookup`).
    pub fn complete(&self, tuple: Tuple) -> Tuple {
        let Ends::Keys { destination, .. } = tuple.ends else { return tuple };
        let Some(call) = self.known.iter().find(|call| call.fits(&tuple)) else { return tuple };
        let (source, _) = call.tuple.ends.parted();
        Tuple { ends: Ends::Keys { source, destination }, ..tuple }
    }
}
