// SPDX-License-Identifier: GPL-3.0-or-later
//! Ct zones: conversations with the same ends in different zones are different (`nf_conntrack_zones.h`).

use ringwall_ir::words::CtDirection;

/// The zone of an entry, and of the packets that look for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Zone {
    id: u16,
    /// The direction that it counts for; none: both.
    only: Option<CtDirection>,
}

impl Zone {
    /// The zone of a number, for one direction or for both.
    #[must_use]
    pub const fn new(id: u16, only: Option<CtDirection>) -> Self {
        Self { id, only }
    }

    /// Its number.
    #[must_use]
    pub const fn id(self) -> u16 {
        self.id
    }

    /// The direction that it counts for; none: both.
    #[must_use]
    pub const fn only(self) -> Option<CtDirection> {
        self.only
    }

    /// The number that counts in a direction (`nf_ct_zone_id`).
    #[must_use]
    pub fn of(self, direction: CtDirection) -> u16 {
        if self.only.is_none_or(|only| only == direction) { self.id } else { 0 }
    }
}
