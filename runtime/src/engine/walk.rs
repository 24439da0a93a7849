// SPDX-License-Identifier: GPL-3.0-or-later
//! The walk: one packet's way through the hooks of a host, as in Linux.
//!
//! | a packet that | passes |
//! |---|---|
//! | arrives for the host | IP input, reassembly, conntrack, `prerouting`, routing, `input`, confirm |
//! | arrives for another | IP input, reassembly, conntrack, `prerouting`, routing, hop limit, MTU, `forward`, `postrouting`, confirm |
//! | the host sends | routing, reassembly, conntrack, `output`, `postrouting`, confirm |
//! | it sends to itself | the same out of `lo`; then `prerouting`, `input` with the conntrack entry that it has |
//!
//! What an [`Observation`] reports: the origin of the decision that ended the way; else that of the last decision at
//! `input`, `output` or `forward` that had one. A packet that the host sends to itself is outbound if its way ends before
//! it comes back in, else inbound. Its ct state is that at `output`.
//!
//! Not modelled: rate limits of ICMP, redirects that a router sends, IP options that hosts fill in.

mod answer;
mod input;
mod machine;
#[cfg(test)]
mod tests;
mod translate;

use std::time::Duration;

use ipnet::IpNet;
use ringwall_ir::words::{CtState, Direction, Family, Hook, Protocol, Refusal};

pub use self::machine::Machine;
use self::machine::Parts;
use super::routing::{LOOPBACK, Routing, Way, is_confined, is_of_a_link};
use super::{Action, Carried, Ruling, Stage, View};
use crate::conntrack::{Help, Tracked};
use crate::defrag::Reassembly;
use crate::nat::Translation;
use crate::observation::{Fate, Observation};
use crate::packet::answer::IcmpError;
use crate::packet::{Layout, Packet, options, wire, write_sender, write_sent_header};
use crate::traffic::Sender;

/// One packet on its way.
struct Walk<'m, R> {
    machine: Parts<'m, R>,
    now: Duration,
    bytes: Vec<u8>,
    /// Where things are in the bytes; none: they are no packet.
    layout: Option<Layout>,
    iif: Option<&'m str>,
    oif: Option<&'m str>,
    /// What connection tracking said, once it was asked.
    tracked: Option<Tracked>,
    /// What it said was said of another packet, to which this one answers.
    attached: bool,
    refused: bool,
    reassembled: bool,
    carried: Carried,
    /// Who of the host sends it; none: the kernel itself, or another host.
    sender: Option<Sender>,
    /// The link that an answer goes back to, where its destination is one of a link.
    link: Option<&'m str>,
    /// The interface that the host's own packet is routed to by now; its hook may have been entered with another one.
    routed: Option<&'m str>,
    /// The destination is a broadcast address or a group.
    to_group: bool,
    /// It came in a frame to all or to a group: where its destination is changed later, it is that still
    /// (`skb->pkt_type`).
    framed_for_group: bool,
    seen: &'m mut Observation,
}

/// A step of the way: it goes on, or it ends with a fate.
type Step = Result<(), Fate>;

impl<'m, R: Ruling> Walk<'m, R> {
    fn new(machine: Parts<'m, R>, now: Duration, bytes: Vec<u8>, seen: &'m mut Observation) -> Self {
        Self {
            machine,
            now,
            bytes,
            layout: None,
            iif: None,
            oif: None,
            tracked: None,
            attached: false,
            refused: false,
            reassembled: false,
            carried: Carried::default(),
            sender: None,
            link: None,
            routed: None,
            to_group: false,
            framed_for_group: false,
            seen,
        }
    }

    /// Goes the way to its end, and gives back the memory of bytes that did not leave.
    fn run(mut self, way: impl FnOnce(&mut Self) -> Step) -> Vec<u8> {
        let fate = match way(&mut self) {
            Ok(()) => {
                self.seen.left = Some(std::mem::take(&mut self.bytes));
                Fate::Accept
            }
            Err(fate) => fate,
        };
        self.seen.fate = Some(fate);
        let entry = self.tracked.and_then(|tracked| self.machine.conntrack.entry(tracked));
        self.seen.port_drawn = entry.is_some_and(|entry| entry.port_drawn);
        if let Some(tracked) = self.tracked.filter(|_| !self.attached) {
            self.machine.conntrack.finish(tracked);
        }
        self.bytes
    }

