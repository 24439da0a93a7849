// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests.

use std::num::{NonZeroU32, NonZeroU64};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::scope::{Offer, Scope};
use super::{one_of, value};
use crate::datatype::Datatype;
use crate::fields::{Field, Word};
use crate::interval::IntervalSet;
use crate::object::ObjectKind;
use crate::rule::{ConnLimit, Limit, LimitUnit, Match, ObjectRef, Per, Quota, Selector, Symbol, Tuples, Values};
use crate::set::{DataType, KeyType};

/// Each kind of test that there can be, with its weight.
pub(super) fn tests(offer: &Offer) -> Vec<(u32, BoxedStrategy<Match>)> {
    let options = &offer.scope.options;
    let (masked, symbols) = (options.masked, options.symbols);
    let mut tests = Vec::new();
    if let Some(field) = offer.field() {
        tests.push((12, field.prop_flat_map(move |field| of_field(field, masked, symbols)).boxed()));
    }
    if let Some(fields) = offer.several().filter(|_| options.concatenated) {
        tests.push((3, fields.prop_flat_map(concatenated).boxed()));
    }
    if let Some(keys) = offer.keys(|set| set.spec().data.is_none()) {
        tests.push((6, (keys, any::<bool>()).prop_map(|((key, name), negated)| in_set(&key, name, negated)).boxed()));
    }
    if offer.scope.wants(Word::Limit) {
        tests.push((1, limit().prop_map(Match::Limit).boxed()));
    }
    if offer.scope.wants(Word::Quota) {
        tests.push((1, quota().prop_map(Match::Quota).boxed()));
    }
    if offer.scope.wants(Word::Connlimit) {
        tests.push((1, conn_limit().prop_map(Match::ConnLimit).boxed()));
    }
    for kind in [ObjectKind::Limit, ObjectKind::Quota] {
        let test = object_ref(offer, kind).map(|object| object.prop_map(move |object| Match::Object { kind, object }));
        tests.extend(test.map(|test| (1, test.boxed())));
    }
    tests
}

/// A test of one field, in each form that its type has.
fn of_field(field: Field, masked: bool, symbols: bool) -> BoxedStrategy<Match> {
    let part = KeyType::Like(field);
    let datatype = field.datatype();
    let within =
        move |(set, negated)| Match::In { selector: Selector::of(field), values: Values::Inline(set), negated };
    let mut forms = vec![(3, (value::some(part), any::<bool>()).prop_map(within).boxed())];
    if datatype.is_bits() {
        let known = value::known_bits(datatype);
        let any_of = any::<u128>().prop_map(move |bits| bits & known).prop_filter("some bits", |bits| *bits != 0);
        forms.push((3, any_of.prop_map(move |bits| Match::any_of(field, bits)).boxed()));
        forms.push((2, under_mask(field, known)));
    } else if masked && value::has_masks(part) {
        forms.push((1, under_mask(field, field.max())));
    }
    if symbols && let Some(names) = names(datatype) {
        let names = vec(select(names), 1..3);
        let test = (names, any::<bool>()).prop_map(move |(names, negated)| Match::In {
            selector: Selector::of(field),
            values: Values::Symbols(names),
            negated,
        });
        forms.push((2, test.boxed()));
    }
    one_of(forms).unwrap_or_else(|| Just(Match::any_of(field, 1)).boxed())
}

/// A value under a mask; the mask has some of the bits, and not all of the field.
fn under_mask(field: Field, bits: u128) -> BoxedStrategy<Match> {
    let mask = any::<u128>().prop_map(move |mask| mask & bits);
    let mask = mask.prop_filter("some bits, not all", move |mask| *mask != 0 && *mask != field.max());
    let test = (mask, any::<u128>(), any::<bool>()).prop_map(move |(mask, value, negated)| Match::In {
        selector: Selector::masked(field, mask),
        values: Values::one(value & mask),
        negated,
    });
    test.boxed()
}

