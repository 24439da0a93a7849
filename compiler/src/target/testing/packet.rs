// SPDX-License-Identifier: GPL-3.0-or-later
//! Packets as bare values of fields, and whether a rule matches them: just enough to compare two rules.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use ringwall_ir::fields::{Base, FIELDS, Load, Needs};
use ringwall_ir::words::{CtState, Family, Protocol};
use ringwall_ir::{Datatype, Elements, Field, InterfacePattern, Key, Match, Rule, Table, Tuples};

use crate::target::reach::needed;

/// The kind of link of Ethernet (`ARPHRD_ETHER`).
const ETHERNET: u128 = 1;

/// The choices that make a packet for a rule.
#[derive(Clone, Debug)]
pub struct Choices {
    protocol: Protocol,
    fields: Vec<Index>,
    names: [&'static str; 2],
}

/// Choices at random.
pub fn choices() -> impl Strategy<Value = Choices> {
    let protocol = select(vec![1u8, 2, 6, 17, 47, 58, 132]).prop_map(Protocol);
    let names = select(vec!["lo", "eth0", "eth1", "eth12", "wlan0", "ppp+", "it's#1", "fifteen-bytes-x"]);
    (protocol, proptest::collection::vec(any::<Index>(), FIELDS.len()), [names.clone(), names])
        .prop_map(|(protocol, fields, names)| Choices { protocol, fields, names })
}

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet {
    family: Family,
    protocol: Protocol,
    /// The bytes of the headers, by the base of their fields.
    headers: BTreeMap<Base, [u8; 64]>,
    values: BTreeMap<Field, u128>,
    names: [&'static str; 2],
}

impl Packet {
    /// A packet of the family whose values lie at the edges of what the rule compares with.
    pub fn near(table: &Table, rule: &Rule, family: Family, choices: &Choices) -> Self {
        let of_rule = rule.matches().flat_map(Match::selectors).map(|selector| selector.field());
        let fields: BTreeSet<Field> = FIELDS.iter().map(|row| row.field).chain(of_rule).collect();
        let mut packet = Self {
            family,
            protocol: choices.protocol,
            headers: BTreeMap::new(),
            values: BTreeMap::new(),
            names: choices.names,
        };
        let mut chosen = choices.fields.iter().cycle();
        let tested: BTreeSet<Field> =
            rule.matches().flat_map(Match::selectors).map(|selector| selector.field()).collect();
        for protocols in tested.iter().filter(|field| is_protocol(**field)) {
            let number = *chosen.next().unwrap().get(&edges(table, rule, *protocols));
            packet.protocol = Protocol(u8::try_from(number & 0xff).unwrap());
        }
        // Those that the rule tests come last, for fields of several protocols lie in the same place.
        let (others, last): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| !tested.contains(field));
        for field in others.into_iter().chain(last) {
            packet.set(field, *chosen.next().unwrap().get(&edges(table, rule, field)));
        }
        // Most packets are of the protocol that the rule needs.
        let needed = rule.matches().flat_map(needed).find_map(Needs::protocol);
        if let (Some(needed), 1..) = (needed, chosen.next().unwrap().index(8)) {
            packet.protocol = needed;
        }
        packet
    }

    /// Gives a field a value, as far as the packet has it.
    pub fn set(&mut self, field: Field, value: u128) {
        let row = field.row();
        match row.load {
            Load::Payload(base, offset) if row.needs.family().is_none_or(|family| family == self.family) => {
                let header = self.headers.entry(base).or_insert([0; 64]);
                for bit in 0..u16::from(row.bits) {
                    let (place, mask) = place(offset + bit);
                    let is_set = value >> (u16::from(row.bits) - 1 - bit) & 1 == 1;
                    header[place] = if is_set { header[place] | mask } else { header[place] & !mask };
                }
            }
            Load::Payload(..) => {}
            _ => {
                self.values.insert(field, value);
            }
        }
    }

    /// Whether the rule matches it, limits aside.
    pub fn passes(&self, table: &Table, rule: &Rule) -> bool {
        rule.matches().all(|test| self.passes_test(table, test))
    }

    /// Whether the test matches it.
    pub fn passes_test(&self, table: &Table, test: &Match) -> bool {
        let looked_at: Option<Vec<u128>> =
            test.selectors().iter().map(|selector| Some(self.value(selector.field())? & selector.bits())).collect();
        let Some(looked_at) = looked_at else { return false };
        match test {
            Match::In { values, negated, .. } => table.values(values).contains(looked_at[0]) != *negated,
            Match::Concat { values: Tuples::Inline(tuples), negated, .. } => {
                tuples.iter().any(|tuple| tuple.contains(&looked_at)) != *negated
            }
            Match::Concat { values: Tuples::Set(name), negated, .. } => {
                let Elements::List(list) = table.set(name).unwrap().elements() else { return *negated };
                let is_in = |key: &Key| match key {
                    Key::Any => true,
                    Key::Tuple(tuple) => tuple.contains(&looked_at),
                };
                list.iter().any(|element| is_in(&element.key)) != *negated
            }
            Match::ConnLimit(_) | Match::Limit(_) | Match::Object { .. } | Match::Quota(_) => true,
        }
    }

    /// The value of a field, if the packet has it.
    pub fn value(&self, field: Field) -> Option<u128> {
        let row = field.row();
        let has = row.needs.family().is_none_or(|family| family == self.family)
            && row.needs.protocol().is_none_or(|protocol| protocol == self.protocol)
            && (row.needs != Needs::Link || self.value(Field::Iiftype) == Some(ETHERNET));
        let value = match (field, row.load) {
            (Field::Nfproto, _) => u128::from(self.family.number()),
            (field, _) if is_protocol(field) => u128::from(self.protocol.0),
            (Field::EtherType | Field::MetaProtocol, _) => match self.family {
                Family::Ipv4 => 0x0800,
                Family::Ipv6 => 0x86dd,
            },
            (Field::Iifname, _) => name_value(self.names[0]),
            (Field::Oifname, _) => name_value(self.names[1]),
            (_, Load::Payload(base, offset)) => self.bits(base, offset, row.bits),
            _ => self.values.get(&field).copied().unwrap_or_default(),
        };
        has.then_some(value)
    }

    fn bits(&self, base: Base, offset: u16, bits: u8) -> u128 {
        let header = self.headers.get(&base).copied().unwrap_or([0; 64]);
        (0..u16::from(bits)).fold(0, |value, bit| {
            let (place, mask) = place(offset + bit);
            value << 1 | u128::from(header[place] & mask != 0)
        })
    }

    /// Bytes of a header, as a rule of the kernel's loads them.
    pub fn bytes(&self, base: Base, offset: usize, length: usize) -> Vec<u8> {
        let mut header = self.headers.get(&base).copied().unwrap_or([0; 64]);
        // What a packet says more than once is said alike.
        match (base, self.family) {
            (Base::Network, Family::Ipv4) => header[9] = self.protocol.0,
            (Base::Network, Family::Ipv6) => header[6] = self.protocol.0,
            (Base::Link, Family::Ipv4) => header[12..14].copy_from_slice(&[0x08, 0x00]),
            (Base::Link, Family::Ipv6) => header[12..14].copy_from_slice(&[0x86, 0xdd]),
            (Base::Transport, _) => {}
        }
        header[offset..offset + length].to_vec()
    }
}

/// The byte of a bit of a header, and the bit in it.
fn place(bit: u16) -> (usize, u8) {
    (usize::from(bit / 8), 0x80 >> (bit % 8))
}

const fn is_protocol(field: Field) -> bool {
    matches!(field, Field::Ip6Nexthdr | Field::IpProtocol | Field::L4proto)
}

fn name_value(name: &str) -> u128 {
    InterfacePattern::new(name).unwrap().interval().0
}

/// The values on both sides of every edge, and for bits what distinguishes masks.
fn edges(table: &Table, rule: &Rule, field: Field) -> Vec<u128> {
    match field {
        Field::CtState => return CtState::ALL.map(|state| u128::from(state.bit())).to_vec(),
        Field::Iiftype => return vec![ETHERNET, ETHERNET, ETHERNET, 772],
        _ if field.datatype() == Datatype::Ifname => {
            return vec![name_value("eth0"), name_value("wlan0"), name_value("tun5")];
        }
        _ if field.datatype() == Datatype::String => {
            return ["ftp", "sip"].map(|text| Datatype::String.parse_value(text).unwrap()).to_vec();
        }
        _ => {}
    }
    let max = field.max();
    let mut edges = vec![0, max];
    for test in rule.matches() {
        let Some(part) = test.selectors().iter().position(|selector| selector.field() == field) else { continue };
        let intervals = match test {
            Match::In { values, .. } => table.values(values).intervals().to_vec(),
            Match::Concat { values: Tuples::Inline(tuples), .. } => tuples.iter().map(|tuple| tuple.0[part]).collect(),
            _ => Vec::new(),
        };
        for (first, last) in intervals {
            match test.selectors()[part].mask() {
                None => edges.extend([first.saturating_sub(1), first, last, last.saturating_add(1).min(max)]),
                Some(mask) => {
                    edges.extend([first, mask, first ^ mask, first | (max ^ mask), mask & mask.wrapping_neg()])
                }
            }
        }
    }
    edges
}
