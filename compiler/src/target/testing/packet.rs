// SPDX-License-Identifier: GPL-3.0-or-later
//! Packets as bare values of fields, and whether a rule matches them: just enough to compare two rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use ringwall_ir::fields::{FIELDS, Needs};
use ringwall_ir::words::{CtState, Family, Protocol};
use ringwall_ir::{Field, Match, Rule, Table};

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
    values: BTreeMap<Field, u128>,
    names: [&'static str; 2],
}

impl Packet {
    /// A packet of the family whose values lie at the edges of what the rule compares with.
    pub fn near(table: &Table, rule: &Rule, family: Family, choices: &Choices) -> Self {
        let chosen = |(row, index): (_, &Index)| {
            let field = (row as &ringwall_ir::fields::FieldRow).field;
            (field, *index.get(&edges(table, rule, field)))
        };
        let values = FIELDS.iter().zip(&choices.fields).map(chosen).collect();
        let mut packet = Self { family, protocol: choices.protocol, values, names: choices.names };
        // Most packets are of the protocol that the rule needs.
        let needed = rule.matches().iter().find_map(crate::target::reach::protocol_needed);
        if let (Some(needed), 1..) = (needed, packet.values.get(&Field::TcpFlags).copied().unwrap_or_default()) {
            packet.protocol = needed;
        }
        packet
    }

    /// Whether the rule matches it, limits aside.
    pub fn passes(&self, table: &Table, rule: &Rule) -> bool {
        rule.matches().iter().all(|test| self.passes_test(table, test))
    }

    fn passes_test(&self, table: &Table, test: &Match) -> bool {
        let Some(field) = test.field() else { return true };
        let Some(value) = self.value(field) else { return false };
        let bits = u32::try_from(value & 0xffff_ffff).unwrap();
        match test {
            Match::AnyOf { bits: any, .. } => bits & any != 0,
            Match::Masked { mask, value, .. } => bits & mask == *value,
            Match::In { values, negated, .. } => table.values(values).contains(value) != *negated,
            Match::Interface { names, negated, .. } => {
                let name = self.names[usize::from(field == Field::Oifname)];
                names.iter().any(|pattern| pattern.matches(name)) != *negated
            }
            Match::Limit(_) => true,
        }
    }

    /// The value of a field, if the packet has it.
    fn value(&self, field: Field) -> Option<u128> {
        let has = match field.row().needs {
            Needs::Nothing => true,
            Needs::Family(family) => family == self.family,
            Needs::Protocol(Protocol::ICMP) => self.protocol == Protocol::ICMP && self.family == Family::Ipv4,
            Needs::Protocol(Protocol::ICMPV6) => self.protocol == Protocol::ICMPV6 && self.family == Family::Ipv6,
            Needs::Protocol(protocol) => protocol == self.protocol,
        };
        let value = match field {
            Field::Nfproto => u128::from(self.family.number()),
            Field::L4proto => u128::from(self.protocol.0),
            _ => self.values.get(&field).copied().unwrap_or_default(),
        };
        has.then_some(value)
    }
}

/// The values on both sides of every edge, and for bits what distinguishes masks.
fn edges(table: &Table, rule: &Rule, field: Field) -> Vec<u128> {
    if field == Field::CtState {
        return CtState::ALL.map(|state| u128::from(state.bit())).to_vec();
    }
    let max = field.max();
    let mut edges = vec![0, max];
    for test in rule.matches().iter().filter(|test| test.field() == Some(field)) {
        match test {
            Match::In { values, .. } => {
                let ends =
                    table.values(values).intervals().iter().flat_map(|&(first, last)| {
                        [first.saturating_sub(1), first, last, last.saturating_add(1).min(max)]
                    });
                edges.extend(ends);
            }
            Match::Masked { mask, value, .. } => edges.extend([*value, *mask, value ^ mask].map(u128::from)),
            Match::AnyOf { bits, .. } => {
                edges.extend([*bits, !bits & 0xff, bits & bits.wrapping_neg()].map(u128::from))
            }
            Match::Interface { .. } | Match::Limit(_) => {}
        }
    }
    edges
}
