// SPDX-License-Identifier: GPL-3.0-or-later
//! The hook walk and what decides at each hook.

mod backend;
mod classify;
pub mod interpret;
pub(crate) mod routing;
pub mod walk;

use std::time::Duration;

use ringwall_ir::OriginId;
use ringwall_ir::words::{CtDirection, CtState, CtStatus, Family, Hook, Priority, Refusal};

pub use backend::MachineBackend;
pub use interpret::{Explaining, Interpreter, Unsupported, unsupported};
pub use walk::Machine;

use crate::conntrack::{Conntrack, Tracked, Zone};
use crate::host::Host;
use crate::nat::Translation;
use crate::packet::Packet;
use crate::traffic::Sender;

/// What a ruling is asked about: one packet at one hook. What rules change beside the packet's bytes, they change here.
#[derive(Debug)]
pub struct View<'a> {
    /// Time since the start of the traffic.
    pub now: Duration,
    /// The packet, reassembled.
    pub packet: &'a Packet<'a>,
    /// The hook it is at.
    pub hook: Hook,
    /// What was done to it there already.
    pub stage: Stage,
    /// The interface it arrived on; `lo` for the host's own packets on their way back in.
    pub iif: Option<&'a str>,
    /// The interface it leaves by.
    pub oif: Option<&'a str>,
    /// Its ct state.
    pub state: CtState,
    /// Its ct direction, if it belongs to an entry.
    pub ct_direction: Option<CtDirection>,
    /// The status of its entry.
    pub status: CtStatus,
    /// What connection tracking said of it; none before it was asked.
    pub tracked: Option<Tracked>,
    /// Connection tracking.
    pub conntrack: &'a mut Conntrack,
    /// Who of the host sends it: at output and behind it, until it comes in somewhere.
    pub sender: Option<Sender>,
    /// What it carries beside its bytes.
    pub carried: &'a mut Carried,
    /// The host.
    pub host: &'a Host,
}

impl View<'_> {
    /// Whether chains at priority filter are asked now.
    #[must_use]
    pub fn is_filtering(&self) -> bool {
        self.stage == Stage::of(self.hook, Priority::FILTER)
    }
}

/// What a packet carries through the host beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The packet mark.
    pub mark: u32,
    /// The traffic class.
    pub priority: u32,
    /// The ct zone that it will be looked for in, if a rule said so.
    pub zone: Option<Zone>,
    /// A rule keeps it from connection tracking.
    pub untracked: bool,
    /// A chain of type route marked it: the routes are asked anew (`nf_route_table_hook4`, `nf_route_table_hook6`). A host's
    /// routes are the same for every mark.
    pub rerouted: bool,
    /// The maximum segment size that it offers instead of its own. It is in its bytes when the next chains are asked.
    pub mss: Option<u16>,
}

/// What the kernel's own hooks have done to a packet at a hook, when chains are asked. In order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Nothing: fragments are not yet put together.
    Received,
    /// It is whole, but not tracked.
    Untracked,
    /// It is tracked, and its ends are those that it came with.
    Tracked,
    /// The chains of type nat are asked, once for each conversation.
    Translating,
    /// Its ends are translated, as far as the hook does it.
    Translated,
}

impl Stage {
    /// The stage at which chains of type filter are asked that have a priority at a hook. Where the priority is one of the
    /// kernel's own hooks', the chain is behind it.
    #[must_use]
    pub const fn of(hook: Hook, priority: Priority) -> Self {
        let first = matches!(hook, Hook::Prerouting | Hook::Output);
        let translation = match hook {
            Hook::Prerouting | Hook::Output => Priority::DSTNAT.0,
            Hook::Input | Hook::Postrouting => Priority::SRCNAT.0,
            Hook::Forward => return Self::Tracked,
        };
        match priority.0 {
            priority if first && priority < Priority::DEFRAG.0 => Self::Received,
            priority if first && priority < Priority::CONNTRACK.0 => Self::Untracked,
            priority if priority < translation => Self::Tracked,
            _ => Self::Translated,
        }
    }
}

/// What a ruling says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the packet.
    pub action: Action,
    /// Why: the rule, or the chain policy. None where no chain is bound to the hook.
    pub origin: Option<OriginId>,
}

/// What becomes of a packet at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes on.
    Accept,
    /// It is gone.
    Drop,
    /// It is gone, and its sender gets an answer.
    Reject(Refusal),
    /// It goes on, and its conversation has another end. At stage translating only.
    Translate(Translation),
}

/// One packet, one hook, one ct view: a decision. The interpreter of the IR, with the classifier or plain, and the reference
/// meaning of a policy are rulings on the same walk.
pub trait Ruling {
    /// Decides about a packet at a stage of a hook. Called for each on its way, in order, each packet in turn.
    fn decide(&mut self, view: &mut View<'_>) -> Decision;

    /// Whether it has anything to say at a stage of a hook: where not, it accepts every packet there, and does nothing.
    fn is_asked(&self, hook: Hook, stage: Stage) -> bool {
        let _ = (hook, stage);
        true
    }

    /// Whether there are chains of type nat for a family: only then are conversations bound to their ends.
    fn translates(&self, family: Family) -> bool {
        let _ = family;
        false
    }
}

impl<R: Ruling + ?Sized> Ruling for &mut R {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        (**self).decide(view)
    }

    fn is_asked(&self, hook: Hook, stage: Stage) -> bool {
        (**self).is_asked(hook, stage)
    }

    fn translates(&self, family: Family) -> bool {
        (**self).translates(family)
    }
}