    /// The packet arrives from the network.
    fn arrive(&mut self, interface: &'m str) -> Step {
        self.take_in(interface)?;
        let (family, destination) = (self.packet()?.family(), self.packet()?.destination());
        self.framed_for_group = Routing::of(self.machine.host).is_framed_for_group(family, destination, interface);
        self.come_in(interface)
    }

    fn come_in(&mut self, interface: &'m str) -> Step {
        (self.iif, self.oif, self.sender) = (Some(interface), None, None);
        self.come_first_to(Hook::Prerouting)?;
        self.pass(Hook::Prerouting)?;
        self.check_options()?;
        let host = self.machine.host;
        match Routing::of(host).incoming(&self.packet()?, interface) {
            Way::Local => self.deliver(),
            Way::Group => {
                self.to_group = true;
                self.deliver()
            }
            Way::Out(out) => self.forward(&out.name, out.mtu),
            Way::Martian => Err(self.lost("routing")),
            Way::Unreachable => {
                if host.forwarding {
                    let family = self.packet()?.family();
                    self.answer_icmp(IcmpError::unreachable(family, 0));
                }
                Err(self.lost("routing"))
            }
        }
    }

    fn deliver(&mut self) -> Step {
        self.seen.direction = Some(Direction::Inbound);
        self.come_to(Hook::Input);
        if self.refused && self.packet()?.protocol() == Protocol::TCP {
            self.answer_refusal(Refusal::TcpReset);
            self.seen.origin = None;
            self.seen.reason = Some("refused by another table".to_owned());
            return Err(Fate::Reject);
        }
        self.pass(Hook::Input)?;
        self.confirm()
    }

    fn forward(&mut self, out: &'m str, mtu: u32) -> Step {
        self.seen.direction = Some(Direction::Forwarded);
        self.oif = Some(out);
        if self.framed_for_group {
            return Err(self.lost("routing"));
        }
        self.leave_for_another(mtu)?;
        self.come_to(Hook::Forward);
        self.pass(Hook::Forward)?;
        self.leave()
    }

    /// The host sends the packet.
    fn send(&mut self) -> Step {
        self.seen.direction = Some(Direction::Outbound);
        if self.bytes.first().is_some_and(|first| first >> 4 == 4) {
            write_sent_header(&mut self.bytes);
        }
        if !self.read() {
            return Err(self.lost("ip output"));
        }
        self.route_out(self.sender.is_none())?;
        self.name_sender();
        self.come_first_to(Hook::Output)?;
        self.pass(Hook::Output)?;
        let to_itself = self.oif == Some(LOOPBACK);
        self.leave()?;
        if to_itself { self.arrive(LOOPBACK) } else { Ok(()) }
    }

    /// Finds the interface that a packet of the host leaves by. A raw socket does not say the packet's source to the routes;
    /// else it counts.
    fn route_out(&mut self, source_counts: bool) -> Step {
        let host = self.machine.host;
        let packet = self.packet()?;
        let routing = Routing::of(host);
        let (family, destination) = (packet.family(), packet.destination());
        let link = self.link.and_then(|link| host.interface(link));
        let bound = Some(packet.source()).filter(|_| source_counts && family == Family::Ipv4);
        let bound = bound.and_then(|source| routing.by_source(source, destination));
        let way = match (link.filter(|_| is_of_a_link(family, destination)), bound) {
            (Some(link), _) => routing.sent_on(link, destination),
            (None, Some(way)) => way,
            // A reset of the kernel's own is bound to no interface.
            (None, None) if self.sender.is_none() => routing.outgoing(family, destination),
            (None, None) => routing.sent(&packet),
        };
        let to_group = routing.is_group(family, destination);
        if source_counts && is_confined(family, packet.source(), way) {
            return Err(self.lost("routing"));
        }
        self.to_group = to_group;
        self.oif = match way {
            Way::Local => Some(LOOPBACK),
            Way::Out(out) => Some(out.name.as_str()),
            Way::Group | Way::Unreachable | Way::Martian => return Err(self.lost("routing")),
        };
        self.routed = self.oif;
        Ok(())
    }

