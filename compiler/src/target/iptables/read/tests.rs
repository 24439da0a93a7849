// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading files that others wrote.

mod errors;
mod sets;

use ringwall_ir::Ruleset;
use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Priority};

use super::{ReadError, read};

/// A rule of a chain, printed; all rules that the line becomes.
fn printed_in(table: &str, chain: &str, rule: &str, family: Family) -> Vec<String> {
    let text = format!("*{table}\n:OWN -\n-A {chain} {rule}\nCOMMIT\n");
    let (ruleset, errors) = read(&text, family);
    assert_eq!(errors, [], "{rule}");
    let name = if chain == "OWN" { "OWN" } else { chain };
    ruleset.tables[0].chain(name).unwrap().rules().iter().map(ToString::to_string).collect()
}

fn printed(rule: &str) -> String {
    printed_in("filter", "INPUT", rule, Family::Ipv4).join("; ")
}

fn printed_v6(rule: &str) -> String {
    printed_in("filter", "INPUT", rule, Family::Ipv6).join("; ")
}

fn check(cases: &[(&str, &str)], printed: impl Fn(&str) -> String) {
    for (rule, expected) in cases {
        assert_eq!(printed(rule), *expected, "{rule}");
    }
}

#[test]
fn a_built_in_chain_without_a_policy_is_an_error() {
    let (_, errors) = read("*filter\n:INPUT - [0:0]\n-A INPUT -s 10.0.0.2 -j DROP\nCOMMIT\n", Family::Ipv4);
    assert_eq!(
        errors.first().map(|error| (error.line, error.message.as_str())),
        Some((2, "the chain policy of `INPUT` is not said"))
    );
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
    let policies: Vec<_> = chains.iter().map(|chain| (chain.name(), chain.bound().unwrap().policy)).collect();
    assert_eq!(
        policies,
        [("INPUT", ChainPolicy::Drop), ("FORWARD", ChainPolicy::Accept), ("OUTPUT", ChainPolicy::Drop)]
    );
    let origin = ruleset.origin(chains[2].rules()[0].origin()).unwrap();
    assert_eq!((origin.id.as_str(), origin.line), ("", 6));
    assert_eq!(origin.text, "-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT");
}

#[test]
fn every_table_has_its_built_in_chains() {
    let text = "*raw\nCOMMIT\n*mangle\nCOMMIT\n*nat\n:OUTPUT ACCEPT\nCOMMIT\n*filter\nCOMMIT\n*security\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv6);
    assert_eq!(errors, []);
    let bases = |name: &str| -> Vec<(Hook, ChainType, i32)> {
        let table = ruleset.tables.iter().find(|table| table.name() == name).unwrap();
        let bases = table.chains().iter().map(|chain| chain.bound().unwrap());
        bases.map(|base| (base.hook, base.kind, base.priority.0)).collect()
    };
    assert_eq!(bases("raw"), [(Hook::Prerouting, ChainType::Filter, -300), (Hook::Output, ChainType::Filter, -300)]);
    assert_eq!(bases("mangle")[3], (Hook::Output, ChainType::Route, Priority::MANGLE.0));
    let nat = [(Hook::Prerouting, -100), (Hook::Input, 100), (Hook::Output, -100), (Hook::Postrouting, 100)];
    assert_eq!(bases("nat"), nat.map(|(hook, priority)| (hook, ChainType::Nat, priority)));
    assert_eq!(bases("filter").len() + bases("security").len(), 6);
}

