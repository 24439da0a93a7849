// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading files that others wrote.

use ringwall_ir::Ruleset;
use ringwall_ir::words::{ChainPolicy, Family};

use super::{ReadError, read};
use crate::target::iptables::{CtMatch, write};

fn errors(text: &str) -> Vec<ReadError> {
    read(text, Family::Ipv4).1
}

fn error_of_rule(rule: &str) -> String {
    let errors = errors(&format!("*filter\n:INPUT DROP [0:0]\n-A INPUT {rule}\nCOMMIT\n"));
    assert_eq!(errors.len(), 1, "{rule}: {errors:?}");
    assert_eq!(errors[0].line, 3);
    errors[0].message.clone()
}

fn printed(rule: &str) -> String {
    let (ruleset, errors) = read(&format!("*filter\n:INPUT DROP\n-A INPUT {rule}\nCOMMIT\n"), Family::Ipv4);
    assert_eq!(errors, [], "{rule}");
    ruleset.tables[0].chains()[0].rules()[0].to_string()
}

#[test]
fn the_founding_ruleset() {
    let text = "# made by hand\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT\n:OUTPUT DROP [12:345]\n\
                -A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT\n[7:8] -A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv4);
    assert_eq!(errors, []);
    let printed: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(ToString::to_string).collect();
    assert_eq!(printed, ["ct state established accept", "ct state new,established accept"]);
    let chains = ruleset.tables[0].chains();
    let policies: Vec<_> = chains.iter().map(|chain| (chain.name(), chain.policy())).collect();
    assert_eq!(
        policies,
        [("INPUT", ChainPolicy::Drop), ("FORWARD", ChainPolicy::Accept), ("OUTPUT", ChainPolicy::Drop)]
    );
    let origin = ruleset.origin(chains[2].rules()[0].origin()).unwrap();
    assert_eq!((origin.id.as_str(), origin.line), ("OUTPUT:1", 6));
    assert_eq!(origin.text, "-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT");
}

#[test]
fn options_that_people_write() {
    let cases = [
        ("-p tcp --dport 22 -j ACCEPT", "tcp dport 22 accept"),
        ("-p tcp --syn -j DROP", "tcp flags syn / fin,syn,rst,ack drop"),
        ("-p all -s 10.1.2.3/255.255.0.0 -j ACCEPT", "ip saddr 10.1.0.0/16 accept"),
        ("-s 0.0.0.0/0 -j ACCEPT", "accept"),
        ("-m limit -j LOG", "limit 3/hour burst 5 log level warn"),
        ("-m limit --limit 5/min -s 10.0.0.1 -j ACCEPT", "ip saddr 10.0.0.1 limit 5/minute burst 5 accept"),
        (
            "-p tcp -m limit --limit 5/s -m tcp --dport 22 -j ACCEPT",
            "meta l4proto tcp limit 5/second burst 5 tcp dport 22 accept",
        ),
        ("-p icmp --icmp-type echo-request -j ACCEPT", "icmp type echo-request accept"),
        ("-p icmp --icmp-type any -j ACCEPT", "meta l4proto icmp accept"),
        ("-p udp -m multiport --dports 53,67:68 -j REJECT", "udp dport { 53, 67-68 } reject with port-unreachable"),
        ("-j LOG --log-prefix \"a b \" --log-level debug", "log \"a b \" level debug"),
        ("-i eth+ -j DROP", "iifname \"eth*\" drop"),
    ];
    for (rule, expected) in cases {
        assert_eq!(printed(rule), expected, "{rule}");
    }
}

#[test]
fn a_comment_is_the_reason() {
    let (ruleset, errors) =
        read("*filter\n:INPUT DROP\n-A INPUT -m comment --comment \"from home\" -j DROP\nCOMMIT", Family::Ipv4);
    assert_eq!(errors, []);
    assert_eq!(ruleset.origins[1].because.as_deref(), Some("from home"));
}

