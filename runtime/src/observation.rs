// SPDX-License-Identifier: GPL-3.0-or-later
//! What was seen of one packet: the same form for the machine, the reference meaning and the kernel.

use ringwall_ir::OriginId;
use ringwall_ir::words::{CtDirection, CtState, CtStatus, Direction, Hook};
use serde::{Deserialize, Serialize};

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It passed every hook on its way.
    Accept,
    /// It is gone.
    Drop,
    /// It is gone, and a rule said to answer; what really left the host is in the answers.
    Reject,
    /// It waits for the rest of its fragments.
    Queued,
}

impl Fate {
    /// The verdict as JSON and tables print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Queued => "queued",
        }
    }
}

/// What was seen of one packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What became of it; none where it never came to netfilter as an IP packet (ARP, say).
    pub fate: Option<Fate>,
    /// Which chains of a policy it belongs to, by its way through the host; none if it did not get that far.
    pub direction: Option<Direction>,
    /// Its ct state; none if it never came to connection tracking.
    pub state: Option<CtState>,
    /// Its ct direction; none if it belongs to no entry.
    pub ct_direction: Option<CtDirection>,
    /// The status of its entry before it was confirmed.
    pub status: CtStatus,
    /// What decided: a rule's origin, or that of the chain policy of the last chain on its way.
    pub origin: Option<OriginId>,
    /// Why it is gone, where no rule or chain policy said so: `routing`, `defragmentation`, `ip input`, ...
    pub reason: Option<String>,
    /// The hooks that it came to.
    pub hooks: Vec<Hook>,
    /// The packet as it left the last hook, if it did.
    pub left: Option<Vec<u8>>,
    /// Its conversation was given a port that the kernel draws at random: it leaves with another one there.
    pub port_drawn: bool,
    /// The packets that the host made because of it, in order, whether or not they got out.
    pub answers: Vec<Answer>,
}

/// A packet that the host made because of another: a TCP reset, an ICMP error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Its bytes, from the IP header on.
    pub bytes: Vec<u8>,
    /// What became of it on its way out: accept or drop.
    pub fate: Fate,
    /// Its ct state.
    pub state: Option<CtState>,
    /// What decided about it.
    pub origin: Option<OriginId>,
}

impl Observation {
    /// A packet of which nothing is known yet.
    #[must_use]
    pub const fn unseen() -> Self {
        Self {
            fate: None,
            direction: None,
            state: None,
            ct_direction: None,
            status: CtStatus(0),
            origin: None,
            reason: None,
            hooks: Vec::new(),
            left: None,
            port_drawn: false,
            answers: Vec::new(),
        }
    }

    /// Forgets the packet, but keeps the memory for what will be seen of another.
    pub(crate) fn forget(&mut self) {
        let (mut hooks, mut answers) = (std::mem::take(&mut self.hooks), std::mem::take(&mut self.answers));
        hooks.clear();
        answers.clear();
        *self = Self { hooks, answers, ..Self::unseen() };
    }
}
