// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that are one line, and lines that are apart.

use ringwall_ir::words::{Family, LogLevel, Refusal};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Per, Ruleset, Values, Verdict};

use super::{CONNTRACK, STATE, input, rules, values};
use crate::target::iptables::{read, write};
use crate::target::testing::samples::{accept, inline, interface, limit, log};

/// A rule that is one line is the same rule again.
#[test]
fn a_rule_of_one_line_is_read_as_it_was() {
    let tests = vec![
        values(Field::IpSaddr, &[(10 << 24, (11 << 24) - 1)], false),
        values(Field::IpDaddr, &[(1, 5)], true),
        interface(Field::Iifname, &["eth*"], true),
        values(Field::TcpSport, &[(1024, 65535)], false),
        values(Field::TcpDport, &[(22, 22), (80, 90)], true),
        Match::any_of(Field::TcpFlags, 0b100),
        Match::masked(Field::TcpFlags, 0b1_0111, 0b10),
        Match::any_of(Field::CtState, 8 | 2),
        Match::masked(Field::CtState, 1 | 64, 0),
        values(Field::IpTtl, &[(5, 64)], false),
        limit(5, Per::Second, 10),
    ];
    let ping = vec![values(Field::IcmpType, &[(8, 8)], false), values(Field::IcmpCode, &[(1, 3)], true)];
    let rules = vec![
        accept(tests),
        accept(ping),
        accept(vec![values(Field::IcmpType, &[(0, 0), (8, 9)], true)]),
        accept(vec![values(Field::L4proto, &[(47, 47)], true)]),
        (vec![log("in-drop ", LogTarget::kernel(LogLevel::Info)).into()], None),
        (vec![log("", LogTarget::group(3)).into()], None),
        (vec![values(Field::L4proto, &[(6, 6)], false).into()], Some(Verdict::Reject(Refusal::TcpReset))),
        (Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited))),
    ];
    let mut before = input(rules);
    // A rate of one family alone.
    before.tables[0] = of_ipv4(&before);
    let (after, errors) = read(&write(&before, Family::Ipv4, CONNTRACK).unwrap().text, Family::Ipv4);
    assert_eq!(errors, []);
    let printed = |ruleset: &Ruleset| -> Vec<String> {
        ruleset.tables[0].chains()[0].rules().iter().map(ToString::to_string).collect()
    };
    assert_eq!(printed(&after), printed(&before));
}

fn of_ipv4(ruleset: &Ruleset) -> ringwall_ir::Table {
    let table = ruleset.tables[0].clone();
    let mut parts = table.into_parts();
    parts.sets.retain(|set| !set.name().ends_with('6'));
    ringwall_ir::Table::new(ringwall_ir::words::TableFamily::Ip, "ringwall", parts).unwrap()
}

/// iptables 1.8.9 would merge the two negated ports of one `-m tcp` into one test.
#[test]
fn negated_ports_stay_apart() {
    let ports = vec![values(Field::TcpSport, &[(5, 5)], true), values(Field::TcpDport, &[(22, 22)], true)];
    let written = write(&input(vec![accept(ports)]), Family::Ipv4, STATE).unwrap();
    assert_eq!(rules(&written.text), ["-A INPUT -p tcp -m tcp ! --sport 5 -m tcp ! --dport 22 -j ACCEPT"]);
}

#[test]
fn a_rule_of_the_other_family_gets_no_line() {
    let rules_of = |family: Family| inline(Field::Nfproto, IntervalSet::one(u128::from(family.number())));
    let in_none =
        |negated| Match::In { selector: Field::IpSaddr.into(), values: Values::Set("none4".to_owned()), negated };
    let ruleset = input(vec![
        accept(vec![rules_of(Family::Ipv4)]),
        accept(vec![rules_of(Family::Ipv6)]),
        accept(vec![inline(Field::IcmpType, IntervalSet::one(8))]),
        accept(vec![in_none(false)]),
        accept(vec![in_none(true)]),
    ]);
    let text = |family| write(&ruleset, family, STATE).unwrap().text;
    assert_eq!(
        rules(&text(Family::Ipv4)),
        ["-A INPUT -j ACCEPT", "-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT", "-A INPUT -j ACCEPT"]
    );
    assert_eq!(rules(&text(Family::Ipv6)), ["-A INPUT -j ACCEPT"]);
}