/// Names that many hosts have.
fn names(datatype: Datatype) -> Option<Vec<Symbol>> {
    let names: &[(&str, u64)] = match datatype {
        Datatype::Cgroupsv2 => &[("system.slice", 2), ("user.slice", 3)],
        Datatype::Gid | Datatype::Uid => &[("root", 0), ("daemon", 1)],
        Datatype::IfaceIndex => &[("lo", 1)],
        _ => return None,
    };
    let symbol =
        |&(name, number): &(&str, u64)| [Some(number), None].map(|number| Symbol { name: name.to_owned(), number });
    Some(names.iter().flat_map(symbol).collect())
}

fn concatenated(fields: Vec<Field>) -> BoxedStrategy<Match> {
    let parts: Vec<_> = fields.iter().copied().map(KeyType::Like).collect();
    let key: Vec<_> = fields.into_iter().map(Selector::of).collect();
    (any::<bool>(), any::<bool>())
        .prop_flat_map(move |(intervals, negated)| (value::tuples(&parts, intervals), Just(negated)))
        .prop_map(move |(tuples, negated)| Match::Concat { key: key.clone(), values: Tuples::Inline(tuples), negated })
        .boxed()
}

fn in_set(key: &[Selector], name: String, negated: bool) -> Match {
    match key {
        [selector] => Match::In { selector: *selector, values: Values::Set(name), negated },
        _ => Match::Concat { key: key.to_vec(), values: Tuples::Set(name), negated },
    }
}

/// An object of a kind, by its name or by a map.
pub(super) fn object_ref(offer: &Offer, kind: ObjectKind) -> Option<BoxedStrategy<ObjectRef>> {
    let scope: &Scope = &offer.scope;
    let mut refs = Vec::new();
    let names = scope.objects(kind);
    if !names.is_empty() {
        refs.push((1, select(names).prop_map(ObjectRef::Named).boxed()));
    }
    let maps = offer.statement_keys(|set| set.spec().data == Some(DataType::Object(kind)));
    refs.extend(maps.map(|maps| (2, maps.prop_map(|(key, map)| ObjectRef::Map { key, map }).boxed())));
    one_of(refs).filter(|_| scope.wants(Word::Object))
}

/// A rate that the kernel can count.
pub(super) fn limit() -> impl Strategy<Value = Limit> {
    let packets = (1..5_000_u32, select(Per::ALL.to_vec()), 1..5_000_u32, any::<bool>());
    let packets = packets.prop_filter_map("a rate", |(amount, per, burst, over)| {
        Some(Limit { over, ..Limit::packets(NonZeroU32::new(amount)?, per, NonZeroU32::new(burst)?) })
    });
    let bytes = (1..5_000_000_u64, select(Per::ALL.to_vec()), 0..5_000_u32, any::<bool>());
    let bytes = bytes.prop_filter_map("a rate", |(amount, per, burst, over)| {
        let limit = Limit { amount: NonZeroU64::new(amount)?, per, unit: LimitUnit::Bytes, burst, over };
        limit.capacity().map(|_| limit)
    });
    prop_oneof![2 => packets.prop_filter("countable", |limit| limit.capacity().is_some()), 1 => bytes]
}

/// An amount of bytes, of which some are used.
pub(super) fn quota() -> impl Strategy<Value = Quota> {
    (1..1_u64 << 40, any::<u64>(), any::<bool>()).prop_map(|(bytes, used, over)| Quota {
        bytes,
        used: used % bytes,
        over,
    })
}

/// A number of conversations.
pub(super) fn conn_limit() -> impl Strategy<Value = ConnLimit> {
    (any::<u32>(), any::<bool>()).prop_map(|(count, over)| ConnLimit { count, over })
}

/// The test that a packet is of a value, where a rule must say so.
pub(super) fn is(field: Field, value: u128) -> Match {
    Match::within(field, Values::Inline(IntervalSet::one(value)))
}
