// SPDX-License-Identifier: GPL-3.0-or-later
//! What is no text of iptables-save, and what is not known in one that is.

use super::{errors, printed};

fn error_of_rule(rule: &str) -> String {
    let errors = errors(&format!("*filter\n:INPUT DROP [0:0]\n-A INPUT {rule}\nCOMMIT\n"));
    assert_eq!(errors.len(), 1, "{rule}: {errors:?}");
    assert_eq!(errors[0].line, 3);
    errors[0].message.clone()
}

/// What is not known is named, and the rest of its rule is read.
#[test]
fn what_is_not_known_is_named() {
    let cases = [
        (
            "-j ACCEPT --queue-num 3",
            "unknown target ACCEPT `-j ACCEPT --queue-num 3` (option `--queue-num` is not known)",
        ),
        (
            "-s 10.0.0.1 -m recent --set --name x -j ACCEPT",
            "ip saddr 10.0.0.1 unknown match recent `-m recent --set --name x` (it is not modelled) accept",
        ),
        (
            "-m string --string \"a b\" --algo bm -p tcp --dport 80 -j ACCEPT",
            "meta l4proto tcp unknown match string `-m string --string \"a b\" --algo bm` (it is not modelled) tcp dport 80 accept",
        ),
        (
            "-j MYCHAIN",
            "unknown target MYCHAIN `-j MYCHAIN` (there is no chain `MYCHAIN` in this table: declare it, `:MYCHAIN -`)",
        ),
        ("-j TEE --gateway 10.0.0.1", "unknown target TEE `-j TEE --gateway 10.0.0.1` (it is not modelled)"),
        (
            "-p tcp -m tcp --dport ssh -j ACCEPT",
            "meta l4proto tcp unknown match tcp `-m tcp --dport ssh` (`ssh` is a name of the host's /etc/services: write the number of the port) accept",
        ),
        (
            "-p tcp -m tcp --tcp-option 5 -j ACCEPT",
            "meta l4proto tcp unknown match tcp `-m tcp --tcp-option 5` (`--tcp-option` is not modelled) accept",
        ),
        (
            "--dport 22 -j ACCEPT",
            "unknown match option `--dport 22` (option `--dport` is one of -m dccp, sctp, tcp, udp: write that before it) accept",
        ),
        ("-m tcp --nope 5 -j ACCEPT", "unknown match tcp `-m tcp --nope 5` (option `--nope` is not known) accept"),
        (
            "-s host.example -j ACCEPT",
            "unknown option -s `-s host.example` (`host.example` is a name that the host would look up: write its address) accept",
        ),
        (
            "-s ::1 -j ACCEPT",
            "unknown option -s `-s ::1` (`::1` is an address of ipv6, and this text is of ipv4) accept",
        ),
        (
            "! -s 10.0.0.1,10.0.0.2 -j ACCEPT",
            "unknown option -s `! -s 10.0.0.1,10.0.0.2` (`! -s` takes one address: each of several would be a rule that passes nearly everything) accept",
        ),
        (
            "-p nosuch -j ACCEPT",
            "unknown option -p `-p nosuch` (`nosuch` is no protocol that is known: write its number, 0 to 255) accept",
        ),
        (
            "! -s 0.0.0.0/0 -j ACCEPT",
            "unknown option -s `! -s 0.0.0.0/0` (no packet passes an address that is none of all) accept",
        ),
        (
            "! -i + -j DROP",
            "unknown option -i `! -i +` (no packet passes it, for it excepts every value: leave the rule out) drop",
        ),
        (
            "-m mark --mark 0xff/0xf -j DROP",
            "unknown match mark `-m mark --mark 0xff/0xf` (no packet passes it, for its value has bits that its mask leaves out: mend the value or the mask, or leave the rule out) drop",
        ),
        (
            "-p tcp ! --dport 0:65535 -j DROP",
            "meta l4proto tcp unknown match tcp `! --dport 0:65535` (`! --dport 0:65535` passes no packet by iptables-legacy and every one by iptables-nft: leave it out, or leave the rule out) drop",
        ),
        (
            "-m time --datestart 2021 --datestop 2020 -j DROP",
            "unknown match time `-m time --datestart 2021 --datestop 2020` (no packet passes it, for it ends before it begins: leave the rule out) drop",
        ),
        (
            "-s 10.0.0.1 -s 10.0.0.2 -j DROP",
            "ip saddr 10.0.0.1 unknown option -s `-s 10.0.0.2` (`-s` stands twice, and iptables takes it once) drop",
        ),
        (
            "-o eth0 -j DROP",
            "unknown option -o `-o eth0` (iptables refuses it in INPUT, where packets have no interface to leave by: write the rule in FORWARD or leave it out) drop",
        ),
        (
            "-p udp --dport 5 --dport 6 -j DROP",
            "meta l4proto udp unknown match udp `--dport 5 --dport 6` (`--dport` stands twice, and iptables takes it once) drop",
        ),
        (
            "-m ttl --ttl-lt 5 --ttl-gt 3 -j DROP",
            "unknown match ttl `-m ttl --ttl-lt 5 --ttl-gt 3` (`--ttl-lt` and `--ttl-gt` do not go together: give one of them) drop",
        ),
        (
            "-j NOTRACK",
            "unknown target NOTRACK `-j NOTRACK` (iptables refuses it in the table filter: it belongs in raw)",
        ),
        (
            "-m owner --uid-owner 0 -j DROP",
            "unknown match owner `-m owner --uid-owner 0` (iptables refuses it at hook input: it can stand at output, postrouting) drop",
        ),
        (
            "-p icmp ! --icmp-type 3/4 -j DROP",
            "meta l4proto icmp unknown match icmp `! --icmp-type 3/4` (`! --icmp-type` of a type and a code passes all other types too) drop",
        ),
        (
            "-m limit --limit 3000/s -j ACCEPT",
            "unknown match limit `-m limit --limit 3000/s` (iptables does not keep 3000 a second: it rounds the rate) accept",
        ),
        (
            "-m ttl --ttl-gt 255 -j DROP",
            "unknown match ttl `-m ttl --ttl-gt 255` (no packet passes `--ttl-gt 255`) drop",
        ),
        (
            "-m ttl ! --ttl-gt 5 -j DROP",
            "unknown match ttl `-m ttl ! --ttl-gt 5` (`! --ttl-gt` cannot be: iptables refuses it) drop",
        ),
        (
            "-j REJECT --reject-with icmp6-no-route",
            "unknown target REJECT `-j REJECT --reject-with icmp6-no-route` (`icmp6-no-route` is no answer of ipv4 that is modelled)",
        ),
        (
            "-j REJECT --reject-with tcp-reset",
            "unknown rule `-j REJECT --reject-with tcp-reset` (a tcp reset needs a rule that matches tcp alone)",
        ),
        (
            "-m set --match-set x src -j DROP",
            "unknown match set `-m set --match-set x src` (set `x` is not known: its elements are in no text that was given: give what `ipset save` prints) drop",
        ),
    ];
    for (rule, expected) in cases {
        assert_eq!(printed(rule), expected, "{rule}");
    }
}

