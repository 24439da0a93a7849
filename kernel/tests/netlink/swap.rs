// SPDX-License-Identifier: GPL-3.0-or-later
//! Random pairs of rulesets, swapped under traffic: no packet is accepted that neither accepts, none is dropped that both
//! accept, and what packets and other programs put into dynamic sets and counters stays.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::words::{ChainPolicy, CtState, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Counts, Data, Datatype, Element, Elements, Field, IntervalSet, Key, KeyType, MapRef, Match,
    Milliseconds, Object, ObjectBody, ObjectRef, Origin, OriginId, Ruleset, Selector, Set, SetFlags, SetOperation,
    SetSpec, SetUpdate, Statement, Step, Table, TableParts, Tuple, Values, Verdict, VerdictMap,
};
use ringwall_kernel::install::apply;

use crate::private::{in_namespace, list, load};

/// As many pairs in the ordinary suite, and in the whole one (`RINGWALL_FULL`).
const PAIRS: (usize, usize) = (25, 1000);
/// How often each pair is swapped.
const SWAPS: usize = 8;
const PORTS: [u16; 6] = [1000, 1001, 1002, 2000, 2001, 3000];
const SOURCES: [[u8; 4]; 4] = [[127, 0, 0, 1], [10, 1, 0, 1], [10, 1, 128, 1], [10, 2, 0, 1]];
const ORIGIN: OriginId = OriginId(0);
/// How long to wait for a packet that may be dropped, and for one that must come, however busy the machine is.
const BRIEFLY: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(1);

/// A packet that is sent again and again.
struct Probe {
    source: usize,
    port: usize,
}

/// The ends of all probes.
struct Wire {
    senders: Vec<UdpSocket>,
    receivers: Vec<UdpSocket>,
    probes: Vec<Probe>,
}

impl Wire {
    fn open() -> Self {
        let script = "ip link set lo up; for a in 10.1.0.1 10.1.128.1 10.2.0.1; do ip addr add $a/32 dev lo; done";
        assert!(Command::new("sh").args(["-ec", script]).status().unwrap().success());
        let sender = |source: [u8; 4]| UdpSocket::bind((Ipv4Addr::from(source), 0)).unwrap();
        let receiver = |port| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let probes = (0..SOURCES.len()).flat_map(|source| (0..PORTS.len()).map(move |port| Probe { source, port }));
        Self {
            senders: SOURCES.map(sender).into_iter().collect(),
            receivers: PORTS.map(receiver).into_iter().collect(),
            probes: probes.collect(),
        }
    }

    /// Whether a probe arrives within a time. On the loopback interface it does so before the sender goes on, but for a
    /// busy moment.
    fn arrives(&self, number: usize, patience: Duration) -> bool {
        let probe = &self.probes[number];
        let receiver = &self.receivers[probe.port];
        let sent = self.senders[probe.source].send_to(&[number as u8], (Ipv4Addr::LOCALHOST, PORTS[probe.port]));
        if sent.is_err() {
            return false;
        }
        let start = Instant::now();
        while start.elapsed() < patience {
            let mut byte = [0];
            if receiver.recv(&mut byte).is_ok() && byte[0] == number as u8 {
                return true;
            }
        }
        false
    }

    /// What becomes of every probe while nothing changes.
    fn fates(&self) -> Vec<bool> {
        (0..self.probes.len()).map(|number| self.arrives(number, BRIEFLY)).collect()
    }
}

/// What a ruleset of the test is made of.
#[derive(Clone, Debug)]
struct Plan {
    hook: Hook,
    open: bool,
    rules: Vec<(Vec<Match>, bool, u8)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let hook = select(vec![Hook::Input, Hook::Output]);
    let rule = (tests(), any::<bool>(), 0..4u8);
    (hook, any::<bool>(), vec(rule, 1..10)).prop_map(|(hook, open, rules)| Plan { hook, open, rules })
}

fn tests() -> impl Strategy<Value = Vec<Match>> {
    let numbers = |list: Vec<u128>| list.into_iter().map(|number| (number, number)).collect::<IntervalSet>();
    let ports = subsequence(PORTS.map(u128::from).to_vec(), 1..5)
        .prop_map(move |ports| Match::within(Field::UdpDport, Values::Inline(numbers(ports))));
    let source = (select(SOURCES.to_vec()), 8..=32u8, any::<bool>()).prop_map(|(source, length, negated)| {
        let set = IntervalSet::prefix(u32::from_be_bytes(source).into(), length, 32);
        Match::In { selector: Selector::of(Field::IpSaddr), values: Values::Inline(set), negated }
    });
    let state = select(vec![CtState::New, CtState::Established])
        .prop_map(|state| Match::any_of(Field::CtState, state.bit().into()));
    let named = Just(Match::within(Field::IpSaddr, Values::Set("lan".to_owned())));
    vec(prop_oneof![3 => ports, 2 => source, 1 => state, 1 => named], 1..3)
}

