// SPDX-License-Identifier: GPL-3.0-or-later
//! Translations: the new end in registers.

use ringwall_ir::fields::ByteOrder;
use ringwall_ir::words::Family;
use ringwall_ir::{Data, DataType, Datatype, Element, KeyType, MapRef, Nat, NatEnd, OwnPorts, Selector};

use super::statement::has_ranges;
use super::{RuleWriter, Unsayable};
use crate::nft::bytes::Bytes;
use crate::nft::expression::{Ends, Expression, Lookup, Nat as NatExpression, Wanted};
use crate::nft::family_number;
use crate::nft::register::{Register, padded};
use crate::nft::set::{DataShape, layout};

const FIRST: Register = Register::FIRST;
/// The bytes of a port.
const PORT_LEN: u8 = 2;

/// What a map of new ends gives.
struct Given {
    parts: Vec<KeyType>,
    /// Each is a first and a last value.
    ranges: bool,
}

impl<'a> RuleWriter<'a> {
    /// Writes a translation of the destination or the source.
    pub(super) fn nat(&mut self, nat: &'a Nat, destination: bool) -> Result<(), Unsayable> {
        let (addresses, ports) = match &nat.end {
            NatEnd::Range { addresses, ports } => {
                let (addresses, next) = self.addresses(*addresses, nat);
                (addresses, self.ports(*ports, next))
            }
            NatEnd::Map { key, map, ports } => {
                let given = self.looked_up_ends(nat.family, key, map)?;
                let (addresses, given_ports, behind) = given.ends(nat.family)?;
                match ports {
                    Some(ports) => (addresses, self.ports(Some(*ports), behind.ok_or(Unsayable::Registers)?)),
                    None => (addresses, given_ports),
                }
            }
        };
        let family = nat.family.map_or(family_number(self.table.family()), Family::number);
        self.out.push(Expression::Nat(NatExpression {
            destination,
            family: family.into(),
            addresses,
            ports,
            flags: nat.flags,
        }));
        Ok(())
    }

    /// Loads the ports of a translation to an address of the host.
    pub(super) fn own_ports(&mut self, ports: Option<&'a OwnPorts>) -> Result<Ends, Unsayable> {
        match ports {
            None => Ok(Ends::default()),
            Some(OwnPorts::Range(first, last)) => Ok(self.ports(Some((*first, *last)), FIRST)),
            Some(OwnPorts::Map { key, map }) => {
                self.looked_up_ends(None, key, map)?.ends(None).map(|(_, ports, _)| ports)
            }
        }
    }

    /// Looks new ends up in a map.
    fn looked_up_ends(
        &mut self,
        family: Option<Family>,
        key: &'a [Selector],
        map: &'a MapRef,
    ) -> Result<Given, Unsayable> {
        let given = self.given(family, map);
        let set = self.map(key, map, |_| DataShape::values(&given.parts, given.ranges), FIRST)?;
        self.out.push(Expression::Lookup(Lookup { from: FIRST, set, wanted: Wanted::Data(FIRST) }));
        Ok(given)
    }

    /// Loads addresses. Tells the next free register.
    fn addresses(&mut self, addresses: Option<(u128, u128)>, nat: &Nat) -> (Ends, Register) {
        let (Some((first, last)), Some(family)) = (addresses, nat.family) else { return (Ends::default(), FIRST) };
        let bytes = |address| Bytes::of(address, family.address_bits() / 8, ByteOrder::Network);
        self.immediate(FIRST, bytes(first));
        if first == last {
            return (Ends { first: Some(FIRST), last: None }, Register::SECOND);
        }
        self.immediate(Register::SECOND, bytes(last));
        (Ends { first: Some(FIRST), last: Some(Register::SECOND) }, Register::THIRD)
    }

    /// Loads ports, from a register on.
    fn ports(&mut self, ports: Option<(u16, u16)>, from: Register) -> Ends {
        let Some((first, last)) = ports else { return Ends::default() };
        let bytes = |port: u16| Bytes::of(port.into(), PORT_LEN, ByteOrder::Network);
        self.immediate(from, bytes(first));
        // A whole 128 bits each, as nft gives them.
        let next = from.behind(16).filter(|_| first != last);
        if let Some(next) = next {
            self.immediate(next, bytes(last));
        }
        Ends { first: Some(from), last: next }
    }

    /// What a map gives: as it is declared, or as its elements tell.
    fn given(&self, family: Option<Family>, map: &MapRef) -> Given {
        match map {
            MapRef::Named(name) => {
                let set = self.table.set(name);
                let parts = match set.and_then(|set| set.spec().data.as_ref()) {
                    Some(DataType::Values(parts)) => parts.clone(),
                    _ => Vec::new(),
                };
                let elements = set.map(ringwall_ir::Set::elements);
                let ranges = matches!(elements, Some(ringwall_ir::Elements::List(list)) if has_ranges(list));
                Given { parts, ranges }
            }
            MapRef::Inline(elements) => {
                let count = elements.iter().find_map(count);
                Given { parts: parts(family, count.unwrap_or(1)), ranges: has_ranges(elements) }
            }
        }
    }
}

/// What the data of new ends are, part by part.
pub(in crate::nft) fn parts(family: Option<Family>, count: usize) -> Vec<KeyType> {
    let port = KeyType::Of(Datatype::InetService);
    match family.map(|family| KeyType::Of(Datatype::address(family))) {
        None => vec![port],
        Some(address) if count > 1 => vec![address, port],
        Some(address) => vec![address],
    }
}

fn count(element: &Element) -> Option<usize> {
    match &element.data {
        Some(Data::Values(tuple)) => Some(tuple.0.len()),
        _ => None,
    }
}

impl Given {
    /// The registers that the data fill, and the next free one: first the first values, then the last ones.
    fn ends(&self, family: Option<Family>) -> Result<(Ends, Ends, Option<Register>), Unsayable> {
        let mut registers = Vec::new();
        let mut next = Some(FIRST);
        let mut filled = 0u8;
        for _ in 0..if self.ranges { 2 } else { 1 } {
            for part in &self.parts {
                let register = next.ok_or(Unsayable::Registers)?;
                let bytes = layout(*part).bytes;
                registers.push(register);
                filled = filled.saturating_add(padded(bytes));
                next = register.behind(bytes);
            }
        }
        let ends = |place: usize| Ends {
            first: registers.get(place).copied().filter(|_| place < self.parts.len()),
            last: registers.get(self.parts.len() + place).copied().filter(|_| place < self.parts.len()),
        };
        let behind = FIRST.behind(filled.next_multiple_of(16));
        Ok(match family {
            Some(_) => (ends(0), ends(1), behind),
            None => (Ends::default(), ends(0), behind),
        })
    }
}
