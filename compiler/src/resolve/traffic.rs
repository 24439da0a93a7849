// SPDX-License-Identifier: GPL-3.0-or-later
//! Traffic: services, ports, ICMP kinds, and the ct states in which a verb means them.

use ringwall_grammar::tree::{self, Flags, Item, Name, Ports, TrafficKind, Transport};
use ringwall_grammar::{Code, Diagnostic, Spanned, suggest};
use ringwall_ir::IntervalSet;
use ringwall_ir::words::{CtState, CtStates, Family, IcmpClass, Protocol, TcpFlags, icmp};

use super::{Resolver, services};
use crate::policy::Traffic;

/// In which ct states a sentence means its traffic.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// `allow`: what opens or belongs to a conversation, so it depends on the traffic.
    Conversation,
    /// Exactly these; every other verb.
    States(CtStates),
}

impl Means {
    /// The states for traffic that is not ICMP.
    fn plain(self) -> CtStates {
        match self {
            Self::Conversation => CtStates::of(&[CtState::New, CtState::Established]),
            Self::States(states) => states,
        }
    }
}

impl Resolver<'_> {
    /// The items of a list of traffic; a list without an item is all traffic.
    pub(super) fn traffic(&mut self, items: &[tree::Traffic], means: Means) -> Vec<Traffic> {
        if items.is_empty() {
            return vec![Traffic::any(means.plain())];
        }
        items.iter().flat_map(|item| self.item_of_traffic(item, means, 0)).collect()
    }

    /// `depth` counts the services that led here: a service may stand for others, but not for itself.
    fn item_of_traffic(&mut self, item: &tree::Traffic, means: Means, depth: usize) -> Vec<Traffic> {
        let mut found = match &item.kind {
            TrafficKind::Icmp { v6_only, kind, code } => self.icmp(*v6_only, kind.as_ref(), code.as_ref(), item, means),
            TrafficKind::Protocol(name) => self.protocol(name, means),
            TrafficKind::Service(name) => self.service(name, means, depth),
            TrafficKind::Transport { protocols, ports, from_ports, flags } => {
                let ports = self.ports(ports);
                let from_ports = self.ports(from_ports);
                let flags = flags.as_ref().and_then(|flags| self.flags(flags));
                let of = |protocol: &Spanned<Transport>| Traffic {
                    protocol: Some(transport(protocol.node)),
                    ports: ports.clone(),
                    from_ports: from_ports.clone(),
                    flags,
                    ..Traffic::any(means.plain())
                };
                protocols.iter().map(of).collect()
            }
        };
        if let Some(limit) = &item.hop_limit {
            let value = self.narrow(limit, 255, "a hop limit");
            for traffic in &mut found {
                traffic.hop_limit = value;
            }
        }
        found
    }

    fn service(&mut self, name: &Name, means: Means, depth: usize) -> Vec<Traffic> {
        const DEPTH: usize = 16;
        if depth == DEPTH {
            let message = format!("the service `{}` stands for itself", name.node);
            self.diagnostics.push(Diagnostic::new(Code::CircularName, name.span, message));
            return Vec::new();
        }
        if let Some(items) = self.names.service(&name.node).map(<[tree::Traffic]>::to_vec) {
            return items.iter().flat_map(|item| self.item_of_traffic(item, means, depth + 1)).collect();
        }
        let Some(known) = services::named(&name.node) else {
            let finding = self.names.unknown_service(name);
            self.diagnostics.push(finding);
            return Vec::new();
        };
        let (tree, _) = ringwall_grammar::parse(&format!("service {} = {}", known.name, known.traffic));
        let Some(Item::Service(service)) = tree.items.first() else { return Vec::new() };
        service.traffic.iter().flat_map(|item| self.item_of_traffic(item, means, depth + 1)).collect()
    }

    fn protocol(&mut self, name: &Name, means: Means) -> Vec<Traffic> {
        let number = name.node.parse::<u8>().ok().map(Protocol);
        let Some(protocol) = number.or_else(|| Protocol::named(&name.node)) else {
            let finding =
                Diagnostic::new(Code::UnknownName, name.span, format!("there is no protocol `{}`", name.node));
            let known = Protocol::NAMES.iter().map(|&(known, _)| known);
            let help = match suggest(&name.node, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write its number, 0 to 255".to_owned(),
            };
            self.diagnostics.push(finding.help(help));
            return Vec::new();
        };
        if matches!(protocol, Protocol::ICMP | Protocol::ICMPV6) {
            let word = if protocol == Protocol::ICMP { "icmp" } else { "icmpv6" };
            let message = format!("`protocol {}` hides which kinds are meant", name.node);
            self.diagnostics.push(
                Diagnostic::new(Code::BadValue, name.span, message)
                    .help(format!("write `{word}`, with or without a type")),
            );
            return Vec::new();
        }
        vec![Traffic { protocol: Some(protocol), ..Traffic::any(means.plain()) }]
    }

    /// ICMP of one family or both. `icmp` whole leaves out the kinds that are never tracked, neighbour discovery among
    /// them: whoever means those names them.
    fn icmp(
        &mut self,
        v6_only: bool,
        kind: Option<&Name>,
        code: Option<&Spanned<u64>>,
        item: &tree::Traffic,
        means: Means,
    ) -> Vec<Traffic> {
        let code = code.and_then(|code| self.narrow(code, 255, "an ICMP code"));
        let families: &[Family] = if v6_only { &[Family::Ipv6] } else { &Family::ALL };
        let Some(kind) = kind else {
            return families.iter().map(|&family| whole_icmp(family, means)).collect();
        };
        let numbers: Vec<(Family, u8)> = match kind.node.parse::<u8>() {
            // A number means the kind of one family: that of the word before it.
            Ok(number) => vec![(if v6_only { Family::Ipv6 } else { Family::Ipv4 }, number)],
            Err(_) => families
                .iter()
                .filter_map(|&family| icmp::named(family, &kind.node).map(|number| (family, number)))
                .collect(),
        };
        if numbers.is_empty() {
            self.unknown_kind(kind, families);
        }
        numbers.iter().filter_map(|&(family, number)| self.icmp_kind(family, number, code, item, means)).collect()
    }

    fn icmp_kind(
        &mut self,
        family: Family,
        number: u8,
        code: Option<u8>,
        item: &tree::Traffic,
        means: Means,
    ) -> Option<Traffic> {
        const REDIRECT: u8 = 137;
        let class = icmp::class(family, number);
        let states = match means {
            Means::States(states) => states,
            Means::Conversation if class == IcmpClass::Untracked => CtStates::ALL,
            Means::Conversation if (family, number) == (Family::Ipv6, REDIRECT) => CtStates::ALL,
            Means::Conversation if class == IcmpClass::Error => means.plain().union(CtStates::of(&[CtState::Related])),
            Means::Conversation => means.plain(),
        };
        if states.intersection(class.states()).is_empty() {
            let always: Vec<_> = class.states().iter().map(CtState::name).collect();
            let name = icmp::name(family, number).map_or_else(|| number.to_string(), str::to_owned);
            let message = format!("`{name}` is never {states}");
            self.diagnostics.push(Diagnostic::new(Code::NeverMatches, item.span, message).help(format!(
                "its ct state is always one of: {}; write `permit {}`",
                always.join(", "),
                always.join(", ")
            )));
            return None;
        }
        Some(Traffic {
            family: Some(family),
            protocol: Some(icmp_of(family)),
            icmp_types: Some(IntervalSet::one(u128::from(number))),
            icmp_code: code,
            ..Traffic::any(states)
        })
    }

    fn unknown_kind(&mut self, kind: &Name, families: &[Family]) {
        let finding = Diagnostic::new(Code::UnknownName, kind.span, format!("there is no ICMP type `{}`", kind.node));
        let known = families.iter().flat_map(|&family| icmp::kinds(family)).map(|&(_, name, _)| name);
        let help = match suggest(&kind.node, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write its number, 0 to 255".to_owned(),
        };
        self.diagnostics.push(finding.help(help));
    }

    /// The ports of a list; a list without an item is every port.
    fn ports(&mut self, list: &[Ports]) -> Option<IntervalSet> {
        let mut ranges = Vec::new();
        for ports in list {
            let first = self.port(&ports.first);
            let last = ports.last.as_ref().map_or(first, |last| self.port(last));
            match (first, last) {
                (Some(first), Some(last)) if first > last => {
                    let span = ports.first.span.to(ports.last.map_or(ports.first.span, |last| last.span));
                    self.diagnostics.push(
                        Diagnostic::new(Code::BadPort, span, "the range ends before it starts")
                            .help(format!("write `{last}-{first}`")),
                    );
                }
                (Some(first), Some(last)) => ranges.push((first, last)),
                _ => {}
            }
        }
        (!list.is_empty()).then(|| ranges.into_iter().collect())
    }

    fn port(&mut self, port: &Spanned<u64>) -> Option<u128> {
        if port.node > 65535 {
            let message = format!("there is no port {}", port.node);
            self.diagnostics.push(Diagnostic::new(Code::BadPort, port.span, message).help("ports go from 0 to 65535"));
            return None;
        }
        Some(u128::from(port.node))
    }

    /// The flags that must be set, and those that are looked at.
    fn flags(&mut self, flags: &Flags) -> Option<(TcpFlags, TcpFlags)> {
        let value = self.flag_list(&flags.value)?;
        let mask = self.flag_list(&flags.mask)?;
        if !mask.contains(value) {
            let span = flags.value.first().map(|name| name.span).unwrap_or_default();
            self.diagnostics.push(
                Diagnostic::new(Code::BadValue, span, "a flag must be set that is not looked at")
                    .help("name behind the `/` every flag that is looked at: `flags syn / syn,ack,fin,rst`"),
            );
            return None;
        }
        Some((value, mask))
    }

    fn flag_list(&mut self, names: &[Name]) -> Option<TcpFlags> {
        let mut flags = TcpFlags::default();
        for name in names {
            match TcpFlags::named(&name.node) {
                Some(flag) => flags = flags.with(flag),
                None => {
                    let message = format!("there is no tcp flag `{}`", name.node);
                    self.diagnostics.push(
                        Diagnostic::new(Code::UnknownName, name.span, message)
                            .help(format!("the flags are {}", TcpFlags::NAMES.join(", "))),
                    );
                    return None;
                }
            }
        }
        Some(flags)
    }

    fn narrow(&mut self, value: &Spanned<u64>, max: u8, what: &str) -> Option<u8> {
        let narrow = u8::try_from(value.node).ok().filter(|&narrow| narrow <= max);
        if narrow.is_none() {
            let message = format!("{what} goes from 0 to {max}");
            self.diagnostics.push(Diagnostic::new(Code::BadValue, value.span, message));
        }
        narrow
    }
}

fn whole_icmp(family: Family, means: Means) -> Traffic {
    let states = match means {
        Means::Conversation => means.plain().union(CtStates::of(&[CtState::Related])),
        Means::States(states) => states,
    };
    let tracked = (0..=u8::MAX).filter(|&number| icmp::class(family, number) != IcmpClass::Untracked);
    let types = tracked.map(|number| (u128::from(number), u128::from(number))).collect();
    Traffic {
        family: Some(family),
        protocol: Some(icmp_of(family)),
        icmp_types: (family == Family::Ipv6).then_some(types),
        ..Traffic::any(states)
    }
}

/// The ICMP of a family.
const fn icmp_of(family: Family) -> Protocol {
    match family {
        Family::Ipv4 => Protocol::ICMP,
        Family::Ipv6 => Protocol::ICMPV6,
    }
}

const fn transport(transport: Transport) -> Protocol {
    match transport {
        Transport::Sctp => Protocol::SCTP,
        Transport::Tcp => Protocol::TCP,
        Transport::Udp => Protocol::UDP,
    }
}
