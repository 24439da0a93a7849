// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that add to sets, and rules that ask verdict maps.

use ringwall_ir::words::{Family, Hook};
use ringwall_ir::{
    Chain, ConnLimit, Counts, Data, DataType, Datatype, Element, Elements, Field, Key, KeyType, MapRef, Meter,
    Milliseconds, OriginId, Per, Quota, Selector, Set, SetFlags, SetOperation, SetSpec, SetUpdate, Source, Statement,
    TableParts, Tuple, Verdict, VerdictMap,
};

use super::{Sample, bytes};
use crate::target::testing::Parts;

const NOWHERE: OriginId = OriginId(0);
const ADDRESS: KeyType = KeyType::Of(Datatype::Ipv4Addr);
const PORT: KeyType = KeyType::Of(Datatype::InetService);
const DYNAMIC: SetFlags = SetFlags { constant: false, dynamic: true, interval: false, timeout: true };

pub(super) fn samples() -> Vec<Sample> {
    let operations = [SetOperation::Add, SetOperation::Update, SetOperation::Delete];
    let timeouts = [None, Some(Milliseconds(60_000)), Some(Milliseconds(3_600_500))];
    let mut rules = Vec::new();
    for operation in operations {
        for timeout in timeouts.into_iter().filter(|timeout| timeout.is_none() || operation != SetOperation::Delete) {
            rules.push(update(operation, "seen", &[Field::IpSaddr.into()], None, timeout, Vec::new()));
            rules.push(update(
                operation,
                "talks",
                &[Field::IpSaddr.into(), Field::TcpDport.into()],
                None,
                timeout,
                Vec::new(),
            ));
        }
    }
    let masked = Selector::masked(Field::IpSaddr, 0xffff_ff00);
    rules.push(update(SetOperation::Update, "seen", &[masked], None, None, Vec::new()));
    for meter in meters() {
        rules.push(update(SetOperation::Add, "measured", &[Field::IpSaddr.into()], None, None, vec![meter]));
    }
    let sources = [Source::Value(5), Source::Field { selector: Field::TcpDport.into(), xor: 0 }];
    let maps = ["marks", "ports"];
    for (source, map) in sources.into_iter().zip(maps) {
        rules.push(update(
            SetOperation::Update,
            map,
            &[Field::IpSaddr.into()],
            Some(source),
            Some(Milliseconds(5000)),
            Vec::new(),
        ));
    }
    vec![Sample::filter(Hook::Input, rules).with(TableParts { sets: sets(), ..TableParts::default() })]
}

fn update(
    operation: SetOperation,
    set: &str,
    key: &[Selector],
    data: Option<Source>,
    timeout: Option<Milliseconds>,
    meters: Vec<Meter>,
) -> Parts {
    let update = SetUpdate { operation, set: set.to_owned(), key: key.to_vec(), data, timeout, meters };
    (vec![Statement::SetUpdate(Box::new(update)).into()], Some(Verdict::Accept))
}

fn meters() -> Vec<Meter> {
    vec![
        Meter::ConnLimit(ConnLimit { count: 20, over: false }),
        Meter::ConnLimit(ConnLimit { count: 2, over: true }),
        Meter::Counter(Counts::default()),
        Meter::Limit(bytes(1024, Per::Minute, 512)),
        Meter::Quota(Quota { bytes: 4096, used: 0, over: true }),
    ]
}

