// SPDX-License-Identifier: GPL-3.0-or-later
//! The names of a policy: networks and services, declared anywhere, used anywhere.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ringwall_grammar::tree::{Address, Addresses, Item, Name, Network, Traffic};
use ringwall_grammar::{Code, Diagnostic, Span, suggest};
use ringwall_ir::words::Family;
use ringwall_ir::{IntervalSet, Origin};

use super::{Origins, Placed, ends, line_of, services, squeeze};
use crate::policy::{AddressSet, Group, NetworkName};

/// Names that every policy has.
const BUILT_IN: &[&str] = &["any", "ipv4", "ipv6", "multicast"];

/// Built-in names of the edition that this version does not have yet.
const NOT_YET: &[&str] = &["broadcast", "this-host"];

/// What the names of a policy stand for.
#[derive(Default)]
pub(super) struct Names {
    networks: BTreeMap<String, KnownNetwork>,
    services: BTreeMap<String, KnownService>,
    used_networks: RefCell<BTreeSet<String>>,
    used_services: RefCell<BTreeSet<String>>,
}

struct KnownNetwork {
    span: Span,
    group: Group,
}

struct KnownService {
    span: Span,
    traffic: Vec<Traffic>,
}

impl Names {
    /// Collects the declarations of a policy.
    pub(super) fn declare(
        &mut self,
        items: &[Placed],
        text: &str,
        origins: &mut Origins,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut declared: BTreeMap<&str, &Network> = BTreeMap::new();
        for placed in items {
            match &placed.item {
                Item::Network(network) => {
                    if let Some(first) = declared.get(network.name.node.as_str()) {
                        diagnostics.push(twice("network", &network.name, first.name.span));
                    } else if BUILT_IN.contains(&network.name.node.as_str()) {
                        diagnostics.push(built_in(&network.name));
                    } else {
                        declared.insert(&network.name.node, network);
                    }
                }
                Item::Service(service) => match self.services.get(&service.name.node) {
                    Some(first) => diagnostics.push(twice("service", &service.name, first.span)),
                    None => {
                        let known = KnownService { span: service.name.span, traffic: service.traffic.clone() };
                        self.services.insert(service.name.node.clone(), known);
                    }
                },
                _ => {}
            }
        }
        let mut expansion =
            Expansion { declared: &declared, names: self, known: BTreeMap::new(), too_deep: false, diagnostics };
        for network in declared.values() {
            expansion.network(network, &mut Vec::new());
        }
        let mut known = expansion.known;
        for network in declared.values() {
            let set = known.remove(&network.name.node).unwrap_or_default();
            self.declare_network(network, set, text, origins);
        }
    }

    fn declare_network(&mut self, network: &Network, set: AddressSet, text: &str, origins: &mut Origins) {
        let name = &network.name.node;
        let origin = origins.add(Origin {
            id: format!("network-{name}"),
            text: squeeze(network.span.of(text)),
            line: line_of(network.span, text),
            because: None,
            spot: None,
        });
        let group = Group { name: Some(NetworkName { name: name.clone(), origin }), set };
        self.networks.insert(name.clone(), KnownNetwork { span: network.name.span, group });
    }

    /// What a name of addresses stands for; `None` after a finding.
    pub(super) fn network(&self, name: &Name, diagnostics: &mut Vec<Diagnostic>) -> Option<Group> {
        if let Some(known) = self.networks.get(&name.node) {
            self.used_networks.borrow_mut().insert(name.node.clone());
            return Some(known.group.clone());
        }
        if let Some(set) = built_in_set(&name.node) {
            return Some(Group { name: None, set });
        }
        diagnostics.push(unknown_network(name, self.networks.keys().map(String::as_str)));
        None
    }

    /// The traffic of a service of the policy, if it declares one of that name.
    pub(super) fn service(&self, name: &str) -> Option<&[Traffic]> {
        let known = self.services.get(name)?;
        self.used_services.borrow_mut().insert(name.to_owned());
        Some(&known.traffic)
    }

    /// Says that nothing is called so, and what is.
    pub(super) fn unknown_service(&self, name: &Name) -> Diagnostic {
        let known = self.services.keys().map(String::as_str);
        let all = known.chain(services::SERVICES.iter().map(|service| service.name));
        let finding = Diagnostic::new(Code::UnknownName, name.span, format!("there is no service `{}`", name.node));
        if self.networks.contains_key(&name.node) || built_in_set(&name.node).is_some() {
            return finding.help(format!("for addresses write `from {0}` or `to {0}`", name.node));
        }
        if Family::ALL.into_iter().any(|family| ringwall_ir::words::icmp::named(family, &name.node).is_some()) {
            return finding.help(format!("for the ICMP type write `icmp {}`", name.node));
        }
        match suggest(&name.node, all) {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("declare it: `service {} = tcp 8080`", name.node)),
        }
    }

    /// Warns of declared names that no sentence uses.
    pub(super) fn report_unused(&self, diagnostics: &mut Vec<Diagnostic>) {
        let (used_networks, used_services) = (self.used_networks.borrow(), self.used_services.borrow());
        let networks = self.networks.iter().filter(|(name, _)| !used_networks.contains(*name));
        let services = self.services.iter().filter(|(name, _)| !used_services.contains(*name));
        let unused = networks
            .map(|(name, known)| ("network", name, known.span))
            .chain(services.map(|(name, known)| ("service", name, known.span)));
        for (what, name, span) in unused {
            diagnostics.push(
                Diagnostic::new(Code::UnusedName, span, format!("no sentence uses the {what} `{name}`"))
                    .help("remove the declaration, or check how the name is spelt where it should be used"),
            );
        }
    }
}