    /// Asks the routes for a packet that was changed. An address of a link is looked for on the interface of the route that
    /// there was, and `lo` has none (`ip6_route_me_harder`).
    fn route_anew(&mut self) -> Step {
        let packet = self.packet()?;
        if is_of_a_link(packet.family(), packet.destination()) {
            if self.oif == Some(LOOPBACK) {
                return Err(self.lost("routing"));
            }
            self.link = self.oif;
        }
        self.route_out(true)
    }

    /// An IPv4 packet that a program sends from nowhere gets the source that belongs to its route (`raw_send_hdrinc`).
    fn name_sender(&mut self) {
        let Ok(packet) = self.packet() else { return };
        let (family, (source, destination)) = (packet.family(), packet.addresses());
        if family == Family::Ipv6 || source != 0 {
            return;
        }
        let host = self.machine.host;
        let out = self.oif.unwrap_or(LOOPBACK);
        if let Some(source) = Routing::of(host).source_to(out, family, destination) {
            write_sender(&mut self.bytes, source);
        }
    }

    fn leave(&mut self) -> Step {
        self.come_to(Hook::Postrouting);
        self.pass(Hook::Postrouting)?;
        self.confirm()
    }

    /// Comes to the first hook of a way: reassembly and connection tracking stand there.
    fn come_first_to(&mut self, hook: Hook) -> Step {
        self.come_to(hook);
        self.ask(hook, Stage::Received)?;
        self.reassemble(hook)?;
        self.ask(hook, Stage::Untracked)?;
        self.track(hook)
    }

    fn reassemble(&mut self, hook: Hook) -> Step {
        let reassembly = {
            let Some(packet) = laid_out(self.layout, &self.bytes) else {
                return Err(self.lost("ip input"));
            };
            self.machine.fragments.take(&packet, hook, self.now)
        };
        match reassembly {
            Reassembly::Untouched => {}
            Reassembly::Whole(bytes) => {
                (self.bytes, self.reassembled) = (bytes, true);
                self.read();
            }
            Reassembly::Queued => {
                self.seen.reason = Some("defragmentation".to_owned());
                return Err(Fate::Queued);
            }
            Reassembly::Dropped => return Err(self.lost("defragmentation")),
        }
        Ok(())
    }

    fn track(&mut self, hook: Hook) -> Step {
        let tracked = match self.tracked {
            Some(tracked) => tracked,
            None if self.carried.untracked => Tracked::UNTRACKED,
            None => {
                let Some(packet) = laid_out(self.layout, &self.bytes) else {
                    return Err(self.lost("defragmentation"));
                };
                self.machine.conntrack.track(&packet, hook, self.carried.zone.unwrap_or_default(), self.now)
            }
        };
        if self.seen.state.is_none() {
            self.seen.state = Some(tracked.state);
            self.seen.ct_direction = tracked.direction;
            self.seen.status = self.machine.conntrack.status(tracked);
        }
        self.tracked = Some(tracked);
        Ok(())
    }

    /// Passes the chains of a hook behind connection tracking.
    fn pass(&mut self, hook: Hook) -> Step {
        self.ask(hook, Stage::Tracked)?;
        if hook == Hook::Forward {
            return Ok(());
        }
        let destination = self.packet()?.destination();
        self.translate(hook)?;
        let known = self.oif;
        if hook == Hook::Output && self.packet()?.destination() != destination {
            self.route_anew()?;
        }
        // The chains of the hook are told of the interface that there was when it was entered (`struct nf_hook_state`).
        let oif = std::mem::replace(&mut self.oif, known);
        self.ask(hook, Stage::Translated)?;
        self.oif = oif;
        Ok(())
    }

    fn come_to(&mut self, hook: Hook) {
        self.seen.hooks.push(hook);
    }

