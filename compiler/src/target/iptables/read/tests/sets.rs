// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules that speak of sets of ipset.

use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;

use super::{read, rules};
use crate::target::iptables::{Options, Text, read_with_sets, write};
use crate::target::{Target, not_as_written};

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

/// Elements that count keep what they have counted, from ipset to ipset.
#[test]
fn counters_of_a_set_stay() {
    let sets = "create seen hash:ip counters\nadd seen 1.2.3.4 packets 5 bytes 6\nadd seen 1.2.3.5\n";
    let read = |rules: &str| {
        let (ruleset, errors) = read_with_sets(&format!("*filter\n{rules}\nCOMMIT\n"), Family::Ipv4, sets);
        assert_eq!(errors, []);
        ruleset
    };
    let ruleset = read("-A INPUT -m set --match-set seen src -j DROP");
    assert_eq!(
        ruleset.tables[0].sets()[0].to_string(),
        "set seen of ipv4_addr size 65536 counter = { 1.2.3.4 counter, 1.2.3.5 }"
    );
    let written = write(&ruleset, Family::Ipv4, Options::default()).unwrap();
    for line in [" hash:ip family inet maxelem 65536 counters", " 1.2.3.4 packets 5 bytes 6", " 1.2.3.5"] {
        assert!(written.sets.lines().any(|written| written.ends_with(line)), "{line}: {}", written.sets);
    }
    assert_eq!(not_as_written(&ruleset, Target::Iptables), []);
    assert_eq!(
        rules(&read("-A INPUT -m set ! --match-set seen src -j DROP\n-A INPUT -j SET --add-set seen src")),
        [
            "unknown match set `-m set ! --match-set seen src` (set `seen` has counters, which count packets in nf_tables where they are in the set and match, and here where they do not: create it without) drop",
            "unknown target SET `-j SET --add-set seen src` (set `seen` has counters, which count other packets in nf_tables where rules add to it: create it without)"
        ]
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
        ("create lan hash:ip\nadd lan 1.2.3.400\n", 2, "`1.2.3.400` is no element of a set of type `hash:ip` of ipv4"),
        (
            "create lan hash:ip\nadd lan host.example\n",
            2,
            "`host.example` is no element of a set of type `hash:ip` of ipv4",
        ),
        ("\ncreate lan hash:nope\n", 2, "`hash:nope` is no type of set of ipset"),
        ("create lan hash:ip nope 3\n", 1, "`nope` is no option of a set of ipset"),
        ("create lan bitmap:port\n", 1, "a set of type `bitmap:port` needs its range"),
        (
            "create lan bitmap:port range 1-100\nadd lan 200\n",
            2,
            "`200` is out of the range of the set, which line 1 creates",
        ),
        (
            "create lan bitmap:ip range 10.0.0.0/24\nadd lan 11.0.0.1\n",
            2,
            "`11.0.0.1` is out of the range of the set, which line 1 creates",
        ),
        (
            "create lan hash:net maxelem 2\nadd lan 10.0.0.0/8\nadd lan 11.0.0.0/8\nadd lan 12.0.0.0/8\n",
            4,
            "the set `lan` is full: it holds 2",
        ),
        ("create lan hash:ip maxelem 2\nadd lan 1.2.3.0/24\n", 2, "the set `lan` is full: it holds 2"),
        (
            "create lan hash:ip family inet6\nadd lan fe80::/120\n",
            2,
            "ipset refuses `fe80::/120`: it takes single addresses of ipv6 in a set of type `hash:ip`",
        ),
        (
            "create lan hash:net\nadd lan 0.0.0.0/0\n",
            2,
            "ipset refuses `0.0.0.0/0`, which holds all addresses: write its two halves",
        ),
        (
            "create lan hash:ip\nadd lan 0.0.0.0\n",
            2,
            "ipset refuses `0.0.0.0`: a set of type `hash:ip` cannot hold the address of zeros",
        ),
        (
            "create lan hash:ip\nadd lan 1.1.1.1\ndel lan 1.1.1.2\n",
            3,
            "`1.1.1.2` is in no line above that adds to the set `lan`",
        ),
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
        reason("create lan hash:ip,port\nadd lan 1.1.1.1,icmp:8/0\n"),
        "its element `1.1.1.1,icmp:8/0` (line 2 of the text of ipset) has no place in the IR"
    );
    assert_eq!(
        reason("create lan hash:ip skbinfo\nadd lan 1.1.1.1 skbmark 0x1/0x1\n"),
        "its option `skbinfo` (line 1 of the text of ipset) has no place in the IR"
    );
    assert_eq!(
        reason("\ncreate lan hash:mac\n"),
        "sets of type `hash:mac` (line 2 of the text of ipset) have no place in the IR"
    );
}
