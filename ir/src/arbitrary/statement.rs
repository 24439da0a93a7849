// SPDX-License-Identifier: GPL-3.0-or-later
//! Statements.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::object::counts;
use super::scope::{Offer, Transport};
use super::test::{conn_limit, limit, object_ref, quota};
use super::{one_of, value};
use crate::fields::{Field, Word};
use crate::milliseconds::Milliseconds;
use crate::object::ObjectKind;
use crate::rule::{
    Assignment, Log, LogTarget, MapRef, Meter, Mss, Selector, SetOperation, SetUpdate, Source, Statement, Target,
};
use crate::set::{Data, DataType, Element, Key, KeyType, Set};
use crate::words::{CtDirection, LogLevel, Protocol};

/// Each kind of statement that there can be, with its weight.
pub(super) fn statements(offer: &Offer) -> Vec<(u32, BoxedStrategy<Statement>)> {
    let scope = &offer.scope;
    let mut statements = vec![
        (Word::Counter, counts().prop_map(Statement::Counter).boxed()),
        (Word::Log, log(kernel().boxed()).boxed()),
        (Word::LogGroup, log(group().boxed()).boxed()),
        (Word::Notrack, Just(Statement::Notrack).boxed()),
        (Word::MarkSet, assignment(offer, Target::Mark)),
        (Word::CtMarkSet, assignment(offer, Target::CtMark)),
        (Word::CtZoneSet, zone(offer)),
        (Word::PrioritySet, assignment(offer, Target::Priority)),
    ];
    if offer.subject.transport == Transport::Of(Protocol::TCP) {
        statements.push((Word::MssSet, any::<u16>().prop_map(|bytes| Statement::Mss(Mss::Value(bytes))).boxed()));
        if scope.place.hook().has_departure() {
            statements.push((Word::MssSet, Just(Statement::Mss(Mss::Path)).boxed()));
        }
    }
    let helpers = scope.objects(ObjectKind::CtHelper);
    if !helpers.is_empty() {
        statements.push((Word::CtHelper, select(helpers).prop_map(Statement::CtHelper).boxed()));
    }
    let timeouts = scope.objects(ObjectKind::CtTimeout);
    if !timeouts.is_empty() {
        statements.push((Word::CtTimeout, select(timeouts).prop_map(Statement::CtTimeout).boxed()));
    }
    let counter = object_ref(offer, ObjectKind::Counter);
    statements.extend(counter.map(|object| (Word::Object, object.prop_map(Statement::Object).boxed())));
    statements.extend(set_updates(offer).map(|update| (Word::SetUpdate, update)));
    let wanted = statements.into_iter().filter(|(word, _)| scope.wants(*word));
    wanted.map(|(_, statement)| (1, statement)).collect()
}

fn log(target: BoxedStrategy<LogTarget>) -> impl Strategy<Value = Statement> {
    (proptest::option::of(value::words(28)), target).prop_map(|(prefix, target)| Statement::Log(Log { prefix, target }))
}

fn kernel() -> impl Strategy<Value = LogTarget> {
    (select(LogLevel::ALL.to_vec()), value::log_flags()).prop_map(|(level, flags)| LogTarget::Kernel { level, flags })
}

fn group() -> impl Strategy<Value = LogTarget> {
    let (snaplen, threshold) = (proptest::option::of(1..=65_535_u32), proptest::option::of(1..=1000_u16));
    (any::<u16>(), snaplen, threshold).prop_map(|(group, snaplen, threshold)| LogTarget::Group {
        group,
        snaplen,
        threshold,
    })
}

/// A mark or class that is written: a value, perhaps beside old bits; a field; or what a map says.
fn assignment(offer: &Offer, target: Target) -> BoxedStrategy<Statement> {
    let written = move |keep, source| Statement::Assign(Assignment { target, keep, source });
    // nft has no words for a class of which bits stay.
    let keeps = if target == Target::Priority { Just(0).boxed() } else { prop_oneof![Just(0), any::<u32>()].boxed() };
    let value = (keeps, any::<u32>()).prop_map(move |(keep, value)| written(keep, Source::Value(value)));
    let mut sources = vec![(2, value.boxed())];
    let marks = [Field::CtMark, Field::MetaMark, Field::SocketMark];
    let fields: Vec<_> = offer.fields().filter(|field| marks.contains(field) && *field != target.field()).collect();
    if target != Target::Priority && !fields.is_empty() {
        let masks = prop_oneof![2 => Just(u32::MAX), 1 => 1..u32::MAX];
        let flips = prop_oneof![2 => Just(0), 1 => any::<u32>()];
        let source = (select(fields), masks, flips).prop_map(move |(field, mask, xor)| {
            written(0, Source::Field { selector: Selector::masked(field, mask.into()), xor })
        });
        sources.push((1, source.boxed()));
    }
    sources.extend(map(offer, target).map(|map| (2, map.prop_map(move |source| written(0, source)).boxed())));
    one_of(sources).unwrap_or_else(|| Just(written(0, Source::Value(1))).boxed())
}

