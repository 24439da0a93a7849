// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule can speak of: where it stands, what its packets are, what the table has.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use super::{Options, Row, field};
use crate::datatype::Datatype;
use crate::fields::{Fib, FibResult, Field, Load, Needs, Word};
use crate::legal::Place;
use crate::object::{Object, ObjectKind};
use crate::rule::Selector;
use crate::set::Set;
use crate::words::{ChainType, Family, Protocol, TableFamily};

/// Where a rule stands.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) options: Arc<Options>,
    pub(super) family: TableFamily,
    pub(super) place: Place,
    pub(super) sets: Arc<[Set]>,
    pub(super) objects: Arc<[Object]>,
    /// The chains that it may lead to.
    pub(super) targets: Vec<String>,
}

impl Scope {
    /// A table with nothing in it.
    pub(super) fn bare(options: Arc<Options>, family: TableFamily, place: Place) -> Self {
        Self { options, family, place, sets: Arc::new([]), objects: Arc::new([]), targets: Vec::new() }
    }

    pub(super) fn wants(&self, word: Word) -> bool {
        (self.options.wanted)(&Row::Word(word.row()))
    }

    /// The names of the table's objects of a kind.
    pub(super) fn objects(&self, kind: ObjectKind) -> Vec<String> {
        let of_kind = self.objects.iter().filter(|object| object.body().kind() == kind);
        of_kind.map(|object| object.name().to_owned()).collect()
    }
}

/// The packets that a rule is for. Its tests agree on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// Their family, where it matters.
    pub(super) family: Option<Family>,
    pub(super) transport: Transport,
}

/// The transport protocol of a rule's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// It does not matter.
    Any,
    /// Whatever has ports.
    WithPorts,
    /// This one.
    Of(Protocol),
}

/// The protocols whose headers begin with ports.
const WITH_PORTS: [Protocol; 5] = [Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::DCCP, Protocol::UDPLITE];

impl Subject {
    pub(super) fn strategy(table: TableFamily) -> impl Strategy<Value = Self> {
        let families = match table {
            TableFamily::Inet => vec![None, Some(Family::Ipv4), Some(Family::Ipv6)],
            TableFamily::Ip => vec![Some(Family::Ipv4)],
            TableFamily::Ip6 => vec![Some(Family::Ipv6)],
        };
        select(families).prop_flat_map(|family| {
            let mut transports =
                vec![(4, Transport::Any), (1, Transport::WithPorts), (3, Transport::Of(Protocol::TCP))];
            transports.extend(WITH_PORTS.map(|protocol| (1, Transport::Of(protocol))));
            transports.extend(family.map(|family| match family {
                Family::Ipv4 => (1, Transport::Of(Protocol::ICMP)),
                Family::Ipv6 => (1, Transport::Of(Protocol::ICMPV6)),
            }));
            let transports = transports.into_iter().map(|(weight, transport)| (weight, Just(transport)));
            Union::new_weighted(transports.collect()).prop_map(move |transport| Self { family, transport })
        })
    }

    /// The only protocol, where it has ports.
    pub(super) fn with_ports(self) -> Option<Protocol> {
        match self.transport {
            Transport::Of(protocol) if WITH_PORTS.contains(&protocol) => Some(protocol),
            _ => None,
        }
    }

    /// Whether its packets have the field, and a test of it can be passed.
    fn has(self, field: Field) -> bool {
        let has = match field.row().needs {
            Needs::Entry if tells_ports(field) => self.with_ports().is_some(),
            Needs::Family(family) | Needs::EntryOf(family) => self.family == Some(family),
            Needs::Protocol(protocol) => self.transport == Transport::Of(protocol),
            Needs::Transport => self.transport == Transport::WithPorts,
            Needs::Entry | Needs::Link | Needs::Nothing | Needs::Socket => true,
        };
        let told = match group(field) {
            "family" => self.family.is_none(),
            "protocol" => self.transport == Transport::Any,
            _ => true,
        };
        has && told
    }
}

/// Whether nft wants to know the protocol beside the field.
pub(super) const fn tells_ports(field: Field) -> bool {
    matches!(field, Field::CtProtoDst(_) | Field::CtProtoSrc(_))
}

/// Whether nft 1.0.6 takes the field where a statement looks something up: the grammar of those is a smaller one.
fn is_in_statements(field: Field) -> bool {
    let load = matches!(field.row().load, Load::Ct(_) | Load::Meta(_) | Load::Numgen | Load::Payload(..) | Load::Rt(_));
    load || field == Field::TcpMaxseg
}

/// Whether nft 1.0.6 joins the field with others: texts have no width, what a route is asked for is an interface, and it
/// shifts the IPv6 code point to another place.
pub(super) const fn joins(field: Field) -> bool {
    match field {
        Field::Fib(Fib { result: FibResult::Exists | FibResult::Oifname, .. }) | Field::Ip6Dscp | Field::Numgen(_) => {
            false
        }
        // nft 1.0.6 ends with an assertion.
        Field::CtExpiration => false,
        _ => !matches!(field.datatype(), Datatype::String),
    }
}

/// Whether nft 1.0.6 looks the field up in named sets and maps of its data type.
pub(super) const fn is_looked_up(field: Field) -> bool {
    match field {
        Field::Exthdr(_) | Field::Ip6Dscp => false,
        Field::Fib(Fib { result, .. }) => matches!(result, FibResult::Oif | FibResult::Type),
        _ => true,
    }
}

