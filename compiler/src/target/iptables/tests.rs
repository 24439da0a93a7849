// SPDX-License-Identifier: GPL-3.0-or-later
//! Text of iptables-save as iptables itself takes it, and as we read it again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringwall_ir::fields::{Cell, FIELDS, WORDS};
use ringwall_ir::words::{ChainPolicy, Family, Hook, LogLevel, Refusal};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Origin, Per, Ruleset, Table, Values, Verdict};

use super::{CtMatch, Written, read, write};
use crate::target::testing::packet::{Packet, choices};
use crate::target::testing::samples::{self, inline, interface, ipv4, limit, log};
use crate::target::testing::{Kernel, Parts, assert_snapshot, founding, kernel, laptop, ruleset, strategy, without};

fn accept(matches: Vec<Match>) -> Parts {
    (matches, Vec::new(), Some(Verdict::Accept))
}

fn input(rules: Vec<Parts>) -> Ruleset {
    ruleset(vec![(Hook::Input, ChainPolicy::Accept, rules)])
}

fn values(field: Field, intervals: &[(u128, u128)], negated: bool) -> Match {
    Match::In { field, values: Values::Inline(intervals.iter().copied().collect()), negated }
}

/// The `-A` lines.
fn rules(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("-A")).collect()
}

const fn program(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "iptables",
        Family::Ipv6 => "ip6tables",
    }
}

#[test]
fn founding_policy() {
    let text = write(&founding(), Family::Ipv4, CtMatch::State).unwrap().text;
    let bare: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        bare,
        [
            "*filter",
            ":INPUT DROP",
            ":FORWARD ACCEPT",
            ":OUTPUT DROP",
            "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
            "-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT",
            "COMMIT",
        ]
    );
    assert_snapshot("iptables-founding", &text);
}

#[test]
fn laptop_policy() {
    for family in Family::ALL {
        let text = write(&laptop(), family, CtMatch::Conntrack).unwrap().text;
        assert_snapshot(&format!("{}-laptop", program(family)), &text);
    }
}

#[test]
fn every_row_is_written_and_loads_twice() {
    let Some(kernel) = kernel() else { return };
    for row in FIELDS {
        let hook = if row.at(Hook::Input) { Hook::Input } else { Hook::Output };
        check_row(kernel, row.cells.iptables, row.name, hook, samples::rules_of_field(*row));
    }
    for row in WORDS {
        check_row(kernel, row.cells.iptables, row.name, Hook::Input, samples::rules_of_word(row.word));
    }
}

fn check_row(kernel: Kernel, cell: Cell, name: &str, hook: Hook, samples: Vec<Parts>) {
    let all = ruleset(vec![(hook, ChainPolicy::Drop, samples)]);
    let mut lines = 0;
    for family in Family::ALL {
        let written = write(&sayable(all.clone(), family), family, CtMatch::State).unwrap();
        lines += rules(&written.text).len();
        check_load(kernel, family, &written);
    }
    assert_eq!(lines > 1, cell == Cell::Handled, "{name}");
}

