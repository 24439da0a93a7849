// SPDX-License-Identifier: GPL-3.0-or-later
//! Translations.

use proptest::collection::vec;
use proptest::prelude::*;

use super::scope::Offer;
use super::{one_of, origin_id, value};
use crate::datatype::Datatype;
use crate::fields::{Field, Word};
use crate::interval::IntervalSet;
use crate::rule::{MapRef, Nat, NatEnd, OwnPorts, Selector, Verdict};
use crate::set::{Data, DataType, Element, Elements, Key, KeyType, Set, Tuple};
use crate::words::{Family, Hook, NatFlags};

const PORT: KeyType = KeyType::Of(Datatype::InetService);

/// Each kind of translation that the place has, with its weight.
pub(super) fn translations(offer: &Offer) -> Vec<(u32, BoxedStrategy<Verdict>)> {
    let with_ports = offer.subject.with_ports().is_some();
    let to_ports = || {
        let own = one_of(if with_ports { own_ports(offer) } else { Vec::new() });
        let ports = own.map_or_else(|| Just(None).boxed(), |own| proptest::option::weighted(0.7, own).boxed());
        (ports, flags())
    };
    let nat = nat(offer);
    let kinds = match offer.scope.place.hook() {
        Hook::Prerouting | Hook::Output => vec![
            (Word::Dnat, nat.map(|nat| nat.prop_map(Verdict::Dnat).boxed())),
            (Word::Redirect, Some(to_ports().prop_map(|(ports, flags)| Verdict::Redirect { ports, flags }).boxed())),
        ],
        Hook::Postrouting => vec![
            (Word::Snat, nat.map(|nat| nat.prop_map(Verdict::Snat).boxed())),
            (
                Word::Masquerade,
                Some(to_ports().prop_map(|(ports, flags)| Verdict::Masquerade { ports, flags }).boxed()),
            ),
        ],
        Hook::Input => vec![(Word::Snat, nat.map(|nat| nat.prop_map(Verdict::Snat).boxed()))],
        Hook::Forward => Vec::new(),
    };
    let kinds = kinds.into_iter().filter(|(word, _)| offer.scope.wants(*word));
    kinds.filter_map(|(_, verdict)| Some((8, verdict?))).collect()
}

/// New ports of the host's own: in the rule, or from a map of single ports.
fn own_ports(offer: &Offer) -> Vec<(u32, BoxedStrategy<OwnPorts>)> {
    let mut own = vec![(1, ports().prop_map(|(first, last)| OwnPorts::Range(first, last)).boxed())];
    let single = |set: &Set| match set.elements() {
        Elements::List(list) => {
            list.iter().all(|element| matches!(&element.data, Some(Data::Values(tuple)) if tuple.is_single()))
        }
        Elements::Intervals(_) => true,
    };
    let maps = map_of(offer, &[PORT], single, Ends::Single);
    own.extend(maps.map(|maps| (1, maps.prop_map(|(key, map)| OwnPorts::Map { key, map }).boxed())));
    own
}

