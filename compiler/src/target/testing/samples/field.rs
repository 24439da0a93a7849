// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that test a field: alone, under a mask, with others, by a named set, by a verdict map.

use ringwall_ir::fields::{Exthdr, Fib, FibResult, FieldRow, IpsecDirection, Numgen};
use ringwall_ir::words::{CtDirection, Hook, Protocol, TableFamily};
use ringwall_ir::{
    Chain, Data, DataType, Datatype, Element, Elements, Field, IntervalSet, Key, KeyType, MapRef, Match, OriginId,
    Selector, Set, SetFlags, SetSpec, Step, Symbol, TableParts, Tuple, Tuples, Values, Verdict, VerdictMap,
};

use super::values::{bits, masks, values};
use super::{Sample, accept, inline, one};
use crate::target::testing::Parts;

const NOWHERE: OriginId = OriginId(0);

/// Samples of a field, with each of the parameters that it takes, in tables of each family that has it.
pub fn samples_of_field(row: FieldRow) -> Vec<Sample> {
    let mut samples = Vec::new();
    for field in variants(row.field) {
        let row = field.row();
        let Some(hook) = Hook::ALL.into_iter().rev().find(|&hook| row.at(hook)) else { continue };
        for family in [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6] {
            if row.needs.family().is_none_or(|needed| family.sees(needed)) {
                let rules = [tests(field), masked(field), concatenated(field), mapped(field)].concat();
                samples.push(Sample::filter(hook, rules).of(family).with(parts(field)));
            }
        }
    }
    samples
}

/// The field with other parameters, where it takes any.
pub fn variants(field: Field) -> Vec<Field> {
    use CtDirection::{Original, Reply};
    let both = [Original, Reply];
    let all = [None, Some(Original), Some(Reply)];
    match field {
        Field::CtAvgpkt(_) => all.map(Field::CtAvgpkt).to_vec(),
        Field::CtBytes(_) => all.map(Field::CtBytes).to_vec(),
        Field::CtPackets(_) => all.map(Field::CtPackets).to_vec(),
        Field::CtZone(_) => all.map(Field::CtZone).to_vec(),
        Field::CtIp6Daddr(_) => both.map(Field::CtIp6Daddr).to_vec(),
        Field::CtIp6Saddr(_) => both.map(Field::CtIp6Saddr).to_vec(),
        Field::CtIpDaddr(_) => both.map(Field::CtIpDaddr).to_vec(),
        Field::CtIpSaddr(_) => both.map(Field::CtIpSaddr).to_vec(),
        Field::CtProtoDst(_) => both.map(Field::CtProtoDst).to_vec(),
        Field::CtProtoSrc(_) => both.map(Field::CtProtoSrc).to_vec(),
        Field::CtProtocol(_) => both.map(Field::CtProtocol).to_vec(),
        Field::Exthdr(_) => Exthdr::ALL.map(Field::Exthdr).to_vec(),
        Field::Fib(_) => questions(),
        Field::IpsecReqid(_) => [IpsecDirection::In, IpsecDirection::Out].map(Field::IpsecReqid).to_vec(),
        Field::Numgen(_) => [(false, 2, 0), (true, 100, 0), (true, 8, 5)]
            .map(|(random, modulus, offset)| Field::Numgen(Numgen { random, modulus, offset }))
            .to_vec(),
        Field::SocketCgroupv2(_) => [1, 2, 5].map(Field::SocketCgroupv2).to_vec(),
        field => vec![field],
    }
}

fn questions() -> Vec<Field> {
    let results = [FibResult::Exists, FibResult::Oif, FibResult::Oifname, FibResult::Type];
    let keys = [
        (false, false, false, false),
        (true, false, false, false),
        (false, true, true, false),
        (false, false, true, false),
        (true, false, true, false),
        (true, true, false, true),
    ];
    let fib = |result| keys.map(|(daddr, mark, iif, oif)| Fib { daddr, mark, iif, oif, result });
    let sayable = |fib: &Fib| !fib.oif || fib.result == FibResult::Type;
    results.into_iter().flat_map(fib).filter(sayable).map(Field::Fib).collect()
}

