// SPDX-License-Identifier: GPL-3.0-or-later
//! What the kernel refuses cannot be built.

use std::num::NonZeroU64;

use super::*;
use crate::chain::Chain;
use crate::datatype::Datatype;
use crate::fields::{Fib, FibResult, Numgen};
use crate::milliseconds::Milliseconds;
use crate::object::{Object, ObjectBody};
use crate::rule::{
    ConnLimit, Counts, Limit, LimitUnit, Meter, Per, Quota, SetOperation, SetUpdate, Target, VerdictMap,
};
use crate::ruleset::OriginId;
use crate::set::{Element, Key, SetFlags, SetSpec, Tuple};
use crate::table::TableParts;
use crate::words::{ChainPolicy, Family, NatFlags, Priority};

const WHY: OriginId = OriginId(0);
const ADDRESS: KeyType = KeyType::Of(Datatype::Ipv4Addr);
const PORT: KeyType = KeyType::Of(Datatype::InetService);
const DYNAMIC: SetFlags = SetFlags { constant: false, dynamic: true, interval: false, timeout: false };
const TIMEOUT: SetFlags = SetFlags { constant: false, dynamic: false, interval: false, timeout: true };

fn key(field: Field) -> Vec<Selector> {
    vec![Selector::of(field)]
}

fn base(kind: ChainType, hook: Hook) -> BaseChain {
    BaseChain { kind, ..BaseChain::filter(hook, Priority::FILTER, ChainPolicy::Accept, WHY) }
}

/// A table with one base chain of one rule, which is the second.
fn table(kind: ChainType, hook: Hook, sets: Vec<Set>, objects: Vec<Object>, rule: Rule) -> Result<Table, Illegal> {
    let mut chain = Chain::base("c", base(kind, hook))?;
    chain.push(WHY, Vec::new(), Some(Verdict::Accept))?;
    chain.add(rule)?;
    Table::new(TableFamily::Inet, "t", TableParts { objects, sets, chains: vec![chain], ..TableParts::default() })
}

/// Why the second rule of the chain is illegal.
fn second(why: Illegal) -> Illegal {
    Illegal::Rule { chain: "c".to_owned(), number: 2, why: Box::new(why) }
}

fn decides(verdict: Verdict) -> Rule {
    Rule::new(WHY, Vec::new(), Some(verdict)).unwrap()
}

fn does(statement: Statement) -> Rule {
    Rule::new(WHY, vec![statement.into()], None).unwrap()
}

fn map(data: Option<DataType>, flags: SetFlags) -> Set {
    let spec = SetSpec { data, flags, ..SetSpec::of(vec![PORT]) };
    Set::new("m", spec, Elements::NONE, WHY).unwrap()
}

fn element(key: &[u128], data: Data) -> Element {
    Element { data: Some(data), ..Element::of(Tuple::of(key), WHY) }
}

fn nat(family: Option<Family>, end: NatEnd) -> Verdict {
    Verdict::Dnat(Nat { family, end, flags: NatFlags::default() })
}

#[test]
fn maps_in_rules_give_what_is_looked_up() {
    let port = element(&[80], Data::Values(Tuple::of(&[8080])));
    let address = element(&[80], Data::Values(Tuple::of(&[0x0a00_0001])));
    let both = element(&[80], Data::Values(Tuple::of(&[0x0a00_0001, 8080])));
    let verdict = element(&[80], Data::Verdict(Verdict::Drop));
    let queue = element(&[80], Data::Verdict(Verdict::Reject(crate::words::Refusal::PortUnreachable)));
    let end = |family, element: &Element| {
        let end = NatEnd::Map { key: key(Field::TcpDport), map: MapRef::Inline(vec![element.clone()]), ports: None };
        Rule::new(WHY, Vec::new(), Some(nat(family, end))).map(|_| ())
    };
    assert_eq!(end(None, &port), Ok(()));
    assert_eq!(end(Some(Family::Ipv4), &address), Ok(()));
    assert_eq!(end(Some(Family::Ipv4), &both), Ok(()));
    assert_eq!(end(None, &both), Err(Illegal::Map));
    assert_eq!(end(None, &address), Err(Illegal::Map));
    assert_eq!(end(None, &verdict), Err(Illegal::Map));
    let decided = |element: &Element| {
        let map = VerdictMap { key: key(Field::TcpDport), map: MapRef::Inline(vec![element.clone()]) };
        Rule::new(WHY, Vec::new(), Some(Verdict::Map(Box::new(map)))).map(|_| ())
    };
    assert_eq!(decided(&verdict), Ok(()));
    assert_eq!(decided(&port), Err(Illegal::Map));
    assert_eq!(decided(&queue), Err(Illegal::Map));
}

