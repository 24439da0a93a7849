// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdict maps: a line for each element.

use ringwall_ir::words::ChainPolicy;
use ringwall_ir::words::{Family, Hook, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Data, DataType, Element, Elements, Field, Key, KeyType, MapRef, Match, OriginId, Ruleset,
    Selector, Set, SetFlags, SetSpec, Step, Table, TableParts, Tuple, Values, Verdict, VerdictMap,
};

use super::{CONNTRACK, rules};
use crate::target::iptables::table::XtTable;
use crate::target::iptables::write;
use crate::target::testing::samples::limit;

const NOWHERE: OriginId = OriginId(0);

fn element(tuple: Tuple, verdict: Verdict) -> Element {
    Element { data: Some(Data::Verdict(verdict)), ..Element::of(tuple, NOWHERE) }
}

fn any(verdict: Verdict) -> Element {
    Element { key: Key::Any, ..element(Tuple(Vec::new()), verdict) }
}

fn jump() -> Verdict {
    Verdict::Jump("one".to_owned())
}

/// The lines of a rule with a verdict map, or why there are none.
fn lines(steps: Vec<Step>, key: &[Selector], map: MapRef, sets: Vec<Set>) -> Result<Vec<String>, String> {
    let hook = Hook::Forward;
    let base = BaseChain::filter(hook, XtTable::Filter.priority(hook), ChainPolicy::Accept, NOWHERE);
    let mut chain = Chain::base("forward", base).unwrap();
    chain.push(NOWHERE, steps, Some(Verdict::Map(Box::new(VerdictMap { key: key.to_vec(), map })))).unwrap();
    let mut one = Chain::regular("one").unwrap();
    one.push(NOWHERE, Vec::new(), Some(Verdict::Drop)).unwrap();
    let parts = TableParts { chains: vec![chain, one], sets, ..TableParts::default() };
    let table = Table::new(TableFamily::Ip, "ringwall", parts).unwrap();
    let ruleset = Ruleset { tables: vec![table], ..Ruleset::default() };
    match write(&ruleset, Family::Ipv4, CONNTRACK) {
        Ok(written) => Ok(rules(&written.text).into_iter().map(str::to_owned).collect()),
        Err(refused) => Err(refused[0].reason.clone()),
    }
}

#[test]
fn each_element_is_a_line() {
    let port = [Field::TcpDport.into()];
    let map = || {
        vec![
            element(Tuple::of(&[22]), Verdict::Accept),
            element(Tuple(vec![(80, 90)]), jump()),
            element(Tuple::of(&[443]), Verdict::Continue),
            element(Tuple::of(&[25]), Verdict::Goto("one".to_owned())),
            element(Tuple::of(&[26]), Verdict::Return),
        ]
    };
    let expected = [
        "-A FORWARD -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A FORWARD -i eth0 -p tcp -m tcp --dport 80:90 -j one",
        "-A FORWARD -i eth0 -p tcp -m tcp --dport 25 -g one",
        "-A FORWARD -i eth0 -p tcp -m tcp --dport 26 -j RETURN",
        "-A one -j DROP",
    ];
    let eth0 = || vec![crate::target::testing::samples::interface(Field::Iifname, &["eth0"], false).into()];
    assert_eq!(lines(eth0(), &port, MapRef::Inline(map()), Vec::new()).unwrap(), expected);
    let flags = SetFlags { interval: true, ..SetFlags::default() };
    let spec = SetSpec { data: Some(DataType::Verdict), flags, ..SetSpec::of(vec![KeyType::of(Field::TcpDport)]) };
    let named = Set::new("ports", spec, Elements::List(map()), NOWHERE).unwrap();
    assert_eq!(lines(eth0(), &port, MapRef::Named("ports".to_owned()), vec![named]).unwrap(), expected);
}

#[test]
fn several_fields_are_tested_in_one_line() {
    let key = [Field::IpSaddr.into(), Field::TcpDport.into()];
    let map = vec![
        element(Tuple(vec![(10 << 24, 10 << 24 | 0xffff), (22, 22)]), Verdict::Accept),
        element(Tuple(vec![(11 << 24 | 1, 11 << 24 | 5), (80, 90)]), Verdict::Drop),
    ];
    let expected = [
        "-A FORWARD -s 10.0.0.0/16 -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A FORWARD -p tcp -m iprange --src-range 11.0.0.1-11.0.0.5 -m tcp --dport 80:90 -j DROP",
    ];
    assert_eq!(lines(Vec::new(), &key, MapRef::Inline(map), Vec::new()).unwrap(), expected);
}

/// The element for every other key is what no other element is.
#[test]
fn the_element_for_every_other_key_excepts_the_others() {
    let source = [Field::IpSaddr.into()];
    let map = vec![element(Tuple::of(&[10 << 24]), Verdict::Accept), any(Verdict::Drop)];
    let expected = ["-A FORWARD -s 10.0.0.0/32 -j ACCEPT", "-A FORWARD ! -s 10.0.0.0/32 -j DROP"];
    assert_eq!(lines(Vec::new(), &source, MapRef::Inline(map), Vec::new()).unwrap(), expected);
}

#[test]
fn what_would_happen_for_each_element_anew_is_an_error() {
    let port = [Field::TcpDport.into()];
    let map = || MapRef::Inline(vec![element(Tuple::of(&[22]), Verdict::Accept), element(Tuple::of(&[80]), jump())]);
    let counts = lines(vec![limit(5, ringwall_ir::Per::Second, 5).into()], &port, map(), Vec::new()).unwrap_err();
    assert_eq!(counts, "xtables has no verdict maps, and a rule for each element would count or do something anew");
    let mark = [Field::MetaMark.into()];
    let changed = lines(Vec::new(), &mark, map(), Vec::new()).unwrap_err();
    assert!(changed.ends_with("may change `meta mark` for the next one"), "{changed}");
    let marked = vec![Match::within(Field::MetaMark, Values::one(1)).into()];
    assert!(lines(marked, &port, map(), Vec::new()).is_err());
    let dynamic = SetFlags { dynamic: true, ..SetFlags::default() };
    let spec =
        SetSpec { data: Some(DataType::Verdict), flags: dynamic, ..SetSpec::of(vec![KeyType::of(Field::TcpDport)]) };
    let set = Set::new("filled", spec, Elements::NONE, NOWHERE).unwrap();
    let filled = lines(Vec::new(), &port, MapRef::Named("filled".to_owned()), vec![set]).unwrap_err();
    assert_eq!(filled, "xtables has no verdict maps, and the elements of `filled` come and go");
}