/// A code means something beside its type alone, and the ports of an entry beside its protocol.
fn beside(field: Field) -> Vec<Match> {
    match field {
        Field::IcmpCode => vec![inline(Field::IcmpType, IntervalSet::range(3, 4))],
        Field::Icmpv6Code => vec![inline(Field::Icmpv6Type, IntervalSet::range(3, 4))],
        Field::CtProtoDst(_) | Field::CtProtoSrc(_) => vec![one(Field::L4proto, u128::from(Protocol::TCP.0))],
        _ => Vec::new(),
    }
}

fn tests(field: Field) -> Vec<Parts> {
    let either = |selector: Selector, values: Values| {
        [false, true].map(|negated| Match::In { selector, values: values.clone(), negated })
    };
    let written = values(field).into_iter().map(Values::Inline);
    let mut tests: Vec<_> = written.flat_map(|values| either(field.into(), values)).collect();
    if field.datatype().is_bits() {
        tests.extend(bit_tests(field));
    }
    if is_late_bound(field.datatype()) {
        let named = ["root", "daemon"].map(|name| Symbol { name: symbol(field, name), number: Some(1) });
        tests.extend(either(field.into(), Values::Symbols(vec![named[0].clone()])));
        if field.datatype() != Datatype::Cgroupsv2 {
            tests.extend(either(field.into(), Values::Symbols(named.to_vec())));
        }
    }
    for name in ["named", "empty"] {
        tests.extend(either(field.into(), Values::Set(name.to_owned())));
    }
    let rule = |test| accept([beside(field), vec![test]].concat());
    let idle = tests.first().cloned().map(|test| (rule(test).0, None));
    tests.into_iter().map(rule).chain(idle).collect()
}

fn symbol(field: Field, name: &str) -> String {
    match field.datatype() {
        Datatype::IfaceIndex => "lo".to_owned(),
        Datatype::Cgroupsv2 => String::new(),
        _ => name.to_owned(),
    }
}

const fn is_late_bound(datatype: Datatype) -> bool {
    matches!(datatype, Datatype::Gid | Datatype::IfaceIndex | Datatype::Uid)
}

fn bit_tests(field: Field) -> Vec<Match> {
    let [one, two, all] = bits(field);
    let masked = [(one, one), (one, 0), (two, one), (two, 0), (two, two), (all, one), (all, two), (all, 0)];
    let any = [one, two, all].map(|bits| Match::any_of(field, bits));
    let masked = masked.into_iter().flat_map(|(mask, value)| {
        [false, true].map(|negated| Match::In {
            selector: Selector::masked(field, mask),
            values: Values::one(value),
            negated,
        })
    });
    let whole = [vec![one], vec![two], vec![one, two], vec![one, all]]
        .map(|values| values.into_iter().map(|value| (value, value)).collect::<IntervalSet>());
    let whole = whole.into_iter().flat_map(|set| {
        [false, true].map(|negated| Match::In { selector: field.into(), values: Values::Inline(set.clone()), negated })
    });
    any.into_iter().chain(masked).chain(whole).collect()
}

/// Numbers under masks: one value, several, a named set.
fn masked(field: Field) -> Vec<Parts> {
    if !is_number(field) {
        return Vec::new();
    }
    let mut rules = Vec::new();
    for mask in masks(field) {
        let lowest = mask & mask.wrapping_neg();
        let several = IntervalSet::from_iter([(lowest, lowest), (mask, mask), (0, 0)]);
        for set in [IntervalSet::one(lowest), IntervalSet::one(0), several] {
            for negated in [false, true] {
                let selector = Selector::masked(field, mask);
                let test = Match::In { selector, values: Values::Inline(set.clone()), negated };
                rules.push(accept([beside(field), vec![test]].concat()));
            }
        }
    }
    rules
}