#[test]
fn named_maps_give_what_is_looked_up() {
    let rule = || {
        let map = VerdictMap { key: key(Field::TcpDport), map: MapRef::Named("m".to_owned()) };
        decides(Verdict::Map(Box::new(map)))
    };
    let of = |data| {
        let sets = vec![map(data, SetFlags::default())];
        table(ChainType::Filter, Hook::Input, sets, Vec::new(), rule()).map(|_| ())
    };
    assert_eq!(of(Some(DataType::Verdict)), Ok(()));
    assert_eq!(of(Some(DataType::Values(vec![PORT]))), Err(second(Illegal::Name("m".to_owned()))));
    assert_eq!(of(None), Err(second(Illegal::Name("m".to_owned()))));
}

#[test]
fn a_translation_that_names_no_family_changes_ports_alone() {
    let end = |addresses, ports| NatEnd::Range { addresses, ports };
    let built = |family, end| Rule::new(WHY, Vec::new(), Some(nat(family, end))).map(|_| ());
    assert_eq!(built(None, end(None, Some((80, 80)))), Ok(()));
    assert_eq!(built(Some(Family::Ipv4), end(Some((1, 1)), None)), Ok(()));
    assert_eq!(built(None, end(Some((1, 1)), None)), Err(Illegal::Translation));
    assert_eq!(built(None, end(None, None)), Err(Illegal::Translation));
}

#[test]
fn the_own_ports_of_a_map_are_single_ones() {
    let redirect = |map| {
        let ports = OwnPorts::Map { key: key(Field::TcpDport), map };
        Rule::new(WHY, Vec::new(), Some(Verdict::Redirect { ports: Some(ports), flags: NatFlags::default() }))
    };
    let gives = |tuple: Tuple| element(&[80], Data::Values(tuple));
    let one = || gives(Tuple::of(&[8080]));
    let range = || gives(Tuple(vec![(8080, 8090)]));
    let inline = |element| redirect(MapRef::Inline(vec![element])).map(|_| ());
    assert_eq!(inline(one()), Ok(()));
    assert_eq!(inline(range()), Err(Illegal::Map));
    assert_eq!(inline(gives(Tuple::of(&[0x0a00_0001, 8080]))), Err(Illegal::Map));
    let named = |data, elements| {
        let spec = SetSpec { data, ..SetSpec::of(vec![PORT]) };
        let set = Set::new("m", spec, Elements::List(elements), WHY).unwrap();
        let rule = redirect(MapRef::Named("m".to_owned()))?;
        table(ChainType::Nat, Hook::Prerouting, vec![set], Vec::new(), rule).map(|_| ())
    };
    let no_name = || Err(second(Illegal::Name("m".to_owned())));
    let ports = || Some(DataType::Values(vec![PORT]));
    assert_eq!(named(ports(), vec![one()]), Ok(()));
    assert_eq!(named(ports(), vec![Element { key: Key::Any, ..range() }]), no_name());
    assert_eq!(named(None, Vec::new()), no_name());
    assert_eq!(named(Some(DataType::Values(vec![ADDRESS])), Vec::new()), no_name());
}

#[test]
fn a_rule_of_tests_alone_is_legal_and_an_empty_one_is_not() {
    let test: Step = Match::within(Field::TcpDport, Values::one(80)).into();
    let idle = Rule::new(WHY, vec![test], None).unwrap();
    assert!(!idle.acts());
    assert!(decides(Verdict::Continue).acts() && does(Statement::Notrack).acts());
    assert_eq!(Rule::new(WHY, Vec::new(), None), Err(Illegal::Nothing));
}

#[test]
fn a_limit_and_a_quota_of_one_name_are_two_things() {
    let quota = ObjectBody::Quota(Quota { bytes: 5, used: 0, over: false });
    let objects = vec![Object::new("o", quota, WHY).unwrap()];
    let tested = |kind| {
        let object = ObjectRef::Named("o".to_owned());
        let rule = Rule::new(WHY, vec![Match::Object { kind, object }.into()], None)?;
        table(ChainType::Filter, Hook::Input, Vec::new(), objects.clone(), rule).map(|_| ())
    };
    assert_eq!(tested(ObjectKind::Quota), Ok(()));
    assert_eq!(tested(ObjectKind::Limit), Err(second(Illegal::Name("o".to_owned()))));
    assert_eq!(tested(ObjectKind::Counter), Err(Illegal::Object(ObjectKind::Counter)));
}

