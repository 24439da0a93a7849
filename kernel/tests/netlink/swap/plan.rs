// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets that decide about the packets of the wire, with all that a table can hold and the kernel changes at
//! another moment than the rules.

use std::num::NonZero;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringwall_ir::words::{ChainPolicy, CtState, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Counts, Data, DataType, Datatype, Element, Elements, Field, IntervalSet, KeyType, Limit,
    LimitUnit, MapRef, Match, Milliseconds, Object, ObjectBody, ObjectKind, ObjectRef, Origin, OriginId, Per, Quota,
    Ruleset, Selector, Set, SetFlags, SetOperation, SetSpec, SetUpdate, Statement, Step, Table, TableParts, Tuple,
    Tuples, Values, Verdict, VerdictMap,
};

use super::wire::{PORTS, SOURCES};

const ORIGIN: OriginId = OriginId(0);

/// What a ruleset of the test is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The base chain, which may have one name at different hooks.
    hook: Hook,
    name: Option<&'static str>,
    priority: i32,
    open: bool,
    rules: Vec<(Vec<Match>, bool, u8)>,
    /// What named sets hold.
    lan: (usize, u8, bool),
    pairs: Vec<Tuple>,
    to: Vec<(u128, bool)>,
    /// What the regular chain accepts.
    web: u128,
    rate: u64,
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let chain = (
        select(vec![Hook::Input, Hook::Output]),
        select(vec![None, None, Some("main")]),
        select(vec![0, 0, 0, -10]),
        any::<bool>(),
    );
    let rules = vec((tests(), any::<bool>(), 0..5_u8), 1..10);
    let sets = (
        (0..SOURCES.len(), 8..=32_u8, prop::bool::weighted(0.2)),
        tuples(),
        subsequence(PORTS.map(u128::from).to_vec(), 1..4)
            .prop_flat_map(|ports| ports.into_iter().map(|port| (Just(port), any::<bool>())).collect::<Vec<_>>()),
    );
    let rest = (select(PORTS.to_vec()), select(vec![1_000_000, 2_000_000]));
    (chain, rules, sets, rest).prop_map(|(chain, rules, (lan, pairs, to), (web, rate))| {
        let (hook, name, priority, open) = chain;
        Plan { hook, name, priority, open, rules, lan, pairs, to, web: web.into(), rate }
    })
}

fn ports() -> impl Strategy<Value = IntervalSet> {
    let singles = subsequence(PORTS.map(u128::from).to_vec(), 1..5)
        .prop_map(|ports| ports.into_iter().map(|port| (port, port)).collect());
    let ranges = subsequence(vec![(1000, 1001), (1002, 1999), (2000, 2001), (2500, 3000)], 1..4)
        .prop_map(|ranges| ranges.into_iter().collect());
    prop_oneof![singles, ranges]
}

/// Pairs of a source and ports.
fn tuples() -> impl Strategy<Value = Vec<Tuple>> {
    let sources = subsequence((0..SOURCES.len()).collect::<Vec<_>>(), 1..4);
    let ports = select(vec![(1000, 1001), (1002, 2000), (2001, 3000), (2000, 2000)]);
    (sources, ports, 16..=32_u8).prop_map(|(sources, ports, length)| {
        let tuple = |source: usize| Tuple(vec![prefix(source, length).intervals()[0], ports]);
        let mut tuples: Vec<_> = sources.into_iter().map(tuple).collect();
        tuples.dedup();
        tuples
    })
}

fn prefix(source: usize, length: u8) -> IntervalSet {
    IntervalSet::prefix(u32::from_be_bytes(SOURCES[source]).into(), length, 32)
}

fn tests() -> impl Strategy<Value = Vec<Match>> {
    let within = |field: Field, values, negated| Match::In { selector: Selector::of(field), values, negated };
    let ports = (ports(), any::<bool>())
        .prop_map(move |(ports, negated)| within(Field::UdpDport, Values::Inline(ports), negated));
    let source = (0..SOURCES.len(), 8..=32_u8, any::<bool>()).prop_map(move |(source, length, negated)| {
        within(Field::IpSaddr, Values::Inline(prefix(source, length)), negated)
    });
    let state = select(vec![CtState::New, CtState::Established])
        .prop_map(|state| Match::any_of(Field::CtState, state.bit().into()));
    let named = any::<bool>().prop_map(move |negated| within(Field::IpSaddr, Values::Set("lan".to_owned()), negated));
    let key = || vec![Field::IpSaddr.into(), Field::UdpDport.into()];
    let joined = (tuples(), any::<bool>()).prop_map(move |(tuples, negated)| Match::Concat {
        key: key(),
        values: Tuples::Inline(tuples),
        negated,
    });
    let pairs = any::<bool>().prop_map(move |negated| Match::Concat {
        key: key(),
        values: Tuples::Set("pairs".to_owned()),
        negated,
    });
    let object = select(vec![(ObjectKind::Limit, "fast"), (ObjectKind::Quota, "much")])
        .prop_map(|(kind, name)| Match::Object { kind, object: ObjectRef::Named(name.to_owned()) });
    vec(prop_oneof![4 => ports, 2 => source, 1 => state, 2 => named, 1 => joined, 2 => pairs, 1 => object], 1..3)
}