/// The text loads twice with the same result, and the kernel has as many rules in each chain as were said.
fn check_load(kernel: Kernel, family: Family, written: &Written) {
    let listed = kernel.iptables(program(family), &[&written.text, &written.text]);
    assert_eq!(listed[0], listed[1]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in rules(&listed[0]) {
        *counts.entry(line.split(' ').nth(1).unwrap()).or_default() += 1;
    }
    for (chain, origins) in &written.chains {
        assert_eq!(counts.get(chain.as_str()).copied().unwrap_or_default(), origins.len(), "{chain}\n{}", written.text);
    }
    assert_eq!(counts.len(), written.chains.iter().filter(|(_, origins)| !origins.is_empty()).count());
}

/// The ruleset without the rules that iptables cannot say.
fn sayable(ruleset: Ruleset, family: Family) -> Ruleset {
    let unsayable = write(&ruleset, family, CtMatch::State).err().unwrap_or_default();
    without(&ruleset, &unsayable.into_iter().map(|each| each.origin).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_loads(ruleset in strategy::rulesets(), v6 in any::<bool>()) {
        let Some(kernel) = kernel() else { return Ok(()) };
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        let written = write(&sayable(ruleset, family), family, CtMatch::Conntrack).unwrap();
        // Random rules can become thousands of lines, which load but slowly.
        prop_assume!(written.text.len() < 400_000);
        check_load(kernel, family, &written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    /// However many lines a rule becomes: together they match what the rule matches.
    #[test]
    fn what_is_written_is_read_with_the_same_meaning(
        parts in strategy::rule(Hook::Forward),
        choices in proptest::collection::vec(choices(), 64),
        v6 in any::<bool>(),
    ) {
        let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
        let ruleset = ruleset(vec![(Hook::Forward, ChainPolicy::Accept, vec![parts])]);
        let Ok(written) = write(&ruleset, family, CtMatch::State) else { return Ok(()) };
        prop_assume!(written.text.len() < 100_000);
        let Some(rule) = ruleset.tables[0].chains()[0].rules().first() else { return Ok(()) };
        let lines: Vec<_> = rules(&written.text).into_iter().map(|line| Line::read(line, family)).collect();
        for choices in &choices {
            let packet = Packet::near(&ruleset.tables[0], rule, family, choices);
            let passes = is_hit(&lines, "FORWARD", &packet);
            prop_assert_eq!(passes, packet.passes(&ruleset.tables[0], rule), "{:?}\n{}", packet, written.text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(words in proptest::collection::vec(word(), 0..24), text in "\\PC{0,80}") {
        let line = words.join(" ");
        for family in Family::ALL {
            let _ = read(&format!("*filter\n:INPUT DROP\n-A INPUT {line}\n{text}\nCOMMIT\n"), family);
            let _ = read(&text, family);
        }
    }
}

/// One line of a text, read on its own: the reader knows no chains but the built-in ones.
struct Line {
    chain: String,
    table: Table,
    target: String,
}

impl Line {
    fn read(line: &str, family: Family) -> Self {
        let (tests, target) = line.split_once(" -j ").unwrap();
        let mut words = tests.splitn(3, ' ').skip(1);
        let (chain, tests) = (words.next().unwrap().to_owned(), words.next().unwrap_or_default());
        let text = format!("*filter\n:FORWARD ACCEPT\n-A FORWARD {tests} -j ACCEPT\nCOMMIT\n");
        let (ruleset, errors) = read(&text, family);
        assert_eq!(errors, [], "{text}");
        let target = target.split(' ').next().unwrap().to_owned();
        Self { chain, table: ruleset.tables.into_iter().next().unwrap(), target }
    }
}

/// Whether a packet comes to a target of the rule.
fn is_hit(lines: &[Line], chain: &str, packet: &Packet) -> bool {
    for line in lines.iter().filter(|line| line.chain == chain) {
        let own = lines.iter().any(|other| other.chain == line.target);
        match line.target.as_str() {
            _ if !packet.passes(&line.table, &line.table.chains()[0].rules()[0]) => {}
            "RETURN" => return false,
            target if own && !is_hit(lines, target, packet) => {}
            _ => return true,
        }
    }
    false
}

/// Words of options, and values that fit some of them.
fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "!",
        "-s",
        "-d",
        "-i",
        "-o",
        "-p",
        "-m",
        "-j",
        "tcp",
        "udp",
        "icmp",
        "state",
        "limit",
        "ttl",
        "comment",
        "iprange",
        "multiport",
        "--dport",
        "--sport",
        "--dports",
        "--tcp-flags",
        "--syn",
        "--icmp-type",
        "--icmpv6-type",
        "--ttl-gt",
        "--ttl-lt",
        "--ttl-eq",
        "--state",
        "--limit",
        "--limit-burst",
        "--comment",
        "--src-range",
        "ACCEPT",
        "REJECT",
        "LOG",
        "--reject-with",
        "--log-prefix",
        "--log-level",
        "NEW",
        "SYN",
        "NONE",
        "255",
        "0",
        "8/0",
        "1:65535",
        ":",
        "10.0.0.0/8",
        "10.0.0.0/33",
        "::/129",
        "0.0.0.0/0.0.0.255",
        "::-::1",
        "eth+",
        "+",
        "5/sec",
        "0/s",
        "4294967295/day",
        "\"",
        "\\",
    ])
}

/// A rule that is one line is the same rule again.
#[test]
fn a_rule_of_one_line_is_read_as_it_was() {
    let bits = |field, bits| Match::AnyOf { field, bits };
    let tests = vec![
        values(Field::IpSaddr, &[(10 << 24, (11 << 24) - 1)], false),
        interface(Field::Iifname, &["eth*"], true),
        values(Field::IpDaddr, &[(1, 5)], true),
        values(Field::TcpSport, &[(1024, 65535)], false),
        values(Field::TcpDport, &[(22, 22), (80, 90)], true),
        Match::Masked { field: Field::TcpFlags, mask: 0b1_0111, value: 0b10 },
        bits(Field::TcpFlags, 0b100),
        values(Field::IpTtl, &[(5, 64)], false),
        bits(Field::CtState, 8 | 2),
        Match::Masked { field: Field::CtState, mask: 1 | 64, value: 0 },
        limit(5, Per::Second, 10),
    ];
    let ping = vec![values(Field::IcmpType, &[(8, 8)], false), values(Field::IcmpCode, &[(1, 3)], true)];
    let rules = vec![
        accept(tests),
        accept(ping),
        accept(vec![values(Field::IcmpType, &[(0, 0), (8, 9)], true)]),
        accept(vec![values(Field::L4proto, &[(47, 47)], true)]),
        (Vec::new(), vec![log("in-drop ", LogTarget::Kernel(LogLevel::Info))], None),
        (Vec::new(), vec![log("", LogTarget::Group(3))], None),
        (vec![values(Field::L4proto, &[(6, 6)], false)], Vec::new(), Some(Verdict::Reject(Refusal::TcpReset))),
        (Vec::new(), Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited))),
    ];
    let before = input(rules);
    let (after, errors) = read(&write(&before, Family::Ipv4, CtMatch::Conntrack).unwrap().text, Family::Ipv4);
    assert_eq!(errors, []);
    let printed = |ruleset: &Ruleset| -> Vec<String> {
        ruleset.tables[0].chains()[0].rules().iter().map(ToString::to_string).collect()
    };
    assert_eq!(printed(&after), printed(&before));
}

/// iptables 1.8.9 would merge the two negated ports of one `-m tcp` into one test.
#[test]
fn negated_ports_stay_apart() {
    let ports = vec![values(Field::TcpSport, &[(5, 5)], true), values(Field::TcpDport, &[(22, 22)], true)];
    let written = write(&input(vec![accept(ports)]), Family::Ipv4, CtMatch::State).unwrap();
    assert_eq!(rules(&written.text), ["-A INPUT -p tcp -m tcp ! --sport 5 -m tcp ! --dport 22 -j ACCEPT"]);
}

/// The meanings that take a chain of their own: several excepted interfaces, and one limit behind several lines.
#[test]
fn own_chains() {
    let tun = interface(Field::Iifname, &["tun0", "wlan*"], true);
    let from = values(Field::IpSaddr, &[(10 << 24, (10 << 24) + 4), (20 << 24, 20 << 24)], false);
    let mut ruleset = input(vec![
        (
            vec![tun.clone(), from.clone(), limit(5, Per::Second, 10)],
            vec![log("a ", LogTarget::default())],
            Some(Verdict::Drop),
        ),
        (vec![from, limit(1, Per::Minute, 5)], vec![log("b ", LogTarget::Group(2))], None),
        (vec![ipv4(), limit(7, Per::Hour, 5)], vec![log("c ", LogTarget::default())], Some(Verdict::Accept)),
        (vec![tun, values(Field::L4proto, &[(6, 6)], false)], Vec::new(), Some(Verdict::Reject(Refusal::TcpReset))),
    ]);
    let long = Origin { id: "a label/much longer than a chain's name".to_owned(), ..ruleset.origins[3].clone() };
    ruleset.origins[3] = long.clone();
    ruleset.origins[4] = long;
    let written = write(&ruleset, Family::Ipv4, CtMatch::State).unwrap();
    let chains: Vec<_> = written.chains.iter().map(|(name, origins)| format!("{name}: {origins:?}")).collect();
    assert_snapshot("iptables-own-chains", &format!("{}\n{}\n", written.text, chains.join("\n")));
    if let Some(kernel) = kernel() {
        check_load(kernel, Family::Ipv4, &written);
    }
}

#[test]
fn what_iptables_cannot_say_is_an_error() {
    let state = |bits| Match::AnyOf { field: Field::CtState, bits };
    let first = |count: u128| (0..count).map(|i| (2 * i, 2 * i)).collect::<Vec<_>>();
    let many = vec![values(Field::IpSaddr, &first(300), false), values(Field::IpDaddr, &first(300), false)];
    let cases: Vec<(Parts, &str)> = vec![
        (accept(vec![Match::AnyOf { field: Field::TcpFlags, bits: 0x40 }]), "iptables has no word for the tcp flags"),
        (accept(vec![state(0x10)]), "no name for the bits 0x10"),
        (accept(vec![Match::Masked { field: Field::CtState, mask: 10, value: 10 }]), "a packet is in one ct state"),
        (accept(vec![inline(Field::IcmpCode, IntervalSet::one(0))]), "iptables tests an icmp code only"),
        (accept(vec![inline(Field::IcmpType, IntervalSet::one(255))]), "iptables takes icmp type 255"),
        (accept(vec![values(Field::L4proto, &[(6, 6), (17, 17)], true)]), "iptables takes protocol 0"),
        (accept(vec![values(Field::L4proto, &[(0, 0)], true)]), "iptables takes protocol 0"),
        (accept(vec![interface(Field::Iifname, &["ppp+"], false)]), "iptables takes the `+`"),
        (accept(vec![limit(3_000, Per::Second, 5)]), "iptables rounds the rate 3000/second"),
        (accept(vec![limit(1, Per::Second, 10_001)]), "the burst 10001 is more than 10000"),
        (accept(vec![limit(1, Per::Second, 5), state(8)]), "a limit before other tests"),
        ((Vec::new(), vec![log(&"x".repeat(30), LogTarget::default())], None), "LOG cuts the log prefix"),
        ((Vec::new(), vec![log(&"x".repeat(64), LogTarget::Group(0))], None), "NFLOG cuts the log prefix"),
        (accept(many), "one rule would become more than 65536 lines"),
    ];
    let (rules, reasons): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let unsayable = write(&input(rules), Family::Ipv4, CtMatch::State).unwrap_err();
    assert_eq!(unsayable.len(), reasons.len(), "{unsayable:#?}");
    for (each, reason) in unsayable.iter().zip(reasons) {
        assert!(each.reason.starts_with(reason), "{} is not {reason}", each.reason);
    }
    let prohibited = (Vec::new(), Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited)));
    let unsayable = write(&input(vec![prohibited]), Family::Ipv6, CtMatch::State).unwrap_err();
    assert_eq!(unsayable[0].to_string(), "ip6tables cannot say this: ipv6 has no host-prohibited");
    let raw = ruleset(vec![(Hook::Prerouting, ChainPolicy::Accept, Vec::new())]);
    assert!(write(&raw, Family::Ipv4, CtMatch::State).unwrap_err()[0].reason.ends_with("no chain at hook prerouting"));
}

#[test]
fn a_rule_of_the_other_family_gets_no_line() {
    let rules_of = |family: Family| inline(Field::Nfproto, IntervalSet::one(u128::from(family.number())));
    let ruleset = input(vec![
        accept(vec![rules_of(Family::Ipv4)]),
        accept(vec![rules_of(Family::Ipv6)]),
        accept(vec![inline(Field::IcmpType, IntervalSet::one(8))]),
        accept(vec![Match::In { field: Field::IpSaddr, values: Values::Set("none4".to_owned()), negated: false }]),
        accept(vec![Match::In { field: Field::IpSaddr, values: Values::Set("none4".to_owned()), negated: true }]),
    ]);
    let text = |family| write(&ruleset, family, CtMatch::State).unwrap().text;
    assert_eq!(
        rules(&text(Family::Ipv4)),
        ["-A INPUT -j ACCEPT", "-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT", "-A INPUT -j ACCEPT"]
    );
    assert_eq!(rules(&text(Family::Ipv6)), ["-A INPUT -j ACCEPT"]);
}