#[test]
fn options_that_people_write() {
    let cases = [
        ("-p tcp --dport 22 -j ACCEPT", "tcp dport 22 accept"),
        ("-p tcp --syn -j DROP", "tcp flags syn / fin,syn,rst,ack drop"),
        ("-p tcp ! --tcp-flags SYN,ACK SYN -j DROP", "tcp flags != syn / syn,ack drop"),
        ("-p all -s 10.1.2.3/255.255.0.0 -j ACCEPT", "ip saddr 10.1.0.0/16 accept"),
        ("-s 10.0.0.5/255.0.0.255 -j ACCEPT", "ip saddr & 255.0.0.255 == 10.0.0.5 accept"),
        ("-s 0.0.0.0/0 -j ACCEPT", "accept"),
        (
            "-s 10.0.0.1,10.0.0.2 -d 10.1.0.0/16 -j ACCEPT",
            "ip saddr 10.0.0.1 ip daddr 10.1.0.0/16 accept; ip saddr 10.0.0.2 ip daddr 10.1.0.0/16 accept",
        ),
        ("-i + -j ACCEPT", "accept"),
        ("-p tcp -m tcp --sport 0:65535 -j ACCEPT", "meta l4proto tcp ip frag-off & 0x1fff == 0 accept"),
        ("-m limit -j LOG", "limit rate 3/hour burst 5 packets log"),
        (
            "-m limit --limit 5/min -s 10.0.0.1 -j ACCEPT",
            "ip saddr 10.0.0.1 limit rate 5/minute burst 5 packets accept",
        ),
        (
            "-p tcp -m tcp -m limit --limit 5/s -m tcp --dport 22 -j ACCEPT",
            "meta l4proto tcp ip frag-off & 0x1fff == 0 limit rate 5/second burst 5 packets tcp dport 22 accept",
        ),
        (
            "-p tcp -m limit --limit 5/s -m tcp --dport 22 -j ACCEPT",
            "meta l4proto tcp limit rate 5/second burst 5 packets tcp dport 22 accept",
        ),
        ("-p icmp --icmp-type echo-request -j ACCEPT", "icmp type echo-request accept"),
        (
            "-p icmp --icmp-type fragmentation-needed -j ACCEPT",
            "icmp type destination-unreachable icmp code frag-needed accept",
        ),
        ("-p icmp --icmp-type any -j ACCEPT", "meta l4proto icmp ip frag-off & 0x1fff == 0 accept"),
        ("-p icmp -m icmp --icmp-type 255 -j ACCEPT", "meta l4proto icmp ip frag-off & 0x1fff == 0 accept"),
        ("-p udp -m multiport --dports 53,67:68 -j REJECT", "udp dport { 53, 67-68 } reject with port-unreachable"),
        ("-p udp -m multiport --ports 53 -j DROP", "udp sport 53 drop; udp dport 53 drop"),
        ("-p udp -m multiport --ports 53 -j LOG", "udp sport 53 log; udp sport != 53 udp dport 53 log"),
        ("-p udp -m multiport ! --ports 53 -j LOG", "udp sport != 53 udp dport != 53 log"),
        (
            "-p udp -m limit -m multiport --ports 53 -j DROP",
            "meta l4proto udp limit rate 3/hour burst 5 packets unknown match multiport `-m multiport --ports 53` (`--ports` is several rules, which would count apart or be too many: write `--sports` and `--dports` in lines of their own) drop",
        ),
        ("-j LOG --log-prefix \"a b \" --log-level debug", "log prefix \"a b \" level debug"),
        ("-j LOG --log-level 7 --log-uid --log-ip-options", "log level debug flags ip options flags skuid"),
        ("-i eth+ -j DROP", "iifname \"eth*\" drop"),
        ("-f -j DROP", "ip frag-off & 0x1fff != 0 drop"),
        ("! -f -j DROP", "ip frag-off & 0x1fff == 0 drop"),
        ("--in-interface lo --match comment --comment \"x y\" --jump ACCEPT", "iifname \"lo\" accept"),
        ("-p tcp --destination-port 80 -j ACCEPT", "tcp dport 80 accept"),
        ("-p tcp --dport ! 80 -j ACCEPT", "tcp dport != 80 accept"),
        ("-p tcp -m tcp --dport 80 -m tcp --dport 1:100 -j ACCEPT", "tcp dport 80 accept"),
        (
            "-m conntrack --ctstate NEW -m conntrack --ctstate NEW,RELATED -j ACCEPT",
            "ct state new ct state new,related accept",
        ),
        ("-g OWN", "goto OWN"),
        ("-j OWN", "jump OWN"),
        ("-m mark --mark 0x1/0xf", "meta mark & 0xf == 0x00000001 counter"),
        ("-j NFQUEUE --queue-balance 1:3 --queue-bypass", "queue flags bypass to 1-3"),
        ("-j NFLOG --nflog-group 5 --nflog-size 64 --nflog-threshold 2", "log group 5 snaplen 64 queue-threshold 2"),
        ("-p tcp -j REJECT --reject-with tcp-reset", "meta l4proto tcp reject with tcp-reset"),
    ];
    check(&cases, printed);
}