fn zone(offer: &Offer) -> BoxedStrategy<Statement> {
    let directions = select(vec![None, Some(CtDirection::Original), Some(CtDirection::Reply)]);
    let value = (directions, any::<u16>())
        .prop_map(|(direction, zone)| Statement::Assign(Assignment::value(Target::CtZone(direction), zone.into())));
    let from_map = map(offer, Target::CtZone(None)).map(|map| {
        map.prop_map(|source| Statement::Assign(Assignment { target: Target::CtZone(None), keep: 0, source }))
    });
    match from_map {
        Some(from_map) => prop_oneof![2 => value, 1 => from_map].boxed(),
        None => value.boxed(),
    }
}

/// A map that gives what can be written, in the rule or named.
fn map(offer: &Offer, target: Target) -> Option<BoxedStrategy<Source>> {
    let part = KeyType::of(target.field());
    let mut maps = Vec::new();
    maps.extend(
        offer.statement_key().map(|fields| (1, fields.prop_flat_map(move |fields| written_map(fields, part)).boxed())),
    );
    let is_like = |set: &Set| matches!(&set.spec().data, Some(DataType::Values(parts)) if one_like(parts, part));
    let named = offer
        .statement_keys(is_like)
        .map(|keys| keys.prop_map(|(key, name)| Source::Map { key, map: MapRef::Named(name) }));
    maps.extend(named.map(|named| (3, named.boxed())));
    one_of(maps)
}

fn one_like(parts: &[KeyType], wanted: KeyType) -> bool {
    matches!(parts, [part] if part.is_like(wanted))
}

fn written_map(fields: Vec<Field>, part: KeyType) -> BoxedStrategy<Source> {
    let parts: Vec<_> = fields.iter().copied().map(KeyType::Like).collect();
    let key: Vec<_> = fields.into_iter().map(Selector::of).collect();
    let elements = vec((value::value(part), super::origin_id()), 4);
    (value::tuples(&parts, true), elements)
        .prop_map(move |(tuples, data)| {
            let elements = tuples.into_iter().zip(data).map(|(tuple, (value, origin))| Element {
                key: Key::Tuple(tuple),
                data: Some(Data::Values(crate::set::Tuple::of(&[value]))),
                timeout: None,
                expires: None,
                meters: Vec::new(),
                comment: None,
                origin,
            });
            Source::Map { key: key.clone(), map: MapRef::Inline(elements.collect()) }
        })
        .boxed()
}

/// Changes of the sets and maps that take elements from packets.
fn set_updates(offer: &Offer) -> Option<BoxedStrategy<Statement>> {
    let sets = offer.scope.sets.iter().filter(|set| set.spec().flags.dynamic);
    let updates = sets.filter_map(|set| {
        let spec = set.spec();
        let data = match &spec.data {
            None => Just(None).boxed(),
            // nft 1.0.6 runs out of registers for longer keys.
            Some(DataType::Values(parts)) if spec.key.len() == 1 => given(offer, parts)?.prop_map(Some).boxed(),
            Some(_) => return None,
        };
        let timeout = if spec.flags.timeout {
            proptest::option::of((1..100_000_000_u64).prop_map(Milliseconds)).boxed()
        } else {
            Just(None).boxed()
        };
        // Meters of a rule are for sets that have none of their own; nft 1.0.6 takes one at most of a map.
        let most = match (spec.meters.is_empty(), &spec.data) {
            (false, _) => 0,
            (true, Some(_)) => 1,
            (true, None) => 2,
        };
        let meters = meters(!spec.flags.timeout, most);
        let name = set.name().to_owned();
        let operation = select(SetOperation::ALL.to_vec());
        let update = (operation, offer.key(set)?, data, timeout, meters).prop_map(
            move |(operation, key, data, timeout, meters)| {
                Statement::SetUpdate(Box::new(SetUpdate { operation, set: name.clone(), key, data, timeout, meters }))
            },
        );
        Some((1, update.boxed()))
    });
    one_of(updates.collect())
}

/// What a packet gives a map: a value, or a field.
fn given(offer: &Offer, parts: &[KeyType]) -> Option<BoxedStrategy<Source>> {
    let [part] = parts else { return None };
    let (part, largest) = (*part, u32::try_from(part.largest()).unwrap_or(u32::MAX));
    let value = value::value(part)
        .prop_map(move |value| Source::Value(u32::try_from(value).map_or(largest, |value| value.min(largest))));
    let fields: Vec<_> = offer.fields().filter(|field| part.fits(*field)).collect();
    if fields.is_empty() {
        return (part.bits() <= 32).then(|| value.boxed());
    }
    let field = select(fields).prop_map(|field| Source::Field { selector: Selector::of(field), xor: 0 });
    Some(if part.bits() <= 32 { prop_oneof![value, field].boxed() } else { field.boxed() })
}

/// What elements count, at most as many things, of which the kernel takes two (`NFT_SET_EXPR_MAX`) of different kinds. Sets themselves count no
/// conversations in nft 1.0.6.
pub(super) fn meters(conversations: bool, most: usize) -> impl Strategy<Value = Vec<Meter>> {
    let mut kinds = vec![
        counts().prop_map(Meter::Counter).boxed(),
        limit().prop_map(Meter::Limit).boxed(),
        quota().prop_map(Meter::Quota).boxed(),
    ];
    if conversations {
        kinds.push(conn_limit().prop_map(Meter::ConnLimit).boxed());
    }
    let some = proptest::sample::subsequence((0..kinds.len()).collect::<Vec<_>>(), 0..=most);
    (kinds, some).prop_map(|(kinds, some)| some.into_iter().filter_map(|place| kinds.get(place).copied()).collect())
}
