// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets at random. Most rules keep to one family and protocol, so that a packet could pass them; some do not.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringwall_ir::fields::{FIELDS, FieldRow, Kind, Needs};
use ringwall_ir::words::{ChainPolicy, CtStates, Family, Hook, LogLevel, Protocol, Refusal};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Per, Ruleset, Statement, Values, Verdict};

use super::samples::{interface, limit, log};
use super::{Parts, ruleset};

/// Three chains of up to eight rules each.
pub fn rulesets() -> impl Strategy<Value = Ruleset> {
    let hooks = subsequence(vec![Hook::Input, Hook::Forward, Hook::Output], 1..=3);
    let policy = select(vec![ChainPolicy::Accept, ChainPolicy::Drop]);
    hooks
        .prop_flat_map(move |hooks| {
            hooks.into_iter().map(|hook| (Just(hook), policy.clone(), vec(rule(hook), 0..8))).collect::<Vec<_>>()
        })
        .prop_map(ruleset)
}

/// A rule for a hook, which may be illegal.
pub fn rule(hook: Hook) -> impl Strategy<Value = Parts> {
    let context = (select(Family::ALL.to_vec()), select(protocols()), prop::bool::weighted(0.1));
    context.prop_flat_map(move |(family, protocol, loose)| {
        let fits = |row: &&FieldRow| row.at(hook) && (loose || fits(row.needs, family, protocol));
        let rows: Vec<FieldRow> = FIELDS.iter().filter(fits).copied().collect();
        let most = rows.len().min(5);
        let tests = subsequence(rows, 0..=most)
            .prop_shuffle()
            .prop_flat_map(|rows| rows.into_iter().map(|row| test(row).boxed()).collect::<Vec<_>>());
        (tests, vec(limits(), 0..2), vec(logs(), 0..2), option::of(verdict()))
            .prop_map(|(tests, limits, logs, verdict)| ([tests, limits].concat(), logs, verdict))
    })
}

fn protocols() -> Vec<Protocol> {
    vec![Protocol::TCP, Protocol::UDP, Protocol::SCTP, Protocol::ICMP, Protocol::ICMPV6, Protocol(47)]
}

fn fits(needs: Needs, family: Family, protocol: Protocol) -> bool {
    match needs {
        Needs::Nothing => true,
        Needs::Family(only) => only == family,
        Needs::Protocol(Protocol::ICMP) => protocol == Protocol::ICMP && family == Family::Ipv4,
        Needs::Protocol(Protocol::ICMPV6) => protocol == Protocol::ICMPV6 && family == Family::Ipv6,
        Needs::Protocol(only) => only == protocol,
    }
}

/// A test of a field.
pub fn test(row: FieldRow) -> BoxedStrategy<Match> {
    let field = row.field;
    match row.kind {
        Kind::Bits => {
            let known = if field == Field::CtState { u32::from(CtStates::ALL.bits()) } else { 0xff };
            (any::<u32>(), any::<u32>(), any::<bool>())
                .prop_map(move |(mask, value, exact)| {
                    let mask = mask & known;
                    if exact {
                        Match::Masked { field, mask, value: value & mask }
                    } else {
                        Match::AnyOf { field, bits: mask }
                    }
                })
                .boxed()
        }
        Kind::InterfaceName => {
            let names =
                vec!["lo", "eth0", "eth1", "eth12", "eth*", "eth1*", "wlan*", "ppp+", "it's#1", "fifteen-bytes-x*"];
            (subsequence(names, 1..4), any::<bool>())
                .prop_map(move |(names, negated)| interface(field, &names, negated))
                .boxed()
        }
        _ => {
            (values(row), any::<bool>()).prop_map(move |(values, negated)| Match::In { field, values, negated }).boxed()
        }
    }
}

fn values(row: FieldRow) -> impl Strategy<Value = Values> {
    let named: &[&str] = match row.kind {
        Kind::Address(Family::Ipv4) => &["ip4", "none4"],
        Kind::Address(Family::Ipv6) => &["lan6"],
        _ => &[],
    };
    let set =
        vec(interval(row), 1..5).prop_map(|intervals| Values::Inline(intervals.into_iter().collect::<IntervalSet>()));
    let named: Vec<_> = named.iter().map(|&name| Values::Set(name.to_owned())).collect();
    if named.is_empty() { set.boxed() } else { prop_oneof![4 => set, 1 => select(named)].boxed() }
}

/// Single values, prefixes and ranges, often at an edge.
fn interval(row: FieldRow) -> impl Strategy<Value = (u128, u128)> {
    let max = row.field.max();
    let value = prop_oneof![
        4 => any::<u128>().prop_map(move |value| value & max),
        1 => select(vec![0, 1, max - 1, max, 0xffff_0000_0000 & max, 0xffff_0102_0304 & max, max / 2]),
        1 => select(vec![2, 6, 8, 10, 17, 22, 128]).prop_map(move |value| value & max),
    ];
    (value, 0..=row.bits, 0u8..3).prop_map(move |(value, length, form)| match form {
        0 => (value, value),
        1 => IntervalSet::prefix(value, length, row.bits).intervals().first().copied().unwrap_or_default(),
        _ => (value, value.saturating_add(u128::from(length)).min(max)),
    })
}

fn limits() -> impl Strategy<Value = Match> {
    let amount = prop_oneof![4 => 1..20u32, 1 => 1..=u32::MAX];
    let burst = prop_oneof![4 => 1..20u32, 1 => 1..=u32::MAX];
    (amount, select(vec![Per::Second, Per::Minute, Per::Hour, Per::Day]), burst)
        .prop_map(|(amount, per, burst)| limit(amount, per, burst))
}

fn logs() -> impl Strategy<Value = Statement> {
    let target = prop_oneof![
        any::<u16>().prop_map(LogTarget::Group),
        select(LogLevel::ALL.to_vec()).prop_map(LogTarget::Kernel),
    ];
    ("[ !#-\\[\\]-~]{0,40}", target).prop_map(|(prefix, target)| log(&prefix, target))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        2 => Just(Verdict::Accept),
        1 => Just(Verdict::Drop),
        1 => select(Refusal::ALL.to_vec()).prop_map(Verdict::Reject),
    ]
}
