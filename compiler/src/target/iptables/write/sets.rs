// SPDX-License-Identifier: GPL-3.0-or-later
//! Which of a table's sets stay sets. Small ones are written into the rules; large ones, and those that packets fill,
//! become sets of ipset, which the rules look into.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ringwall_ir::words::Family;
use ringwall_ir::{
    Datatype, Elements, Field, IntervalSet, Key, Match, Meter, Role, Set, Statement, Step, Table, Tuple, Tuples, Values,
};

use super::clauses::Clauses;
use super::line::Test;
use super::reach::Reach;
use crate::target::ipset::{Kind, Part, SetText};
use crate::target::iptables::name::from_ir;
use crate::target::iptables::words::protocol::{PORTS, ports_of};

/// A set of more elements than this is ipset's. One of fewer is a line for each of its elements, which a reader sees.
pub(in crate::target) const SMALL: usize = 64;

/// The longest name of a set, in bytes (`IPSET_MAXNAMELEN` less the final NUL).
pub(in crate::target) const NAME_MAX: usize = 31;

/// The sets of a table that are ipset's; why one that must be cannot be.
#[derive(Default)]
pub(super) struct Sets(BTreeMap<String, Result<SetRef, String>>);

/// A set of ipset.
pub(super) struct SetRef {
    /// What ipset calls it.
    name: String,
    kind: Kind,
    /// Whether a port's protocol is a part of the IR's key too.
    has_protocols: bool,
    /// The commands that make it.
    text: String,
}

/// What rules do with a set.
#[derive(Default)]
struct Use {
    updated: bool,
    /// A test passes what is not in it.
    excepted: bool,
    protocols: IntervalSet,
}

impl Sets {
    /// Finds the sets of a table that its rules speak of and that are ipset's. `keeps` says that all stay sets, and by their
    /// own names: those of somebody's ruleset.
    pub(super) fn of(table: &Table, family: Family, keeps: bool) -> Self {
        let mut used: BTreeMap<&str, Use> = BTreeMap::new();
        for rule in table.chains().iter().flat_map(|chain| chain.rules()) {
            let mut reach = Reach::all(family);
            for step in rule.steps() {
                let (name, fields, updated) = match step {
                    Step::Match(test) => {
                        reach.narrow(table, test);
                        match test {
                            Match::In { selector, values: Values::Set(name), .. } => {
                                (name, std::slice::from_ref(selector), false)
                            }
                            Match::Concat { key, values: Tuples::Set(name), .. } => (name, key.as_slice(), false),
                            _ => continue,
                        }
                    }
                    Step::Statement(Statement::SetUpdate(update)) => (&update.set, update.key.as_slice(), true),
                    _ => continue,
                };
                let entry = used.entry(name.as_str()).or_default();
                entry.updated |= updated;
                entry.excepted |=
                    matches!(step, Step::Match(Match::In { negated: true, .. } | Match::Concat { negated: true, .. }));
                let of_field =
                    |field: Field| PORTS.iter().find(|ports| ports.source == field || ports.destination == field);
                let of_key = fields.iter().find_map(|selector| of_field(selector.field())).map(|ports| ports.protocol);
                let protocols =
                    of_key.map_or_else(|| reach.protocols.clone(), |protocol| IntervalSet::one(u128::from(protocol.0)));
                entry.protocols = entry.protocols.union(&protocols);
            }
        }
        let mut sets = Self::default();
        for (name, used) in used {
            let Some(set) = table.set(name) else { continue };
            let dynamic = used.updated || set.spec().role() == Role::Dynamic;
            let must = dynamic || keeps || !set.spec().meters.is_empty();
            if set.spec().data.is_some() || !(must || set.elements().len() > SMALL) {
                continue;
            }
            let own = if keeps { from_ir(name).into_owned() } else { SetText::name(table.name(), name) };
            match SetRef::of(own, set, family, &used) {
                // Of the other family: no rule of this text looks into it.
                Ok(None) => {}
                // It is written into the rules, however long it is.
                Err(_) if !must => {}
                Ok(Some(known)) => {
                    sets.0.insert(name.to_owned(), Ok(known));
                }
                Err(reason) => {
                    sets.0.insert(name.to_owned(), Err(reason));
                }
            }
        }
        sets
    }

    /// The set of ipset that a test looks into.
    ///
    /// # Errors
    /// Why ipset cannot hold it.
    pub(super) fn of_values(&self, values: &Values) -> Result<Option<&SetRef>, String> {
        match values {
            Values::Set(name) => self.named(name),
            Values::Inline(_) | Values::Symbols(_) => Ok(None),
        }
    }

    /// The set of ipset that a test of several fields looks into.
    ///
    /// # Errors
    /// Why ipset cannot hold it.
    pub(super) fn of_tuples(&self, values: &Tuples) -> Result<Option<&SetRef>, String> {
        match values {
            Tuples::Set(name) => self.named(name),
            Tuples::Inline(_) => Ok(None),
        }
    }

    /// The set of ipset behind a name.
    ///
    /// # Errors
    /// Why ipset cannot hold it.
    pub(super) fn named(&self, name: &str) -> Result<Option<&SetRef>, String> {
        self.0.get(name).map(|known| known.as_ref().map_err(Clone::clone)).transpose()
    }

