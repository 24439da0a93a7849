// SPDX-License-Identifier: GPL-3.0-or-later
//! What packets change in a ruleset, on the virtual clock. The kernel has no such clock; what it decides without one is
//! held against it elsewhere.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ringwall_ir::words::{ChainPolicy, Hook, TableFamily, TcpFlags};
use ringwall_ir::{
    ConnLimit, Datatype, Element, Elements, Field, IntervalSet, KeyType, Limit, Match, Meter, Milliseconds, Object,
    ObjectBody, ObjectKind, ObjectRef, OriginId, Per, Quota, Rule, Set, SetFlags, SetOperation, SetSpec, SetUpdate,
    Statement, Step, Table, TableParts, Tuple, Values, Verdict,
};

use super::*;
use crate::conntrack::Style;
use crate::engine::Machine;
use crate::host::Host;
use crate::observation::{Fate, Observation};
use crate::packet::build::{Build, Segment};
use crate::traffic::{Entry, Sender, TimedPacket};

const RULE: OriginId = OriginId(1);

/// A ruleset whose only chain is bound to hook input.
fn ruleset(rules: Vec<(Vec<Step>, Option<Verdict>)>, parts: TableParts) -> Ruleset {
    let base = BaseChain::filter(Hook::Input, Priority::FILTER, ChainPolicy::Accept, OriginId(0));
    let mut chain = Chain::base("input", base).unwrap();
    for (steps, verdict) in rules {
        chain.add(Rule::new(RULE, steps, verdict).unwrap()).unwrap();
    }
    let parts = TableParts { chains: vec![chain], ..parts };
    let tables = vec![Table::new(TableFamily::Inet, "t", parts).unwrap()];
    Ruleset { tables, ..Ruleset::default() }
}

fn host() -> Host {
    Host::with_addresses(&["10.0.0.1/24".parse().unwrap()])
}

fn arrives(millis: u64, bytes: Vec<u8>) -> TimedPacket {
    let at = Duration::from_millis(millis);
    TimedPacket { at, entry: Entry::Arrives("eth0".to_owned()), bytes, refused: false, sender: Sender::default() }
}

/// A datagram of 128 bytes from a port of a host to the host.
fn datagram(source: &str, port: u16) -> Vec<u8> {
    Build::between(source.parse().unwrap(), "10.0.0.1".parse().unwrap()).udp(port, 53, &[0; 100])
}

fn dropped(seen: &Observation) -> bool {
    seen.fate == Some(Fate::Drop) && seen.origin == Some(RULE)
}

/// Which of the packets the rule drops, that come at these milliseconds from these sources.
fn drops(ruleset: &Ruleset, packets: &[(u64, &str)]) -> Vec<bool> {
    let mut machine = Machine::new(&host(), Interpreter::new(ruleset));
    let one = |&(at, source): &(u64, &str)| dropped(&machine.run_packet(&arrives(at, datagram(source, 9))));
    packets.iter().map(one).collect()
}

fn sources(spec: SetSpec, elements: Elements) -> TableParts {
    TableParts { sets: vec![Set::new("seen", spec, elements, RULE).unwrap()], ..TableParts::default() }
}

fn timed(flags: SetFlags, timeout: u64) -> SetSpec {
    SetSpec {
        flags: SetFlags { timeout: true, ..flags },
        timeout: Some(Milliseconds(timeout)),
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    }
}

const DYNAMIC: SetFlags = SetFlags { constant: false, dynamic: true, interval: false, timeout: false };

fn is_seen(negated: bool) -> Step {
    let values = Values::Set("seen".to_owned());
    Match::In { selector: Field::IpSaddr.into(), values, negated }.into()
}

fn update(operation: SetOperation, timeout: Option<u64>, meters: Vec<Meter>) -> Step {
    let update = SetUpdate {
        operation,
        set: "seen".to_owned(),
        key: vec![Field::IpSaddr.into()],
        data: None,
        timeout: timeout.map(Milliseconds),
        meters,
    };
    Statement::SetUpdate(Box::new(update)).into()
}

fn drop_rule(steps: Vec<Step>) -> (Vec<Step>, Option<Verdict>) {
    (steps, Some(Verdict::Drop))
}

/// Drops whoever is in the set, then does something with the set.
fn seen_then(step: Step, spec: SetSpec) -> Ruleset {
    ruleset(vec![drop_rule(vec![is_seen(false)]), (vec![step], None)], sources(spec, Elements::NONE))
}

const ONE: &str = "10.0.0.8";
const OTHER: &str = "10.0.0.9";

#[test]
fn an_added_element_ends_after_its_time() {
    let ruleset = seen_then(update(SetOperation::Add, None, Vec::new()), timed(DYNAMIC, 1000));
    let seen = drops(&ruleset, &[(0, ONE), (1, OTHER), (999, ONE), (1000, ONE), (1001, OTHER), (1999, ONE)]);
    assert_eq!(seen, [false, false, true, false, false, true]);
}