const fn deciding(accept: bool) -> Verdict {
    if accept { Verdict::Accept } else { Verdict::Drop }
}

/// The name of the base chain.
fn name(plan: &Plan) -> &'static str {
    plan.name.unwrap_or(plan.hook.name())
}

pub fn ruleset(plan: &Plan) -> Ruleset {
    let policy = if plan.open { ChainPolicy::Accept } else { ChainPolicy::Drop };
    let base = BaseChain::filter(plan.hook, Priority(plan.priority), policy, ORIGIN);
    let mut base = Chain::base(name(plan), base).unwrap();
    let mut web = Chain::regular("web").unwrap();
    web.push(ORIGIN, vec![Match::within(Field::UdpDport, Values::one(plan.web)).into()], Some(Verdict::Accept))
        .unwrap();
    for (tests, accept, form) in &plan.rules {
        let mut steps: Vec<Step> = tests.iter().cloned().map(Step::from).collect();
        let map = |map| Verdict::Map(Box::new(VerdictMap { key: vec![Field::UdpDport.into()], map }));
        let verdict = match form {
            0 => {
                steps.push(Statement::Object(ObjectRef::Named("hits".to_owned())).into());
                deciding(*accept)
            }
            1 => {
                steps.push(Statement::SetUpdate(Box::new(remember())).into());
                deciding(*accept)
            }
            2 => Verdict::Jump("web".to_owned()),
            3 => map(MapRef::Named("to".to_owned())),
            _ => map(MapRef::Inline(vec![
                element((1000, 1001), deciding(*accept)),
                element((3000, 3000), Verdict::Jump("web".to_owned())),
            ])),
        };
        base.push(ORIGIN, steps, Some(verdict)).unwrap();
    }
    let parts =
        TableParts { objects: objects(plan), sets: sets(plan), chains: vec![web, base], ..TableParts::default() };
    let table = Table::new(TableFamily::Inet, "ringwall", parts).unwrap();
    let origin = Origin { id: "one".to_owned(), text: "one".to_owned(), line: 1, ..Origin::default() };
    Ruleset { title: "swap".to_owned(), origins: vec![origin], tables: vec![table], unknowns: Vec::new() }
}

/// A limit and a quota that no packet of the test exceeds, the first of which is another one at times.
fn objects(plan: &Plan) -> Vec<Object> {
    let fast = Limit {
        amount: NonZero::new(plan.rate).unwrap(),
        per: Per::Second,
        burst: 1_000_000,
        over: false,
        unit: LimitUnit::Packets,
    };
    let much = Quota { bytes: 1 << 60, over: false, used: 0 };
    let bodies = [
        ("hits", ObjectBody::Counter(Counts::default())),
        ("fast", ObjectBody::Limit(fast)),
        ("much", ObjectBody::Quota(much)),
    ];
    bodies.into_iter().map(|(name, body)| Object::new(name, body, ORIGIN).unwrap()).collect()
}

fn element(ports: (u128, u128), verdict: Verdict) -> Element {
    Element { data: Some(Data::Verdict(verdict)), ..Element::of(Tuple(vec![ports]), ORIGIN) }
}

/// Of the named sets one has intervals at times, and at times not.
fn sets(plan: &Plan) -> Vec<Set> {
    let (source, length, single) = plan.lan;
    let of = KeyType::Of(Datatype::Ipv4Addr);
    let lan = if single {
        Set::new("lan", SetSpec::of(vec![of]), Elements::Intervals(prefix(source, 32)), ORIGIN)
    } else {
        Set::new("lan", SetSpec::intervals(of), Elements::Intervals(prefix(source, length)), ORIGIN)
    };
    let interval = SetFlags { interval: true, ..SetFlags::default() };
    let spec = SetSpec { flags: interval, ..SetSpec::of(vec![of, KeyType::Of(Datatype::InetService)]) };
    let pairs = plan.pairs.iter().map(|tuple| Element::of(tuple.clone(), ORIGIN)).collect();
    let pairs = Set::new("pairs", spec, Elements::List(pairs), ORIGIN);
    let spec = SetSpec { data: Some(DataType::Verdict), ..SetSpec::of(vec![KeyType::Of(Datatype::InetService)]) };
    let to = plan.to.iter().map(|&(port, accept)| {
        element((port, port), if accept { Verdict::Jump("web".to_owned()) } else { Verdict::Drop })
    });
    let to = Set::new("to", spec, Elements::List(to.collect()), ORIGIN);
    vec![seen(), lan.unwrap(), pairs.unwrap(), to.unwrap()]
}

/// A set that packets fill.
fn seen() -> Set {
    let flags = SetFlags { dynamic: true, timeout: true, ..SetFlags::default() };
    let spec = SetSpec {
        flags,
        timeout: Some(Milliseconds(3_600_000)),
        size: Some(1000),
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    };
    Set::new("seen", spec, Elements::NONE, ORIGIN).unwrap()
}

fn remember() -> SetUpdate {
    SetUpdate {
        operation: SetOperation::Add,
        set: "seen".to_owned(),
        key: vec![Field::IpSaddr.into()],
        data: None,
        timeout: None,
        meters: Vec::new(),
    }
}