    /// Asks the ruling about the packet at a stage of a hook. What it gives is what the conversation shall be translated to.
    fn ask(&mut self, hook: Hook, stage: Stage) -> Result<Option<Translation>, Fate> {
        if self.layout.is_some() && !self.machine.ruling.is_asked(hook, stage) {
            return Ok(None);
        }
        let tracked = self.tracked;
        let (decision, filtering) = {
            let Some(packet) = laid_out(self.layout, &self.bytes) else {
                return Err(self.lost("ip input"));
            };
            let Parts { host, ruling, conntrack, .. } = self.machine.lent();
            // One that was given a zone counts as new until it is tracked (`nft_ct_set_zone_eval`).
            let nothing_said = match (self.carried.untracked, self.carried.zone) {
                (true, _) => CtState::Untracked,
                (false, Some(_)) => CtState::New,
                (false, None) => CtState::Invalid,
            };
            let mut view = View {
                now: self.now,
                packet: &packet,
                hook,
                stage,
                iif: self.iif,
                oif: self.oif,
                state: tracked.map_or(nothing_said, |tracked| tracked.state),
                ct_direction: tracked.and_then(|tracked| tracked.direction),
                status: tracked.map(|tracked| conntrack.status(tracked)).unwrap_or_default(),
                tracked,
                conntrack,
                sender: self.sender,
                carried: &mut self.carried,
                host,
            };
            (ruling.decide(&mut view), view.is_filtering())
        };
        if let Some(mss) = self.carried.mss.take() {
            options::write_mss(&mut self.bytes, mss);
        }
        if std::mem::take(&mut self.carried.rerouted) {
            self.route_anew()?;
        }
        let goes_on = matches!(decision.action, Action::Accept | Action::Translate(_));
        let governed = filtering && matches!(hook, Hook::Input | Hook::Output | Hook::Forward);
        if !goes_on || governed && decision.origin.is_some() {
            self.seen.origin = decision.origin;
        }
        match decision.action {
            Action::Accept => Ok(None),
            Action::Translate(translation) => Ok(Some(translation)),
            Action::Drop => Err(Fate::Drop),
            Action::Reject(refusal) => {
                self.answer_refusal(refusal);
                Err(Fate::Reject)
            }
        }
    }

    fn confirm(&mut self) -> Step {
        // What the host sends to itself is moved on its way out only.
        let again = self.oif.is_none() && self.iif == Some(LOOPBACK);
        let adjusted = self.tracked.filter(|tracked| !again && self.machine.conntrack.is_adjusted(*tracked));
        self.help()?;
        if let Some(tracked) = adjusted
            && !self.machine.conntrack.adjust(tracked, &mut self.bytes)
        {
            return Err(self.lost("conntrack"));
        }
        let confirmed = self.tracked.is_none_or(|tracked| self.machine.conntrack.confirm(tracked, self.now));
        if confirmed { Ok(()) } else { Err(self.lost("conntrack")) }
    }

    /// Lets the helper of the packet's conversation read it.
    fn help(&mut self) -> Step {
        let helped = self.tracked.filter(|tracked| self.machine.conntrack.is_helped(*tracked));
        let Some(tracked) = helped else { return Ok(()) };
        let broadcast = self.broadcast();
        let help = {
            let Some(packet) = laid_out(self.layout, &self.bytes) else { return Ok(()) };
            self.machine.conntrack.help(tracked, &packet, broadcast, self.now)
        };
        match help {
            Help::Accept => Ok(()),
            Help::Rewritten(bytes) => {
                self.bytes = bytes;
                self.read();
                Ok(())
            }
            Help::Drop => Err(self.lost("conntrack helper")),
        }
    }

    /// How many bits belong to the network, if the host itself sends the packet to the broadcast address of the interface
    /// that it leaves by.
    fn broadcast(&self) -> Option<u8> {
        let (oif, None) = (self.oif?, self.iif) else { return None };
        let destination = wire::address(Family::Ipv4, self.packet().ok()?.destination());
        let mut networks =
            self.machine.host.interface(oif)?.addresses.iter().filter(|network| network.prefix_len() < 31);
        networks.find(|network| network.broadcast() == destination).map(IpNet::prefix_len)
    }

    /// Reads the header of bytes that are new. False where they are no packet.
    fn read(&mut self) -> bool {
        self.layout = Packet::parse(&self.bytes).ok().map(|packet| packet.layout());
        self.layout.is_some()
    }

    fn packet(&self) -> Result<Packet<'_>, Fate> {
        laid_out(self.layout, &self.bytes).ok_or(Fate::Drop)
    }

    fn family(&self) -> Family {
        self.packet().map_or(Family::Ipv4, |packet| packet.family())
    }

    /// The packet is gone, for a reason that is no rule's.
    fn lost(&mut self, reason: &str) -> Fate {
        self.seen.origin = None;
        self.seen.reason = Some(reason.to_owned());
        Fate::Drop
    }
}

/// The packet that bytes are, without a hold on the walk itself.
fn laid_out(layout: Option<Layout>, bytes: &[u8]) -> Option<Packet<'_>> {
    layout.and_then(|layout| layout.of(bytes))
}
