// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that speak of sets of ipset.

use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;

use super::{read, rules};
use crate::target::iptables::{Text, read_with_sets};

const SETS: &str = "create lan hash:net family inet hashsize 1024 maxelem 65536\nadd lan 10.0.0.0/8\nadd lan 10.1.0.0/16 nomatch\n\
                    add lan 10.1.2.0/24\ncreate web hash:ip,port family inet hashsize 1024 maxelem 100 timeout 60\n\
                    add web 10.0.0.1,tcp:80 timeout 30\ncreate ports bitmap:port range 0-1023\nadd ports 22\nadd ports 80\n\
                    create six hash:ip family inet6\ncreate all list:set size 8\nadd all lan\n\
                    create banned hash:ip maxelem 10 timeout 600 comment\nadd banned 1.2.3.4 timeout 0 comment \"a b\"\n";

fn with_sets(lines: &str) -> Ruleset {
    let (ruleset, errors) = read_with_sets(&format!("*filter\n{lines}COMMIT\n"), Family::Ipv4, SETS);
    assert_eq!(errors, []);
    ruleset
}

#[test]
fn a_set_is_a_set_of_the_table() {
    let ruleset = with_sets(
        "-A INPUT -m set --match-set lan src -j ACCEPT\n-A INPUT -m set --match-set web src,dst -j ACCEPT\n\
         -A INPUT -p tcp -m set ! --match-set ports dst -j DROP\n-A INPUT -m set --match-set all dst -j DROP\n\
         -A INPUT -j SET --add-set banned src --exist --timeout 5\n",
    );
    assert_eq!(
        rules(&ruleset),
        [
            "ip saddr @lan accept",
            "ip saddr . meta l4proto . th dport @web accept",
            "tcp dport != @ports drop",
            "ip daddr @all drop",
            "update @banned { ip saddr timeout 5s }",
        ]
    );
    let printed: Vec<_> = ruleset.tables[0].sets().iter().map(ToString::to_string).collect();
    assert_eq!(
        printed,
        [
            "set all of ipv4_addr interval = { 10.0.0.0/16, 10.1.2.0/24, 10.2.0.0-10.255.255.255 }",
            "set banned of ipv4_addr dynamic timeout 10m size 10 = 1.2.3.4 timeout 0s comment \"a b\"",
            "set lan of ipv4_addr interval size 65536 = { 10.0.0.0/16, 10.1.2.0/24, 10.2.0.0-10.255.255.255 }",
            "set ports of inet_service interval = { 22, 80 }",
            "set web of ipv4_addr . inet_proto . inet_service timeout 1m size 100 = 10.0.0.1 . tcp . 80 expires 30s",
        ]
    );
}

/// A set that is not in the text, or is of another family, makes an unknown of the test, and one of the table.
#[test]
fn a_set_that_is_not_known_is_named() {
    let ruleset =
        with_sets("-A INPUT -m set --match-set gone src -j ACCEPT\n-A INPUT -m set --match-set six src -j DROP\n");
    assert_eq!(
        rules(&ruleset),
        [
            "unknown match set `-m set --match-set gone src` (set `gone` is not known: its elements are in no text that was given: give what `ipset save` prints) accept",
            "unknown match set `-m set --match-set six src` (set `six` holds addresses of ipv6) drop"
        ]
    );
    let unknowns: Vec<_> = ruleset.tables[0].unknowns().iter().map(|(_, unknown)| unknown.name.as_str()).collect();
    assert_eq!(unknowns, ["set gone"]);
    let (alone, errors) = read("*filter\n-A INPUT -m set --match-set lan src -j DROP\nCOMMIT\n", Family::Ipv4);
    assert_eq!((errors, alone.tables[0].unknowns().len()), (Vec::new(), 1));
}

