// SPDX-License-Identifier: GPL-3.0-or-later
//! What iptables cannot say.

use ringwall_ir::words::{ChainPolicy, Family, Hook, Refusal, TableFamily};
use ringwall_ir::{Field, IntervalSet, LogTarget, Match, Per, Ruleset, Symbol, Table, TableParts, Values, Verdict};

use super::{STATE, input, values};
use crate::target::iptables::{Options, write, write_sets};
use crate::target::testing::samples::{accept, inline, interface, limit, log};
use crate::target::testing::{Parts, ruleset};

#[test]
fn what_iptables_cannot_say_is_an_error() {
    let state = |bits| Match::any_of(Field::CtState, bits);
    let first = |count: u128| (0..count).map(|i| (2 * i, 2 * i)).collect::<Vec<_>>();
    let many = vec![values(Field::IpSaddr, &first(300), false), values(Field::IpDaddr, &first(300), false)];
    let logged = |length: usize, target| -> Parts { (vec![log(&"x".repeat(length), target).into()], None) };
    let cases: Vec<(Parts, &str)> = vec![
        (accept(vec![Match::any_of(Field::TcpFlags, 0x40)]), "iptables has no word for the tcp flags"),
        (accept(vec![state(0x10)]), "no name for the bits 0x10"),
        (accept(vec![Match::masked(Field::CtState, 10, 10)]), "a packet is in one ct state"),
        (accept(vec![inline(Field::IcmpCode, IntervalSet::one(0))]), "iptables tests an icmp code only"),
        (accept(vec![inline(Field::IcmpType, IntervalSet::one(255))]), "iptables takes icmp type 255"),
        (accept(vec![values(Field::L4proto, &[(6, 6), (17, 17)], true)]), "iptables takes protocol 0"),
        (accept(vec![values(Field::L4proto, &[(0, 0)], true)]), "iptables takes protocol 0"),
        (accept(vec![interface(Field::Iifname, &["ppp+"], false)]), "iptables takes the `+`"),
        (accept(vec![ipv4(), limit(3_000, Per::Second, 5)]), "iptables rounds the rate 3000/second"),
        (accept(vec![ipv4(), limit(1, Per::Second, 10_001)]), "the burst 10001 is more than 10000"),
        (accept(vec![ipv4(), limit(1, Per::Week, 5)]), "iptables has no rate by the week"),
        (accept(vec![limit(1, Per::Second, 5)]), "iptables and ip6tables count a rate each on their own"),
        (logged(30, LogTarget::default()), "LOG cuts the log prefix"),
        (logged(64, LogTarget::group(0)), "NFLOG cuts the log prefix"),
        (accept(many), "one rule would become more than 65536 lines"),
    ];
    let (rules, reasons): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let unsayable = write(&input(rules), Family::Ipv4, STATE).unwrap_err();
    assert_eq!(unsayable.len(), reasons.len(), "{unsayable:#?}");
    for (each, reason) in unsayable.iter().zip(reasons) {
        assert!(each.reason.starts_with(reason), "{} is not {reason}", each.reason);
    }
    let prohibited = (Vec::new(), Some(Verdict::Reject(Refusal::HostProhibited)));
    let unsayable = write(&input(vec![prohibited]), Family::Ipv6, STATE).unwrap_err();
    assert_eq!(unsayable[0].to_string(), "ip6tables cannot say this: ipv6 has no host-prohibited");
    let raw = ruleset(vec![(Hook::Prerouting, ChainPolicy::Accept, Vec::new())]);
    assert_eq!(
        write(&raw, Family::Ipv4, STATE).unwrap_err()[0].reason,
        "iptables has no table for chain `prerouting`, of type filter at hook prerouting with priority -10"
    );
}

/// A whole table without a rule lets everything pass, also what others keep out of the family.
#[test]
fn no_text_opens_a_family_that_nothing_is_said_of() {
    let mut ruleset = input(vec![accept(vec![ipv4()])]);
    let parts = ruleset.tables[0].clone().into_parts();
    ruleset.tables[0] = Table::new(TableFamily::Ip, "ringwall", TableParts { sets: Vec::new(), ..parts }).unwrap();
    assert!(write(&ruleset, Family::Ipv4, STATE).is_ok());
    let refused = write(&ruleset, Family::Ipv6, STATE).unwrap_err();
    assert_eq!(refused[0].reason, "the ruleset says nothing of ipv6: the text would let everything pass");
    assert!(write(&ruleset, Family::Ipv6, Options { own_chains: true, ..STATE }).is_ok());
    assert_eq!(write_sets(&ruleset, STATE).as_deref(), Ok(""));
    assert!(write(&Ruleset::default(), Family::Ipv4, STATE).is_err());
}

#[test]
fn an_interface_by_its_number_can_be_tested_by_its_name() {
    let wan = Symbol { name: "wan9".to_owned(), number: None };
    let of = |values| accept(vec![Match::within(Field::Iif, values)]);
    let rules = vec![of(Values::one(1)), of(Values::Symbols(vec![wan])), of(Values::one(7))];
    let refused = write(&input(rules), Family::Ipv4, STATE).unwrap_err();
    let helps: Vec<_> = refused.iter().map(|each| each.help.as_deref().unwrap()).collect();
    assert_eq!(
        helps,
        [
            "test `iifname \"lo\"` instead: the name of the interface, not its number",
            "test `iifname \"wan9\"` instead: the name of the interface, not its number",
            "test `iifname` instead: the names of the interfaces, not their numbers"
        ]
    );
}

fn ipv4() -> Match {
    crate::target::testing::samples::ipv4()
}