#[test]
fn what_is_no_rule_is_an_error() {
    let cases = [
        ("-j ACCEPT -j DROP", "the rule has two targets"),
        ("-j ACCEPT !", "nothing follows `!`"),
        ("! ! -s 10.0.0.1 -j ACCEPT", "`!` stands twice"),
        ("-s", "nothing follows `-s`"),
        ("! -j DROP", "`!` cannot stand before `-j`"),
        ("-j LOG --log-prefix \"x", "a quote has no end"),
    ];
    for (rule, message) in cases {
        assert_eq!(error_of_rule(rule), message, "{rule}");
    }
}

#[test]
fn what_stands_around_the_rules() {
    let cases = [
        ("", 1, "there is no table"),
        ("hello\n", 1, "`hello` stands outside a table"),
        ("*filter\n", 1, "the last table has no end"),
        ("*broute\n-A nonsense\nCOMMIT\n*filter\nCOMMIT\n", 1, "`broute` is no table of iptables"),
        ("*filter\n*filter\nCOMMIT\n", 2, "the table before `*filter` has no end"),
        (
            "*filter\n:INPUT DROP\nCOMMIT\n*filter\nCOMMIT\n",
            5,
            "the table `filter` comes a second time, without chain `INPUT`",
        ),
        ("*filter\n:DOCKER ACCEPT [0:0]\nCOMMIT\n", 2, "the table filter has no built-in chain `DOCKER`"),
        ("*filter\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", 2, "the table filter has no built-in chain `PREROUTING`"),
        ("*filter\n:INPUT REJECT\nCOMMIT\n", 2, "`REJECT` is no chain policy"),
        ("*filter\n:INPUT\nCOMMIT\n", 2, "`:INPUT` declares no chain"),
        ("*filter\n:INPUT DROP 0:0\nCOMMIT\n", 2, "`:INPUT DROP 0:0` declares no chain"),
        ("*filter\n:INPUT DROP\n:INPUT DROP\nCOMMIT\n", 3, "the chain `INPUT` is declared a second time"),
        ("*filter\n-A DOCKER -j DROP\nCOMMIT\n", 2, "there is no chain `DOCKER` above this rule"),
        ("*filter\n-D INPUT -j DROP\nCOMMIT\n", 2, "`-D` begins no line"),
        ("*filter\n-A\nCOMMIT\n", 2, "nothing follows `-A`"),
        ("*filter\n:A -\n:B -\n-A A -j B\n-A B -j A\nCOMMIT\n", 1, "chains lead in a circle: `A` to `B` to `A`"),
    ];
    for (text, line, message) in cases {
        let first = errors(text).into_iter().next().unwrap();
        assert_eq!((first.line, first.message.as_str()), (line, message), "{text}");
    }
}

#[test]
fn every_error_of_a_file_is_told_at_once() {
    let text = "*nope\nCOMMIT\n*filter\n:INPUT DROP\n-D INPUT -j NOPE\n-A INPUT -j ACCEPT\n-A INPUT -s\nCOMMIT\n";
    let mut lines: Vec<_> = errors(text).iter().map(|error| error.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 5, 7]);
}
