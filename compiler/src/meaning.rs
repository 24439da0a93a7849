// SPDX-License-Identifier: GPL-3.0-or-later
//! The reference meaning of a policy: what its sentences say of one packet, read off the policy itself.
//!
//! It shares nothing with `lower`: no rules, no chains, no matches. Where both agree on what connection tracking says,
//! their agreement proves the lowering; connection tracking itself is proved by the kernel alone.

use ringwall_ir::words::{CtState, Direction, Family, Hook, Protocol, Refusal};
use ringwall_runtime::engine::{Action, Decision, Ruling, View};
use ringwall_runtime::packet::Packet;

use crate::policy::{Effect, End, Policy, Scope, Traffic};

/// The reference meaning of one policy.
#[derive(Clone, Copy, Debug)]
pub struct Meaning<'a> {
    policy: &'a Policy,
}

impl<'a> Meaning<'a> {
    /// What `policy` says.
    #[must_use]
    pub const fn new(policy: &'a Policy) -> Self {
        Self { policy }
    }

    /// The first sentence that matches decides; if none does, the closing of the direction.
    fn of(&self, direction: Direction, view: &View<'_>) -> Option<Decision> {
        let closing = self.policy.closings.get(&direction)?;
        let speaks =
            |directions: &[Direction], scope: &Scope| directions.contains(&direction) && describes(scope, view);
        let sentence = self
            .policy
            .sentences
            .iter()
            .find(|sentence| sentence.effect != Effect::Record && speaks(&sentence.directions, &sentence.scope));
        let (effect, origin) = match sentence {
            Some(sentence) => (sentence.effect, sentence.origin),
            None => (closing.effect, closing.origin),
        };
        Some(Decision { action: action(effect, view.packet), origin: Some(origin) })
    }
}

impl Ruling for Meaning<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let direction = match view.hook {
            _ if !view.is_filtering() => None,
            Hook::Input => Some(Direction::Inbound),
            Hook::Output => Some(Direction::Outbound),
            Hook::Forward => Some(Direction::Forwarded),
            Hook::Prerouting | Hook::Postrouting => None,
        };
        let untouched = Decision { action: Action::Accept, origin: None };
        direction.and_then(|direction| self.of(direction, view)).unwrap_or(untouched)
    }
}

/// Whether the scope of a sentence holds the packet.
pub(crate) fn describes(scope: &Scope, view: &View<'_>) -> bool {
    let packet = view.packet;
    is_end(&scope.from, packet.family(), packet.source(), view.iif)
        && is_end(&scope.to, packet.family(), packet.destination(), view.oif)
        && scope.traffic.iter().any(|traffic| is_traffic(traffic, packet, view.state))
}

fn is_end(end: &End, family: Family, address: u128, interface: Option<&str>) -> bool {
    let inside = |group: &crate::policy::Group| group.set.of(family).contains(address);
    end.include.as_ref().is_none_or(inside)
        && !end.exclude.as_ref().is_some_and(inside)
        && end.interfaces.as_ref().is_none_or(|interfaces| interfaces.matches(interface))
}

fn is_traffic(traffic: &Traffic, packet: &Packet<'_>, state: CtState) -> bool {
    let port = |wanted: &Option<ringwall_ir::IntervalSet>, found: Option<u16>| {
        wanted.as_ref().is_none_or(|ports| found.is_some_and(|port| ports.contains(u128::from(port))))
    };
    let (from_port, to_port) = packet.ports().unzip();
    let (kind, code) = packet.icmp().unzip();
    traffic.states.contains(state)
        && traffic.family.is_none_or(|family| packet.family() == family)
        && traffic.protocol.is_none_or(|protocol| packet.protocol() == protocol)
        && port(&traffic.ports, to_port)
        && port(&traffic.from_ports, from_port)
        && traffic.flags.is_none_or(|(value, mask)| packet.tcp_flags().is_some_and(|flags| flags.0 & mask.0 == value.0))
        && traffic.icmp_types.as_ref().is_none_or(|kinds| kind.is_some_and(|kind| kinds.contains(u128::from(kind))))
        && traffic.icmp_code.is_none_or(|wanted| code == Some(wanted))
        && traffic.hop_limit.is_none_or(|limit| packet.hop_limit() == limit)
}

fn action(effect: Effect, packet: &Packet<'_>) -> Action {
    match effect {
        Effect::Accept | Effect::Record => Action::Accept,
        Effect::Drop => Action::Drop,
        Effect::Reject(Some(refusal)) => Action::Reject(refusal),
        Effect::Reject(None) if packet.protocol() == Protocol::TCP => Action::Reject(Refusal::TcpReset),
        Effect::Reject(None) => Action::Reject(Refusal::PortUnreachable),
    }
}
