// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rules over all fields, and the text that nft 1.0.6 takes for each.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use ringwall_ir::fields::{FIELDS, Field, Kind, Needs};
use ringwall_ir::words::{CtStates, Family, LogLevel, Protocol, Refusal, TcpFlags};
use ringwall_ir::{InterfacePattern, IntervalSet, Limit, Log, LogTarget, Match, Per, Statement, Values, Verdict};

use crate::rulesets::Parts;

/// The packets that a rule is about. nft refuses a rule whose tests contradict each other.
#[derive(Clone, Copy, Debug)]
struct About {
    family: Option<Family>,
    protocol: Option<Protocol>,
}

impl About {
    /// Whether such packets may have a field.
    fn may_have(self, needs: Needs) -> bool {
        let family = |wanted| self.family == Some(wanted);
        match needs {
            Needs::Nothing => true,
            Needs::Family(wanted) => family(wanted),
            Needs::Protocol(Protocol::ICMP) => self.protocol == Some(Protocol::ICMP) && family(Family::Ipv4),
            Needs::Protocol(Protocol::ICMPV6) => self.protocol == Some(Protocol::ICMPV6) && family(Family::Ipv6),
            Needs::Protocol(wanted) => self.protocol == Some(wanted),
        }
    }
}

fn about() -> impl Strategy<Value = About> {
    let protocols = [Protocol::ICMP, Protocol::ICMPV6, Protocol::SCTP, Protocol::TCP, Protocol::UDP];
    let family = select(vec![None, Some(Family::Ipv4), Some(Family::Ipv6)]);
    let protocol = prop_oneof![1 => Just(None), 5 => select(protocols.to_vec()).prop_map(Some)];
    (family, protocol).prop_map(|(family, protocol)| About { family, protocol })
}

/// A rule as nft keeps it: limits behind tests, and tests of family and protocol not beside fields that need them.
pub fn rule() -> impl Strategy<Value = Parts> {
    about().prop_flat_map(|about| {
        let limits = vec(limit(), 0..2);
        (tests(about), limits, vec(log(), 0..2), verdict(about)).prop_map(|(mut matches, limits, logs, verdict)| {
            matches.extend(limits);
            let demands_tcp = matches
                .iter()
                .any(|test| test.field().is_some_and(|field| field.row().needs == Needs::Protocol(Protocol::TCP)));
            let tests_family = matches.iter().any(|test| test.field() == Some(Field::Nfproto));
            let verdict = match verdict {
                Some(Verdict::Reject(Refusal::TcpReset)) if !demands_tcp => Verdict::Drop,
                Some(Verdict::Reject(_)) if tests_family => Verdict::Drop,
                Some(verdict) => verdict,
                None if logs.is_empty() => Verdict::Accept,
                None => return (matches, logs, None),
            };
            (matches, logs, Some(verdict))
        })
    })
}

fn tests(about: About) -> impl Strategy<Value = Vec<Match>> {
    let fields: Vec<_> = FIELDS.iter().filter(|row| about.may_have(row.needs)).map(|row| row.field).collect();
    let most = fields.len().min(5);
    let negated = |test: &Match| matches!(test, Match::In { negated: true, .. });
    // Not more than one test is negated: nft 1.0.6 joins `tcp sport != 1 tcp dport != 2` to the wrong meaning.
    subsequence(fields, 0..=most)
        .prop_map(without_implied)
        .prop_shuffle()
        .prop_flat_map(|fields| fields.into_iter().map(field_test).collect::<Vec<_>>())
        .prop_filter("one negated", move |tests| tests.iter().filter(|test| negated(test)).count() < 2)
}

/// Family and protocol are tested on their own: beside fields that need them, nft has its own mind about them.
fn without_implied(mut fields: Vec<Field>) -> Vec<Field> {
    if fields.iter().any(|field| field.row().needs != Needs::Nothing) {
        fields.retain(|field| !matches!(field, Field::L4proto | Field::Nfproto));
    }
    fields
}