#[test]
fn matches_of_conntrack() {
    let cases = [
        ("-m conntrack --ctstate NEW,ESTABLISHED -j DROP", "ct state new,established drop"),
        ("-m conntrack ! --ctstate INVALID -j DROP", "ct state ! invalid drop"),
        ("-m conntrack --ctstate DNAT -j DROP", "ct status dnat drop"),
        ("-m conntrack --ctstate NEW,DNAT -j DROP", "ct state new drop; ct status dnat drop"),
        ("-m conntrack --ctstate NEW,DNAT -j LOG", "ct state new log; ct state ! new ct status dnat log"),
        // Packets without an entry pass it too.
        (
            "-m conntrack ! --ctstate DNAT -j DROP",
            "unknown match conntrack `-m conntrack ! --ctstate DNAT` (`! --ctstate` with SNAT or DNAT passes packets without an entry too: except INVALID,UNTRACKED as well) drop",
        ),
        ("-m conntrack ! --ctstate INVALID,UNTRACKED,DNAT -j DROP", "ct status ! dnat drop"),
        ("-m conntrack ! --ctstate INVALID,NEW,UNTRACKED,DNAT -j DROP", "ct state ! new ct status ! dnat drop"),
        // Of packets without an entry, the state alone decides.
        (
            "-m conntrack --ctstate INVALID --ctproto 6 -j DROP",
            "unknown match conntrack `-m conntrack --ctstate INVALID --ctproto 6` (its ct states pass packets without an entry, whatever else it asks: write the two apart) drop",
        ),
        ("-m conntrack --ctstate NEW --ctproto 6 -j DROP", "ct original protocol tcp ct state new drop"),
        ("-m conntrack --ctstatus ASSURED,EXPECTED -j DROP", "ct status expected,assured drop"),
        (
            "-m conntrack --ctorigsrc 10.0.0.0/8 ! --ctorigdstport 80 -j DROP",
            "ct original ip saddr 10.0.0.0/8 ct original proto-dst != 80 drop",
        ),
        ("-m conntrack --ctexpire 5:10 -j DROP", "ct expiration 5s-10s999ms drop"),
        ("-m conntrack --ctdir REPLY -j DROP", "ct direction reply drop"),
        ("-m connmark ! --mark 0x1 -j DROP", "ct mark != 0x00000001 drop"),
        ("-m helper --helper ftp -j DROP", "ct helper \"ftp\" drop"),
        (
            "-m helper --helper sip-5061 -j DROP",
            "unknown match helper `-m helper --helper sip-5061` (`sip-5061` passes entries of other helpers too, whose names it begins with) drop",
        ),
        (
            "-m connbytes --connbytes 100: --connbytes-dir original --connbytes-mode bytes -j DROP",
            "ct original bytes 100-18446744073709551615 drop",
        ),
        ("-m connlimit --connlimit-above 5 --connlimit-mask 0 -j DROP", "ct count over 5 drop"),
        (
            "-m connlimit --connlimit-above 5 -j DROP",
            "unknown match connlimit `-m connlimit --connlimit-above 5` (it counts for each address apart, which is not modelled: `--connlimit-mask 0` counts all together) drop",
        ),
    ];
    check(&cases, printed);
}

