// SPDX-License-Identifier: GPL-3.0-or-later
//! Drawing rulesets that have something to say about the traffic of [`super::converse`]: its addresses, ports and states,
//! in the chains that hosts have.

mod chain;
mod test;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Priority, Protocol, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Element, Elements, Field, IntervalSet, KeyType, Match, Object, ObjectBody, Origin,
    OriginId, Ruleset, Set, SetSpec, Statement, Step, Table, TableParts, Tuple, Values,
};

use super::converse::{Plan, choose};
use crate::host::{Host, Interface, Route, Sysctls};
use crate::packet::wire;

/// What a drawn ruleset does beside filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Nothing.
    Plain,
    /// It marks packets and conversations, keeps some from connection tracking, and has zones.
    Marks,
    /// It translates.
    Nat,
    /// It limits rates.
    Limits,
    /// It gives conversations helpers, and translates.
    Helpers,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Nat, Self::Marks, Self::Limits, Self::Helpers];

    /// The flavour of a seed's ruleset.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        match seed % 5 {
            0 => Self::Plain,
            1 => Self::Nat,
            2 => Self::Marks,
            3 => Self::Limits,
            _ => Self::Helpers,
        }
    }

    /// Whether the traffic may jump forward in time. The kernel is told of such jumps by ageing its entries: its limits
    /// and what its helpers expect do not see them, and its entries in zones of one direction cannot be aged.
    const fn bears_time(self) -> bool {
        matches!(self, Self::Plain | Self::Nat)
    }

    /// A plan of traffic that suits it.
    #[must_use]
    pub const fn plan(self, packets: usize, seed: u64) -> Plan {
        let helped = matches!(self, Self::Helpers);
        Plan { packets, talks: 12, time_passes: self.bears_time(), helped, seed }
    }

    /// The flavour in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Marks => "marking",
            Self::Nat => "translating",
            Self::Limits => "limiting",
            Self::Helpers => "helping",
        }
    }
}

/// A host with two networks, of which one leads to the world, that forwards.
#[must_use]
pub fn host() -> Host {
    let interface = |name: &str, addresses: [IpNet; 3]| Interface {
        name: name.to_owned(),
        addresses: addresses.to_vec(),
        groups: Vec::new(),
        mtu: 1500,
    };
    let v4 = |bits: u32, length| IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from_bits(bits), length));
    let v6 = |bits: u128| IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from_bits(bits), 64));
    let link_local = v6(0xfe80 << 112 | 1);
    let world = |to, via| Route { to, interface: "eth0".to_owned(), via: Some(via) };
    Host {
        interfaces: vec![
            interface("eth0", [v4(0x0a00_0001, 24), v6(0x2001_0db8 << 96 | 1), link_local]),
            interface("eth1", [v4(0xc0a8_0101, 24), v6(0x2001_0db8_0001 << 80 | 1), link_local]),
        ],
        routes: vec![
            world(IpNet::V4(Ipv4Net::default()), IpAddr::V4(Ipv4Addr::from_bits(0x0a00_00fe))),
            world(IpNet::V6(Ipv6Net::default()), IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | 0xfe))),
        ],
        forwarding: true,
        sysctls: Sysctls::default(),
    }
}

/// Draws a ruleset for a host. The same seed draws the same one.
#[must_use]
pub fn ruleset(host: &Host, flavour: Flavour, seed: u64) -> Ruleset {
    let mut drawer = Drawer { host, flavour, rng: Rng::with_seed(seed), origins: Vec::new() };
    let mut tables = Vec::new();
    for number in 0..drawer.rng.usize(1..=2) {
        let family = if number == 0 {
            TableFamily::Inet
        } else {
            *choose(&TableFamily::ALL, &mut drawer.rng).unwrap_or(&TableFamily::Inet)
        };
        if let Some(table) = (0..8).find_map(|_| drawer.table(&format!("t{number}"), family)) {
            tables.push(table);
        }
    }
    Ruleset { title: format!("random {seed}"), origins: drawer.origins, tables, unknowns: Vec::new() }
}

struct Drawer<'a> {
    host: &'a Host,
    flavour: Flavour,
    rng: Rng,
    origins: Vec<Origin>,
}

/// A base chain that may be drawn.
struct Slot {
    name: &'static str,
    kind: ChainType,
    hook: Hook,
    priority: Priority,
    /// It is there once in so many times.
    one_in: u32,
    flavours: &'static [Flavour],
}

const fn filter(name: &'static str, hook: Hook, priority: i32, one_in: u32, flavours: &'static [Flavour]) -> Slot {
    Slot { name, kind: ChainType::Filter, hook, priority: Priority(priority), one_in, flavours }
}

const fn nat(name: &'static str, hook: Hook, priority: i32, one_in: u32) -> Slot {
    let flavours = &[Flavour::Nat, Flavour::Helpers];
    Slot { name, kind: ChainType::Nat, hook, priority: Priority(priority), one_in, flavours }
}

/// The names of the chains that give helpers, and of the helpers.
const HELPS: &str = "helps";
const HELPERS: [(&str, Protocol, u16); 2] = [("ftp", Protocol::TCP, 21), ("tftp", Protocol::UDP, 69)];

