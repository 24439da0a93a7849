// SPDX-License-Identifier: GPL-3.0-or-later
//! Named sets and maps.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::scope::{is_looked_up, joins, tells_ports};
use super::{Options, Row, field, legal, origin_id, statement, value, verdict};
use crate::datatype::Datatype;
use crate::fields::{Field, Needs};
use crate::interval::IntervalSet;
use crate::milliseconds::Milliseconds;
use crate::object::{Object, ObjectKind};
use crate::rule::{Counts, Meter};
use crate::ruleset::OriginId;
use crate::set::{Data, DataType, Element, Elements, Key, KeyType, Set, SetFlags, SetSpec, fits_registers};
use crate::words::TableFamily;

/// What a set is for: each has its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Constant,
    Interval,
    Timeout,
    IntervalTimeout,
    Dynamic,
    DynamicTimeout,
}

impl Style {
    const ALL: [Self; 7] = [
        Self::Plain,
        Self::Constant,
        Self::Interval,
        Self::Timeout,
        Self::IntervalTimeout,
        Self::Dynamic,
        Self::DynamicTimeout,
    ];

    const fn flags(self) -> SetFlags {
        SetFlags {
            constant: matches!(self, Self::Constant),
            dynamic: matches!(self, Self::Dynamic | Self::DynamicTimeout),
            interval: matches!(self, Self::Interval | Self::IntervalTimeout),
            timeout: matches!(self, Self::Timeout | Self::IntervalTimeout | Self::DynamicTimeout),
        }
    }
}

/// What sets of a table can speak of.
#[derive(Clone, Debug)]
pub(super) struct Around {
    pub(super) options: Arc<Options>,
    pub(super) family: TableFamily,
    pub(super) objects: Arc<[Object]>,
    /// Lists of chains that one verdict map may lead to.
    pub(super) targets: Vec<Vec<String>>,
}

impl Around {
    /// The rows whose values keys can be.
    fn rows(&self) -> Vec<Vec<Field>> {
        let offered = |field: &Field| {
            let row = field.row();
            let seen = match row.needs {
                Needs::Family(family) | Needs::EntryOf(family) => self.family.sees(family),
                _ => true,
            };
            seen && (self.options.wanted)(&Row::Field(row))
        };
        let rows = field::all_variants().map(|fields| fields.into_iter().filter(offered).collect::<Vec<_>>());
        rows.filter(|fields| !fields.is_empty()).collect()
    }

    /// What a key can be, part by part.
    fn key(&self) -> Option<BoxedStrategy<Vec<KeyType>>> {
        let rows = self.rows();
        if rows.is_empty() {
            return None;
        }
        let most: usize = if self.options.concatenated { 3 } else { 1 };
        let field = select(rows).prop_flat_map(select);
        let part = (field, 0..8_u8).prop_map(|(field, chance)| {
            let like = chance == 0 && is_looked_up(field) && !tells_ports(field);
            if like { KeyType::Like(field) } else { KeyType::of(field) }
        });
        let lengths = prop_oneof![3 => Just(1_usize), 2 => 1_usize..=most];
        let key = lengths.prop_flat_map(move |length| vec(part.clone(), length));
        let key = key.prop_map(|mut key| {
            // nft 1.0.6 ends with an assertion where it joins a boolean with what is like a field.
            let joined = |part: &KeyType| {
                part.datatype() != Datatype::Boolean && !matches!(part, KeyType::Like(field) if !joins(*field))
            };
            if key.len() > 1 && !key.iter().all(joined) {
                key.truncate(1);
            }
            key
        });
        Some(key.prop_filter("within registers", |key| fits_registers(key.iter().map(|part| part.bits()))).boxed())
    }