#[test]
fn matches_of_packets_and_hosts() {
    let cases = [
        ("-m mac --mac-source 00:11:22:33:44:55 -j DROP", "ether saddr 00:11:22:33:44:55 drop"),
        ("-m dscp --dscp-class EF -j DROP", "ip dscp ef drop"),
        ("-m tos --tos 0x10/0xfc -j DROP", "ip dscp 4 drop"),
        (
            "-m tos --tos 0x10 -j DROP",
            "unknown match tos `-m tos --tos 0x10` (`0x10` looks at the two bits of ECN too: write a mask of the others, `0x10/0xfc`) drop",
        ),
        ("-m length --length 100:200 -j DROP", "ip length 100-200 drop"),
        ("-m ttl --ttl-lt 5 -j DROP", "ip ttl 0-4 drop"),
        ("-m pkttype ! --pkt-type unicast -j DROP", "meta pkttype != host drop"),
        ("-m addrtype --dst-type LOCAL,BROADCAST -j DROP", "fib daddr type { local, broadcast } drop"),
        ("-m addrtype ! --src-type LOCAL --limit-iface-in -j DROP", "fib saddr . iif type != local drop"),
        ("-m policy --dir in --pol ipsec -j DROP", "meta ipsec exists drop"),
        (
            "-m policy --dir in --pol ipsec --reqid 5 -j DROP",
            "unknown match policy `-m policy --dir in --pol ipsec --reqid 5` (`--reqid` is not modelled) drop",
        ),
        ("-m devgroup --src-group 0x5/0xff -j DROP", "iifgroup & 0xff == 5 drop"),
        ("-m cgroup --cgroup 5 -j DROP", "meta cgroup 5 drop"),
        ("-m cpu ! --cpu 1 -j DROP", "meta cpu != 1 drop"),
        ("-m realm --realm 0x5 -j DROP", "meta rtclassid 5 drop"),
        (
            "-m time --timestart 10:00 --timestop 12:30 --weekdays Mon,Fri -j DROP",
            "meta day { Monday, Friday } meta hour 36000-45000 drop",
        ),
        (
            "-m time --timestart 22:00 --timestop 06:00 --datestop 2038-01-19T03:14:07 -j DROP",
            "meta hour { 0-21600, 79200-86399 } drop",
        ),
        (
            "-m time --kerneltz --timestart 10:00 -j DROP",
            "unknown match time `-m time --kerneltz --timestart 10:00` (`--kerneltz` asks for the time zone of the host: write times in UTC) drop",
        ),
        ("-m statistic --mode random --probability 0.5 -j DROP", "numgen random mod 2147483648 0-1073741823 drop"),
        ("-m statistic --mode nth --every 3 --packet 1 -j DROP", "numgen inc mod 3 1 drop"),
        ("-p tcp -m tcpmss --mss 100:500 -j DROP", "tcp option maxseg size 100-500 drop"),
        (
            "-p tcp -m tcpmss ! --mss 100 -j DROP",
            "meta l4proto tcp unknown match tcpmss `-m tcpmss ! --mss 100` (`! --mss` passes packets without the TCP option too, for which there is no test) drop",
        ),
        ("-m quota --quota 5000 -j DROP", "quota 5000 bytes drop"),
        ("-m socket -j DROP", "socket wildcard 0 drop"),
        ("-m socket --transparent --nowildcard -j DROP", "socket transparent 1 drop"),
        ("-p dccp -m dccp --dport 5 -j DROP", "dccp dport 5 drop"),
        ("-p udplite -m multiport --dports 5 -j DROP", "udplite dport 5 drop"),
    ];
    check(&cases, printed);
    let owner = |rule: &str| printed_in("filter", "OUTPUT", rule, Family::Ipv4).join("; ");
    let cases = [
        ("-m owner --uid-owner 0-10 -j DROP", "meta skuid 0-10 drop"),
        (
            "-m owner ! --uid-owner 0 -j DROP",
            "unknown match owner `-m owner ! --uid-owner 0` (`! --uid-owner` passes packets of no socket too, for which there is no test) drop",
        ),
    ];
    check(&cases, owner);
    let raw = |rule: &str| printed_in("raw", "PREROUTING", rule, Family::Ipv4).join("; ");
    check(&[("-m rpfilter --loose --invert -j DROP", "fib saddr oif missing drop")], raw);
}

#[test]
fn matches_of_ipv6() {
    let cases = [
        ("-p icmp -j DROP", "meta l4proto icmp drop"),
        (
            "-p ipv6-icmp -m icmp6 --icmpv6-type 1/3 -j DROP",
            "icmpv6 type destination-unreachable icmpv6 code addr-unreachable drop",
        ),
        ("-m length --length 100:200 -j DROP", "ip6 length 60-160 drop"),
        ("-m length ! --length 0:100 -j DROP", "ip6 length != 0-60 drop"),
        ("-m hl --hl-eq 255 -j DROP", "ip6 hoplimit 255 drop"),
        // No later fragment, for which IPv6 has no one test.
        ("-p udp -m udp -j DROP", "udp dport 0-32767 drop; udp dport 32768-65535 drop"),
        ("-p udp -m udp --dport 5 --sport : -j DROP", "udp dport 5 drop"),
        (
            "-p udp -m udp -m limit -j DROP",
            "meta l4proto udp unknown match header `udp dport` (that a packet has the header is several rules, which would count apart or be too many: leave the match out, or test a port) limit rate 3/hour burst 5 packets drop",
        ),
        ("-m frag -j DROP", "exthdr frag exists drop"),
        ("-m rt --rt-type 0 -j DROP", "unknown match rt `-m rt --rt-type 0` (`--rt-type` is not modelled) drop"),
        ("-m ipv6header ! --header ipv6-frag --soft -j DROP", "exthdr frag missing drop"),
        ("-m addrtype --dst-type LOCAL -j DROP", "fib daddr type local drop"),
        ("-m addrtype --dst-type MULTICAST -j DROP", "ip6 daddr ff00::/8 drop"),
        (
            "-m addrtype --dst-type UNICAST -j DROP",
            "unknown match addrtype `-m addrtype --dst-type UNICAST` (`UNICAST` is not modelled for IPv6: LOCAL or MULTICAST alone is) drop",
        ),
        ("-s fd00::1/ffff::ffff -j DROP", "ip6 saddr & ffff::ffff == fd00::1 drop"),
        ("-j REJECT --reject-with icmp6-adm-prohibited", "reject with admin-prohibited"),
        (
            "-j REJECT --reject-with icmp6-policy-fail",
            "unknown target REJECT `-j REJECT --reject-with icmp6-policy-fail` (`icmp6-policy-fail` is no answer of ipv6 that is modelled)",
        ),
    ];
    check(&cases, printed_v6);
}