const SLOTS: &[Slot] = &[
    filter("early", Hook::Prerouting, -300, 1, &[Flavour::Marks]),
    filter("early_out", Hook::Output, -300, 2, &[Flavour::Marks]),
    filter(HELPS, Hook::Prerouting, -190, 1, &[Flavour::Helpers]),
    filter("helps_out", Hook::Output, -190, 1, &[Flavour::Helpers]),
    filter("mangle", Hook::Prerouting, -150, 2, &[Flavour::Marks, Flavour::Nat, Flavour::Plain]),
    nat("dstnat", Hook::Prerouting, -100, 1),
    nat("dstnat_out", Hook::Output, -100, 3),
    filter("late", Hook::Prerouting, -10, 4, &Flavour::ALL),
    filter("input", Hook::Input, 0, 1, &Flavour::ALL),
    filter("forward", Hook::Forward, 0, 1, &Flavour::ALL),
    filter("output", Hook::Output, 0, 1, &Flavour::ALL),
    nat("srcnat_in", Hook::Input, 100, 6),
    nat("srcnat", Hook::Postrouting, 100, 1),
    filter("last", Hook::Postrouting, 300, 4, &Flavour::ALL),
];

impl Drawer<'_> {
    fn table(&mut self, name: &str, family: TableFamily) -> Option<Table> {
        let objects = if self.flavour == Flavour::Helpers { self.helpers() } else { Vec::new() };
        let mut parts = TableParts { sets: self.sets(family), objects, ..TableParts::default() };
        let helper = self.regular("common", family)?;
        parts.chains.push(helper);
        for slot in SLOTS {
            if slot.flavours.contains(&self.flavour) && self.rng.u32(..slot.one_in) == 0 {
                parts.chains.push(self.base(slot, family)?);
            }
        }
        Table::new(family, name, parts).ok()
    }

    fn regular(&mut self, name: &str, family: TableFamily) -> Option<Chain> {
        let mut chain = Chain::regular(name).ok()?;
        for _ in 0..self.rng.usize(1..4) {
            let place = chain::Place { kind: ChainType::Filter, hook: None, family, may_jump: false, early: false };
            self.rule(&mut chain, place);
        }
        Some(chain)
    }

    fn base(&mut self, slot: &Slot, family: TableFamily) -> Option<Chain> {
        let quarters = if self.flavour == Flavour::Helpers { 1 } else { 2 };
        let governs = matches!(slot.hook, Hook::Input | Hook::Forward | Hook::Output) && slot.kind == ChainType::Filter;
        let closed = governs && slot.priority.0 == 0 && self.rng.u8(..4) < quarters;
        let policy = if closed { ChainPolicy::Drop } else { ChainPolicy::Accept };
        let closing = self.origin(&format!("{} policy", slot.name));
        let base = BaseChain { kind: slot.kind, hook: slot.hook, priority: slot.priority, policy, closing };
        let mut chain = Chain::base(slot.name, base).ok()?;
        if slot.name.starts_with(HELPS) {
            self.help(&mut chain);
        }
        if closed && self.rng.u8(..4) > 0 {
            self.pass_known(&mut chain);
        }
        for _ in 0..self.rng.usize(1..7) {
            let early = slot.priority < Priority::CONNTRACK;
            let may_jump = slot.kind == ChainType::Filter && slot.priority.0 == 0;
            let place = chain::Place { kind: slot.kind, hook: Some(slot.hook), family, may_jump, early };
            self.rule(&mut chain, place);
        }
        Some(chain)
    }

    fn helpers(&mut self) -> Vec<Object> {
        let origin = self.origin("helpers");
        let object = |(name, protocol, _): (&str, _, _)| {
            let body = ObjectBody::CtHelper { helper: name.to_owned(), family: None, protocol };
            Object::new(name, body, origin).ok()
        };
        HELPERS.into_iter().filter_map(object).collect()
    }

    /// Gives each conversation of a known service its helper.
    fn help(&mut self, chain: &mut Chain) {
        for (name, protocol, port) in HELPERS {
            let field = if protocol == Protocol::TCP { Field::TcpDport } else { Field::UdpDport };
            let test = Step::Match(Match::within(field, Values::one(port.into())));
            let origin = self.origin(&format!("helper {name}"));
            let _ = chain.push(origin, vec![test, Step::Statement(Statement::CtHelper(name.to_owned()))], None);
        }
    }

    /// Sets that the rules look into: networks of both families, and ports.
    fn sets(&mut self, family: TableFamily) -> Vec<Set> {
        let origin = self.origin("sets");
        let mut sets = Vec::new();
        let mut add = |name: &str, datatype, values: IntervalSet| {
            let spec = SetSpec::intervals(KeyType::Of(datatype));
            sets.extend(Set::new(name, spec, Elements::Intervals(values), origin));
        };
        if family != TableFamily::Ip6 {
            add(
                "nets_v4",
                Datatype::Ipv4Addr,
                IntervalSet::prefix(0xc0a8_0100, 24, 32).union(&IntervalSet::one(0xc633_6407)),
            );
        }
        if family != TableFamily::Ip {
            add("nets_v6", Datatype::Ipv6Addr, IntervalSet::prefix(0x2001_0db8_0001 << 80, 64, 128));
        }
        add("ports", Datatype::InetService, IntervalSet::range(80, 443).union(&IntervalSet::one(22)));
        let pairs = [[6, 22], [6, 80], [17, 53]].map(|pair| Element::of(Tuple::of(&pair), origin));
        let spec = SetSpec::of(vec![KeyType::Of(Datatype::InetProto), KeyType::Of(Datatype::InetService)]);
        sets.extend(Set::new("pairs", spec, Elements::List(pairs.to_vec()), origin));
        sets
    }

    /// A network of the host; none where it has none of the family.
    fn network(&mut self, family: Family) -> Option<IpNet> {
        let networks = self.host.interfaces.iter().flat_map(|link| &link.addresses);
        let own: Vec<_> = networks.filter(|network| wire::family(network.addr()) == family).copied().collect();
        choose(&own, &mut self.rng).copied()
    }

    fn origin(&mut self, text: &str) -> OriginId {
        let number = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
        let line = number.saturating_add(1);
        self.origins.push(Origin { id: format!("r{line}"), text: text.to_owned(), line, ..Origin::default() });
        OriginId(number)
    }
}
