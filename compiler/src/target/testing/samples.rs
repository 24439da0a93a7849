// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row of the table of fields, statements and verdicts as it can stand in a rule.

use std::num::NonZeroU32;

use ringwall_ir::fields::{FieldRow, Kind, Word};
use ringwall_ir::words::{CtState, CtStates, Family, LogLevel, Protocol, Refusal, TcpFlags};
use ringwall_ir::{
    Field, InterfacePattern, IntervalSet, Limit, Log, LogTarget, Match, Per, Statement, Values, Verdict,
};

use super::Parts;

/// Rules that test a field: each form that it takes, a code beside its type.
pub fn rules_of_field(row: FieldRow) -> Vec<Parts> {
    let beside = match row.field {
        Field::IcmpCode => Some(Field::IcmpType),
        Field::Icmpv6Code => Some(Field::Icmpv6Type),
        _ => None,
    };
    let beside: Vec<_> = beside.map(|field| inline(field, IntervalSet::range(3, 4))).into_iter().collect();
    let rule = |test| ([beside.clone(), vec![test]].concat(), Vec::new(), Some(Verdict::Accept));
    tests(row).into_iter().map(rule).collect()
}

fn tests(row: FieldRow) -> Vec<Match> {
    let field = row.field;
    match row.kind {
        Kind::Bits => bits(field),
        Kind::InterfaceName => [&["eth0"][..], &["wlan*"], &["eth0", "tun*", "ppp0"], &["fifteen-bytes-x*"]]
            .into_iter()
            .flat_map(|names| [false, true].map(|negated| interface(field, names, negated)))
            .collect(),
        _ => values(row)
            .into_iter()
            .flat_map(|set| {
                [false, true].map(|negated| Match::In { field, values: Values::Inline(set.clone()), negated })
            })
            .chain(named(field))
            .collect(),
    }
}

fn bits(field: Field) -> Vec<Match> {
    let (one, two, all) = match field {
        Field::CtState => {
            (CtState::New.bit(), CtStates::of(&[CtState::New, CtState::Established]).bits(), CtStates::ALL.bits())
        }
        _ => (TcpFlags::SYN.0, TcpFlags::SYN.with(TcpFlags::ACK).0, 0b11_1111),
    };
    let (one, two, all) = (u32::from(one), u32::from(two), u32::from(all));
    let masked = [(one, one), (one, 0), (two, one), (two, 0), (all, one), (all, 0)];
    let any = [one, two, all].map(|bits| Match::AnyOf { field, bits });
    any.into_iter().chain(masked.map(|(mask, value)| Match::Masked { field, mask, value })).collect()
}

/// Single values, ranges, several of them, and both edges.
fn values(row: FieldRow) -> Vec<IntervalSet> {
    let max = row.field.max();
    let base = match row.kind {
        Kind::Address(Family::Ipv4) => 10 << 24,
        Kind::Address(Family::Ipv6) => 0xfd00 << 112,
        Kind::Family => return Family::ALL.map(|family| IntervalSet::one(u128::from(family.number()))).to_vec(),
        _ => 4,
    };
    vec![
        IntervalSet::one(base),
        IntervalSet::range(base, base + 3),
        IntervalSet::range(base + 1, base + 5),
        IntervalSet::from_iter([(base, base), (base + 3, base + 9), (base + 20, base + 20)]),
        (0..20).map(|i| (base + 2 * i, base + 2 * i)).collect(),
        IntervalSet::range(1, base),
        IntervalSet::range(base, max),
        IntervalSet::one(max),
    ]
}

fn named(field: Field) -> Vec<Match> {
    let sets: &[&str] = match field.row().kind {
        Kind::Address(Family::Ipv4) => &["ip4", "none4"],
        Kind::Address(Family::Ipv6) => &["lan6"],
        _ => &[],
    };
    let test =
        |&set: &&str| [false, true].map(|negated| Match::In { field, values: Values::Set(set.to_owned()), negated });
    sets.iter().flat_map(test).collect()
}

/// A test of interfaces.
pub fn interface(field: Field, names: &[&str], negated: bool) -> Match {
    let names = names.iter().map(|name| InterfacePattern::new(name.get(..16).unwrap_or(name)).unwrap()).collect();
    Match::Interface { field, names, negated }
}

/// A test of values written in the rule.
pub fn inline(field: Field, set: IntervalSet) -> Match {
    Match::In { field, values: Values::Inline(set), negated: false }
}

/// IPv4 alone: what a rate that decides must be about, for iptables and ip6tables count apart.
pub fn ipv4() -> Match {
    let number = u128::from(Family::Ipv4.number());
    Match::In { field: Field::Nfproto, values: Values::Inline(IntervalSet::one(number)), negated: false }
}

/// A limit.
pub fn limit(amount: u32, per: Per, burst: u32) -> Match {
    let number = |number| NonZeroU32::new(number).unwrap();
    Match::Limit(Limit { amount: number(amount), per, burst: number(burst) })
}

/// A log.
pub fn log(prefix: &str, target: LogTarget) -> Statement {
    Statement::Log(Log { prefix: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()), target })
}

/// Rules with a statement or verdict.
pub fn rules_of_word(word: Word) -> Vec<Parts> {
    match word {
        Word::Accept => vec![(Vec::new(), Vec::new(), Some(Verdict::Accept))],
        Word::Drop => vec![(Vec::new(), Vec::new(), Some(Verdict::Drop))],
        Word::Limit => {
            [(5, Per::Second, 10), (1, Per::Second, 5), (7, Per::Minute, 1), (10, Per::Hour, 10_000), (1, Per::Day, 2)]
                .map(|(amount, per, burst)| {
                    (vec![ipv4(), limit(amount, per, burst)], Vec::new(), Some(Verdict::Accept))
                })
                .to_vec()
        }
        Word::Log => LogLevel::ALL
            .into_iter()
            .flat_map(|level| {
                ["", "in-drop ", "it's {a} #1; 100% "].map(|prefix| log(prefix, LogTarget::Kernel(level)))
            })
            .map(|log| (Vec::new(), vec![log], None))
            .collect(),
        Word::LogGroup => [0, 5, u16::MAX]
            .map(|group| (Vec::new(), vec![log("refused: ", LogTarget::Group(group))], Some(Verdict::Drop)))
            .to_vec(),
        Word::Reject => Refusal::ALL.into_iter().map(refused).collect(),
    }
}

fn refused(refusal: Refusal) -> Parts {
    let tests = match refusal {
        Refusal::TcpReset => vec![inline(Field::L4proto, IntervalSet::one(u128::from(Protocol::TCP.0)))],
        _ if refusal.icmp_code(Family::Ipv6).is_none() => {
            vec![inline(Field::Nfproto, IntervalSet::one(u128::from(Family::Ipv4.number())))]
        }
        _ => Vec::new(),
    };
    (tests, Vec::new(), Some(Verdict::Reject(refusal)))
}