#[test]
fn a_statement_has_a_time_of_its_own() {
    let ruleset = seen_then(update(SetOperation::Add, Some(3000), Vec::new()), timed(DYNAMIC, 1000));
    assert_eq!(drops(&ruleset, &[(0, ONE), (2999, ONE), (3000, ONE)]), [false, true, false]);
}

#[test]
fn only_an_update_prolongs_the_time() {
    for (operation, third) in [(SetOperation::Add, false), (SetOperation::Update, true)] {
        let rules = vec![(vec![update(operation, None, Vec::new())], None), drop_rule(vec![is_seen(false), late()])];
        let ruleset = ruleset(rules, sources(timed(DYNAMIC, 1000), Elements::NONE));
        // The second packet is the one that prolongs; the third looks without touching.
        let looks = drops(&ruleset, &[(0, ONE), (800, ONE)]);
        assert_eq!(looks, [true, true]);
        let mut machine = Machine::new(&host(), Interpreter::new(&ruleset));
        for at in [0, 800] {
            machine.run_packet(&arrives(at, datagram(ONE, 9)));
        }
        let alive = machine.ruling().state.clone();
        assert_eq!(has_member(alive, 0x0a00_0008, 1500), third);
    }
}

/// A step that lets everything on.
fn late() -> Step {
    Match::within(Field::MetaLength, Values::Inline(IntervalSet::range(1, 65_535))).into()
}

fn has_member(mut state: State<'_>, key: u128, millis: u64) -> bool {
    state.set(0, "seen").unwrap().member(&[key], Duration::from_millis(millis)).is_some()
}

#[test]
fn a_deleted_element_is_gone() {
    let rules = vec![(vec![is_seen(false), update(SetOperation::Delete, None, Vec::new())], Some(Verdict::Drop))];
    let list = vec![Element::of(Tuple::of(&[0x0a00_0008]), RULE)];
    let spec = SetSpec { flags: DYNAMIC, ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)]) };
    let ruleset = ruleset(rules, sources(spec, Elements::List(list)));
    assert_eq!(drops(&ruleset, &[(0, ONE), (0, ONE), (0, OTHER)]), [true, false, false]);
}

#[test]
fn a_full_set_makes_packets_leave_the_rule() {
    let spec = SetSpec { size: Some(1), ..timed(DYNAMIC, 1000) };
    let rules = vec![drop_rule(vec![update(SetOperation::Add, None, Vec::new())])];
    let ruleset = ruleset(rules, sources(spec, Elements::NONE));
    let seen = drops(&ruleset, &[(0, ONE), (0, OTHER), (0, ONE), (1000, OTHER), (1000, ONE)]);
    assert_eq!(seen, [true, false, true, true, false]);
}

#[test]
fn elements_that_are_there_from_the_start_end_too() {
    let list = vec![
        Element { expires: Some(Milliseconds(500)), ..Element::of(Tuple::of(&[0x0a00_0008]), RULE) },
        Element { timeout: Some(Milliseconds(0)), ..Element::of(Tuple::of(&[0x0a00_0009]), RULE) },
    ];
    let rules = vec![drop_rule(vec![is_seen(false)])];
    let ruleset = ruleset(rules, sources(timed(SetFlags::default(), 1000), Elements::List(list)));
    let seen = drops(&ruleset, &[(499, ONE), (500, ONE), (5000, OTHER)]);
    assert_eq!(seen, [true, false, true]);
}

fn per_second(count: u32, over: bool) -> Limit {
    let count = NonZeroU32::new(count).unwrap();
    Limit { over, ..Limit::packets(count, Per::Second, count) }
}

#[test]
fn each_element_has_a_limit_of_its_own() {
    let meter = Meter::Limit(per_second(1, true));
    let rules = vec![drop_rule(vec![update(SetOperation::Add, None, vec![meter])])];
    let spec = SetSpec { flags: DYNAMIC, ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)]) };
    let ruleset = ruleset(rules, sources(spec, Elements::NONE));
    let seen = drops(&ruleset, &[(0, ONE), (0, OTHER), (1, ONE), (1, OTHER), (1000, ONE), (1001, OTHER)]);
    assert_eq!(seen, [false, false, true, true, false, false]);
}

#[test]
fn a_set_gives_its_elements_their_meters() {
    let quota = Quota { bytes: 200, used: 0, over: true };
    let spec = SetSpec {
        flags: DYNAMIC,
        meters: vec![Meter::Quota(quota)],
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)])
    };
    let list = vec![Element::of(Tuple::of(&[0x0a00_0008]), RULE)];
    let ruleset = ruleset(vec![drop_rule(vec![is_seen(false)])], sources(spec, Elements::List(list)));
    assert_eq!(drops(&ruleset, &[(0, ONE), (0, ONE), (0, OTHER)]), [false, true, false]);
}