/// Works out what networks stand for, which may be other networks.
struct Expansion<'a> {
    declared: &'a BTreeMap<&'a str, &'a Network>,
    names: &'a Names,
    /// What was worked out already.
    known: BTreeMap<String, AddressSet>,
    too_deep: bool,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Expansion<'_> {
    /// The addresses of a network. `path` holds the networks that led here.
    fn network(&mut self, network: &Network, path: &mut Vec<String>) -> AddressSet {
        const DEEPEST: usize = 64;
        let name = &network.name.node;
        if let Some(set) = self.known.get(name) {
            return set.clone();
        }
        if path.len() == DEEPEST {
            if !std::mem::replace(&mut self.too_deep, true) {
                let message = format!("networks stand for each other more than {DEEPEST} deep");
                let help = "name the addresses themselves somewhere on the way";
                self.diagnostics.push(Diagnostic::new(Code::CircularName, network.name.span, message).help(help));
            }
            return AddressSet::default();
        }
        if path.contains(name) {
            let chain = [path.as_slice(), std::slice::from_ref(name)].concat().join(" -> ");
            let message = format!("the network `{name}` stands for itself: {chain}");
            let help = "take the network out of what it stands for";
            self.diagnostics.push(Diagnostic::new(Code::CircularName, network.name.span, message).help(help));
            return AddressSet::default();
        }
        path.push(name.clone());
        let set = self.addresses(&network.addresses, path);
        path.pop();
        self.known.insert(name.clone(), set.clone());
        set
    }

    fn addresses(&mut self, addresses: &Addresses, path: &mut Vec<String>) -> AddressSet {
        let items = self.list(&addresses.items, path);
        let except = self.list(&addresses.except, path);
        let of = |family: Family| {
            let all = IntervalSet::full(family.address_bits());
            let taken = if addresses.not { all.difference(items.of(family)) } else { items.of(family).clone() };
            taken.difference(except.of(family))
        };
        AddressSet { v4: of(Family::Ipv4), v6: of(Family::Ipv6) }
    }

    fn list(&mut self, items: &[Address], path: &mut Vec<String>) -> AddressSet {
        items.iter().fold(AddressSet::default(), |set, item| set.union(&self.item(item, path)))
    }

    fn item(&mut self, item: &Address, path: &mut Vec<String>) -> AddressSet {
        match item {
            Address::Literal(text) => ends::literal(text, self.diagnostics).unwrap_or_default(),
            Address::Named(name) => match self.declared.get(name.node.as_str()) {
                Some(network) => {
                    self.names.used_networks.borrow_mut().insert(name.node.clone());
                    self.network(network, path)
                }
                None => match built_in_set(&name.node) {
                    Some(set) => set,
                    None => {
                        self.diagnostics.push(unknown_network(name, self.declared.keys().copied()));
                        AddressSet::default()
                    }
                },
            },
        }
    }
}

fn built_in_set(name: &str) -> Option<AddressSet> {
    let (v4, v6) = (IntervalSet::full(32), IntervalSet::full(128));
    match name {
        "any" => Some(AddressSet { v4, v6 }),
        "ipv4" => Some(AddressSet::only(Family::Ipv4, v4)),
        "ipv6" => Some(AddressSet::only(Family::Ipv6, v6)),
        // 224.0.0.0/4 (RFC 5771) and ff00::/8 (RFC 4291 §2.7)
        "multicast" => Some(AddressSet {
            v4: IntervalSet::prefix(0xe000_0000, 4, 32),
            v6: IntervalSet::prefix(0xff << 120, 8, 128),
        }),
        _ => None,
    }
}

fn unknown_network<'a>(name: &Name, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    if NOT_YET.contains(&name.node.as_str()) {
        return Diagnostic::new(Code::NotYet, name.span, format!("`{}` is not there yet", name.node))
            .help("write the addresses themselves");
    }
    let finding = Diagnostic::new(Code::UnknownName, name.span, format!("there is no network `{}`", name.node));
    match suggest(&name.node, known.chain(BUILT_IN.iter().copied())) {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help(format!(
            "declare it: `network {0} = 192.0.2.0/24, 2001:db8::/32`; for an interface write `on {0}`",
            name.node
        )),
    }
}

fn twice(what: &str, name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateName, name.span, format!("the {what} `{}` is declared twice", name.node))
        .related(first, "first declared here")
        .help("remove one, or give it another name")
}

fn built_in(name: &Name) -> Diagnostic {
    Diagnostic::new(Code::DuplicateName, name.span, format!("`{}` has a meaning of its own", name.node))
        .help("give the network another name")
}