    fn data(&self) -> BoxedStrategy<Option<DataType>> {
        let address = |family| Some(KeyType::Of(Datatype::address(family)));
        let port = KeyType::Of(Datatype::InetService);
        let mut values = vec![
            vec![KeyType::Of(Datatype::Mark)],
            vec![KeyType::Of(Datatype::Classid)],
            vec![KeyType::Like(Field::CtZone(None))],
            vec![port],
        ];
        for family in crate::words::Family::ALL.into_iter().filter(|family| self.family.sees(*family)) {
            values.push(address(family).into_iter().collect());
            values.push(address(family).into_iter().chain([port]).collect());
        }
        let mut data = vec![
            (6, Just(None).boxed()),
            (3, Just(Some(DataType::Verdict)).boxed()),
            (3, select(values).prop_map(|parts| Some(DataType::Values(parts))).boxed()),
        ];
        // nft 1.0.6 has no words for maps of the others.
        let kinds = [ObjectKind::Counter, ObjectKind::Limit, ObjectKind::Quota];
        let kinds: Vec<_> = kinds.into_iter().filter(|kind| !self.names(*kind).is_empty()).collect();
        if !kinds.is_empty() {
            data.push((3, select(kinds).prop_map(|kind| Some(DataType::Object(kind))).boxed()));
        }
        super::one_of(data).unwrap_or_else(|| Just(None).boxed())
    }

    fn names(&self, kind: ObjectKind) -> Vec<String> {
        let of_kind = self.objects.iter().filter(|object| object.body().kind() == kind);
        of_kind.map(|object| object.name().to_owned()).collect()
    }

    fn spec(&self) -> Option<BoxedStrategy<SetSpec>> {
        let spec = (
            self.key()?,
            self.data(),
            select(Style::ALL.to_vec()),
            proptest::option::of((1..1_000_000_u64).prop_map(Milliseconds)),
            proptest::option::of((1..1_000_000_u64).prop_map(Milliseconds)),
            proptest::option::of(64..65_536_u32),
            any::<bool>(),
            statement::meters(false, 2),
        );
        let spec = spec.prop_map(|(key, data, style, timeout, gc_interval, size, auto_merge, meters)| {
            let of_objects = matches!(data, Some(DataType::Object(_)));
            let mut flags = style.flags();
            flags.dynamic &= !of_objects;
            // nft 1.0.6 has no words for maps of objects whose keys are like fields.
            let data = data.filter(|_| !(of_objects && key.iter().any(|part| matches!(part, KeyType::Like(_)))));
            SetSpec {
                timeout: timeout.filter(|_| flags.timeout),
                // Of maps, nft 1.0.6 does not take it.
                gc_interval: gc_interval.filter(|_| flags.timeout && data.is_none()),
                size,
                // nft merges only intervals that nothing more is said of.
                auto_merge: auto_merge && flags.interval && !flags.timeout && data.is_none() && key.len() == 1,
                meters: if of_objects || auto_merge { Vec::new() } else { meters },
                key,
                data,
                flags,
            }
        });
        Some(spec.boxed())
    }

    /// What each element gives.
    fn gives(&self, data: Option<&DataType>) -> BoxedStrategy<Option<Data>> {
        match data {
            None => Just(None).boxed(),
            Some(DataType::Object(kind)) => select(self.names(*kind)).prop_map(|name| Some(Data::Object(name))).boxed(),
            Some(DataType::Values(parts)) => value::data(parts).prop_map(|tuple| Some(Data::Values(tuple))).boxed(),
            Some(DataType::Verdict) => verdict::of_map(&[]).prop_map(|verdict| Some(Data::Verdict(verdict))).boxed(),
        }
    }

    /// Sets and maps, each with a name of its own.
    pub(super) fn sets(self, most: usize) -> BoxedStrategy<Vec<Set>> {
        let Some(spec) = self.spec() else { return Just(Vec::new()).boxed() };
        vec(spec, 0..=most)
            .prop_flat_map(move |specs| {
                let sets = specs.into_iter().enumerate().map(|(number, spec)| self.set(number, spec));
                sets.collect::<Vec<_>>()
            })
            .boxed()
    }