#[test]
fn packets_add_only_what_a_set_takes() {
    let update = SetUpdate {
        operation: SetOperation::Add,
        set: "m".to_owned(),
        key: key(Field::TcpDport),
        data: None,
        timeout: None,
        meters: Vec::new(),
    };
    let added = |set: Set, update: &SetUpdate| {
        let rule = does(Statement::SetUpdate(Box::new(update.clone())));
        table(ChainType::Filter, Hook::Input, vec![set], Vec::new(), rule).map(|_| ())
    };
    let refused = Err(second(Illegal::Name("m".to_owned())));
    let ports = Some(DataType::Values(vec![PORT]));
    let with_data = SetUpdate { data: Some(Source::Value(5)), ..update.clone() };
    let with_time = SetUpdate { timeout: Some(Milliseconds(5)), ..update.clone() };
    let conversations = Meter::ConnLimit(ConnLimit { count: 5, over: false });
    let counting = SetUpdate { meters: vec![conversations], ..update.clone() };
    assert_eq!(added(map(None, DYNAMIC), &update), Ok(()));
    assert_eq!(added(map(None, SetFlags { interval: true, ..SetFlags::default() }), &update), refused);
    assert_eq!(added(map(ports.clone(), DYNAMIC), &with_data), Ok(()));
    assert_eq!(added(map(ports, DYNAMIC), &update), refused);
    assert_eq!(added(map(None, DYNAMIC), &with_data), refused);
    assert_eq!(added(map(None, SetFlags { timeout: true, ..DYNAMIC }), &with_time), Ok(()));
    assert_eq!(added(map(None, DYNAMIC), &with_time), refused);
    assert_eq!(added(map(None, DYNAMIC), &counting), Ok(()));
    assert_eq!(added(map(None, SetFlags { timeout: true, ..DYNAMIC }), &counting), refused);
}

#[test]
fn sets_are_of_one_piece() {
    let refused = Err(Illegal::Set("s".to_owned()));
    let set = |spec: SetSpec, elements| Set::new("s", spec, elements, WHY).map(|_| ());
    let of = |flags| SetSpec { flags, ..SetSpec::of(vec![ADDRESS]) };
    let long = |parts| SetSpec::of(vec![KeyType::Of(Datatype::Ipv6Addr); parts]);
    assert_eq!(set(long(4), Elements::NONE), Ok(()));
    assert_eq!(set(long(5), Elements::NONE), refused);
    assert_eq!(set(SetSpec::of(vec![KeyType::Of(Datatype::Integer)]), Elements::NONE), refused);
    assert_eq!(set(SetSpec { auto_merge: true, ..of(DYNAMIC) }, Elements::NONE), refused);
    let objects = Some(DataType::Object(ObjectKind::Counter));
    assert_eq!(set(SetSpec { data: objects, ..of(DYNAMIC) }, Elements::NONE), refused);
    let element = Element::of(Tuple::of(&[1]), WHY);
    let ends = |timeout: Option<u64>, expires| {
        let timeout = timeout.map(Milliseconds);
        Elements::List(vec![Element { timeout, expires: Some(Milliseconds(expires)), ..element.clone() }])
    };
    assert_eq!(set(of(TIMEOUT), ends(Some(10), 10)), Ok(()));
    assert_eq!(set(of(TIMEOUT), ends(Some(10), 11)), refused);
    assert_eq!(set(of(TIMEOUT), ends(None, 10)), refused);
    assert_eq!(set(SetSpec { timeout: Some(Milliseconds(10)), ..of(TIMEOUT) }, ends(None, 10)), Ok(()));
    let range = Elements::List(vec![Element::of(Tuple(vec![(1, 2)]), WHY)]);
    assert_eq!(set(of(TIMEOUT), range), refused);
}

#[test]
fn what_elements_lead_to_is_there() {
    let jump = element(&[80], Data::Verdict(Verdict::Jump("gone".to_owned())));
    let spec = SetSpec { data: Some(DataType::Verdict), ..SetSpec::of(vec![PORT]) };
    let sets = vec![Set::new("m", spec, Elements::List(vec![jump]), WHY).unwrap()];
    let built = Table::new(TableFamily::Inet, "t", TableParts { sets, ..TableParts::default() });
    assert_eq!(built, Err(Illegal::Name("gone".to_owned())));
}

#[test]
fn fields_have_parameters_that_the_kernel_takes() {
    let fib = |iif, oif, result| Field::Fib(Fib { daddr: true, mark: false, iif, oif, result });
    let numgen = |modulus, offset| Field::Numgen(Numgen { random: false, modulus, offset });
    let tested = |field: Field| {
        Rule::new(WHY, vec![Match::within(field, Values::one(1)).into()], Some(Verdict::Drop)).map(|_| ())
    };
    for field in [fib(true, false, FibResult::Type), fib(false, true, FibResult::Type), numgen(2, u32::MAX - 1)] {
        assert_eq!(tested(field), Ok(()));
    }
    for field in [
        fib(true, true, FibResult::Type),
        fib(false, true, FibResult::Oif),
        fib(false, true, FibResult::Exists),
        numgen(0, 5),
        numgen(2, u32::MAX),
    ] {
        assert_eq!(tested(field), Err(Illegal::Test(field)));
    }
}

