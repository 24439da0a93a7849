// SPDX-License-Identifier: GPL-3.0-or-later
//! Both ends of a packet's way: addresses and interfaces.

use std::net::IpAddr;

use ipnet::IpNet;
use ringwall_grammar::tree::{self, Address, Addresses, Ends, Name, Who};
use ringwall_grammar::{Code, Diagnostic, Span};
use ringwall_ir::words::{Direction, Family};
use ringwall_ir::{InterfacePattern, IntervalSet};

use super::Resolver;
use crate::policy::{AddressSet, End, Group, Interfaces};

impl Resolver<'_> {
    /// Both ends of a sentence that speaks of these directions.
    pub(super) fn ends(&mut self, ends: &Ends, directions: &[Direction]) -> (End, End) {
        let mut from = ends.from.as_ref().map(|who| self.end(who)).unwrap_or_default();
        let mut to = ends.to.as_ref().map(|who| self.end(who)).unwrap_or_default();
        for &direction in directions {
            let hook = direction.hook();
            if let Some(on) = ends.from.as_ref().and_then(|who| who.on.as_ref())
                && !hook.has_arrival()
            {
                self.wrong_end(on.span, direction, "does not arrive on an interface", "to any on");
            }
            if let Some(on) = ends.to.as_ref().and_then(|who| who.on.as_ref())
                && !hook.has_departure()
            {
                self.wrong_end(on.span, direction, "does not leave by an interface", "from any on");
            }
        }
        if let Some(on) = &ends.on {
            let interfaces = self.interfaces(on);
            match directions {
                [] => {}
                [Direction::Inbound] => self.attach(&mut from, interfaces, on.span),
                [Direction::Outbound] => self.attach(&mut to, interfaces, on.span),
                _ => {
                    let message = "`on` alone does not say which end of the way it means here";
                    self.diagnostics.push(
                        Diagnostic::new(Code::WrongEnd, on.span, message)
                            .help("write `from any on` for where packets arrive, `to any on` for where they leave, or name one direction"),
                    );
                }
            }
        }
        (from, to)
    }

    fn attach(&mut self, end: &mut End, interfaces: Option<Interfaces>, span: Span) {
        if end.interfaces.is_some() {
            self.diagnostics.push(
                Diagnostic::new(Code::WrongEnd, span, "this end has an interface already")
                    .help("keep one of the two `on`"),
            );
        } else {
            end.interfaces = interfaces;
        }
    }

    fn wrong_end(&mut self, span: Span, direction: Direction, what: &str, instead: &str) {
        let message = format!("a packet {what} when it is {direction}");
        self.diagnostics.push(
            Diagnostic::new(Code::WrongEnd, span, message)
                .help(format!("write `{instead}`, or name the addresses of this end")),
        );
    }

    fn end(&mut self, who: &Who) -> End {
        let (include, exclude) = match &who.addresses {
            Some(addresses) => self.addresses(addresses),
            None => (None, None),
        };
        End { include, exclude, interfaces: who.on.as_ref().and_then(|on| self.interfaces(on)) }
    }

    /// The addresses that are included and those that are taken out again.
    fn addresses(&mut self, addresses: &Addresses) -> (Option<Group>, Option<Group>) {
        let items = self.group(&addresses.items);
        let except = (!addresses.except.is_empty()).then(|| self.group(&addresses.except));
        match (addresses.not, except) {
            (true, _) => (None, Some(items)),
            (false, except) => (Some(items), except),
        }
    }

    fn group(&mut self, items: &[Address]) -> Group {
        let mut groups: Vec<Group> = items.iter().filter_map(|item| self.address(item)).collect();
        if groups.len() == 1
            && let Some(only) = groups.pop()
        {
            return only;
        }
        let set = groups.iter().fold(AddressSet::default(), |set, group| set.union(&group.set));
        Group { name: None, set }
    }

    fn address(&mut self, item: &Address) -> Option<Group> {
        match item {
            Address::Literal(text) => {
                let set = literal(text, &mut self.diagnostics)?;
                Some(Group { name: None, set })
            }
            Address::Named(name) => self.names.network(name, &mut self.diagnostics),
        }
    }

    fn interfaces(&mut self, on: &tree::Interfaces) -> Option<Interfaces> {
        let mut patterns = Vec::new();
        for name in &on.patterns {
            match InterfacePattern::new(&name.node) {
                Ok(pattern) => patterns.push(pattern),
                Err(_) if name.node == "*" => {
                    self.diagnostics.push(
                        Diagnostic::new(Code::BadInterface, name.span, "`*` alone is every interface")
                            .help("leave `on *` out"),
                    );
                }
                Err(_) => {
                    let message = format!("no interface can be called `{}`", name.node);
                    self.diagnostics.push(
                        Diagnostic::new(Code::BadInterface, name.span, message).help(
                            "a name has at most 15 characters, no blank and no `/`; a `*` may stand last: `wlan*`",
                        ),
                    );
                }
            }
        }
        patterns.sort();
        patterns.dedup();
        (patterns.len() >= on.patterns.len().min(1)).then_some(Interfaces { negated: on.not, patterns })
    }
}