    fn set(&self, number: usize, spec: SetSpec) -> BoxedStrategy<Set> {
        let mut elements = vec![(3, self.list(&spec))];
        if let ([part], None) = (spec.key.as_slice(), &spec.data) {
            elements.push((3, plain(*part, spec.flags.interval)));
        }
        elements.push((1, Just(Elements::NONE).boxed()));
        let elements = super::one_of(elements).unwrap_or_else(|| Just(Elements::NONE).boxed());
        (value::name(number), value::comment(), elements, origin_id())
            .prop_map(move |(name, comment, elements, origin)| {
                legal(Set::new(&name, spec.clone(), elements, origin)).with_comment(comment)
            })
            .boxed()
    }

    /// Elements with all that there can be said of them.
    fn list(&self, spec: &SetSpec) -> BoxedStrategy<Elements> {
        let gives = match (&spec.data, self.targets.is_empty()) {
            (Some(DataType::Verdict), false) => {
                // All elements lead to chains of one list.
                let verdicts = select(self.targets.clone())
                    .prop_flat_map(|targets| vec(verdict::of_map(&targets).prop_map(|to| Some(Data::Verdict(to))), 5));
                verdicts.boxed()
            }
            (data, _) => vec(self.gives(data.as_ref()), 5).boxed(),
        };
        let rest = if spec.flags.dynamic { Just(None).boxed() } else { proptest::option::of(Just(Key::Any)).boxed() };
        let about = vec((times(spec), counted(spec), value::comment(), origin_id()), 5);
        (value::tuples(&spec.key, spec.flags.interval), rest, gives, about)
            .prop_map(|(tuples, rest, gives, about)| {
                let keys = tuples.into_iter().map(Key::Tuple).chain(rest);
                let elements = keys.zip(gives).zip(about);
                Elements::List(elements.map(|((key, data), about)| element(key, data, about)).collect())
            })
            .boxed()
    }
}

type Times = (Option<Milliseconds>, Option<Milliseconds>);

fn element(
    key: Key,
    data: Option<Data>,
    ((timeout, expires), meters, comment, origin): (Times, Vec<Meter>, Option<String>, OriginId),
) -> Element {
    Element { key, data, timeout, expires, meters, comment, origin }
}

/// What an element has counted, of what all elements of its set count.
fn counted(spec: &SetSpec) -> BoxedStrategy<Vec<Meter>> {
    let meters = spec.meters.clone();
    if !meters.iter().any(|meter| matches!(meter, Meter::Counter(_))) {
        return Just(Vec::new()).boxed();
    }
    let counts = (1..1_000_000_u64, 1..1_000_000_u64).prop_map(|(packets, bytes)| Counts { packets, bytes });
    proptest::option::of(counts)
        .prop_map(move |counts| {
            let counting = |counts: Counts| {
                let counted = |meter: &Meter| match meter {
                    Meter::Counter(_) => Meter::Counter(counts),
                    other => other.uncounted(),
                };
                meters.iter().map(counted).collect()
            };
            counts.map(counting).unwrap_or_default()
        })
        .boxed()
}

/// How long an element stays, and how much of it is left.
fn times(spec: &SetSpec) -> BoxedStrategy<Times> {
    if !spec.flags.timeout {
        return Just((None, None)).boxed();
    }
    let usual = spec.timeout;
    let timeout = proptest::option::of((10_000..100_000_000_u64).prop_map(Milliseconds));
    (timeout, proptest::option::of(0.1..1.0_f64))
        .prop_map(move |(timeout, part)| {
            let whole = timeout.or(usual);
            let expires = whole.zip(part).map(|(whole, part)| Milliseconds((whole.0 as f64 * part) as u64 + 1));
            (timeout, expires.filter(|expires| whole.is_some_and(|whole| *expires <= whole)))
        })
        .boxed()
}

/// Values of which there is no more to say.
fn plain(part: KeyType, intervals: bool) -> BoxedStrategy<Elements> {
    if intervals {
        let set = vec(value::interval(part), 1..5).prop_map(|intervals| intervals.into_iter().collect::<IntervalSet>());
        return set.prop_map(Elements::Intervals).boxed();
    }
    let singles = value::singles(part, 5);
    singles.prop_map(|values| Elements::Intervals(values.into_iter().map(|value| (value, value)).collect())).boxed()
}