#[test]
fn targets() {
    let mangle = |rule: &str| printed_in("mangle", "FORWARD", rule, Family::Ipv4).join("; ");
    let cases = [
        ("-j MARK --set-xmark 0x5/0xff", "meta mark set meta mark & 0xffffff00 | 0x00000005"),
        ("-j MARK --set-mark 5", "meta mark set 0x00000005"),
        ("-j MARK --or-mark 5", "meta mark set meta mark & 0xfffffffa | 0x00000005"),
        ("-j MARK --xor-mark 5", "meta mark set meta mark & 0xffffffff ^ 0x00000005"),
        ("-j CONNMARK --save-mark", "ct mark set meta mark"),
        ("-j CONNMARK --restore-mark --mask 0xf", "meta mark set meta mark & 0xfffffff0 ^ ct mark & 0xf"),
        (
            "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
            "tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
        ),
        (
            "-p tcp --syn -m tcpmss --mss 0:65535 -j TCPMSS --set-mss 500",
            "tcp flags syn / fin,syn,rst,ack tcp option maxseg size set 500",
        ),
        ("-p tcp --syn -j TCPMSS --set-mss 536", "tcp flags syn / fin,syn,rst,ack tcp option maxseg size set 536"),
        (
            "-p tcp --syn -j TCPMSS --set-mss 500",
            "tcp flags syn / fin,syn,rst,ack unknown target TCPMSS `-j TCPMSS --set-mss 500` (iptables writes 500 into a SYN that offers no segment size too, and the IR leaves that as it is: write `-m tcpmss --mss 0:65535` beside it)",
        ),
        (
            "-p tcp -j TCPMSS --set-mss 1400",
            "meta l4proto tcp unknown target TCPMSS `-j TCPMSS --set-mss 1400` (iptables bounds the size in a rule of TCP's flag SYN alone: write `-p tcp --syn` beside it)",
        ),
        ("-j CLASSIFY --set-class 1:ff", "meta priority set 1:ff"),
        ("-j DSCP --set-dscp 5", "unknown target DSCP `-j DSCP --set-dscp 5` (it is not modelled)"),
        (
            "-p udp -j CHECKSUM --checksum-fill",
            "meta l4proto udp unknown target CHECKSUM `-j CHECKSUM --checksum-fill` (it is not modelled)",
        ),
    ];
    check(&cases, mangle);
    let raw = |rule: &str| printed_in("raw", "PREROUTING", rule, Family::Ipv4).join("; ");
    let cases = [
        ("-j NOTRACK", "notrack"),
        ("-j CT --notrack", "notrack"),
        ("-p tcp -j CT --helper ftp --zone 5", "meta l4proto tcp ct zone set 5 ct helper set \"ftp-tcp\""),
        ("-j CT --zone-orig 5", "ct original zone set 5"),
        ("-j CT --timeout x", "unknown target CT `-j CT --timeout x` (`--timeout` is not modelled)"),
    ];
    check(&cases, raw);
    let nat = |chain: &'static str| move |rule: &str| printed_in("nat", chain, rule, Family::Ipv4).join("; ");
    let cases = [
        ("-p tcp -j DNAT --to-destination 1.2.3.4:80-90 --random", "meta l4proto tcp dnat ip to 1.2.3.4:80-90 random"),
        ("-p tcp -j DNAT --to-destination :80", "meta l4proto tcp dnat to :80"),
        ("-j DNAT --to-destination 1.2.3.4-1.2.3.9 --persistent", "dnat ip to 1.2.3.4-1.2.3.9 persistent"),
        (
            "-p tcp -j DNAT --to-destination 1.2.3.4:80-90/80",
            "meta l4proto tcp unknown target DNAT `-j DNAT --to-destination 1.2.3.4:80-90/80` (`80-90/80` shifts ports, which is not modelled)",
        ),
        ("-p tcp -j REDIRECT --to-ports 8080", "meta l4proto tcp redirect to :8080"),
        ("-j NETMAP --to 10.0.0.0/24", "dnat ip prefix to 10.0.0.0/24"),
    ];
    check(&cases, nat("PREROUTING"));
    let cases = [
        ("-j MASQUERADE --random-fully", "masquerade fully-random"),
        ("-j SNAT --to-source 1.2.3.4", "snat ip to 1.2.3.4"),
        ("-j NETMAP --to 10.0.0.0/24", "snat ip prefix to 10.0.0.0/24"),
        (
            "-j DNAT --to-destination 1.2.3.4",
            "unknown rule `-j DNAT --to-destination 1.2.3.4` (`dnat` cannot stand in a chain of type nat at hook postrouting)",
        ),
    ];
    check(&cases, nat("POSTROUTING"));
    assert_eq!(
        printed_in("nat", "PREROUTING", "-p tcp -j DNAT --to-destination [fd00::1]:80", Family::Ipv6),
        ["meta l4proto tcp dnat ip6 to [fd00::1]:80"]
    );
}