#[test]
fn a_quota_is_used_up_by_bytes() {
    for (over, expected) in [(false, [true, true, false]), (true, [false, false, true])] {
        let quota = Quota { bytes: 256, used: 0, over };
        let ruleset = ruleset(vec![drop_rule(vec![Match::Quota(quota).into()])], TableParts::default());
        assert_eq!(drops(&ruleset, &[(0, ONE), (0, ONE), (0, ONE)]), expected);
    }
}

#[test]
fn a_limit_of_bytes_takes_their_price() {
    let rate = NonZeroU64::new(128).unwrap();
    let unit = ringwall_ir::LimitUnit::Bytes;
    let limit = Limit { amount: rate, per: Per::Second, unit, burst: 0, over: true };
    let ruleset = ruleset(vec![drop_rule(vec![Match::Limit(limit).into()])], TableParts::default());
    assert_eq!(drops(&ruleset, &[(0, ONE), (999, ONE), (1000, ONE)]), [false, true, false]);
}

#[test]
fn rules_that_name_an_object_share_it() {
    let test = || Match::Object { kind: ObjectKind::Limit, object: ObjectRef::Named("few".to_owned()) }.into();
    let objects = vec![Object::new("few", ObjectBody::Limit(per_second(2, true)), RULE).unwrap()];
    let parts = TableParts { objects, ..TableParts::default() };
    let ruleset = ruleset(vec![drop_rule(vec![test()]), drop_rule(vec![test()])], parts);
    // The first packet takes both tokens.
    assert_eq!(drops(&ruleset, &[(0, ONE), (0, ONE), (500, ONE)]), [false, true, true]);
}

#[test]
fn a_test_that_is_written_twice_counts_for_each() {
    let test = || Match::Limit(per_second(1, true)).into();
    let ruleset = ruleset(vec![drop_rule(vec![test()]), drop_rule(vec![test()])], TableParts::default());
    assert_eq!(drops(&ruleset, &[(0, ONE), (0, ONE)]), [false, true]);
}

#[test]
fn conversations_that_are_over_do_not_count() {
    let count = Match::ConnLimit(ConnLimit { count: 1, over: true });
    let ruleset = ruleset(vec![drop_rule(vec![count.into()])], TableParts::default());
    let mut machine = Machine::new(&host(), Interpreter::new(&ruleset));
    let syn = |port, millis| {
        let build = Build::between(ONE.parse().unwrap(), "10.0.0.1".parse().unwrap());
        let segment = Segment { source_port: port, destination_port: 22, flags: TcpFlags::SYN, ..Segment::default() };
        arrives(millis, build.tcp(&segment))
    };
    assert!(!dropped(&machine.run_packet(&syn(1, 0))));
    assert!(dropped(&machine.run_packet(&syn(2, 0))), "the first is open");
    assert!(!dropped(&machine.run_packet(&syn(1, 0))), "it is counted once");
    let lines = machine.conntrack().lines(Style::NfConntrack, Duration::ZERO);
    assert_eq!(lines.len(), 1);
    assert!(!dropped(&machine.run_packet(&syn(3, 121_000))), "the first ran out");
}

#[test]
fn numbers_count_up_packet_by_packet() {
    let numgen = Field::Numgen(ringwall_ir::fields::Numgen { random: false, modulus: 3, offset: 10 });
    let rules = vec![drop_rule(vec![Match::within(numgen, Values::one(11)).into()])];
    let ruleset = ruleset(rules, TableParts::default());
    let packets = [(0, ONE), (0, ONE), (0, ONE), (0, ONE), (0, OTHER)];
    assert_eq!(drops(&ruleset, &packets), [false, true, false, false, true]);
}

#[test]
fn what_is_not_run_is_named_as_the_declared_table_says() {
    for row in ringwall_ir::fields::FIELDS {
        let mut chain = Chain::regular("any").unwrap();
        let value = row.datatype.parse_value("a").filter(|_| row.bits == 128).unwrap_or(row.field.max().min(1));
        chain.push(RULE, vec![Match::outside(row.field, Values::one(value)).into()], Some(Verdict::Drop)).unwrap();
        let parts = TableParts { chains: vec![chain], ..TableParts::default() };
        let tables = vec![Table::new(TableFamily::Inet, "t", parts).unwrap()];
        let found = unsupported(&Ruleset { tables, ..Ruleset::default() });
        let found: Vec<_> = found.iter().map(|part| (part.name.as_str(), part.reason.as_str())).collect();
        let expected: Vec<_> = row.cells.machine.reason().map(|reason| (row.name, reason)).into_iter().collect();
        assert_eq!(found, expected);
    }
}
