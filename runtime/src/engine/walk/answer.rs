// SPDX-License-Identifier: GPL-3.0-or-later
//! The packets that the host sends because of the one on its way.

use ringwall_ir::words::{Family, Refusal};

use super::Walk;
use crate::conntrack::Tracked;
use crate::engine::Ruling;
use crate::engine::routing::{LOOPBACK, Routing, Way, is_of_a_link, v6};
use crate::observation::{Answer, Fate, Observation};
use crate::packet::answer::{self, IcmpError};

impl<R: Ruling> Walk<'_, R> {
    /// A rule refuses the packet: the sender gets an answer, if the packet may be answered at all.
    pub(super) fn answer_refusal(&mut self, refusal: Refusal) {
        let Ok(packet) = self.packet() else { return };
        match refusal.icmp_code(packet.family()) {
            Some(code) if answer::may_be_rejected(&packet) => {
                self.answer_icmp(IcmpError::unreachable(packet.family(), code));
            }
            Some(_) => {}
            None => self.answer_reset(),
        }
    }

    fn answer_reset(&mut self) {
        let Ok(packet) = self.packet() else { return };
        if packet.family() == Family::Ipv4 && self.to_group {
            return;
        }
        if let Some(bytes) = answer::reset(&packet) {
            if let Some(tracked) = self.tracked {
                self.machine.conntrack.close(tracked, self.now);
            }
            self.send_answer(bytes, None);
        }
    }

    /// The sender gets an ICMP error about the packet, if it may be answered at all.
    pub(super) fn answer_icmp(&mut self, error: IcmpError) {
        let host = self.machine.host;
        let routing = Routing::of(host);
        let Ok(packet) = self.packet() else { return };
        let (family, (sender, destination)) = (packet.family(), packet.addresses());
        let unanswered = match family {
            Family::Ipv4 => self.to_group,
            Family::Ipv6 => routing.is_anycast(sender) || is_of_a_link(family, sender) && self.is_led_back(),
        };
        if unanswered || self.framed_for_group {
            return;
        }
        let link = self.iif.or(self.routed).or(self.oif).unwrap_or(LOOPBACK);
        let back = host.interface(link).filter(|_| is_of_a_link(family, sender));
        let own = match family {
            Family::Ipv4 => routing.outgoing(family, destination) == Way::Local,
            Family::Ipv6 => destination == v6::LOOPBACK || routing.is_own(family, destination, link),
        };
        let source = match back {
            _ if own => Some(destination),
            Some(link) => routing.address_on(&link.name, family, sender),
            None => routing.source_for(family, sender),
        };
        let back = back.map(|link| link.name.as_str());
        if let Some(bytes) = source.and_then(|source| answer::icmp_error(&packet, error, source)) {
            self.send_answer(bytes, back);
        }
    }

    /// Whether the host's own packet was to leave, and was led back to the host: there is no link any more that an answer
    /// could go back to.
    fn is_led_back(&self) -> bool {
        self.iif.is_none() && self.routed == Some(LOOPBACK) && self.oif != Some(LOOPBACK)
    }

    /// Sends an answer, which belongs to the packet's conversation if the packet has one. Without one it is tracked like
    /// any other. Where the sender is one of a link, it goes back to the `link`.
    fn send_answer(&mut self, bytes: Vec<u8>, link: Option<&str>) {
        let mut seen = Observation::unseen();
        let mut walk = Walk::new(self.machine.lent(), self.now, bytes.clone(), &mut seen);
        walk.link = link;
        walk.tracked = self.tracked.and_then(Tracked::answer);
        walk.attached = walk.tracked.is_some();
        walk.run(Walk::send);
        if seen.hooks.is_empty() {
            return;
        }
        let fate = if seen.fate == Some(Fate::Accept) { Fate::Accept } else { Fate::Drop };
        self.seen.answers.push(Answer { bytes, fate, state: seen.state, origin: seen.origin });
        self.seen.answers.extend(seen.answers);
    }
}
