// SPDX-License-Identifier: GPL-3.0-or-later
//! Where conversations get other ends, and packets their new addresses and ports (`nf_nat_inet_fn` in
//! `net/netfilter/nf_nat_core.c`).

use ringwall_ir::words::{CtDirection, CtState, Family, Hook};

use super::{Stage, Step, Walk};
use crate::conntrack::Tracked;
use crate::engine::Ruling;
use crate::engine::routing::{Routing, v4, v6};
use crate::nat::{self, End, NewEnd, Range, Translation};
use crate::observation::Fate;

impl<R: Ruling> Walk<'_, R> {
    /// What the chains of type nat and the conversation's own ends make of the packet at a hook.
    pub(super) fn translate(&mut self, hook: Hook) -> Step {
        let Some(tracked) = self.tracked.filter(|tracked| tracked.entry.is_some()) else { return Ok(()) };
        if !self.machine.ruling.translates(self.family()) {
            return Ok(());
        }
        match tracked.state {
            CtState::Related if nat::is_icmp(&self.bytes) => return self.translate_error(tracked, hook),
            CtState::New | CtState::Related if !nat::is_bound(self.machine.conntrack, tracked, End::at(hook)) => {
                self.bind(tracked, hook)?;
            }
            _ => self.check_way(tracked, hook)?,
        }
        if nat::rewrite(self.machine.conntrack, tracked, hook, &mut self.bytes) {
            Ok(())
        } else {
            Err(self.lost("translation"))
        }
    }

    fn translate_error(&mut self, tracked: Tracked, hook: Hook) -> Step {
        if nat::rewrite_error(self.machine.conntrack, tracked, hook, &mut self.bytes) {
            Ok(())
        } else {
            Err(self.lost("translation"))
        }
    }

    /// Chooses the end of the conversation that the hook decides about.
    fn bind(&mut self, tracked: Tracked, hook: Hook) -> Step {
        let range = match self.ask(hook, Stage::Translating)? {
            Some(translation) => self.range(&translation, tracked, hook)?,
            None => None,
        };
        nat::bind(self.machine.conntrack, tracked, End::at(hook), range, self.now);
        Ok(())
    }

    /// A masqueraded conversation ends where its packets leave by another interface (`nf_nat_oif_changed`).
    fn check_way(&mut self, tracked: Tracked, hook: Hook) -> Step {
        if hook != Hook::Postrouting || tracked.direction != Some(CtDirection::Original) {
            return Ok(());
        }
        let masquerade = self.machine.conntrack.masquerade(tracked);
        let moved = masquerade.is_some_and(|interface| self.oif != Some(interface));
        if moved {
            self.machine.conntrack.kill(tracked);
            return Err(self.lost("translation"));
        }
        Ok(())
    }

    /// The ends that a rule allows here; none where the conversation keeps what it has.
    fn range(&mut self, translation: &Translation, tracked: Tracked, hook: Hook) -> Result<Option<Range>, Fate> {
        let (ports, flags) = (translation.ports, translation.flags);
        let address = match translation.end {
            NewEnd::Unchanged => return Ok(Some(Range { addresses: None, ports, flags })),
            NewEnd::Addresses(first, last) if flags.netmap => {
                let packet = self.packet()?;
                let (source, destination) = packet.addresses();
                let own = if End::at(hook) == End::Source { source } else { destination };
                let network = !(first ^ last);
                own & !network | first & network
            }
            NewEnd::Addresses(first, last) => {
                return Ok(Some(Range { addresses: Some((first, last)), ports, flags }));
            }
            NewEnd::Departure => match self.departure(tracked) {
                Some(0) => return Ok(None),
                Some(address) => address,
                None => return Err(self.lost("translation")),
            },
            NewEnd::Arrival => match self.arrival(hook) {
                Some(address) => address,
                None => return Err(self.lost("translation")),
            },
        };
        Ok(Some(Range { addresses: Some((address, address)), ports, flags }))
    }

    /// The address that the interface sends from to the destination; zero where nobody sends
    /// (`nf_nat_masquerade_ipv4`, `nf_nat_masquerade_ipv6`).
    fn departure(&mut self, tracked: Tracked) -> Option<u128> {
        let host = self.machine.host;
        let packet = self.packet().ok()?;
        let (family, destination) = (packet.family(), packet.destination());
        let nobody = family == Family::Ipv4
            && self.machine.conntrack.entry(tracked).is_some_and(|entry| entry.original().source == 0);
        if nobody {
            return Some(0);
        }
        let interface = self.oif?;
        let address = Routing::of(host).address_on(interface, family, destination)?;
        self.machine.conntrack.note_masquerade(tracked, interface);
        Some(address)
    }

    /// The address of the host that a redirected packet goes to (`nf_nat_redirect_ipv4`, `nf_nat_redirect_ipv6`).
    fn arrival(&self, hook: Hook) -> Option<u128> {
        let packet = self.packet().ok()?;
        let family = packet.family();
        match (hook, family) {
            (Hook::Output, Family::Ipv4) => Some(v4::LOOPBACK),
            (Hook::Output, Family::Ipv6) => Some(v6::LOOPBACK),
            _ => Routing::of(self.machine.host).first_on(self.iif?, family, packet.destination()),
        }
    }
}