/// A chain that no packet comes to has no hook to tell the direction of NETMAP.
#[test]
fn the_direction_of_a_map_of_nets_is_that_of_its_hooks() {
    let netmap = "-A OWN -j NETMAP --to 10.0.0.0/24\nCOMMIT\n";
    let rule = |calls: &str| {
        let (ruleset, errors) = read(&format!("*nat\n:OWN -\n{calls}{netmap}"), Family::Ipv4);
        assert_eq!(errors, []);
        ruleset.tables[0].chain("OWN").unwrap().rules()[0].to_string()
    };
    let unknown = |rule: &str| rule.starts_with("unknown target NETMAP `-j NETMAP --to 10.0.0.0/24` (");
    assert_eq!(rule("-A OUTPUT -j OWN\n"), "dnat ip prefix to 10.0.0.0/24");
    assert_eq!(rule("-A INPUT -j OWN\n"), "snat ip prefix to 10.0.0.0/24");
    assert!(unknown(&rule("")) && unknown(&rule("-A INPUT -j OWN\n-A OUTPUT -j OWN\n")));
}

#[test]
fn a_comment_is_the_reason() {
    let (ruleset, errors) =
        read("*filter\n:INPUT DROP\n-A INPUT -m comment --comment \"from home\" -j DROP\nCOMMIT", Family::Ipv4);
    assert_eq!(errors, []);
    let rule = &ruleset.tables[0].chain("INPUT").unwrap().rules()[0];
    assert_eq!(ruleset.origin(rule.origin()).unwrap().because.as_deref(), Some("from home"));
}

#[test]
fn chains_whose_names_the_ir_cannot_hold_are_led_to() {
    let text = "*filter\n:~log0 -\n:1st -\n-A INPUT -j ~log0\n-A ~log0 -g 1st\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv4);
    assert_eq!(errors, []);
    let printed: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(ToString::to_string).collect();
    assert_eq!(printed, ["jump _//7elog0", "goto _/1st"]);
}

#[test]
fn commands_beside_append() {
    let text = "*filter\n-N OWN\n-P INPUT DROP\n-A INPUT -j OWN\n-I INPUT -s 1.1.1.1 -j DROP\n-I INPUT 2 -s 2.2.2.2 -j DROP\n\
                -6 -A INPUT -j DROP\n-4 -A OWN -j DROP\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv4);
    assert_eq!(errors, []);
    let printed: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(ToString::to_string).collect();
    assert_eq!(printed, ["ip saddr 1.1.1.1 drop", "ip saddr 2.2.2.2 drop", "jump OWN", "drop"]);
    assert_eq!(ruleset.tables[0].chain("INPUT").unwrap().bound().unwrap().policy, ChainPolicy::Drop);
}

/// iptables-restore empties a table that a text begins a second time.
#[test]
fn the_last_text_of_a_table_counts() {
    let text = "*filter\n:OLD -\n-A INPUT -j OLD\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n";
    let (ruleset, errors) = read(text, Family::Ipv4);
    assert_eq!((errors, ruleset.tables.len()), (Vec::new(), 1));
    assert_eq!(rules(&ruleset), ["drop"]);
}

fn rules(ruleset: &Ruleset) -> Vec<String> {
    ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(ToString::to_string).collect()
}

fn errors(text: &str) -> Vec<ReadError> {
    read(text, Family::Ipv4).1
}