fn ports() -> impl Strategy<Value = (u16, u16)> {
    let range = (any::<u16>(), any::<u16>()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![any::<u16>().prop_map(|port| (port, port)), range]
}

fn flags() -> impl Strategy<Value = NatFlags> {
    any::<(bool, bool, bool)>().prop_map(|(random, fully_random, persistent)| NatFlags {
        random,
        fully_random,
        persistent,
        netmap: false,
    })
}

/// A new end of the family of the rule's packets, or only new ports.
fn nat(offer: &Offer) -> Option<BoxedStrategy<Nat>> {
    let families = Family::ALL
        .into_iter()
        .filter(|family| offer.scope.family.sees(*family) && offer.subject.family.is_none_or(|only| only == *family));
    let mut ends: Vec<_> = families.flat_map(|family| of_family(offer, family)).collect();
    if offer.subject.with_ports().is_some() {
        let only_ports = ports().prop_map(|ports| NatEnd::Range { addresses: None, ports: Some(ports) });
        ends.push((None, only_ports.boxed()));
        ends.extend(maps(offer, vec![PORT], Just(None).boxed()).map(|map| (None, map)));
    }
    let nats = ends
        .into_iter()
        .map(|(family, end)| (1, (end, flags()).prop_map(move |(end, flags)| Nat { family, end, flags }).boxed()));
    let mut nats: Vec<_> = nats.collect();
    nats.extend(offer.subject.family.map(|family| (1, network(family).boxed())));
    one_of(nats)
}

fn of_family(offer: &Offer, family: Family) -> Vec<(Option<Family>, BoxedStrategy<NatEnd>)> {
    let address = KeyType::Of(Datatype::address(family));
    let with_ports = offer.subject.with_ports().is_some();
    let ports = if with_ports { proptest::option::of(ports()).boxed() } else { Just(None).boxed() };
    let range = (value::interval(address), ports.clone())
        .prop_map(|(addresses, ports)| NatEnd::Range { addresses: Some(addresses), ports });
    let mut ends = vec![range.boxed()];
    ends.extend(maps(offer, vec![address], ports));
    if with_ports {
        ends.extend(maps(offer, vec![address, PORT], Just(None).boxed()));
    }
    ends.into_iter().map(|end| (Some(family), end)).collect()
}

/// A network in the place of a network.
fn network(family: Family) -> impl Strategy<Value = Nat> {
    let bits = family.address_bits();
    (any::<u128>(), 8..bits).prop_map(move |(address, length)| {
        let address = address >> (128 - bits);
        let addresses = IntervalSet::prefix(address, length, bits).intervals().first().copied();
        let end = NatEnd::Range { addresses, ports: None };
        Nat { family: Some(family), end, flags: NatFlags { netmap: true, ..NatFlags::default() } }
    })
}

/// A map that gives new ends, in the rule or named.
fn maps(offer: &Offer, data: Vec<KeyType>, ports: BoxedStrategy<Option<(u16, u16)>>) -> Option<BoxedStrategy<NatEnd>> {
    let map = map_of(offer, &data, |_| true, Ends::Any)?;
    Some((map, ports).prop_map(|((key, map), ports)| NatEnd::Map { key, map, ports }).boxed())
}

/// Which ends a map in a rule gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Single ones, or ranges.
    Any,
    /// Single ones.
    Single,
}

/// A map that gives these data, in the rule or named: of those that fit.
fn map_of(
    offer: &Offer,
    data: &[KeyType],
    fits: impl Fn(&Set) -> bool,
    ends: Ends,
) -> Option<BoxedStrategy<(Vec<Selector>, MapRef)>> {
    let mut maps = Vec::new();
    let gives = |set: &Set| {
        matches!(&set.spec().data, Some(DataType::Values(parts))
            if parts.len() == data.len() && parts.iter().zip(data).all(|(part, wanted)| part.is_like(*wanted)))
            && fits(set)
    };
    let named = offer.statement_keys(gives).map(|keys| keys.prop_map(|(key, name)| (key, MapRef::Named(name))));
    maps.extend(named.map(|named| (2, named.boxed())));
    let key = offer.statement_key();
    let data = data.to_vec();
    maps.extend(key.map(|key| (1, key.prop_flat_map(move |fields| written(fields, &data, ends)).boxed())));
    one_of(maps)
}

/// A map of ends. nft 1.0.6 takes ranges where all ends are ranges, but none of IPv6 addresses with ports.
fn written(fields: Vec<Field>, data: &[KeyType], ends: Ends) -> BoxedStrategy<(Vec<Selector>, MapRef)> {
    let parts: Vec<_> = fields.iter().copied().map(KeyType::Like).collect();
    let key: Vec<_> = fields.into_iter().map(Selector::of).collect();
    let single: Vec<_> = data.iter().map(|part| value::value(*part).prop_map(|value| (value, value)).boxed()).collect();
    let ranges: Vec<_> = data.iter().copied().map(range).collect();
    let wide = data.len() > 1 && data.iter().any(|part| part.datatype() == Datatype::Ipv6Addr);
    let only_single = wide || ends == Ends::Single;
    let ends = if only_single {
        vec(single, 4).boxed()
    } else {
        prop_oneof![2 => vec(single, 4), 1 => vec(ranges, 4)].boxed()
    };
    (value::tuples(&parts, true), ends, vec(origin_id(), 4))
        .prop_map(move |(tuples, ends, origins)| {
            let elements = tuples.into_iter().zip(ends).zip(origins).map(|((tuple, end), origin)| Element {
                key: Key::Tuple(tuple),
                data: Some(Data::Values(Tuple(end))),
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

/// More than one value.
fn range(part: KeyType) -> BoxedStrategy<(u128, u128)> {
    value::interval(part).prop_filter("more than one", |(first, last)| first < last).boxed()
}
