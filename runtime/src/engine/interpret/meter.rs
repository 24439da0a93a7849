// SPDX-License-Identifier: GPL-3.0-or-later
//! What counts packets and lets them on or not: limits, quotas and numbers of conversations, each with what it has counted.

use ringwall_ir::{ConnLimit, Limit, Quota};

use super::bucket::Bucket;
use super::connections::Connections;
use super::{Halt, Passes};
use crate::engine::View;

/// One of them. Counters are none: what they count decides nothing, and is not kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meter {
    Connections(ConnLimit, Connections),
    Limit(Limit, Bucket),
    /// The quota, and the bytes that are used up.
    Quota(Quota, u64),
}

impl Meter {
    pub(super) fn connections(limit: ConnLimit) -> Self {
        Self::Connections(limit, Connections::default())
    }

    pub(super) fn limit(limit: Limit) -> Self {
        Self::Limit(limit, Bucket::full(&limit))
    }

    pub(super) const fn quota(quota: Quota) -> Self {
        Self::Quota(quota, quota.used)
    }

    /// The meter that an element of a set gets, which has counted nothing yet (`nft_quota_clone`, `nft_limit_clone`).
    pub(super) fn of_element(meter: &ringwall_ir::Meter) -> Option<Self> {
        match *meter {
            ringwall_ir::Meter::ConnLimit(limit) => Some(Self::connections(limit)),
            ringwall_ir::Meter::Counter(_) => None,
            ringwall_ir::Meter::Limit(limit) => Some(Self::limit(limit)),
            ringwall_ir::Meter::Quota(quota) => Some(Self::Quota(quota, 0)),
        }
    }

    /// Counts the packet, and lets it on or not.
    pub(super) fn count(&mut self, view: &mut View<'_>) -> Passes<()> {
        let length = view.packet.bytes().len();
        let passes = match self {
            Self::Limit(limit, bucket) => bucket.take(limit, length, view.now),
            // `nft_overquota`
            Self::Quota(quota, used) => {
                *used = used.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                (*used <= quota.bytes) != quota.over
            }
            Self::Connections(limit, connections) => {
                let open = connections.count(view).ok_or(Halt::Drop)?;
                (u64::try_from(open).unwrap_or(u64::MAX) <= u64::from(limit.count)) != limit.over
            }
        };
        if passes { Ok(()) } else { Err(Halt::Leave) }
    }
}
