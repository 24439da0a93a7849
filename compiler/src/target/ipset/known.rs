// SPDX-License-Identifier: GPL-3.0-or-later
//! What is known of sets, and what they are in the IR.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::Family;
use ringwall_ir::{
    Counts, Datatype, Element, Elements, Field, Illegal, IntervalSet, KeyType, Meter, Milliseconds, OriginId, Set,
    SetFlags, SetSpec, Tuple,
};

use super::element::{parse, without_ports};
use super::{Kind, Part};
use crate::target::iptables::to_ir;

/// The sets of a text, by name.
#[derive(Clone, Debug, Default)]
pub(in crate::target) struct KnownSets(pub(super) BTreeMap<String, KnownSet>);

/// One set as the text has it.
#[derive(Clone, Debug)]
pub(in crate::target) struct KnownSet {
    /// The word for its type.
    pub(super) type_name: String,
    /// What its elements are; none for a type that the IR cannot hold.
    pub(super) kind: Option<Kind>,
    /// Whose addresses it holds.
    pub(super) family: Family,
    /// How long elements stay that do not say, in seconds; none: they stay.
    pub(super) timeout: Option<u32>,
    /// The most elements that it holds; none: as many as its range has.
    pub(super) size: Option<u32>,
    /// The first and last that it can hold, where it says so.
    pub(super) range: Option<(u128, u128)>,
    /// An option that the IR cannot hold.
    pub(super) strange: Option<String>,
    /// What it keeps beside its elements: `comment`, `counters`, `skbinfo`.
    pub(super) kept: Vec<String>,
    /// The line that creates it.
    pub(super) line: u32,
    /// Its elements as they are spelled.
    pub(super) texts: BTreeSet<String>,
    /// Its elements.
    pub(super) entries: Vec<Entry>,
}

/// One element as the text has it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) text: String,
    /// The line that adds it.
    pub(super) line: u32,
    /// Seconds that it stays from now on; 0: it stays.
    pub(super) timeout: Option<u32>,
    pub(super) comment: Option<String>,
    /// What it has counted.
    pub(super) counts: Counts,
    /// It is an exception.
    pub(super) nomatch: bool,
}

/// The most elements that a range of an element of several parts may stand for.
const RANGE_MAX: u128 = 65_536;

impl KnownSets {
    /// The set of a name.
    pub(in crate::target) fn get(&self, name: &str) -> Option<&KnownSet> {
        self.0.get(name)
    }

    /// The set as a part of a table, which packets add to if it is dynamic.
    ///
    /// # Errors
    /// What the IR does not allow.
    pub(in crate::target) fn set(&self, name: &str, dynamic: bool, origin: OriginId) -> Result<Option<Set>, Illegal> {
        let Some(known) = self.get(name) else { return Ok(None) };
        let Ok((mut spec, elements)) = known.parts(self, origin) else { return Ok(None) };
        spec.flags.dynamic = dynamic;
        Set::new(&to_ir(name), spec, elements, origin).map(Some)
    }

    /// Why the IR cannot hold the set; none where it can.
    pub(in crate::target) fn trouble(&self, name: &str) -> Option<String> {
        match self.get(name) {
            None => Some("its elements are in no text that was given: give what `ipset save` prints".to_owned()),
            Some(known) => match known.parts(self, OriginId(0)) {
                Ok((spec, elements)) => Set::new(&to_ir(name), spec, elements, OriginId(0))
                    .err()
                    .map(|illegal| format!("{illegal} {}", at(known.line))),
                Err(reason) => Some(reason),
            },
        }
    }
}

impl KnownSet {
    /// The parts of its elements; those of a list are those of its sets.
    pub(in crate::target) fn kind(&self, all: &KnownSets) -> Option<Kind> {
        match self.type_name.as_str() {
            "list:set" => all.get(&self.entries.first()?.text).and_then(|set| set.kind),
            _ => self.kind,
        }
    }

    /// Whose addresses it holds.
    pub(in crate::target) const fn family(&self) -> Family {
        self.family
    }

    /// Whether its elements count the packets that are found in it.
    pub(in crate::target) fn counts(&self) -> bool {
        self.kept.iter().any(|kept| kept == "counters")
    }

    /// Whether packets can add to the set as the IR has it, and with a timeout of their own if they do.
    pub(in crate::target) fn takes_elements(&self, with_timeout: bool) -> bool {
        let nets = self.kind.is_none_or(Kind::has_nets);
        !nets && (self.timeout.is_some() || !with_timeout)
    }