    /// The tuples that a test of several fields compares with.
    pub(super) fn tuples<'a>(table: &'a Table, values: &'a Tuples) -> Result<Cow<'a, [Tuple]>, String> {
        let name = match values {
            Tuples::Inline(tuples) => return Ok(Cow::Borrowed(tuples)),
            Tuples::Set(name) => name,
        };
        let Some(Elements::List(list)) = table.set(name).map(Set::elements) else { return Ok(Cow::Owned(Vec::new())) };
        let key = |element: &ringwall_ir::Element| match &element.key {
            Key::Tuple(tuple) => Ok(tuple.clone()),
            Key::Any => Err(format!("the set `{name}` has an element for every other key")),
        };
        list.iter().map(key).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
    }

    /// The sets that there are, each with its name and the commands that make it.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.values().flatten().map(|known| (known.name.as_str(), known.text.as_str()))
    }
}

impl SetRef {
    /// The type of ipset for a set; none where it holds addresses of the other family.
    fn of(name: String, set: &Set, family: Family, used: &Use) -> Result<Option<Self>, String> {
        let types: Vec<Datatype> = set.spec().key.iter().map(|part| part.datatype()).collect();
        if types.iter().any(|datatype| datatype.address_family().is_some_and(|other| other != family)) {
            return Ok(None);
        }
        match set.spec().meters.as_slice() {
            [] => {}
            [Meter::Counter(_)] if !used.updated && !used.excepted => {}
            [Meter::Counter(_)] => {
                let reason = "ipset counts other packets than nf_tables for the elements of a set";
                return Err(format!("{reason} where rules add to it or except it: `{}`", set.name()));
            }
            _ => return Err(format!("ipset only counts packets for the elements of `{}`", set.name())),
        }
        let has_protocols = types.contains(&Datatype::InetProto);
        let mut parts = Vec::new();
        for (place, (datatype, net)) in types.iter().zip(SetText::nets(set)).enumerate() {
            match datatype {
                Datatype::Ipv4Addr | Datatype::Ipv6Addr => parts.push(Part::Address { net }),
                Datatype::InetService if types.len() == 1 => parts.push(Part::BarePort),
                Datatype::InetService => parts.push(Part::Port),
                Datatype::InetProto if types.get(place + 1) == Some(&Datatype::InetService) => {}
                _ => return Err(format!("ipset has no type for the elements of `{}`", set.name())),
            }
        }
        let kind = Kind::of(&parts).ok_or_else(|| format!("ipset has no type for the elements of `{}`", set.name()))?;
        let protocols = used.protocols.clone();
        let with_ports: IntervalSet =
            SetText::PROTOCOLS.iter().map(|protocol| u128::from(protocol.0)).map(|number| (number, number)).collect();
        let implied = parts.contains(&Part::Port) && !has_protocols;
        if implied && (!with_ports.contains_all(&protocols) || (used.updated && protocols.single().is_none())) {
            return Err(format!("the ports of `{}` are looked up of too many protocols for ipset", set.name()));
        }
        if name.len() > NAME_MAX {
            return Err(format!("the name of the set `{name}` is longer than {NAME_MAX} bytes"));
        }
        let protocols = if implied { protocols } else { IntervalSet::EMPTY };
        let text = SetText::of(&name, kind, family, set, &protocols)?.text;
        Ok(Some(Self { name, kind, has_protocols, text }))
    }

    /// What ipset calls it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `src,dst`: where the parts of a key stand in the packet.
    ///
    /// # Errors
    /// A field that ipset does not look at.
    pub(super) fn directions(&self, fields: &[Field]) -> Result<String, String> {
        let mut words = Vec::new();
        let mut rest = fields.iter();
        for part in self.kind.parts {
            let mut field = rest.next().copied();
            if *part == Part::Port && self.has_protocols {
                if field != Some(Field::L4proto) {
                    return Err(format!("ipset looks the transport protocol up in `{}`, and nothing else", self.name));
                }
                field = rest.next().copied();
            }
            let field = field.ok_or_else(|| format!("`{}` is looked up with too few fields", self.name))?;
            words.push(direction(field, *part).ok_or_else(|| format!("ipset does not look `{field}` up"))?);
        }
        Ok(words.join(","))
    }

    /// A look into the set. When negated it passes packets without such a part too, so the port must be there.
    pub(super) fn test(&self, fields: &[Field], negated: bool, reach: &Reach) -> Result<Clauses, String> {
        let has_ports = reach.only().and_then(ports_of).is_some();
        if negated && self.kind.parts.iter().any(|part| !matches!(part, Part::Address { .. })) && !has_ports {
            return Err(format!(
                "iptables passes packets without a port too where they must not be in `{}`",
                self.name
            ));
        }
        let value = format!("{} {}", self.name, self.directions(fields)?);
        let mut clauses = Clauses::default();
        clauses.all_of([Test::of("set", "--match-set", negated, value)]);
        Ok(clauses)
    }
}

/// Whether the field is of the source or of the destination.
fn direction(field: Field, part: Part) -> Option<&'static str> {
    let (source, destination): (&[Field], &[Field]) = match part {
        Part::Address { .. } => (&[Field::IpSaddr, Field::Ip6Saddr], &[Field::IpDaddr, Field::Ip6Daddr]),
        Part::Port | Part::BarePort => (
            &[Field::ThSport, Field::TcpSport, Field::UdpSport, Field::SctpSport, Field::UdpliteSport],
            &[Field::ThDport, Field::TcpDport, Field::UdpDport, Field::SctpDport, Field::UdpliteDport],
        ),
    };
    match field {
        _ if source.contains(&field) => Some("src"),
        _ if destination.contains(&field) => Some("dst"),
        _ => None,
    }
}