fn sets() -> Vec<Set> {
    let empty = |name: &str, spec: SetSpec| Set::new(name, spec, Elements::NONE, NOWHERE).unwrap();
    let dynamic = |key: Vec<KeyType>| SetSpec { flags: DYNAMIC, size: Some(65_535), ..SetSpec::of(key) };
    let map = |data| SetSpec { data: Some(DataType::Values(vec![data])), ..dynamic(vec![ADDRESS]) };
    let banned = [(1, None, None), (2, Some(600_000), None), (3, Some(600_000), Some(299_000))];
    let banned = banned.map(|(host, timeout, expires)| Element {
        timeout: timeout.map(Milliseconds),
        expires: expires.map(Milliseconds),
        comment: Some(format!("host {host}")),
        ..Element::of(Tuple::of(&[0xc000_0200 | host]), NOWHERE)
    });
    let timed = SetSpec {
        timeout: Some(Milliseconds(3_600_000)),
        gc_interval: Some(Milliseconds(12_000)),
        flags: SetFlags { dynamic: false, timeout: true, ..SetFlags::default() },
        ..SetSpec::of(vec![ADDRESS])
    };
    // The kernel counts conversations in no set whose elements end by themselves (`nft_connlimit`, `NFT_EXPR_GC`).
    let measured = SetSpec { flags: SetFlags { timeout: false, ..DYNAMIC }, ..dynamic(vec![ADDRESS]) };
    vec![
        empty("seen", dynamic(vec![ADDRESS])),
        empty("talks", dynamic(vec![ADDRESS, PORT])),
        empty("measured", measured),
        empty("marks", map(KeyType::Of(Datatype::Mark))),
        empty("ports", map(PORT)),
        Set::new("banned", timed, Elements::List(banned.to_vec()), NOWHERE).unwrap(),
        empty("counted", SetSpec { meters: vec![Meter::Counter(Counts::default())], ..dynamic(vec![ADDRESS]) }),
    ]
}

pub(super) fn verdict_maps() -> Vec<Sample> {
    let interval = SetFlags { interval: true, ..SetFlags::default() };
    let spec = |key, flags| SetSpec { data: Some(DataType::Verdict), flags, ..SetSpec::of(key) };
    let element = |tuple: Tuple, verdict| Element { data: Some(Data::Verdict(verdict)), ..Element::of(tuple, NOWHERE) };
    let jump = || Verdict::Jump("one".to_owned());
    let any = |verdict| Element { key: Key::Any, ..element(Tuple(Vec::new()), verdict) };
    let subnets = vec![
        element(Tuple(vec![(10 << 24, 10 << 24 | 0xff_ffff)]), jump()),
        element(Tuple(vec![(11 << 24, 11 << 24 | 5)]), Verdict::Drop),
        element(Tuple::of(&[12 << 24]), Verdict::Goto("two".to_owned())),
        any(Verdict::Return),
    ];
    let pairs = vec![
        element(Tuple(vec![(10 << 24, 10 << 24 | 0xffff), (22, 22)]), Verdict::Accept),
        element(Tuple(vec![(10 << 24, 10 << 24 | 0xff_ffff), (80, 90)]), jump()),
    ];
    let sets = vec![
        Set::new("subnets", spec(vec![ADDRESS], interval), Elements::List(subnets.clone()), NOWHERE).unwrap(),
        Set::new("pairs", spec(vec![ADDRESS, PORT], interval), Elements::List(pairs.clone()), NOWHERE).unwrap(),
        Set::new("none", spec(vec![PORT], SetFlags::default()), Elements::List(Vec::new()), NOWHERE).unwrap(),
    ];
    let chains = ["one", "two"].map(|name| Chain::regular(name).unwrap()).to_vec();
    let source = vec![Selector::of(Field::source(Family::Ipv4))];
    let both = vec![source[0], Field::TcpDport.into()];
    let masked = vec![Selector::masked(Field::MetaMark, 0xff)];
    let by_mark = [(1, jump()), (2, Verdict::Continue)].map(|(mark, verdict)| element(Tuple::of(&[mark]), verdict));
    let rule =
        |key: &[Selector], map| (Vec::new(), Some(Verdict::Map(Box::new(VerdictMap { key: key.to_vec(), map }))));
    let named = |name: &str| MapRef::Named(name.to_owned());
    let rules = vec![
        rule(&source, named("subnets")),
        rule(&source, MapRef::Inline(subnets)),
        rule(&both, named("pairs")),
        rule(&both, MapRef::Inline(pairs)),
        rule(&[Field::TcpDport.into()], named("none")),
        rule(&masked, MapRef::Inline(by_mark.to_vec())),
    ];
    vec![Sample::filter(Hook::Forward, rules).with(TableParts { sets, chains, ..TableParts::default() })]
}
