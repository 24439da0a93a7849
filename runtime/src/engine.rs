// SPDX-License-Identifier: GPL-3.0-or-later
//! The hook walk and what decides at each hook.

mod backend;
pub mod interpret;
pub(crate) mod routing;
pub mod walk;

use std::time::Duration;

use ringwall_ir::OriginId;
use ringwall_ir::words::{CtDirection, CtState, CtStatus, Hook, Refusal};

pub use backend::MachineBackend;
pub use interpret::{Explaining, Interpreter, Unsupported, unsupported};
pub use walk::Machine;

use crate::packet::Packet;

/// What a ruling is asked about: one packet at one hook.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Time since the start of the traffic.
    pub now: Duration,
    /// The packet, reassembled.
    pub packet: &'a Packet<'a>,
    /// The hook it is at.
    pub hook: Hook,
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
}

/// One packet, one hook, one ct view: a decision. The plain interpreter of the IR and the reference meaning of a policy
/// are two rulings on the same walk.
pub trait Ruling {
    /// Decides about a packet at a hook. Called once for each hook on its way, in order, each packet in turn.
    fn decide(&mut self, view: &View<'_>) -> Decision;
}

impl<R: Ruling + ?Sized> Ruling for &mut R {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        (**self).decide(view)
    }
}