/// The addresses of a literal: an address, a prefix or a range. `None` after a finding.
pub(super) fn literal(text: &Name, diagnostics: &mut Vec<Diagnostic>) -> Option<AddressSet> {
    match parse_literal(&text.node) {
        Ok((family, set)) => Some(AddressSet::only(family, set)),
        Err((message, help)) => {
            diagnostics.push(Diagnostic::new(Code::BadAddress, text.span, message).help(help));
            None
        }
    }
}

type Parsed = Result<(Family, IntervalSet), (String, String)>;

fn parse_literal(text: &str) -> Parsed {
    if let Some((first, last)) = text.split_once('-')
        && !last.is_empty()
        && !first.contains('/')
    {
        return parse_range(text, first, last);
    }
    if text.contains('/') {
        return parse_prefix(text);
    }
    match text.parse::<IpAddr>() {
        Ok(address) => Ok((family_of(address), IntervalSet::one(number(address)))),
        Err(_) => Err((
            format!("`{text}` is not an address"),
            "write `192.0.2.7`, `192.0.2.0/24`, `192.0.2.1-192.0.2.9`, `2001:db8::7` or `2001:db8::/32`".to_owned(),
        )),
    }
}

fn parse_prefix(text: &str) -> Parsed {
    let Ok(net) = text.parse::<IpNet>() else {
        if text.contains("/-") {
            return Err((format!("`{text}`: suffixes are not there yet"), "write the whole addresses".to_owned()));
        }
        return Err((
            format!("`{text}` is not a prefix"),
            "write an address and a length: up to 32 for IPv4, up to 128 for IPv6".to_owned(),
        ));
    };
    if net.addr() != net.network() {
        return Err((
            format!("`{text}` has bits beyond its length"),
            format!("write `{}` for the network, or `{}` for the one address", net.trunc(), net.addr()),
        ));
    }
    let family = family_of(net.addr());
    Ok((family, IntervalSet::prefix(number(net.addr()), net.prefix_len(), family.address_bits())))
}

fn parse_range(text: &str, first: &str, last: &str) -> Parsed {
    let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>()) else {
        return Err((
            format!("`{text}` is not a range of addresses"),
            "write both ends in full: `192.0.2.1-192.0.2.9`".to_owned(),
        ));
    };
    if family_of(first) != family_of(last) {
        return Err((format!("`{text}` starts in one family and ends in the other"), "write two ranges".to_owned()));
    }
    if first > last {
        return Err((format!("`{text}` ends before it starts"), format!("write `{last}-{first}`")));
    }
    Ok((family_of(first), IntervalSet::range(number(first), number(last))))
}

const fn family_of(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
