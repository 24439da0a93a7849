// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::nat::translations;
use super::scope::{Offer, Transport};
use super::{one_of, origin_id, value};
use crate::fields::{Field, Word};
use crate::rule::{MapRef, Queue, Selector, Verdict, VerdictMap};
use crate::set::{Data, DataType, Element, Key, KeyType, Set};
use crate::words::{ChainType, Family, Hook, Protocol, Refusal};

/// Each kind of verdict that there can be, with its weight.
pub(super) fn verdicts(offer: &Offer) -> Vec<(u32, BoxedStrategy<Verdict>)> {
    let scope = &offer.scope;
    let mut verdicts = vec![(1, queue().boxed())];
    verdicts.extend(simple(&scope.targets).into_iter().map(|verdict| (2, Just(verdict).boxed())));
    verdicts.extend(map(offer).map(|map| (4, map)));
    verdicts.extend(refusals(offer).into_iter().map(|refusal| (1, Just(Verdict::Reject(refusal)).boxed())));
    if scope.place.kind() == ChainType::Nat {
        verdicts.extend(translations(offer));
    }
    let scope = std::sync::Arc::clone(scope);
    let wanted = move |verdict: &Verdict| verdict.word().is_none_or(|word| scope.wants(word));
    // A back end without one kind is not one without any: what it does not want becomes a plain end.
    let instead = move |verdict: Verdict| if wanted(&verdict) { verdict } else { Verdict::Accept };
    verdicts.into_iter().map(|(weight, verdict)| (weight, verdict.prop_map(instead.clone()).boxed())).collect()
}

/// Those that a map can give too.
fn simple(targets: &[String]) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Accept, Verdict::Continue, Verdict::Drop, Verdict::Return];
    verdicts.extend(targets.iter().cloned().map(Verdict::Goto));
    verdicts.extend(targets.iter().cloned().map(Verdict::Jump));
    verdicts
}

/// A verdict that a map can give.
pub(super) fn of_map(targets: &[String]) -> BoxedStrategy<Verdict> {
    select(simple(targets)).boxed()
}

fn queue() -> impl Strategy<Value = Verdict> {
    (any::<u16>(), 0..4_u16, any::<bool>(), any::<bool>()).prop_map(|(first, more, bypass, fanout)| {
        let numbers = (first, first.saturating_add(more));
        // One queue leaves nothing to choose.
        Verdict::Queue(Queue { numbers, bypass, fanout: fanout && numbers.0 < numbers.1 })
    })
}

/// The answers that all packets of the rule can get.
fn refusals(offer: &Offer) -> Vec<Refusal> {
    if offer.scope.place.hook() == Hook::Postrouting {
        return Vec::new();
    }
    let sees =
        |family: &Family| offer.scope.family.sees(*family) && offer.subject.family.is_none_or(|only| only == *family);
    let fits = |refusal: &Refusal| match refusal {
        Refusal::TcpReset => offer.subject.transport == Transport::Of(Protocol::TCP),
        _ => Family::ALL.into_iter().filter(sees).all(|family| refusal.icmp_code(family).is_some()),
    };
    Refusal::ALL.into_iter().filter(fits).collect()
}

/// A verdict map, in the rule or named.
fn map(offer: &Offer) -> Option<BoxedStrategy<Verdict>> {
    if !offer.scope.wants(Word::Vmap) {
        return None;
    }
    let mut maps = Vec::new();
    if let Some(fields) = offer.written_key() {
        let verdicts = of_map(&offer.scope.targets);
        maps.push((1, fields.prop_flat_map(move |fields| written(fields, verdicts.clone())).boxed()));
    }
    let callable = |set: &Set| {
        let leads = set.targets().all(|target| offer.scope.targets.iter().any(|known| known == target));
        set.spec().data == Some(DataType::Verdict) && leads
    };
    let named = offer.keys(callable).map(|keys| keys.prop_map(|(key, name)| (key, MapRef::Named(name))));
    maps.extend(named.map(|named| (2, named.boxed())));
    Some(one_of(maps)?.prop_map(|(key, map)| Verdict::Map(Box::new(VerdictMap { key, map }))).boxed())
}

fn written(fields: Vec<Field>, verdict: BoxedStrategy<Verdict>) -> BoxedStrategy<(Vec<Selector>, MapRef)> {
    let parts: Vec<_> = fields.iter().copied().map(KeyType::Like).collect();
    let key: Vec<_> = fields.into_iter().map(Selector::of).collect();
    let rest = proptest::option::of(Just(Key::Any));
    (value::tuples(&parts, true), rest, vec((verdict, origin_id()), 5))
        .prop_map(move |(tuples, rest, data)| {
            let keys = tuples.into_iter().map(Key::Tuple).chain(rest);
            let elements = keys.zip(data).map(|(key, (verdict, origin))| Element {
                key,
                data: Some(Data::Verdict(verdict)),
                timeout: None,
                expires: None,
                meters: Vec::new(),
                comment: None,
                origin,
            });
            (key.clone(), MapRef::Inline(elements.collect()))
        })
        .boxed()
}