    /// How many elements a text is at least, where ipset takes it or the IR has no place for it.
    ///
    /// # Errors
    /// Why ipset refuses it.
    pub(super) fn takes(&self, text: &str) -> Result<u128, String> {
        let Some(kind) = self.kind else { return Ok(1) };
        let Some(parts) = parse(kind, self.family, text) else {
            if without_ports(text) {
                return Ok(1);
            }
            return Err(format!("`{text}` is no element of a set of type `{}` of {}", kind.name, self.family.name()));
        };
        let all = Field::source(self.family).max();
        let is_net = |place| kind.parts.get(part_at(kind, place)) == Some(&Part::Address { net: true });
        let is_single = |place| kind.parts.get(part_at(kind, place)) == Some(&Part::Address { net: false });
        if parts.iter().enumerate().any(|(place, part)| is_net(place) && *part == (0, all)) {
            return Err(format!("ipset refuses `{text}`, which holds all addresses: write its two halves"));
        }
        let several = parts.iter().enumerate().any(|(place, (first, last))| is_single(place) && first != last);
        if several && self.family == Family::Ipv6 {
            return Err(format!(
                "ipset refuses `{text}`: it takes single addresses of ipv6 in a set of type `{}`",
                kind.name
            ));
        }
        let first = parts.first().copied().unwrap_or_default();
        if kind.name == "hash:ip" && first.0 == 0 {
            return Err(format!("ipset refuses `{text}`: a set of type `hash:ip` cannot hold the address of zeros"));
        }
        match self.range {
            Some((low, high)) if first.0 < low || first.1 > high => {
                Err(format!("`{text}` is out of the range of the set, which line {} creates", self.line))
            }
            _ => Ok(parts
                .iter()
                .enumerate()
                .filter(|part| !is_net(part.0))
                .map(|(_, (first, last))| last - first + 1)
                .product()),
        }
    }

    /// Whether so many elements are too many beside those that it holds, each line for one at least.
    pub(super) fn is_full(&self, more: u128) -> bool {
        let held = more.saturating_add(self.entries.len().try_into().unwrap_or(u128::MAX));
        self.strange.is_none() && self.size.is_some_and(|size| held > u128::from(size))
    }