/// A test of the field.
pub fn field_test(field: Field) -> BoxedStrategy<Match> {
    let max = field.max();
    match field.row().kind {
        Kind::Bits => bits(field),
        Kind::InterfaceName => {
            (subsequence(vec!["lo", "eth0", "wlan*", "br-lan.7", "veth*"], 1..4).prop_shuffle(), any::<bool>())
                .prop_map(move |(names, negated)| {
                    let names = names.into_iter().map(|name| InterfacePattern::new(name).unwrap()).collect();
                    Match::Interface { field, names, negated }
                })
                .boxed()
        }
        Kind::Family => (select(vec![2u128, 10]), any::<bool>())
            .prop_map(move |(value, negated)| inline(field, IntervalSet::one(value), negated))
            .boxed(),
        _ => (values(field), any::<bool>())
            .prop_filter("neither nothing nor all", move |(set, _)| {
                !set.is_empty() && !set.contains_all(&IntervalSet::range(0, max))
            })
            .prop_map(move |(set, negated)| inline(field, set, negated))
            .boxed(),
    }
}

fn inline(field: Field, set: IntervalSet, negated: bool) -> Match {
    Match::In { field, values: Values::Inline(set), negated }
}

/// Single numbers, ranges, prefixes, and the ends of what the field can hold.
fn values(field: Field) -> impl Strategy<Value = IntervalSet> {
    let (max, bits) = (field.max(), field.row().bits);
    let number = prop_oneof![Just(0), Just(max), (0..=max.min(300)), (0..=max)];
    let interval = prop_oneof![
        number.clone().prop_map(IntervalSet::one),
        (number.clone(), number.clone()).prop_map(|(a, b)| IntervalSet::range(a.min(b), a.max(b))),
        (number, 1..=bits).prop_map(move |(value, length)| IntervalSet::prefix(value, length, bits)),
    ];
    prop_oneof![2 => interval.clone().boxed(), 1 => vec(interval, 1..4).prop_map(|sets| {
        sets.iter().fold(IntervalSet::EMPTY, |all, set| all.union(set))
    }).boxed()]
}

fn bits(field: Field) -> BoxedStrategy<Match> {
    let all = if field == Field::CtState { u32::from(CtStates::ALL.bits()) } else { 0xff };
    let some = (1..=all).prop_map(move |bits| bits & all).prop_filter("some", |bits| *bits != 0);
    let any_of = some.clone().prop_map(move |bits| Match::AnyOf { field, bits });
    let masked = (some, 0..=all).prop_map(move |(mask, value)| Match::Masked { field, mask, value: mask & value });
    if field == Field::TcpFlags { prop_oneof![any_of, masked].boxed() } else { any_of.boxed() }
}

/// A limit that the kernel can count.
pub fn limit() -> impl Strategy<Value = Match> {
    let number = || (1u32..1000).prop_map(|number| NonZeroU32::new(number).unwrap());
    let per = select(vec![Per::Second, Per::Minute, Per::Hour, Per::Day]);
    (number(), per, number()).prop_map(|(amount, per, burst)| Match::Limit(Limit { amount, per, burst }))
}

fn log() -> impl Strategy<Value = Statement> {
    let target = prop_oneof![
        any::<u16>().prop_map(LogTarget::Group),
        select(LogLevel::ALL.to_vec()).prop_map(LogTarget::Kernel),
    ];
    (proptest::option::of("[a-zA-Z0-9 :._-]{1,127}"), target)
        .prop_map(|(prefix, target)| Statement::Log(Log { prefix, target }))
}

fn verdict(about: About) -> impl Strategy<Value = Option<Verdict>> {
    let refusals: Vec<_> = Refusal::ALL
        .into_iter()
        .filter(|refusal| about.family != Some(Family::Ipv6) || refusal.icmp_code(Family::Ipv6).is_some())
        .filter(|refusal| about.protocol != Some(Protocol::ICMPV6) || refusal.icmp_code(Family::Ipv6).is_some())
        .chain([Refusal::TcpReset])
        .filter(|refusal| *refusal != Refusal::TcpReset || about.protocol == Some(Protocol::TCP))
        .collect();
    prop_oneof![
        Just(None),
        Just(Some(Verdict::Accept)),
        Just(Some(Verdict::Drop)),
        select(refusals).prop_map(|refusal| Some(Verdict::Reject(refusal))),
    ]
}