fn ruleset(plan: &Plan, lan: &[u8; 4]) -> Ruleset {
    let verdict = |accept: bool| if accept { Verdict::Accept } else { Verdict::Drop };
    let policy = if plan.open { ChainPolicy::Accept } else { ChainPolicy::Drop };
    let mut base =
        Chain::base(plan.hook.name(), BaseChain::filter(plan.hook, Priority::FILTER, policy, ORIGIN)).unwrap();
    let mut web = Chain::regular("web").unwrap();
    web.push(ORIGIN, vec![Match::within(Field::UdpDport, Values::one(2000)).into()], Some(Verdict::Accept)).unwrap();
    for (tests, accept, form) in &plan.rules {
        let mut steps: Vec<Step> = tests.iter().cloned().map(Step::from).collect();
        let verdict = match form {
            0 => {
                steps.push(Statement::Object(ObjectRef::Named("hits".to_owned())).into());
                verdict(*accept)
            }
            1 => {
                steps.push(Statement::SetUpdate(remember()).into());
                verdict(*accept)
            }
            2 => Verdict::Jump("web".to_owned()),
            _ => by_port(*accept),
        };
        base.push(ORIGIN, steps, Some(verdict)).unwrap();
    }
    let lan = IntervalSet::prefix(u32::from_be_bytes(*lan).into(), 24, 32);
    let spec = SetSpec::intervals(KeyType::Of(Datatype::Ipv4Addr));
    let parts = TableParts {
        objects: vec![Object::new("hits", ObjectBody::Counter(Counts::default()), ORIGIN).unwrap()],
        sets: vec![seen(), Set::new("lan", spec, Elements::Intervals(lan), ORIGIN).unwrap()],
        chains: vec![web, base],
        unknowns: Vec::new(),
    };
    let table = Table::new(TableFamily::Inet, "ringwall", parts).unwrap();
    let origin = Origin { id: "one".to_owned(), text: "one".to_owned(), line: 1, because: None };
    Ruleset { title: "swap".to_owned(), origins: vec![origin], tables: vec![table], unknowns: Vec::new() }
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

fn by_port(accept: bool) -> Verdict {
    let element = |port: u128, verdict| Element {
        data: Some(Data::Verdict(verdict)),
        ..Element::of(Tuple(vec![(port, port)]), ORIGIN)
    };
    let last = if accept { Verdict::Accept } else { Verdict::Drop };
    let elements = vec![element(1001, last), element(3000, Verdict::Jump("web".to_owned()))];
    debug_assert!(elements.iter().all(|element| element.key != Key::Any));
    Verdict::Map(Box::new(VerdictMap { key: vec![Field::UdpDport.into()], map: MapRef::Inline(elements) }))
}

/// What was seen of all pairs together, so that the test can be seen to have looked at something.
#[derive(Debug, Default)]
struct Tally {
    accepted_by_both: usize,
    accepted_by_neither: usize,
    changing: usize,
    packets: usize,
}

fn swap_under_traffic(wire: &Wire, one: &Ruleset, other: &Ruleset, tally: &mut Tally) {
    let fates = [one, other].map(|ruleset| {
        apply(ruleset).unwrap();
        wire.fates()
    });
    let done = AtomicBool::new(false);
    let (packets, wrong) = thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let (mut packets, mut wrong) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                for (number, fates) in fates[0].iter().zip(&fates[1]).enumerate() {
                    let arrived = wire.arrives(number, if *fates.0 && *fates.1 { LONG } else { BRIEFLY });
                    packets += 1;
                    if fates.0 == fates.1 && arrived != *fates.0 {
                        wrong.push((number, arrived));
                    }
                }
            }
            (packets, wrong)
        });
        for ruleset in [one, other].into_iter().cycle().take(SWAPS) {
            apply(ruleset).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        flood.join().unwrap()
    });
    assert!(wrong.is_empty(), "{wrong:?} of {packets} packets between\n{one}\nand\n{other}");
    tally.packets += packets;
    for (one, other) in fates[0].iter().zip(&fates[1]) {
        match (one, other) {
            (true, true) => tally.accepted_by_both += 1,
            (false, false) => tally.accepted_by_neither += 1,
            _ => tally.changing += 1,
        }
    }
}

#[test]
fn pairs_of_rulesets_change_without_a_wrong_packet() {
    in_namespace("swap::pairs_of_rulesets_change_without_a_wrong_packet", || {
        let pairs = if std::env::var_os("RINGWALL_FULL").is_some() { PAIRS.1 } else { PAIRS.0 };
        let wire = Wire::open();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut tally = Tally::default();
        let mut draw = || plan().new_tree(&mut runner).unwrap().current();
        for number in 0..pairs {
            let rulesets = [ruleset(&draw(), &[10, 1, 0, 0]), ruleset(&draw(), &[10, 2, 0, 0])];
            apply(&rulesets[0]).unwrap();
            load(&format!("add element inet ringwall seen {{ 192.0.2.{} timeout 30m }}\n", number % 250 + 1));
            swap_under_traffic(&wire, &rulesets[0], &rulesets[1], &mut tally);
            let listed = list();
            assert!(listed.contains(&format!("192.0.2.{} timeout 30m expires 29m", number % 250 + 1)), "{listed}");
        }
        eprintln!("{pairs} pairs: {tally:?}");
        assert!(tally.accepted_by_both > pairs && tally.accepted_by_neither > pairs && tally.changing > pairs);
    });
}
