// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules of a conversation.

use std::net::IpAddr;

use ringwall_ir::words::{CtState, Family, Hook, NatFlags, Protocol};
use ringwall_runtime::conntrack::Helper;
use ringwall_runtime::engine::{Action, Decision, Ruling, Stage, View};
use ringwall_runtime::nat::{NewEnd, Translation};

/// Lets everything pass, gives conversations to a port a helper, and translates some.
#[derive(Clone, Default)]
pub struct Assign {
    pub chosen: Option<(Helper, Protocol, u16)>,
    sources: Vec<Source>,
    destinations: Vec<Destination>,
}

#[derive(Clone)]
struct Source {
    /// The interface that packets leave by.
    interface: String,
    end: NewEnd,
    /// First and last.
    ports: Option<(u16, u16)>,
}

#[derive(Clone)]
struct Destination {
    family: Family,
    protocol: Protocol,
    port: u16,
    address: u128,
    new_port: Option<u16>,
}

impl Assign {
    /// Adds the rule that a line says.
    pub fn translate(&mut self, words: &[&str]) {
        match *words {
            ["masquerade", interface] => {
                self.sources.push(Source { interface: interface.to_owned(), end: NewEnd::Departure, ports: None });
            }
            ["snat", interface, address, ports] => {
                let ports = ports.split_once('-').map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap()));
                let (_, address) = bits(address);
                let end = NewEnd::Addresses(address, address);
                self.sources.push(Source { interface: interface.to_owned(), end, ports });
            }
            ["dnat", _, protocol, port, to, new_port] => {
                let (family, address) = bits(to);
                let protocol = Protocol::named(protocol).unwrap();
                let port = port.parse().unwrap();
                self.destinations.push(Destination {
                    family,
                    protocol,
                    port,
                    address,
                    new_port: new_port.parse().ok(),
                });
            }
            _ => unreachable!("{words:?}"),
        }
    }

    fn assign(&self, view: &mut View<'_>) {
        let first = matches!(view.hook, Hook::Prerouting | Hook::Output) && view.stage == Stage::Tracked;
        if let (true, Some((helper, protocol, port)), Some(tracked)) = (first, self.chosen, view.tracked) {
            let to_port = view.packet.ports().is_some_and(|(_, destination)| destination == port);
            if view.state != CtState::Invalid && view.packet.protocol() == protocol && to_port {
                view.conntrack.assign_helper(tracked, helper);
            }
        }
    }

    fn translation(&self, view: &View<'_>) -> Option<Translation> {
        if view.stage != Stage::Translating {
            return None;
        }
        let (end, ports) = match view.hook {
            Hook::Postrouting => {
                let source = self.sources.iter().find(|source| view.oif == Some(&source.interface))?;
                // Ports are given to what has some.
                if source.ports.is_some() && view.packet.ports().is_none() {
                    return None;
                }
                (source.end, source.ports)
            }
            Hook::Prerouting => {
                let (_, port) = view.packet.ports()?;
                let new = self.destinations.iter().find(|new| {
                    (new.family, new.protocol, new.port) == (view.packet.family(), view.packet.protocol(), port)
                })?;
                (NewEnd::Addresses(new.address, new.address), new.new_port.map(|port| (port, port)))
            }
            _ => return None,
        };
        Some(Translation { end, ports, flags: NatFlags::default() })
    }
}

fn bits(address: &str) -> (Family, u128) {
    match address.parse().unwrap() {
        IpAddr::V4(address) => (Family::Ipv4, address.to_bits().into()),
        IpAddr::V6(address) => (Family::Ipv6, address.to_bits()),
    }
}

impl Ruling for Assign {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        self.assign(view);
        let action = self.translation(view).map_or(Action::Accept, Action::Translate);
        Decision { action, origin: None }
    }

    fn translates(&self, _: Family) -> bool {
        !self.sources.is_empty() || !self.destinations.is_empty()
    }
}
