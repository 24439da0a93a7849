// SPDX-License-Identifier: GPL-3.0-or-later
//! Devices that have their numbers only where a ruleset was loaded to be read: in what is read they have their names.

use std::collections::BTreeMap;

use ringwall_ir::{Data, DataType, Datatype, Element, Elements, IntervalSet, Key, Match, Set, Symbol, Tuples, Values};

use super::Unknown;

/// The name and the number of the device that has both everywhere (`LOOPBACK_IFINDEX` of include/net/flow.h).
const LOOPBACK: (&str, u128) = ("lo", 1);

/// The devices, by number. No two numbers are neighbours, so that none is lost in an interval.
#[derive(Clone, Debug, Default)]
pub struct Devices(BTreeMap<u128, String>);

impl Devices {
    /// The distance of their numbers.
    pub const STEP: u32 = 2;

    /// Notes a device.
    pub fn insert(&mut self, number: u32, name: &str) {
        self.0.insert(number.into(), name.to_owned());
    }

    /// Whether a device of this name is noted.
    pub fn has(&self, name: &str) -> bool {
        self.0.values().any(|known| known == name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn meant(&self, (first, last): (u128, u128)) -> bool {
        self.0.range(first..=last).next().is_some()
    }

    /// The test with names in the place of numbers.
    ///
    /// # Errors
    /// What the IR has no word for.
    pub(super) fn name(&self, test: Match) -> Result<Match, &'static str> {
        match test {
            Match::In { selector, values: Values::Inline(set), negated }
                if is_device(selector.field().datatype()) && set.intervals().iter().any(|part| self.meant(*part)) =>
            {
                if selector.mask().is_some() {
                    return Err("test of bits of an interface's number");
                }
                Ok(Match::In { selector, values: Values::Symbols(self.symbols(&set)?), negated })
            }
            Match::Concat { key, values: Tuples::Inline(tuples), .. }
                if tuples.iter().any(|tuple| {
                    let parts = key.iter().map(|selector| selector.field().datatype()).zip(&tuple.0);
                    self.among(parts)
                }) =>
            {
                Err("interface by name in a concatenation")
            }
            other => Ok(other),
        }
    }

    fn symbols(&self, set: &IntervalSet) -> Result<Vec<Symbol>, &'static str> {
        let symbol = |&(first, last): &(u128, u128)| {
            let name = match self.0.get(&first) {
                Some(name) if first == last => name,
                None if (first, last) == (LOOPBACK.1, LOOPBACK.1) => LOOPBACK.0,
                None if !self.meant((first, last)) => return Err("interfaces by name and by number"),
                _ => return Err("interfaces between two numbers"),
            };
            Ok(Symbol { name: name.to_owned(), number: None })
        };
        let mut symbols = set.intervals().iter().map(symbol).collect::<Result<Vec<_>, _>>()?;
        symbols.sort();
        Ok(symbols)
    }

    fn among<'p>(&self, mut parts: impl Iterator<Item = (Datatype, &'p (u128, u128))>) -> bool {
        parts.any(|(datatype, interval)| is_device(datatype) && self.meant(*interval))
    }

    /// Whether elements hold the number of a device, as keys or as what they give.
    pub(super) fn are_in(&self, key: &[Datatype], data: &[Datatype], list: &[Element]) -> bool {
        list.iter().any(|element| {
            let key = match &element.key {
                Key::Any => false,
                Key::Tuple(tuple) => self.among(key.iter().copied().zip(&tuple.0)),
            };
            let given = match &element.data {
                Some(Data::Values(tuple)) => self.among(data.iter().copied().zip(&tuple.0)),
                _ => false,
            };
            key || given
        })
    }

    /// Refuses a set that holds the number of a device: the IR has no names there.
    ///
    /// # Errors
    /// [`Unknown::Shape`]
    pub(super) fn check(&self, set: &Set) -> Result<(), Unknown> {
        let key: Vec<_> = set.spec().key.iter().map(|part| part.datatype()).collect();
        let data: Vec<_> = match &set.spec().data {
            Some(DataType::Values(parts)) => parts.iter().map(|part| part.datatype()).collect(),
            _ => Vec::new(),
        };
        let found = match set.elements() {
            Elements::Intervals(values) => {
                key.first().is_some_and(|part| is_device(*part))
                    && values.intervals().iter().any(|part| self.meant(*part))
            }
            Elements::List(list) => self.are_in(&key, &data, list),
        };
        if found { Err(Unknown::Shape("interface by name in a set")) } else { Ok(()) }
    }
}

fn is_device(datatype: Datatype) -> bool {
    datatype == Datatype::IfaceIndex
}

#[cfg(test)]
mod tests {
    use ringwall_ir::Field;

    use super::*;

    #[test]
    fn numbers_of_devices_become_names_and_others_stay() {
        let mut devices = Devices::default();
        devices.insert(100, "eth0");
        devices.insert(102, "eth1");
        let test = |values: &[u128]| {
            let set = values.iter().map(|value| (*value, *value)).collect();
            devices.name(Match::within(Field::Iif, Values::Inline(set))).map(|test| test.to_string())
        };
        assert_eq!(test(&[102, 100]).as_deref(), Ok("iif { \"eth0\", \"eth1\" }"));
        assert_eq!(test(&[1, 100]).as_deref(), Ok("iif { \"eth0\", \"lo\" }"));
        assert_eq!(test(&[101]), Ok(Match::within(Field::Iif, Values::one(101)).to_string()));
        assert_eq!(test(&[5, 100]), Err("interfaces by name and by number"));
        let between = Match::within(Field::Iif, Values::Inline(IntervalSet::range(99, 101)));
        assert_eq!(devices.name(between), Err("interfaces between two numbers"));
    }
}