/// The rule in nft's words, numbers as numbers.
pub fn text((matches, statements, verdict): &Parts) -> String {
    let mut words: Vec<String> = matches.iter().map(matched).collect();
    words.extend(statements.iter().map(|Statement::Log(log)| logged(log)));
    words.extend(verdict.map(|verdict| match verdict {
        Verdict::Accept => "accept".to_owned(),
        Verdict::Drop => "drop".to_owned(),
        Verdict::Reject(refusal) => format!("reject with {}", refused(refusal)),
    }));
    words.join(" ")
}

fn matched(test: &Match) -> String {
    let not = |negated: bool| if negated { "!= " } else { "" };
    match test {
        Match::AnyOf { field: Field::CtState, bits } => {
            format!("ct state {}", CtStates::from_bits(*bits as u8).unwrap())
        }
        Match::AnyOf { field, bits } => format!("{field} {}", flags(*bits, ",")),
        Match::Masked { field, mask, value } => {
            format!("{field} & ({}) == {value}", flags(*mask, "|"))
        }
        Match::In { field, values: Values::Inline(set), negated } => {
            let items: Vec<_> = field.elements(set).into_iter().map(|ends| interval(*field, ends)).collect();
            format!("{field} {}{}", not(*negated), braced(&items))
        }
        Match::In { field, values: Values::Set(name), negated } => format!("{field} {}@{name}", not(*negated)),
        Match::Interface { field, names, negated } => {
            let names: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            format!("{field} {}{}", not(*negated), braced(&names))
        }
        Match::Limit(Limit { amount, per, burst }) => {
            format!("limit rate {amount}/{} burst {burst} packets", per.name())
        }
    }
}

fn flags(bits: u32, between: &str) -> String {
    TcpFlags(bits as u8).names().collect::<Vec<_>>().join(between)
}

fn braced(items: &[String]) -> String {
    match items {
        [only] => only.clone(),
        _ => format!("{{ {} }}", items.join(", ")),
    }
}

fn interval(field: Field, (first, last): (u128, u128)) -> String {
    let kind = field.row().kind;
    let one = |number: u128| match kind {
        Kind::Address(Family::Ipv4) => Ipv4Addr::from_bits(number as u32).to_string(),
        Kind::Address(Family::Ipv6) => Ipv6Addr::from_bits(number).to_string(),
        Kind::Family if number == 2 => "ipv4".to_owned(),
        Kind::Family => "ipv6".to_owned(),
        _ => number.to_string(),
    };
    let prefixes = IntervalSet::range(first, last).prefixes(field.row().bits);
    match (kind, prefixes.as_slice()) {
        _ if first == last => one(first),
        (Kind::Address(_), [(value, length)]) => format!("{}/{length}", one(*value)),
        _ => format!("{}-{}", one(first), one(last)),
    }
}

fn logged(log: &Log) -> String {
    let mut words = String::from("log");
    if let Some(prefix) = &log.prefix {
        write!(words, " prefix \"{prefix}\"").unwrap();
    }
    match log.target {
        LogTarget::Group(group) => write!(words, " group {group}").unwrap(),
        LogTarget::Kernel(level) => write!(words, " level {}", level.name()).unwrap(),
    }
    words
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::TcpReset => "tcp reset",
        Refusal::PortUnreachable => "icmpx port-unreachable",
        Refusal::HostUnreachable => "icmpx host-unreachable",
        Refusal::NetUnreachable => "icmpx no-route",
        Refusal::AdminProhibited => "icmpx admin-prohibited",
        Refusal::ProtocolUnreachable => "icmp prot-unreachable",
        Refusal::NetProhibited => "icmp net-prohibited",
        Refusal::HostProhibited => "icmp host-prohibited",
    }
}