/// Fields of which a rule tests at most one: those that tell the same, else each for itself.
pub(super) fn group(field: Field) -> &'static str {
    match field {
        // After the kind of link, nft 1.0.6 takes no header for granted.
        Field::EtherType | Field::Iiftype | Field::MetaProtocol | Field::Nfproto => "family",
        Field::CtProtocol(_) | Field::Ip6Nexthdr | Field::IpProtocol | Field::L4proto => "protocol",
        other => other.row().name,
    }
}

/// The fields that rules about a subject can test.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) scope: Arc<Scope>,
    pub(super) subject: Subject,
    rows: Arc<Vec<Vec<Field>>>,
}

impl Offer {
    pub(super) fn new(scope: &Arc<Scope>, subject: Subject) -> Self {
        let offered = |field: &Field| {
            let row = field.row();
            // A translation is of one family itself.
            let told = scope.place.kind() == ChainType::Nat && group(*field) == "family";
            !told && subject.has(*field) && row.at(scope.place.hook()) && (scope.options.wanted)(&Row::Field(row))
        };
        let rows = field::all_variants().map(|fields| fields.into_iter().filter(offered).collect::<Vec<_>>());
        let rows = rows.filter(|fields| !fields.is_empty()).collect();
        Self { scope: Arc::clone(scope), subject, rows: Arc::new(rows) }
    }

    /// Each row alike, but rather those that few packets have: few rules can test them.
    pub(super) fn field(&self) -> Option<BoxedStrategy<Field>> {
        self.field_of(|_| true)
    }

    fn field_of(&self, meant: fn(Field) -> bool) -> Option<BoxedStrategy<Field>> {
        let rows = self.rows.iter().filter_map(|fields| {
            let fields: Vec<_> = fields.iter().copied().filter(|field| meant(*field)).collect();
            let weight = match fields.first()?.row().needs {
                Needs::Protocol(_) | Needs::Transport => 8,
                Needs::Family(_) | Needs::EntryOf(_) => 3,
                _ => 1,
            };
            Some((weight, select(fields).boxed()))
        });
        super::one_of(rows.collect())
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        self.rows.iter().flatten().copied()
    }

    /// A key for a named set or map; none where the rule has no such fields.
    pub(super) fn key(&self, set: &Set) -> Option<BoxedStrategy<Vec<Selector>>> {
        self.key_of(set, |_| true)
    }

    fn key_of(&self, set: &Set, meant: fn(Field) -> bool) -> Option<BoxedStrategy<Vec<Selector>>> {
        let parts = set.spec().key.iter().map(|part| {
            let looked_up = |field: &Field| part.fits(*field) && is_looked_up(*field) && meant(*field);
            let fields: Vec<_> = self.fields().filter(looked_up).map(Selector::of).collect();
            (!fields.is_empty()).then(|| select(fields))
        });
        parts.collect::<Option<Vec<_>>>().map(Strategy::boxed)
    }

    /// Keys for each of the sets and maps that are meant, with their names.
    pub(super) fn keys(&self, meant: impl Fn(&Set) -> bool) -> Option<BoxedStrategy<(Vec<Selector>, String)>> {
        self.keys_of(meant, |_| true)
    }

    /// The same, for maps of statements.
    pub(super) fn statement_keys(
        &self,
        meant: impl Fn(&Set) -> bool,
    ) -> Option<BoxedStrategy<(Vec<Selector>, String)>> {
        self.keys_of(meant, is_in_statements)
    }

    fn keys_of(
        &self,
        meant: impl Fn(&Set) -> bool,
        fields: fn(Field) -> bool,
    ) -> Option<BoxedStrategy<(Vec<Selector>, String)>> {
        let keys = self.scope.sets.iter().filter(|set| meant(set)).filter_map(|set| {
            let name = set.name().to_owned();
            self.key_of(set, fields).map(|key| (1, key.prop_map(move |key| (key, name.clone())).boxed()))
        });
        super::one_of(keys.collect())
    }

    /// Fields for a key that is written in a rule: one, or several where that is wanted.
    pub(super) fn written_key(&self) -> Option<BoxedStrategy<Vec<Field>>> {
        self.written_key_of(|_| true)
    }

    /// The same, for a map of a statement.
    pub(super) fn statement_key(&self) -> Option<BoxedStrategy<Vec<Field>>> {
        self.written_key_of(is_in_statements)
    }

    fn written_key_of(&self, meant: fn(Field) -> bool) -> Option<BoxedStrategy<Vec<Field>>> {
        // What stands for a key alone has no data type of its own.
        let one =
            self.field_of(meant)?.prop_filter("in a map", |field| is_looked_up(*field)).prop_map(|field| vec![field]);
        if !self.scope.options.concatenated {
            return Some(one.boxed());
        }
        Some(prop_oneof![2 => one, 1 => self.several_of(meant)?].boxed())
    }

    /// Two or three fields of different rows.
    pub(super) fn several(&self) -> Option<BoxedStrategy<Vec<Field>>> {
        self.several_of(|_| true)
    }

    fn several_of(&self, meant: fn(Field) -> bool) -> Option<BoxedStrategy<Vec<Field>>> {
        let fields = proptest::collection::vec(self.field_of(meant)?, 2..4).prop_map(|mut fields| {
            fields.retain(|field| joins(*field));
            fields.sort_unstable_by_key(|field| group(*field));
            fields.dedup_by_key(|field| group(*field));
            fields
        });
        Some(fields.prop_filter("different rows", |fields| fields.len() > 1).prop_shuffle().boxed())
    }
}
