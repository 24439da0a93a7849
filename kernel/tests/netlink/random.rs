// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets: the same through nft and over netlink, and the same meaning when they come back.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::fields::{FIELDS, Field, Needs};
use ringwall_ir::words::{Family, Hook, Protocol, TableFamily};
use ringwall_ir::{Match, Table, Verdict};
use ringwall_kernel::install::{apply, normal, read_back};

use crate::arbitrary::{field_test, limit, rule, text};
use crate::private::{flush, in_namespace, list, load};
use crate::raw::raw_ruleset;
use crate::rulesets::{Parts, ruleset};

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn random_rules_are_what_nft_loads_and_come_back() {
    in_namespace("random::random_rules_are_what_nft_loads_and_come_back", || {
        runner(60)
            .run(&vec(rule(), 1..30), |rules| {
                let mut through_nft = String::from("table inet ringwall {\nchain forward {\n");
                through_nft.push_str("type filter hook forward priority -10; policy drop;\n");
                for (i, rule) in rules.iter().enumerate() {
                    through_nft.push_str(&format!("{} comment \"s{}\"\n", text(rule), i + 1));
                }
                through_nft.push_str("drop comment \"closing\"\n}\n}\n");
                flush();
                load(&through_nft);
                let (listed, held) = (list(), raw_ruleset());
                flush();
                let ruleset = ruleset(Vec::new(), vec![(Hook::Forward, rules)]);
                apply(&ruleset).unwrap();
                prop_assert_eq!(list(), listed);
                prop_assert_eq!(raw_ruleset(), held);
                let read = read_back(TableFamily::Inet, "ringwall").unwrap().unwrap();
                prop_assert_eq!(vec![read], normal(&ruleset).unwrap());
                Ok(())
            })
            .unwrap();
    });
}

/// The values of the fields that a packet has.
type Packet = BTreeMap<Field, u128>;

fn packet() -> impl Strategy<Value = Packet> {
    let protocols = [Protocol::ICMP, Protocol::ICMPV6, Protocol::SCTP, Protocol::TCP, Protocol::UDP, Protocol(47)];
    let family = proptest::sample::select(Family::ALL.to_vec());
    (family, proptest::sample::select(protocols.to_vec()), any::<[u128; 32]>()).prop_map(|(family, protocol, noise)| {
        let has = |needs: Needs| match needs {
            Needs::Nothing => true,
            Needs::Family(wanted) => wanted == family,
            Needs::Protocol(Protocol::ICMP) => (protocol, family) == (Protocol::ICMP, Family::Ipv4),
            Needs::Protocol(Protocol::ICMPV6) => (protocol, family) == (Protocol::ICMPV6, Family::Ipv6),
            Needs::Protocol(wanted) => wanted == protocol,
        };
        let value = |field: Field, noise: u128| match field {
            Field::Nfproto => family.number().into(),
            Field::L4proto => protocol.0.into(),
            Field::CtState => 1 << (noise % 7),
            Field::Iifname | Field::Oifname => {
                u128::from_be_bytes(*b"wlan0\0\0\0\0\0\0\0\0\0\0\0") << ((noise % 2) * 8)
            }
            // Small numbers, so that tests are now and then passed.
            _ => noise % (field.max().min(if noise.is_multiple_of(3) { 300 } else { u128::MAX - 1 }) + 1),
        };
        let rows = FIELDS.iter().filter(|row| has(row.needs)).zip(noise);
        rows.map(|(row, noise)| (row.field, value(row.field, noise))).collect()
    })
}

/// Whether the packet passes the tests before each limit, and those after the last.
fn passes(table: &Table, packet: &Packet, matches: &[Match]) -> Vec<bool> {
    matches
        .split(|test| matches!(test, Match::Limit(_)))
        .map(|run| run.iter().all(|test| holds(table, packet, test)))
        .collect()
}

fn family(packet: &Packet) -> Family {
    if packet[&Field::Nfproto] == u128::from(Family::Ipv4.number()) { Family::Ipv4 } else { Family::Ipv6 }
}

fn holds(table: &Table, packet: &Packet, test: &Match) -> bool {
    let Some(value) = test.field().and_then(|field| packet.get(&field)).copied() else { return false };
    match test {
        Match::AnyOf { bits, .. } => value & u128::from(*bits) != 0,
        Match::Masked { mask, value: wanted, .. } => value & u128::from(*mask) == u128::from(*wanted),
        Match::In { values, negated, .. } => table.values(values).contains(value) != *negated,
        Match::Interface { names, negated, .. } => {
            let bytes = value.to_be_bytes();
            let name = String::from_utf8_lossy(&bytes);
            names.iter().any(|pattern| pattern.matches(name.trim_end_matches('\0'))) != *negated
        }
        Match::Limit(_) => true,
    }
}

/// Any order of tests and limits, and tests of family and protocol beside all others, which nft would not keep.
fn shuffled() -> impl Strategy<Value = Parts> {
    let guards = (proptest::option::of(field_test(Field::Nfproto)), proptest::option::of(field_test(Field::L4proto)));
    (rule(), guards, vec(limit(), 0..3)).prop_flat_map(|((mut matches, statements, verdict), guards, limits)| {
        matches.extend(limits);
        matches.extend(guards.0);
        matches.extend(guards.1);
        Just(matches).prop_shuffle().prop_map(move |matches| (matches, statements.clone(), verdict))
    })
}

#[test]
fn the_normal_form_means_the_same() {
    let passed = std::cell::Cell::new(0);
    runner(3000)
        .run(&(shuffled(), vec(packet(), 40)), |(parts, packets)| {
            let ruleset = ruleset(Vec::new(), vec![(Hook::Forward, vec![parts])]);
            let normal = normal(&ruleset).unwrap().remove(0);
            let (ours, theirs) = (&ruleset.tables[0], &normal.tables[0]);
            let (rule, read) = (&ours.chains()[0].rules()[0], &theirs.chains()[0].rules()[0]);
            prop_assert_eq!(rule.statements(), read.statements());
            prop_assert_eq!(rule.verdict(), read.verdict());
            let limits = |matches: &[Match]| {
                matches.iter().filter(|test| matches!(test, Match::Limit(_))).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(limits(rule.matches()), limits(read.matches()));
            let refusable = |packet: &Packet| match rule.verdict() {
                Some(Verdict::Reject(refusal)) => {
                    family(packet) == Family::Ipv4 || refusal.icmp_code(Family::Ipv6).is_some()
                }
                _ => true,
            };
            for packet in packets.iter().filter(|packet| refusable(packet)) {
                let before = passes(ours, packet, rule.matches());
                passed.set(passed.get() + usize::from(before.iter().all(|run| *run)));
                // What a packet does not pass before a limit it need not pass behind it either.
                let reached = before.iter().position(|run| !run).map_or(before.len(), |last| last + 1);
                let after = passes(theirs, packet, read.matches());
                prop_assert_eq!(&before[..reached], &after[..reached]);
            }
            Ok(())
        })
        .unwrap();
    assert!(passed.get() > 1000, "only {} packets passed a rule", passed.get());
}

#[test]
fn the_normal_form_is_its_own() {
    runner(1000)
        .run(&vec(shuffled(), 1..5), |rules| {
            let first = normal(&ruleset(Vec::new(), vec![(Hook::Forward, rules)])).unwrap().remove(0);
            let second = normal(&first).unwrap().remove(0);
            prop_assert_eq!(first, second);
            Ok(())
        })
        .unwrap();
}