#[test]
fn nothing_is_translated_before_connection_tracking() {
    let chain = |priority| Chain::base("c", BaseChain { priority, ..base(ChainType::Nat, Hook::Prerouting) }).is_ok();
    assert!(chain(Priority(-199)));
    assert!(!chain(Priority::CONNTRACK));
}

#[test]
fn rates_of_bytes_fit_into_64_bits() {
    let limit = |bytes, burst| {
        let amount = NonZeroU64::new(bytes).unwrap();
        let limit = Limit { amount, per: Per::Day, unit: LimitUnit::Bytes, burst, over: false };
        Object::new("o", ObjectBody::Limit(limit), WHY).map(|_| ())
    };
    assert_eq!(limit(213_403, 100), Ok(()));
    assert_eq!(limit(213_403, 101), Err(Illegal::Limit));
}

#[test]
fn what_is_written_to_a_mark_is_as_wide_as_one() {
    let part = |part| {
        let data = Some(DataType::Values(vec![part]));
        let source = Source::Map { key: key(Field::TcpDport), map: MapRef::Named("m".to_owned()) };
        let rule = does(Statement::Assign(Assignment { target: Target::Mark, keep: 0, source }));
        table(ChainType::Filter, Hook::Input, vec![map(data, SetFlags::default())], Vec::new(), rule).map(|_| ())
    };
    assert_eq!(part(KeyType::Of(Datatype::Mark)), Ok(()));
    assert_eq!(part(PORT), Err(second(Illegal::Name("m".to_owned()))));
}

#[test]
fn rules_have_a_meaning_wherever_packets_meet_them() {
    let mut met = Chain::regular("met").unwrap();
    let fib = Field::Fib(Fib { daddr: false, mark: false, iif: true, oif: false, result: FibResult::Exists });
    met.push(WHY, vec![Statement::Counter(Counts::default()).into()], None).unwrap();
    met.push(WHY, vec![Match::within(fib, Values::one(0)).into()], Some(Verdict::Drop)).unwrap();
    let from = |hook| {
        let mut chain = Chain::base("c", base(ChainType::Filter, hook)).unwrap();
        chain.push(WHY, Vec::new(), Some(Verdict::Jump("met".to_owned()))).unwrap();
        let chains = vec![chain, met.clone()];
        Table::new(TableFamily::Inet, "t", TableParts { chains, ..TableParts::default() }).map(|_| ())
    };
    assert_eq!(from(Hook::Input), Ok(()));
    let why = Box::new(Illegal::Hook { field: fib, hook: Hook::Output });
    assert_eq!(from(Hook::Output), Err(Illegal::Rule { chain: "met".to_owned(), number: 2, why }));
}

#[test]
fn an_element_counts_what_its_set_says() {
    let key = vec![KeyType::Of(Datatype::Ipv4Addr)];
    let counter = |packets| Meter::Counter(Counts { packets, bytes: 0 });
    let set = |meters: Vec<Meter>, dynamic, own: Vec<Meter>| {
        let flags = SetFlags { dynamic, ..SetFlags::default() };
        let spec = SetSpec { meters, flags, ..SetSpec::of(key.clone()) };
        let element = Element { meters: own, ..Element::of(Tuple::of(&[1]), WHY) };
        Set::new("s", spec, Elements::List(vec![element]), WHY).is_ok()
    };
    let quota = Meter::Quota(Quota { bytes: 5, used: 0, over: false });
    assert!(set(vec![counter(0)], false, vec![counter(5)]));
    assert!(set(Vec::new(), true, vec![counter(5)]));
    assert!(!set(Vec::new(), false, vec![counter(5)]));
    assert!(!set(vec![quota], false, vec![counter(5)]));
    assert!(!set(vec![counter(0), quota], false, vec![counter(5)]));
}

#[test]
fn chains_lead_sixteen_deep_and_never_back() {
    let names: Vec<_> = (0..17).map(|number| format!("c{number}")).collect();
    let table = |count: usize, back: bool| {
        let chains = names.iter().take(count).enumerate().map(|(place, name)| {
            let mut chain = Chain::regular(name).unwrap();
            let next = if place + 1 < count { names.get(place + 1) } else { names.first().filter(|_| back) };
            if let Some(next) = next {
                chain.push(WHY, Vec::new(), Some(Verdict::Jump(next.clone()))).unwrap();
            }
            chain
        });
        let chains = chains.collect();
        Table::new(TableFamily::Inet, "t", TableParts { chains, ..TableParts::default() }).map(|_| ())
    };
    assert_eq!(table(16, false), Ok(()));
    assert_eq!(table(17, false), Err(Illegal::Deep(names.clone())));
    assert_eq!(table(3, true).unwrap_err().to_string(), "chains lead in a circle: `c0` to `c1` to `c2` to `c0`");
}
