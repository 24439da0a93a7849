// SPDX-License-Identifier: GPL-3.0-or-later
//! Every field, statement and verdict in every form: installed over netlink and loaded from nft text by hand, the
//! kernel must hold the same bytes, nft must print the same text, and what is read back must be what was installed.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use ringwall_ir::fields::Field;
use ringwall_ir::words::{CtState, Hook, LogLevel, Refusal, TableFamily};
use ringwall_ir::{
    Datatype, InterfacePattern, IntervalSet, Limit, Log, LogTarget, Match, Per, Ruleset, Selector, Set, Statement,
    Step, Values, Verdict,
};
use ringwall_kernel::install::{apply, normal, read_back};

use crate::private::{flush, in_namespace, list, load};
use crate::raw::raw_ruleset;
use crate::rulesets::{Parts, accept, intervals, ruleset, states};

use Field::*;

/// A rule, and the text that means the same to nft.
type Row = (&'static str, Parts);

fn test(field: Field, negated: bool, intervals: &[(u128, u128)]) -> Match {
    let values = Values::Inline(intervals.iter().copied().collect());
    Match::In { selector: Selector::of(field), values, negated }
}

fn one(field: Field, value: u128) -> Match {
    test(field, false, &[(value, value)])
}

fn range(field: Field, first: u128, last: u128) -> Match {
    test(field, false, &[(first, last)])
}

fn not(field: Field, value: u128) -> Match {
    test(field, true, &[(value, value)])
}

fn in_set(field: Field, name: &str, negated: bool) -> Match {
    Match::In { selector: Selector::of(field), values: Values::Set(name.to_owned()), negated }
}

fn interface(field: Field, names: &[&str], negated: bool) -> Match {
    let names: Vec<_> = names.iter().map(|name| InterfacePattern::new(name).unwrap()).collect();
    let values = Values::Inline(InterfacePattern::values(&names));
    Match::In { selector: Selector::of(field), values, negated }
}

fn v4(text: &str) -> u128 {
    text.parse::<Ipv4Addr>().unwrap().to_bits().into()
}

fn v6(text: &str) -> u128 {
    text.parse::<Ipv6Addr>().unwrap().to_bits()
}

fn prefix4(text: &str, length: u8) -> (u128, u128) {
    IntervalSet::prefix(v4(text), length, 32).intervals()[0]
}

fn prefix6(text: &str, length: u8) -> (u128, u128) {
    IntervalSet::prefix(v6(text), length, 128).intervals()[0]
}

fn limit(amount: u32, per: Per, burst: u32) -> Match {
    Match::Limit(Limit::packets(NonZeroU32::new(amount).unwrap(), per, NonZeroU32::new(burst).unwrap()))
}

fn log(prefix: Option<&str>, target: LogTarget) -> Statement {
    Statement::Log(Log { prefix: prefix.map(str::to_owned), target })
}

fn steps(tests: Vec<Match>) -> Vec<Step> {
    tests.into_iter().map(Step::Match).collect()
}

fn reject(matches: Vec<Match>, refusal: Refusal) -> Parts {
    (steps(matches), Some(Verdict::Reject(refusal)))
}

/// Ports and other numbers: one, several, a range, and none of these.
fn numbers() -> Vec<Row> {
    vec![
        ("tcp dport 22 accept", accept(vec![one(TcpDport, 22)])),
        ("tcp dport != 22 accept", accept(vec![not(TcpDport, 22)])),
        ("tcp dport 22-80 accept", accept(vec![range(TcpDport, 22, 80)])),
        ("tcp dport != 22-80 accept", accept(vec![test(TcpDport, true, &[(22, 80)])])),
        ("tcp dport { 22, 80 } accept", accept(vec![test(TcpDport, false, &[(22, 22), (80, 80)])])),
        ("tcp dport != { 22, 80 } accept", accept(vec![test(TcpDport, true, &[(22, 22), (80, 80)])])),
        ("tcp dport { 22, 80-90 } accept", accept(vec![test(TcpDport, false, &[(22, 22), (80, 90)])])),
        (
            "tcp dport { 0-5, 9, 60000-65535 } accept",
            accept(vec![test(TcpDport, false, &[(0, 5), (9, 9), (60000, 65535)])]),
        ),
        ("tcp sport 1024-65535 accept", accept(vec![range(TcpSport, 1024, 65535)])),
        ("udp dport { 53, 67 } accept", accept(vec![test(UdpDport, false, &[(53, 53), (67, 67)])])),
        ("udp sport 68 udp dport 67 accept", accept(vec![one(UdpSport, 68), one(UdpDport, 67)])),
        ("udp dport 67 udp sport 68 accept", accept(vec![one(UdpDport, 67), one(UdpSport, 68)])),
        ("udp sport 68 udp dport 67-68 accept", accept(vec![one(UdpSport, 68), range(UdpDport, 67, 68)])),
        ("sctp dport 5060 accept", accept(vec![one(SctpDport, 5060)])),
        ("sctp sport != 5060 accept", accept(vec![not(SctpSport, 5060)])),
        ("ip ttl 1 accept", accept(vec![one(IpTtl, 1)])),
        ("ip ttl != { 1, 3-5 } accept", accept(vec![test(IpTtl, true, &[(1, 1), (3, 5)])])),
        ("ip6 hoplimit 255 accept", accept(vec![one(Ip6HopLimit, 255)])),
        ("ip6 hoplimit { 1, 255 } accept", accept(vec![test(Ip6HopLimit, false, &[(1, 1), (255, 255)])])),
        ("meta l4proto tcp accept", accept(vec![one(L4proto, 6)])),
        ("meta l4proto != tcp accept", accept(vec![not(L4proto, 6)])),
        ("meta l4proto { tcp, udp } accept", accept(vec![test(L4proto, false, &[(6, 6), (17, 17)])])),
        ("meta l4proto { 6, 100-200 } accept", accept(vec![test(L4proto, false, &[(6, 6), (100, 200)])])),
        ("meta nfproto ipv4 accept", accept(vec![one(Nfproto, 2)])),
        ("meta nfproto != ipv4 accept", accept(vec![not(Nfproto, 2)])),
        ("tcp dport 3 accept", accept(vec![one(L4proto, 6), one(TcpDport, 3)])),
        (
            "tcp dport 3 meta l4proto { tcp, udp } accept",
            accept(vec![one(TcpDport, 3), test(L4proto, false, &[(6, 6), (17, 17)])]),
        ),
        ("meta nfproto != ipv6 ip saddr 10.0.0.1 accept", accept(vec![not(Nfproto, 10), one(IpSaddr, v4("10.0.0.1"))])),
        (
            "meta l4proto icmp meta nfproto ipv4 icmp type 8 accept",
            accept(vec![one(L4proto, 1), one(Nfproto, 2), one(IcmpType, 8)]),
        ),
        ("meta nfproto { ipv4, ipv6 } accept", accept(vec![test(Nfproto, false, &[(2, 2), (10, 10)])])),
        ("meta l4proto { 6, 7, 20-200 } accept", accept(vec![test(L4proto, false, &[(6, 7), (20, 200)])])),
        ("icmp type != 1-255 accept", accept(vec![test(IcmpType, true, &[(1, 255)])])),
    ]
}

fn icmp() -> Vec<Row> {
    vec![
        ("icmp type echo-request accept", accept(vec![one(IcmpType, 8)])),
        ("icmp type != echo-request accept", accept(vec![not(IcmpType, 8)])),
        ("icmp type { echo-reply, echo-request } accept", accept(vec![test(IcmpType, false, &[(0, 0), (8, 8)])])),
        ("icmp type { 3, 4, 5 } accept", accept(vec![range(IcmpType, 3, 5)])),
        ("icmp type 3 icmp code 1 accept", accept(vec![one(IcmpType, 3), one(IcmpCode, 1)])),
        ("icmp code { 1, 3-4 } accept", accept(vec![test(IcmpCode, false, &[(1, 1), (3, 4)])])),
        ("icmpv6 type echo-request accept", accept(vec![one(Icmpv6Type, 128)])),
        (
            "icmpv6 type { nd-router-advert, nd-neighbor-solicit, mld2-listener-report } accept",
            accept(vec![test(Icmpv6Type, false, &[(134, 135), (143, 143)])]),
        ),
        ("icmpv6 code { 1, 3-4 } accept", accept(vec![test(Icmpv6Code, false, &[(1, 1), (3, 4)])])),
        (
            "icmpv6 type nd-redirect ip6 hoplimit 255 icmpv6 code 0 accept",
            accept(vec![one(Icmpv6Type, 137), one(Ip6HopLimit, 255), one(Icmpv6Code, 0)]),
        ),
        ("ip saddr 1.2.3.4 icmp type 8 accept", accept(vec![one(IpSaddr, v4("1.2.3.4")), one(IcmpType, 8)])),
    ]
}

/// Addresses: the length of a prefix decides the form.
fn addresses() -> Vec<Row> {
    vec![
        ("ip saddr 10.0.0.1 accept", accept(vec![one(IpSaddr, v4("10.0.0.1"))])),
        ("ip saddr != 10.0.0.1 accept", accept(vec![not(IpSaddr, v4("10.0.0.1"))])),
        ("ip saddr 0.0.0.0/1 accept", accept(vec![test(IpSaddr, false, &[prefix4("0.0.0.0", 1)])])),
        ("ip saddr 10.0.0.0/8 accept", accept(vec![test(IpSaddr, false, &[prefix4("10.0.0.0", 8)])])),
        ("ip saddr 172.16.0.0/12 accept", accept(vec![test(IpSaddr, false, &[prefix4("172.16.0.0", 12)])])),
        ("ip daddr 192.168.0.0/16 accept", accept(vec![test(IpDaddr, false, &[prefix4("192.168.0.0", 16)])])),
        ("ip daddr != 192.168.1.0/25 accept", accept(vec![test(IpDaddr, true, &[prefix4("192.168.1.0", 25)])])),
        ("ip saddr 10.0.0.1-10.0.0.5 accept", accept(vec![range(IpSaddr, v4("10.0.0.1"), v4("10.0.0.5"))])),
        (
            "ip saddr != 10.0.0.1-10.0.0.5 accept",
            accept(vec![test(IpSaddr, true, &[(v4("10.0.0.1"), v4("10.0.0.5"))])]),
        ),
        (
            "ip saddr { 10.0.0.1, 10.0.0.3 } accept",
            accept(vec![test(IpSaddr, false, &[(v4("10.0.0.1"), v4("10.0.0.1")), (v4("10.0.0.3"), v4("10.0.0.3"))])]),
        ),
        (
            "ip saddr != { 0.0.0.0/8, 10.0.0.3, 224.0.0.0/3 } accept",
            accept(vec![test(
                IpSaddr,
                true,
                &[prefix4("0.0.0.0", 8), (v4("10.0.0.3"), v4("10.0.0.3")), prefix4("224.0.0.0", 3)],
            )]),
        ),
        (
            "ip saddr 10.0.0.1 ip daddr 10.0.0.2 accept",
            accept(vec![one(IpSaddr, v4("10.0.0.1")), one(IpDaddr, v4("10.0.0.2"))]),
        ),
        ("ip saddr @lan4 accept", accept(vec![in_set(IpSaddr, "lan4", false)])),
        ("ip daddr != @lan4 accept", accept(vec![in_set(IpDaddr, "lan4", true)])),
        ("ip6 saddr fe80::1 accept", accept(vec![one(Ip6Saddr, v6("fe80::1"))])),
        ("ip6 saddr fe80::/10 accept", accept(vec![test(Ip6Saddr, false, &[prefix6("fe80::", 10)])])),
        ("ip6 daddr fd00:1::/64 accept", accept(vec![test(Ip6Daddr, false, &[prefix6("fd00:1::", 64)])])),
        ("ip6 daddr != fd00:1::/63 accept", accept(vec![test(Ip6Daddr, true, &[prefix6("fd00:1::", 63)])])),
        ("ip6 saddr fe80::1-fe80::5 accept", accept(vec![range(Ip6Saddr, v6("fe80::1"), v6("fe80::5"))])),
        (
            "ip6 saddr { fe80::/10, ff00::/8 } accept",
            accept(vec![test(Ip6Saddr, false, &[prefix6("fe80::", 10), prefix6("ff00::", 8)])]),
        ),
        ("ip6 saddr @lan6 accept", accept(vec![in_set(Ip6Saddr, "lan6", false)])),
        ("ip6 daddr @none6 accept", accept(vec![in_set(Ip6Daddr, "none6", false)])),
    ]
}

fn bits() -> Vec<Row> {
    let flags = |mask, value| Match::masked(TcpFlags, mask, value);
    vec![
        ("ct state new accept", accept(vec![states(&[CtState::New])])),
        ("ct state new,established accept", accept(vec![states(&[CtState::New, CtState::Established])])),
        (
            "ct state invalid,related,untracked drop",
            (steps(vec![states(&[CtState::Invalid, CtState::Related, CtState::Untracked])]), Some(Verdict::Drop)),
        ),
        ("tcp flags syn / syn,rst accept", accept(vec![flags(6, 2)])),
        ("tcp flags & (fin|syn|rst|ack) == 0 accept", accept(vec![flags(0x17, 0)])),
        ("tcp flags syn,rst accept", accept(vec![Match::any_of(TcpFlags, 6)])),
        (
            "tcp sport 7 tcp flags syn / syn,ack tcp dport 4 accept",
            accept(vec![one(TcpSport, 7), flags(0x12, 2), one(TcpDport, 4)]),
        ),
    ]
}

fn interfaces() -> Vec<Row> {
    vec![
        ("iifname \"lo\" accept", accept(vec![interface(Iifname, &["lo"], false)])),
        ("iifname != \"lo\" accept", accept(vec![interface(Iifname, &["lo"], true)])),
        ("iifname \"wlan*\" accept", accept(vec![interface(Iifname, &["wlan*"], false)])),
        ("iifname != \"wlan*\" accept", accept(vec![interface(Iifname, &["wlan*"], true)])),
        ("oifname \"abcdefghijklmno\" accept", accept(vec![interface(Oifname, &["abcdefghijklmno*"], false)])),
        ("oifname { \"eth0\", \"lo\" } accept", accept(vec![interface(Oifname, &["lo", "eth0"], false)])),
        ("oifname { \"eth*\", \"lo\" } accept", accept(vec![interface(Oifname, &["lo", "eth*"], false)])),
        (
            "oifname != { \"eth*\", \"abcdefghijklmno\" } accept",
            accept(vec![interface(Oifname, &["abcdefghijklmno", "eth*"], true)]),
        ),
    ]
}

fn statements() -> Vec<Row> {
    let log = |prefix, target| Step::Statement(log(prefix, target));
    let limit = |amount, per, burst| Step::Match(limit(amount, per, burst));
    let one = |field, value| Step::Match(one(field, value));
    let in_drop = log(Some("in-drop "), LogTarget::group(5));
    let accepted = Some(Verdict::Accept);
    vec![
        (
            "limit rate 5/second burst 10 packets log prefix \"in-drop \" group 5",
            (vec![limit(5, Per::Second, 10), in_drop], None),
        ),
        (
            "icmp type 8 limit rate 10/minute burst 5 packets accept",
            (vec![one(IcmpType, 8), limit(10, Per::Minute, 5)], accepted.clone()),
        ),
        (
            "limit rate 1/hour burst 1 packets limit rate 2/day burst 2 packets accept",
            (vec![limit(1, Per::Hour, 1), limit(2, Per::Day, 2)], accepted.clone()),
        ),
        (
            "limit rate 1/hour burst 1 packets ip saddr 10.0.0.1 accept",
            (vec![limit(1, Per::Hour, 1), one(IpSaddr, v4("10.0.0.1"))], accepted.clone()),
        ),
        (
            "meta nfproto ipv4 limit rate 1/hour burst 1 packets ip saddr 10.0.0.1 accept",
            (vec![one(Nfproto, 2), limit(1, Per::Hour, 1), one(IpSaddr, v4("10.0.0.1"))], accepted.clone()),
        ),
        ("log", (vec![log(None, LogTarget::kernel(LogLevel::Warn))], None)),
        ("log prefix \"x \" level info accept", (vec![log(Some("x "), LogTarget::kernel(LogLevel::Info))], accepted)),
        ("log group 0 drop", (vec![log(None, LogTarget::group(0))], Some(Verdict::Drop))),
        (
            "log group 3 log prefix \"y\" level emerg",
            (vec![log(None, LogTarget::group(3)), log(Some("y"), LogTarget::kernel(LogLevel::Emerg))], None),
        ),
    ]
}

fn refusals() -> Vec<Row> {
    vec![
        ("tcp dport 113 reject with tcp reset", reject(vec![one(TcpDport, 113)], Refusal::TcpReset)),
        ("meta l4proto tcp reject with tcp reset", reject(vec![one(L4proto, 6)], Refusal::TcpReset)),
        ("reject", reject(vec![], Refusal::PortUnreachable)),
        (
            "ip saddr 1.2.3.4 reject with icmpx port-unreachable",
            reject(vec![one(IpSaddr, v4("1.2.3.4"))], Refusal::PortUnreachable),
        ),
        ("reject with icmpx host-unreachable", reject(vec![], Refusal::HostUnreachable)),
        ("reject with icmpx no-route", reject(vec![], Refusal::NetUnreachable)),
        ("reject with icmpx admin-prohibited", reject(vec![], Refusal::AdminProhibited)),
        ("reject with icmp prot-unreachable", reject(vec![], Refusal::ProtocolUnreachable)),
        ("meta l4proto udp reject with icmp net-prohibited", reject(vec![one(L4proto, 17)], Refusal::NetProhibited)),
        (
            "ip daddr 10.0.0.0/8 reject with icmp host-prohibited",
            reject(vec![test(IpDaddr, false, &[prefix4("10.0.0.0", 8)])], Refusal::HostProhibited),
        ),
        (
            "log prefix \"p\" reject with icmp host-prohibited",
            (
                vec![Step::Statement(log(Some("p"), LogTarget::default()))],
                Some(Verdict::Reject(Refusal::HostProhibited)),
            ),
        ),
        (
            "limit rate 1/day burst 1 packets reject with icmp net-prohibited",
            reject(vec![limit(1, Per::Day, 1)], Refusal::NetProhibited),
        ),
    ]
}

fn rows() -> Vec<Row> {
    [numbers(), icmp(), addresses(), bits(), interfaces(), statements(), refusals()].concat()
}

fn sets() -> Vec<Set> {
    let lan4 = [
        (v4("10.0.0.1"), v4("10.0.0.1")),
        (v4("10.1.0.0"), v4("10.1.0.5")),
        prefix4("192.168.1.0", 24),
        prefix4("255.0.0.0", 8),
    ];
    vec![
        intervals("lan4", Datatype::Ipv4Addr, lan4.into_iter().collect()),
        intervals("lan6", Datatype::Ipv6Addr, [prefix6("fd00:1::", 64)].into_iter().collect()),
        intervals("none6", Datatype::Ipv6Addr, IntervalSet::EMPTY),
    ]
}

const SETS: &str = "
    set lan4 { type ipv4_addr; flags interval; elements = { 10.0.0.1, 10.1.0.0-10.1.0.5, 192.168.1.0/24, 255.0.0.0/8 }
    }
    set lan6 { type ipv6_addr; flags interval; elements = { fd00:1::/64 }
    }
    set none6 { type ipv6_addr; flags interval;
    }
";

/// The same rules as IR and as text, in a chain of hook forward, where every field can be tested.
fn both(rows: Vec<Row>) -> (Ruleset, String) {
    let mut text = format!(
        "table inet ringwall {{\n{SETS}\nchain forward {{\ntype filter hook forward priority -10; policy drop;\n"
    );
    let mut rules = Vec::new();
    for (i, (line, parts)) in rows.into_iter().enumerate() {
        text.push_str(&format!("{line} comment \"s{}\"\n", i + 1));
        rules.push(parts);
    }
    text.push_str("drop comment \"closing\"\n}\n}\n");
    (ruleset(sets(), vec![(Hook::Forward, rules)]), text)
}

#[test]
fn every_form_is_what_nft_loads_and_comes_back() {
    in_namespace("shapes::every_form_is_what_nft_loads_and_comes_back", || {
        let (ruleset, text) = both(rows());
        load(&text);
        let (listed, held) = (list(), raw_ruleset());
        flush();
        apply(&ruleset).unwrap();
        similar(&list(), &listed);
        similar(&raw_ruleset(), &held);
        let read = read_back(TableFamily::Inet, "ringwall").unwrap().unwrap();
        let normal = normal(&ruleset).unwrap().remove(0);
        similar(&read.to_string(), &normal.to_string());
        assert_eq!(read, normal);
    });
}

/// Equal texts; else the first line that differs.
fn similar(ours: &str, theirs: &str) {
    let differing = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
    assert!(ours == theirs, "first difference (ours, theirs): {differing:#?}");
}
