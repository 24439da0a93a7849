// SPDX-License-Identifier: GPL-3.0-or-later
//! The conversations that a test `ct count` knows (`net/netfilter/nf_conncount.c`).

use crate::conntrack::{Layers, Tuple, Zone};
use crate::engine::View;
use crate::engine::routing::LOOPBACK;

/// The conversations that one list has seen open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Connections(Vec<(Tuple, Zone)>);

impl Connections {
    /// Adds the packet's conversation, if it opens one, and says how many are open; none where the packet has no tuple.
    /// The kernel may put off forgetting those that are over until the next tick of its clock; here they are gone at once.
    pub(super) fn count(&mut self, view: &mut View<'_>) -> Option<usize> {
        let entry = view.tracked.and_then(|tracked| view.conntrack.entry(tracked));
        let (opened, is_known) = match entry {
            // What the host sends to itself is in the table before it comes back in.
            Some(entry) => ((entry.original(), entry.zone), entry.is_confirmed() && view.iif != Some(LOOPBACK)),
            None => {
                let tuple = Layers::of(view.packet.bytes(), view.packet.family())?.tuple()?;
                ((tuple, Zone::default()), false)
            }
        };
        self.0.retain(|(tuple, zone)| view.conntrack.is_open(tuple, *zone, view.now));
        if !is_known && !self.0.contains(&opened) {
            self.0.push(opened);
        }
        Some(self.0.len())
    }
}