    /// What the set is in the IR.
    fn parts(&self, all: &KnownSets, origin: OriginId) -> Result<(SetSpec, Elements), String> {
        if let Some(strange) = &self.strange {
            return Err(format!("its option `{strange}` {} has no place in the IR", at(self.line)));
        }
        if self.type_name == "list:set" {
            return self.list(all, origin);
        }
        let kind = self
            .kind
            .ok_or_else(|| format!("sets of type `{}` {} have no place in the IR", self.type_name, at(self.line)))?;
        let mut entries = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let parts = parse(kind, self.family, &entry.text)
                .ok_or_else(|| format!("its element `{}` {} has no place in the IR", entry.text, at(entry.line)))?;
            entries.push((entry, parts));
        }
        let plain = entries.iter().all(|(entry, _)| entry.comment.is_none() && entry.timeout.is_none());
        let plain = plain && !self.counts();
        let exceptions = entries.iter().any(|(entry, _)| entry.nomatch);
        let elements = match kind.parts {
            [_] if plain => Elements::Intervals(in_order(self.family, &entries)),
            _ if exceptions => {
                return Err(format!(
                    "it has exceptions beside timeouts, comments, counters or several parts {}",
                    at(self.line)
                ));
            }
            _ => Elements::List(self.elements(kind, &entries, origin)?),
        };
        Ok((self.spec(kind), elements))
    }

    fn spec(&self, kind: Kind) -> SetSpec {
        let address = KeyType::Of(Datatype::address(self.family));
        let port = KeyType::Of(Datatype::InetService);
        let parts = kind.parts.iter().flat_map(|part| match part {
            Part::Address { .. } => vec![address],
            Part::BarePort => vec![port],
            Part::Port => vec![KeyType::Of(Datatype::InetProto), port],
        });
        SetSpec {
            flags: SetFlags {
                interval: kind.has_nets() || kind.name.starts_with("bitmap"),
                timeout: self.timeout.is_some(),
                ..SetFlags::default()
            },
            timeout: self.timeout.filter(|&seconds| seconds > 0).map(seconds),
            size: self.size,
            meters: if self.counts() { vec![Meter::Counter(Counts::default())] } else { Vec::new() },
            ..SetSpec::of(parts.collect())
        }
    }

    /// The elements one by one, those with ranges as ipset keeps them: many.
    fn elements(
        &self,
        kind: Kind,
        entries: &[(&Entry, Vec<(u128, u128)>)],
        origin: OriginId,
    ) -> Result<Vec<Element>, String> {
        let interval = kind.has_nets();
        let mut elements = Vec::new();
        for (entry, parts) in entries {
            let mut tuples = vec![Vec::new()];
            for (place, &(first, last)) in parts.iter().enumerate() {
                let is_net =
                    interval && matches!(kind.parts.get(part_at(kind, place)), Some(Part::Address { net: true }));
                let values: Vec<(u128, u128)> = match last - first {
                    _ if is_net => vec![(first, last)],
                    RANGE_MAX.. => {
                        return Err(format!("its element `{}` {} stands for too many", entry.text, at(entry.line)));
                    }
                    _ => (first..=last).map(|value| (value, value)).collect(),
                };
                tuples = tuples
                    .iter()
                    .flat_map(|tuple: &Vec<_>| {
                        values.iter().map(|&value| tuple.iter().copied().chain([value]).collect())
                    })
                    .collect();
            }
            elements.extend(tuples.into_iter().map(|tuple| self.element(entry, tuple, origin)));
        }
        Ok(elements)
    }

    fn element(&self, entry: &Entry, tuple: Vec<(u128, u128)>, origin: OriginId) -> Element {
        let default = self.timeout.filter(|&seconds| seconds > 0);
        let (timeout, expires) = match entry.timeout {
            None => (None, None),
            // It stays, whatever the set says of others.
            Some(0) => (default.map(|_| Milliseconds(0)), None),
            Some(left) if default.is_some_and(|default| left <= default) => (None, Some(seconds(left))),
            // Of its own time, only what is left is told.
            Some(left) => (Some(seconds(left)), None),
        };
        let counted = self.counts() && entry.counts != Counts::default();
        let meters = if counted { vec![Meter::Counter(entry.counts)] } else { Vec::new() };
        Element { timeout, expires, meters, comment: entry.comment.clone(), ..Element::of(Tuple(tuple), origin) }
    }

    /// A list is all that its sets hold, where they are of one kind and keep still.
    fn list(&self, all: &KnownSets, origin: OriginId) -> Result<(SetSpec, Elements), String> {
        if self.counts() {
            return Err(format!(
                "its option `counters` {} has no place in the IR: it counts for whole sets",
                at(self.line)
            ));
        }
        let mut whole: Option<(SetSpec, IntervalSet)> = None;
        for entry in &self.entries {
            let member = all.get(&entry.text).filter(|member| member.type_name != "list:set");
            let (spec, elements) = member
                .ok_or_else(|| format!("it lists a set that is not known {}", at(entry.line)))?
                .parts(all, origin)?;
            let Elements::Intervals(set) = elements else {
                return Err("it lists a set of several parts, or with timeouts, comments or counters".to_owned());
            };
            whole = Some(match whole {
                None => (SetSpec { size: None, flags: SetFlags { interval: true, ..spec.flags }, ..spec }, set),
                Some((before, union)) if before.key == spec.key => (before, union.union(&set)),
                Some(_) => return Err(format!("it lists sets of several kinds {}", at(entry.line))),
            });
        }
        whole
            .map(|(spec, set)| (spec, Elements::Intervals(set)))
            .ok_or_else(|| format!("it is an empty list {}", at(self.line)))
    }
}

/// Where something stands.
fn at(line: u32) -> String {
    format!("(line {line} of the text of ipset)")
}

/// The part of the type at a place of the key, where a port takes two.
fn part_at(kind: Kind, place: usize) -> usize {
    let mut at = 0;
    for (number, part) in kind.parts.iter().enumerate() {
        at += if *part == Part::Port { 2 } else { 1 };
        if place < at {
            return number;
        }
    }
    kind.parts.len()
}

const fn seconds(seconds: u32) -> Milliseconds {
    Milliseconds(seconds as u64 * 1000)
}

/// What is in a set of nets with exceptions: the longest prefix that holds an address decides about it.
fn in_order(family: Family, entries: &[(&Entry, Vec<(u128, u128)>)]) -> IntervalSet {
    let of = |nomatch: bool| {
        move |(entry, parts): &(&Entry, Vec<(u128, u128)>)| {
            (entry.nomatch == nomatch).then(|| parts.first().copied()).flatten()
        }
    };
    if !entries.iter().any(|(entry, _)| entry.nomatch) {
        return entries.iter().filter_map(of(false)).collect();
    }
    let mut lengths: BTreeMap<u8, [Vec<(u128, u128)>; 2]> = BTreeMap::new();
    for (entry, parts) in entries {
        let Some(&(first, last)) = parts.first() else { continue };
        for (start, length) in IntervalSet::range(first, last).prefixes(family.address_bits()) {
            let prefix = IntervalSet::prefix(start, length, family.address_bits());
            let [within, without] = lengths.entry(length).or_default();
            if entry.nomatch { without } else { within }.extend(prefix.intervals());
        }
    }
    lengths.into_values().fold(IntervalSet::EMPTY, |set, [within, without]| {
        set.union(&within.into_iter().collect()).difference(&without.into_iter().collect())
    })
}
