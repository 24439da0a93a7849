// SPDX-License-Identifier: GPL-3.0-or-later
//! What random rulesets that differed were shrunk to: over netlink as through nft, and the same when it comes back.

use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, Refusal, TableFamily};
use ringwall_ir::{
    Assignment, Data, DataType, Element, Elements, Key, KeyType, Log, LogTarget, MapRef, Meter, OriginId, Ruleset, Set,
    SetFlags, SetOperation, SetSpec, SetUpdate, Source, Statement, Target, Tuple, Verdict,
};
use ringwall_kernel::install::{apply, normal, read_ruleset};

use crate::private::{flush, in_namespace, list, load};
use crate::rulesets::{Draft, ruleset_of};
use crate::text::nft_text;

/// Both ways give the same, which nft lists with `listed` in it, and it comes back.
fn holds(ruleset: &Ruleset, listed: &str) {
    flush();
    load(&nft_text(ruleset));
    let theirs = list();
    assert!(theirs.contains(listed), "no {listed} in {theirs}");
    flush();
    apply(ruleset).unwrap();
    assert_eq!(list(), theirs);
    let tables = |ruleset: &Ruleset| Ruleset { tables: ruleset.tables.clone(), ..Ruleset::default() }.to_string();
    assert_eq!(tables(&read_ruleset().unwrap()), tables(&normal(ruleset).unwrap()[0]));
}

fn value(key: Option<u128>, data: Option<u128>) -> Element {
    let one = |value| Element::of(Tuple(vec![(value, value)]), OriginId(0));
    let element = key.map_or_else(|| Element { key: Key::Any, ..one(0) }, one);
    Element { data: data.map(|data| Data::Values(Tuple::of(&[data]))), ..element }
}

/// A set or map of truths in intervals, named after its data type or after a field.
fn truths(key: KeyType, data: Option<KeyType>, meters: Vec<Meter>, keys: &[Option<u128>]) -> Set {
    let spec = SetSpec {
        data: data.map(|part| DataType::Values(vec![part])),
        flags: SetFlags { interval: true, ..SetFlags::default() },
        meters,
        ..SetSpec::of(vec![key])
    };
    let elements = keys.iter().map(|key| value(*key, data.map(|_| 7))).collect();
    Set::new("s", spec, Elements::List(elements), OriginId(0)).unwrap()
}

#[test]
fn the_larger_truth_has_an_end_where_nft_says_typeof() {
    in_namespace("shrunk::the_larger_truth_has_an_end_where_nft_says_typeof", || {
        let named = KeyType::of(Field::RtIpsec);
        let [mark, zone] = [Field::CtMark, Field::CtZone(None)].map(KeyType::of);
        let counter = || vec![Meter::Counter(Default::default())];
        for keys in [&[Some(1)][..], &[Some(0), Some(1)], &[Some(1), None], &[Some(0), Some(1), None]] {
            for (set, listed) in [
                (truths(named, None, Vec::new(), keys), "1-255"),
                (truths(named, Some(mark), Vec::new(), keys), "1-255 :"),
                (truths(named, None, counter(), keys), "1-255 counter"),
                (truths(KeyType::Like(Field::RtIpsec), None, Vec::new(), keys), "exists"),
                (truths(KeyType::Like(Field::RtIpsec), None, counter(), keys), "exists counter"),
                (truths(named, Some(zone), Vec::new(), keys), "exists :"),
            ] {
                holds(&ruleset_of(TableFamily::Inet, "t", vec![set], Vec::new()), listed);
            }
        }
    });
}

#[test]
fn a_refusal_of_one_family_is_behind_what_the_family_has() {
    in_namespace("shrunk::a_refusal_of_one_family_is_behind_what_the_family_has", || {
        let log = Statement::Log(Log { prefix: Some("p".to_owned()), target: LogTarget::default() });
        let map = MapRef::Inline(vec![value(Some(0x0a00_0001), Some(7))]);
        let source = Source::Map { key: vec![Field::IpDaddr.into()], map };
        let write = Statement::Assign(Assignment { target: Target::CtMark, keep: 0, source });
        let update = Statement::SetUpdate(Box::new(SetUpdate {
            operation: SetOperation::Add,
            set: "s".to_owned(),
            key: vec![Field::IpSaddr.into()],
            data: None,
            timeout: None,
            meters: Vec::new(),
        }));
        for (statement, listed) in [
            (write, "\t\tlog prefix \"p\" ct mark set ip daddr map { 10.0.0.1 : 0x00000007 } reject with icmp"),
            (update, "\t\tlog prefix \"p\" add @s { ip saddr } reject with icmp"),
        ] {
            let steps = vec![log.clone().into(), statement.into()];
            let rules = vec![(steps, Some(Verdict::Reject(Refusal::NetProhibited)))];
            let chain = Draft { name: "c", bound: None, policy: ChainPolicy::Accept, rules };
            let flags = SetFlags { dynamic: true, ..SetFlags::default() };
            let spec = SetSpec { flags, size: Some(9), ..SetSpec::of(vec![KeyType::of(Field::IpSaddr)]) };
            let set = Set::new("s", spec, Elements::NONE, OriginId(0)).unwrap();
            holds(&ruleset_of(TableFamily::Inet, "t", vec![set], vec![chain]), listed);
        }
    });
}