/// An option of a set is named, and not the word behind it.
#[test]
fn an_option_of_a_set_that_has_no_place_is_named() {
    let text = "*filter\n-A INPUT -m set --match-set wide src -j ACCEPT\nCOMMIT\n";
    let (ruleset, errors) =
        read_with_sets(text, Family::Ipv4, "create wide hash:ip family inet netmask 24 maxelem 9\n");
    assert_eq!(errors, []);
    let reasons: Vec<_> = ruleset.tables[0].unknowns().iter().map(|(_, unknown)| unknown.to_string()).collect();
    assert_eq!(
        reasons,
        ["set wide could not be read: its option `netmask` (line 1 of the text of ipset) has no place in the IR"]
    );
}

/// "Not in the set" passes packets without ports too.
#[test]
fn ports_that_are_excepted_need_a_protocol() {
    let ruleset = with_sets(
        "-A INPUT -m set ! --match-set web src,dst -j DROP\n-A INPUT -p udp -m set ! --match-set web src,dst -j DROP\n",
    );
    assert_eq!(
        rules(&ruleset),
        [
            "unknown match set `-m set ! --match-set web src,dst` (when negated it passes packets without ports too: write `-p` with a protocol of ports beside it) drop",
            "meta l4proto udp ip saddr . meta l4proto . th dport != @web drop"
        ]
    );
}

/// A set of the IR is of one table, and what packets add to it in one would be missing in the other.
#[test]
fn a_set_that_packets_fill_is_of_one_table() {
    let text = "*mangle\n-A INPUT -j SET --add-set banned src\nCOMMIT\n*filter\n-A INPUT -m set --match-set banned src -j DROP\n\
                -A INPUT -m set --match-set lan src -j DROP\nCOMMIT\n";
    let (ruleset, errors) = read_with_sets(text, Family::Ipv4, SETS);
    assert_eq!(errors, []);
    assert_eq!(
        rules(&ruleset),
        [
            "unknown target SET `-j SET --add-set banned src` (set `banned` is not known: packets add to it, and several tables look into it)",
            "unknown match set `-m set --match-set banned src` (set `banned` is not known: packets add to it, and several tables look into it) drop",
            "ip saddr @lan drop"
        ]
    );
}

/// What is wrong in the text of ipset is told there, by its line.
#[test]
fn an_error_of_a_set_is_told_where_the_set_is() {
    let text = "*filter\n-A INPUT -m set --match-set lan src -j DROP\nCOMMIT\n";
    let cases = [
        ("create lan hash:ip\nadd lan 1.1.1.1 timeout 5\n", 2, "elements of the set `lan` have no `timeout`"),
        ("create lan hash:ip\n\nadd lan 1.1.1.1 comment \"a\"\n", 3, "elements of the set `lan` have no `comment`"),
        ("create lan hash:ip\nadd lan 1.1.1.1 packets 5 bytes 6\n", 2, "elements of the set `lan` have no `packets`"),
        ("create lan hash:ip\nadd lan 1.1.1.1\nadd lan 1.1.1.1\n", 3, "`1.1.1.1` is in the set `lan` already"),
    ];
    for (sets, line, message) in cases {
        let errors = read_with_sets(text, Family::Ipv4, sets).1;
        let told: Vec<_> = errors.iter().map(|error| (error.text, error.line, error.message.as_str())).collect();
        assert_eq!(told, [(Text::Sets, line, message)], "{sets}");
    }
    let reason = |sets: &str| {
        let (ruleset, errors) = read_with_sets(text, Family::Ipv4, sets);
        assert_eq!(errors, [], "{sets}");
        ruleset.tables[0].unknowns()[0].1.reason.clone()
    };
    assert_eq!(
        reason("create lan hash:ip\nadd lan host.example\n"),
        "its element `host.example` (line 2 of the text of ipset) has no place in the IR"
    );
    assert_eq!(
        reason("\ncreate lan hash:mac\n"),
        "sets of type `hash:mac` (line 2 of the text of ipset) have no place in the IR"
    );
}