/// Whether masks make sense: not of names, of what is there or not, or of what has few values.
fn is_number(field: Field) -> bool {
    !field.datatype().is_text() && !field.datatype().is_bits() && field.row().bits > 1
}

/// What stands beside a field in a concatenation.
fn companion(field: Field) -> Field {
    if field == Field::Iifname { Field::Pkttype } else { Field::Iifname }
}

/// Several values of a field, each by itself.
fn several(field: Field) -> Vec<u128> {
    if field.datatype().is_bits() {
        return bits(field).to_vec();
    }
    let mut several: Vec<_> =
        values(field).iter().flat_map(|set| field.elements(set)).map(|(first, _)| first).collect();
    several.sort_unstable();
    several.dedup();
    several.truncate(3);
    several
}

fn concatenated(field: Field) -> Vec<Parts> {
    let key = vec![Selector::of(field), Selector::of(companion(field))];
    let of_companion = several(companion(field));
    let tuples: Vec<_> =
        several(field).iter().zip(of_companion.iter().cycle()).map(|(&one, &other)| Tuple::of(&[one, other])).collect();
    let test = |values: &Tuples, negated| Match::Concat { key: key.clone(), values: values.clone(), negated };
    let values = [Tuples::Inline(tuples[..1].to_vec()), Tuples::Inline(tuples), Tuples::Set("pairs".to_owned())];
    let rule = |test| accept([beside(field), vec![test]].concat());
    values.iter().flat_map(|values| [false, true].map(|negated| rule(test(values, negated)))).collect()
}

fn mapped(field: Field) -> Vec<Parts> {
    let key = vec![Selector::of(field)];
    [MapRef::Inline(decisions(field)), MapRef::Named("decided".to_owned())]
        .map(|map| {
            (
                beside(field).into_iter().map(Step::from).collect(),
                Some(Verdict::Map(Box::new(VerdictMap { key: key.clone(), map }))),
            )
        })
        .to_vec()
}

fn decisions(field: Field) -> Vec<Element> {
    let verdicts = [Verdict::Accept, Verdict::Jump("elsewhere".to_owned()), Verdict::Drop];
    several(field)
        .into_iter()
        .zip(verdicts)
        .map(|(value, verdict)| Element {
            data: Some(Data::Verdict(verdict)),
            ..Element::of(Tuple::of(&[value]), NOWHERE)
        })
        .collect()
}

/// A set, a set of pairs and a verdict map for the field, and a chain that the map leads to.
fn parts(field: Field) -> TableParts {
    let key = KeyType::of(field);
    let pair = vec![key, KeyType::of(companion(field))];
    let set =
        |name: &str, spec: SetSpec, list: Vec<Element>| Set::new(name, spec, Elements::List(list), NOWHERE).unwrap();
    let values = several(field);
    let single: Vec<_> = values.iter().map(|&value| Element::of(Tuple::of(&[value]), NOWHERE)).collect();
    let pairs = values.iter().zip(several(companion(field)).into_iter().cycle());
    let pairs: Vec<_> = pairs.map(|(&one, other)| Element::of(Tuple::of(&[one, other]), NOWHERE)).collect();
    let decided = SetSpec { data: Some(DataType::Verdict), ..SetSpec::of(vec![key]) };
    let mut decisions = decisions(field);
    decisions.push(Element {
        key: Key::Any,
        data: Some(Data::Verdict(Verdict::Continue)),
        ..Element::of(Tuple(Vec::new()), NOWHERE)
    });
    let interval = SetFlags { interval: field.datatype().has_order(), ..SetFlags::default() };
    let named = SetSpec { flags: interval, ..SetSpec::of(vec![key]) };
    TableParts {
        sets: vec![
            set("named", named, single),
            set("empty", SetSpec::of(vec![key]), Vec::new()),
            set("pairs", SetSpec::of(pair), pairs),
            set("decided", decided, decisions),
        ],
        chains: vec![Chain::regular("elsewhere").unwrap()],
        ..TableParts::default()
    }
}