#[test]
fn what_is_not_known_is_named() {
    let cases = [
        ("-j ACCEPT --queue-num 3", "`--queue-num` cannot be read"),
        ("-m owner --uid-owner 0 -j ACCEPT", "the match `owner` cannot be read"),
        ("-j MYCHAIN", "the target `MYCHAIN` cannot be read"),
        ("-p tcp -m tcp --dport ssh -j ACCEPT", "`ssh` is no port of `--dport`"),
        ("--dport 22 -j ACCEPT", "`--dport` needs `-p tcp`, `-p udp` or `-p sctp` before it"),
        ("--state NEW -j ACCEPT", "`--state` needs `-m state` before it"),
        ("-m conntrack --ctstate NEW,DNAT -j ACCEPT", "`DNAT` is no ct state"),
        ("-s host.example -j ACCEPT", "`host.example` is no ipv4 address"),
        ("-s 10.0.0.0/255.0.255.0 -j ACCEPT", "`10.0.0.0/255.0.255.0` is no ipv4 address"),
        ("-s 10.0.0.1,10.0.0.2 -j ACCEPT", "`10.0.0.1,10.0.0.2` is no ipv4 address"),
        ("-s ::1 -j ACCEPT", "`::1` is no ipv4 address"),
        ("-p nosuch -j ACCEPT", "`nosuch` is no protocol"),
        ("-o eth0 -j ACCEPT", "a packet at hook input has no `oifname`"),
        (
            "-p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j DROP",
            "`! --tcp-flags` can be read only with NONE behind the mask",
        ),
        ("-p icmp ! --icmp-type 3/4 -j DROP", "`! --icmp-type 3/4` can be read only behind `--icmp-type` of that type"),
        ("-m limit --limit 3000/s -j ACCEPT", "iptables rounds the rate `3000/s`"),
        ("-m ttl --ttl-gt 255 -j DROP", "the test of `ip ttl` has no values"),
        ("-m ttl ! --ttl-gt 5 -j DROP", "`!` cannot stand before `--ttl-gt`"),
        ("-j REJECT --reject-with icmp6-no-route", "`icmp6-no-route` is no value of `--reject-with`"),
        ("-j REJECT --reject-with tcp-reset", "a tcp reset needs a rule that matches tcp alone"),
        ("-j ACCEPT --log-prefix x", "`--log-prefix` stands behind no target that takes it"),
        ("-j ACCEPT -j DROP", "the rule has two targets"),
        ("-j ACCEPT !", "nothing follows `!`"),
        ("! ! -s 10.0.0.1 -j ACCEPT", "`!` stands twice"),
        ("-s", "nothing follows `-s`"),
        ("-s 10.0.0.1", "the rule has no target"),
        ("-j LOG --log-prefix \"x", "a quote has no end"),
    ];
    for (rule, message) in cases {
        assert_eq!(error_of_rule(rule), message, "{rule}");
    }
}

#[test]
fn what_stands_around_the_rules() {
    let cases = [
        ("", 1, "there is no table `filter`"),
        ("hello\n", 1, "`hello` stands outside a table"),
        ("*filter\n", 1, "the last table has no end"),
        ("*nat\n:PREROUTING ACCEPT\n-A nonsense\nCOMMIT\n*filter\nCOMMIT\n", 1, "the table `nat` cannot be read"),
        ("*filter\n*filter\nCOMMIT\n", 2, "the table before `*filter` has no end"),
        ("*filter\nCOMMIT\n*filter\nCOMMIT\n", 3, "the table `filter` comes a second time"),
        ("*filter\n:DOCKER - [0:0]\nCOMMIT\n", 2, "the chain `DOCKER` cannot be read"),
        ("*filter\n:INPUT REJECT\nCOMMIT\n", 2, "`REJECT` is no chain policy"),
        ("*filter\n:INPUT\nCOMMIT\n", 2, "`:INPUT` declares no chain"),
        ("*filter\n:INPUT DROP 0:0\nCOMMIT\n", 2, "`:INPUT DROP 0:0` declares no chain"),
        ("*filter\n:INPUT DROP\n:INPUT DROP\nCOMMIT\n", 3, "the chain `INPUT` is declared a second time"),
        ("*filter\n-A INPUT -j DROP\nCOMMIT\n", 2, "there is no chain `INPUT` above this rule"),
        ("*filter\n-I INPUT -j DROP\nCOMMIT\n", 2, "`-I` begins no line"),
    ];
    for (text, line, message) in cases {
        let first = errors(text).into_iter().next().unwrap();
        assert_eq!((first.line, first.message.as_str()), (line, message), "{text}");
    }
}

#[test]
fn every_error_of_a_file_is_told_at_once() {
    let text = "*raw\nCOMMIT\n*filter\n:INPUT DROP\n-A INPUT -j NOPE\n-A INPUT -j ACCEPT\n-A INPUT --nope\nCOMMIT\n";
    let lines: Vec<_> = errors(text).iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 5, 7]);
}

/// Files of many authors: whatever is in them, each error is of a line, and what is read is written and read alike.
#[test]
fn rulesets_of_other_people() {
    let shared = std::env::var_os("RINGWALL_SHARED").map_or_else(default_shared, Into::into);
    let mut read_whole = 0;
    for (directory, family) in
        [("oracle/demo", Family::Ipv4), ("corpus/iptables-save", Family::Ipv4), ("corpus/ip6tables-save", Family::Ipv6)]
    {
        let Ok(files) = std::fs::read_dir(shared.join(directory)) else {
            eprintln!("skipped: there is no {}", shared.join(directory).display());
            return;
        };
        for file in files.map(|file| file.unwrap().path()) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let (ruleset, errors) = read(&text, family);
            let last = u32::try_from(text.lines().count().max(1)).unwrap();
            assert!(errors.iter().all(|error| (1..=last).contains(&error.line)), "{}", file.display());
            if errors.is_empty() {
                read_whole += 1;
                check_again(&ruleset, family, &file);
            }
        }
    }
    assert!(read_whole > 0);
}

fn default_shared() -> std::path::PathBuf {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into()
}

fn check_again(ruleset: &Ruleset, family: Family, file: &std::path::Path) {
    let rules = |ruleset: &Ruleset| -> Vec<String> {
        ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(ToString::to_string).collect()
    };
    let written = write(ruleset, family, CtMatch::Conntrack).unwrap_or_else(|unsayable| panic!("{unsayable:?}"));
    let (again, errors) = read(&written.text, family);
    assert_eq!(errors, [], "{}", file.display());
    let (mut before, mut after) = (rules(ruleset), rules(&again));
    before.sort();
    after.sort();
    assert_eq!(before, after, "{}", file.display());
}
