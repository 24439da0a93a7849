// SPDX-License-Identifier: GPL-3.0-or-later
//! One question to the reference meaning: does the policy accept this packet, at this hook, in this ct state?

use std::time::Duration;

use ringwall_ir::words::{CtDirection, CtState, CtStatus, Direction, Priority};
use ringwall_runtime::conntrack::Conntrack;
use ringwall_runtime::engine::{Action, Carried, Ruling, Stage, View};
use ringwall_runtime::host::Host;
use ringwall_runtime::packet::Packet;

use crate::meaning::Meaning;
use crate::policy::Policy;

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) direction: Direction,
    /// The interface on the far side; for a forwarded packet, both.
    pub(super) interface: &'a str,
    pub(super) state: CtState,
    pub(super) bytes: &'a [u8],
}

impl Question<'_> {
    /// Whether the policy accepts the packet. A direction that it does not govern is left open.
    pub(super) fn is_accepted(&self, policy: &Policy) -> bool {
        let Ok(packet) = Packet::parse(self.bytes) else { return false };
        let hook = self.direction.hook();
        let host = Host::with_addresses(&[]);
        let mut view = View {
            now: Duration::ZERO,
            packet: &packet,
            hook,
            stage: Stage::of(hook, Priority::FILTER),
            iif: hook.has_arrival().then_some(self.interface),
            oif: hook.has_departure().then_some(self.interface),
            state: self.state,
            ct_direction: Some(CtDirection::Original),
            status: CtStatus::default(),
            tracked: None,
            conntrack: &mut Conntrack::new(host.sysctls.clone()),
            sender: None,
            carried: &mut Carried::default(),
            host: &host,
        };
        Meaning::new(policy).decide(&mut view).action == Action::Accept
    }
}
