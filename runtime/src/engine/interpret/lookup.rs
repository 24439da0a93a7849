// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests, and what is looked up in sets and maps.

use ringwall_ir::{
    Data, Datatype, Element, Elements, Key, MapRef, Match, ObjectKind, ObjectRef, Selector, Tuples, Values, Verdict,
    VerdictMap,
};

use super::{At, Halt, Passes};
use crate::engine::classify::Finder;

/// What a set has for a key: an element, and in a map what it gives.
enum Found {
    Nothing,
    Element(Option<Data>),
}

impl At<'_, '_, '_> {
    /// Lets the packet on if it passes a test. One that does not have the field never does.
    pub(super) fn test(&mut self, test: &Match) -> Passes<()> {
        match test {
            Match::In { selector, values: Values::Set(name), negated } => {
                let value = self.selected(*selector, 0)?;
                self.is_among(name, &[value], *negated)
            }
            Match::In { selector, values, negated } => {
                let value = self.selected(*selector, 0)?;
                passes(self.has_value(selector.field().datatype(), values, value) != *negated)
            }
            Match::Concat { key, values: Tuples::Set(name), negated } => {
                let values = self.values(key)?;
                self.is_among(name, &values, *negated)
            }
            Match::Concat { key, values: Tuples::Inline(list), negated } => {
                let values = self.values(key)?;
                let is_among = match self.chains.finders.written(self.place) {
                    Some(finder) => finder.find(&values).is_some(),
                    None => list.iter().any(|tuple| tuple.contains(&values)),
                };
                passes(is_among != *negated)
            }
            Match::ConnLimit(limit) => self.state.connections(self.place, limit).count(self.view),
            Match::Limit(limit) => self.state.limit(self.place, limit).count(self.view),
            Match::Quota(quota) => self.state.quota(self.place, quota).count(self.view),
            Match::Object { kind, object } => self.object(*kind, object),
        }
    }

    /// Names of interfaces stand for their numbers on the host.
    fn has_value(&self, datatype: Datatype, values: &Values, value: u128) -> bool {
        match values {
            Values::Symbols(symbols) if datatype == Datatype::IfaceIndex => symbols
                .iter()
                .any(|symbol| self.view.host.number(&symbol.name).is_some_and(|number| u128::from(number) == value)),
            values => self.table.values(values).contains(value),
        }
    }

    /// The fields' values; the packet leaves the rule where it lacks one.
    pub(super) fn values(&mut self, key: &[Selector]) -> Passes<Vec<u128>> {
        key.iter().enumerate().map(|(part, selector)| self.selected(*selector, part)).collect()
    }

    /// Whether the key is in a named set. The element for all other keys lets on what a negated test would stop, and has
    /// no say in what it lets on (`nft_lookup_eval`).
    fn is_among(&mut self, name: &str, key: &[u128], negated: bool) -> Passes<()> {
        let hit = self.element(name, key)?;
        match (hit, negated) {
            (Found::Element(_), false) | (Found::Nothing, true) => Ok(()),
            _ => match self.other_element(name)? {
                Found::Element(_) => Ok(()),
                Found::Nothing => Err(Halt::Leave),
            },
        }
    }

    /// What a map gives; where it has nothing for the key, the packet leaves the rule.
    pub(super) fn mapped(&mut self, key: &[Selector], map: &MapRef) -> Passes<Data> {
        let key = self.values(key)?;
        let found = match map {
            MapRef::Inline(elements) => match of_list(elements, self.chains.finders.written(self.place), &key) {
                Found::Nothing => others_of_list(elements),
                found => found,
            },
            MapRef::Named(name) => return self.mapped_by_name(name, &key),
        };
        given(found)
    }

    fn mapped_by_name(&mut self, name: &str, key: &[u128]) -> Passes<Data> {
        let found = match self.element(name, key)? {
            Found::Nothing => self.other_element(name)?,
            found => found,
        };
        given(found)
    }

    pub(super) fn mapped_verdict(&mut self, map: &VerdictMap) -> Passes<Verdict> {
        match self.mapped(&map.key, &map.map)? {
            Data::Verdict(verdict) => Ok(verdict),
            Data::Object(_) | Data::Values(_) => Err(Halt::Leave),
        }
    }

    /// The element of a named set that has the key, if its own meters let the packet on.
    fn element(&mut self, name: &str, key: &[u128]) -> Passes<Found> {
        if let Some(live) = self.state.set(self.place.table, name) {
            return match live.member(key, self.view.now) {
                Some(member) => {
                    member.count(self.view)?;
                    Ok(Found::Element(member.data().cloned()))
                }
                None => Ok(Found::Nothing),
            };
        }
        Ok(match (self.table.set(name).map(ringwall_ir::Set::elements), key) {
            (Some(Elements::Intervals(set)), [value]) if set.contains(*value) => Found::Element(None),
            (Some(Elements::List(list)), key) => of_list(list, self.chains.finders.named(name), key),
            _ => Found::Nothing,
        })
    }

    /// The element of a named set for all keys that have none, if its own meters let the packet on.
    fn other_element(&mut self, name: &str) -> Passes<Found> {
        if let Some(live) = self.state.set(self.place.table, name) {
            return match live.others(self.view.now) {
                Some(member) => {
                    member.count(self.view)?;
                    Ok(Found::Element(member.data().cloned()))
                }
                None => Ok(Found::Nothing),
            };
        }
        Ok(match self.table.set(name).map(ringwall_ir::Set::elements) {
            Some(Elements::List(list)) => others_of_list(list),
            _ => Found::Nothing,
        })
    }

    /// Lets the packet on if a limit or quota with a name does; a counter always does (`nft_objref_eval`).
    pub(super) fn object(&mut self, kind: ObjectKind, object: &ObjectRef) -> Passes<()> {
        let table = self.table;
        let name = match object {
            ObjectRef::Named(name) => name.as_str(),
            ObjectRef::Map { key, map } => {
                let key = self.values(key)?;
                let Data::Object(name) = self.mapped_by_name(map, &key)? else { return Err(Halt::Leave) };
                table.object(kind, &name).ok_or(Halt::Leave)?.name()
            }
        };
        match self.state.object(self.place.table, kind, name) {
            Some(meter) => meter.count(self.view),
            None => Ok(()),
        }
    }
}

const fn passes(yes: bool) -> Passes<()> {
    if yes { Ok(()) } else { Err(Halt::Leave) }
}

fn given(found: Found) -> Passes<Data> {
    match found {
        Found::Element(Some(data)) => Ok(data),
        Found::Element(None) | Found::Nothing => Err(Halt::Leave),
    }
}

fn of_list(list: &[Element], finder: Option<&Finder>, key: &[u128]) -> Found {
    let hit = match finder {
        Some(finder) => finder.find(key).and_then(|place| list.get(place)),
        None => list.iter().find(|element| matches!(&element.key, Key::Tuple(tuple) if tuple.contains(key))),
    };
    hit.map_or(Found::Nothing, |element| Found::Element(element.data.clone()))
}

fn others_of_list(list: &[Element]) -> Found {
    let others = list.iter().find(|element| element.key == Key::Any);
    others.map_or(Found::Nothing, |element| Found::Element(element.data.clone()))
}
