// SPDX-License-Identifier: GPL-3.0-or-later
//! What people write by hand: iptables itself says what each spelling means, by what iptables-save prints of it.

use std::fmt::Write as _;

use ringwall_ir::words::Family;

use super::program;
use crate::target::iptables::read;
use crate::target::testing::kernel;

/// What means the same, a row each: the program, the table (`filter` if it is not said) and the chain (`INPUT`), and the
/// spellings between bars.
const ROWS: &str = r#"
iptables filter INPUT: -s 10.0.0.0/8 | -s 10/8 | -s 10.1.2.3/255.0.0.0 | -s 0x0a.0.0.0/0x8 | --src 012/8
iptables filter INPUT: -d 10.1.0.0 | -d 10.1 | --destination 10.1.0.0/32 | --dst 10.1.0.0/255.255.255.255
iptables filter INPUT: -s 10.1.2.3/255.0.255.0 | -s 10.0.2.0/255.0.255.0
iptables filter INPUT:  | -m mark --mark 0/0 | -m mark ! --mark 0xff/0xf | -m length --length 0:65535 | -m iprange --src-range 0.0.0.0-255.255.255.255 | -m tos --tos 0/0
iptables filter INPUT:  | -s 0/0 | -d 0.0.0.0/0 | -i + | -p all | -p ALL | -p ip | -p 0
ip6tables filter INPUT: -s fd00::/8 | -s fd00::1/8 | -s fd00::/0x8 | --source FD00::/ff00::
ip6tables filter INPUT:  | -s ::/0 | -p all
iptables filter INPUT: -i eth0 | --in-interface eth0
iptables filter OUTPUT: ! -o eth+ | ! --out-interface eth+
iptables filter INPUT: -p tcp | -p TCP | -p 6 | -p 06 | -p 0x6 | --proto Tcp | --protocol tcp
iptables filter INPUT: -p tcp ! -f | -p tcp -m tcp | -p tcp --tcp-flags NONE NONE | -p tcp --tcp-flags none none | -p tcp --dport : | -p tcp --sport 0:65535 | -p tcp -m multiport --dports 0:65535 | -p tcp -m multiport --ports 0:65535 | -p tcp -m tcp -m tcp --sport :65535
iptables filter INPUT: -p udp ! -f | -p udp -m udp | -p udp --dport 0: --sport : | -p udp ! -f -m udp
iptables filter INPUT: -p sctp ! -f | -p sctp -m sctp | -p sctp --dport 0:65535
iptables filter INPUT: -p tcp --dport 22 | -p tcp --dport 22 --sport : | -p tcp -m tcp -m multiport --dports 22 | -p tcp -m multiport --sports 0:65535 -m tcp --dport 22 --tcp-flags NONE NONE
ip6tables filter INPUT: -p ipv6-icmp | -p ICMPv6 | -p 58 | -p IPv6-ICMP
iptables filter INPUT: -f | --fragment | --fragments
iptables filter INPUT: -p tcp --dport 22 | -p tcp -m tcp --dport 0x16 | -p tcp --destination-port 026 | -p 6 --dpor 22:22
iptables filter INPUT: -p udp --sport 0:80 | -p udp --source-port :80 | -p UDP -m udp --sport 00:080
iptables filter INPUT: -p sctp ! --dport 80:65535 | -p sctp ! --dport 80: | -p 132 -m sctp ! --dport 0x50:
iptables filter INPUT: -p tcp --dport 8 | -p tcp --dport 010
iptables filter INPUT: -p udp --dport 10 | -p udp --dport 010
iptables filter INPUT: -p dccp --dport 80 | -p dccp --dport 080 | -p 33 -m dccp --dport 80
iptables filter INPUT: -p tcp -m multiport --dports 80,443 | -p tcp -m multiport --destination-ports 0x50,443 | -p tcp -m multiport --dport 443,80
iptables filter INPUT: -p udplite -m multiport --sports 5:9 | -p 136 -m multiport --source-ports 5:9
iptables filter INPUT: -p tcp --syn | -p tcp --tcp-flags SYN,RST,ACK,FIN SYN | -p tcp --tcp-flags syn,rst,ack,fin syn | -p tcp -m tcp --tcp-flags FIN,SYN,,RST,ACK SYN
iptables filter INPUT: -p tcp --tcp-flags ALL NONE | -p tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE | -p tcp --tcp-flags all none
iptables filter INPUT: -p icmp --icmp-type 8 | -p icmp --icmp-type echo-request | -p 1 --icmp-type Echo-Req | -p ICMP -m icmp --icmp-type ping | -p icmp --icmp-type 0x8
iptables filter INPUT: -p icmp --icmp-type 3/4 | -p icmp --icmp-type fragmentation-needed | -p icmp --icmp-type frag | -p icmp --icmp-type 0x3/04
iptables filter INPUT: -p icmp ! -f | -p icmp --icmp-type any | -p icmp --icmp-type ANY | -p icmp --icmp-type 255 | -p icmp --icmp-type 255/0
iptables filter INPUT: -p icmp --icmp-type 5/2 | -p icmp --icmp-type TOS-network-redirect | -p icmp --icmp-type tos-network-red
ip6tables filter INPUT: -p icmpv6 --icmpv6-type 135 | -p icmpv6 --icmpv6-type neighbour-solicitation | -p 58 -m icmp6 --icmpv6-type neighbor-sol | -p icmpv6 -m icmpv6 --icmpv6-type 0x87
ip6tables filter INPUT: -p icmpv6 --icmpv6-type 1/3 | -p icmpv6 --icmpv6-type address-unreachable | -p icmpv6 --icmpv6-type ADDR
ip6tables filter INPUT: -p icmpv6 --icmpv6-type 2 | -p icmpv6 --icmpv6-type packet-too-big
iptables filter INPUT: -m conntrack --ctstate NEW,ESTABLISHED | -m conntrack --ctstate established,New | -m state --state NEW,ESTABLISHED | -m state --state e,n | -m conntrack --ctstate Est,NEW,new
iptables filter INPUT: -m conntrack ! --ctstate INVALID | -m state ! --state inv | -m conntrack ! --ctstate i
iptables filter INPUT: -m conntrack --ctstate DNAT | -m conntrack --ctstate d
iptables filter INPUT: -m conntrack --ctstatus SEEN_REPLY,ASSURED | -m conntrack --ctstatus a,seen | -m conntrack --ctstatus ASSURED,SEEN_REPLY,NONE
iptables filter INPUT: -m conntrack --ctdir ORIGINAL | -m conntrack --ctdir original
iptables filter INPUT: -m conntrack --ctproto 6 | -m conntrack --ctproto TCP | -m conntrack --ctproto 0x6
iptables filter INPUT: -m conntrack --ctorigsrc 10.0.0.0/8 | -m conntrack --ctorigsrc 10.0.0.0/255.0.0.0
iptables filter INPUT: -m conntrack --ctorigdstport 22:80 | -m conntrack --ctorigdstport 022:080
iptables filter INPUT: -m conntrack --ctexpire 16:32 | -m conntrack --ctexpire 0x10:0x20
iptables filter INPUT: -m conntrack --ctexpire 10: | -m conntrack --ctexpire 10:4294967295
iptables filter INPUT: -m addrtype --dst-type LOCAL,BROADCAST | -m addrtype --dst-type local,b | -m addrtype --dst-type Broad,LOC
iptables filter INPUT: -m connbytes --connbytes 10 --connbytes-dir both --connbytes-mode packets | -m connbytes --connbytes 0xa: --connbytes-mode packets --connbytes-dir both
iptables filter INPUT: -m connbytes --connbytes 0:10 --connbytes-dir reply --connbytes-mode bytes | -m connbytes --connbytes :10 --connbytes-dir reply --connbytes-mode bytes
iptables filter INPUT: -m connlimit --connlimit-above 3 --connlimit-mask 0 | -m connlimit --connlimit-above 0x3 --connlimit-mask 0.0.0.0 --connlimit-saddr | -m connlimit ! --connlimit-upto 3 --connlimit-mask 0
iptables filter INPUT: -m mark --mark 0x5/0xf | -m mark --mark 5/15 | -m mark --mark 05/017
iptables filter INPUT: -m connmark ! --mark 5 | -m connmark ! --mark 0x5/0xffffffff
iptables filter INPUT: -m cpu --cpu 1 | -m cpu --cpu 0x1
iptables filter INPUT: -m devgroup --src-group 0 | -m devgroup --src-group default | -m devgroup --src-group 0x0
iptables filter INPUT: -m devgroup --src-group 5/15 | -m devgroup --src-group 0x15/0xf
iptables filter INPUT: -m realm --realm 5/15 | -m realm --realm 0x5/0xf
iptables filter INPUT: -m dscp --dscp 10 | -m dscp --dscp 0x0a | -m dscp --dscp-class AF11 | -m dscp --dscp-class af11
ip6tables filter INPUT: -m dscp --dscp 0 | -m dscp --dscp-class CS0 | -m dscp --dscp-class BE
iptables filter INPUT: -m tos --tos 0x10/0xfc | -m tos --tos 16/252
iptables filter INPUT: -m ttl --ttl-eq 64 | -m ttl --ttl 64 | -m ttl --ttl-eq 0x40
ip6tables filter INPUT: -m hl --hl-eq 255 | -m hl --hl 0xff
iptables filter INPUT: -m iprange --src-range 10.0.0.1-10.0.0.9 | -m iprange --src-range 012.0.0.1-10.0.0.0x9
iptables filter INPUT: -m iprange --dst-range 10.1.0.0-10.2.0.0 | -m iprange --dst-range 10.1-10.2
iptables filter INPUT: -m length --length 100:65535 | -m length --length 100: | -m length --length 0x64:
ip6tables filter INPUT: -m length --length 0:200 | -m length --length :200
iptables filter INPUT: -m limit --limit 5/sec | -m limit --limit 5 | -m limit --limit 5/S | -m limit --limit 5/second | -m limit --limit 300/MINUTE --limit-burst 5
iptables filter INPUT: -m limit | -m limit --limit 3/hour --limit-burst 0x5 | -m limit --limit 72/d
iptables filter INPUT: -m mac --mac-source 00:11:22:33:44:5a | -m mac --mac-source 0:11:22:33:44:5A
iptables filter INPUT: -m pkttype --pkt-type unicast | -m pkttype --pkt-type UNICAST | -m pkttype --pkt-type host
iptables filter INPUT: -m pkttype --pkt-type broadcast | -m pkttype --pkt-type bcast
iptables filter INPUT: -m pkttype --pkt-type otherhost
iptables filter INPUT: -m quota --quota 4096 | -m quota --quota 0x1000
iptables filter OUTPUT: -m owner --uid-owner 16-32 | -m owner --uid-owner 0x10-0x20
iptables filter INPUT: -m cgroup --cgroup 5 | -m cgroup --cgroup 0x5
iptables filter INPUT:  | -m statistic --mode random --probability 1 | -m statistic --mode random --probability 1.0
iptables filter INPUT: -m statistic --mode random --probability 0.5 | -m statistic --mode random --probability .5 | -m statistic --mode random --probability 5e-1
iptables filter INPUT: -m statistic --mode nth --every 3 --packet 1 | -m statistic --mode nth --every 0x3 --packet 01
iptables filter INPUT: -p tcp -m tcpmss --mss 100:65535 | -p tcp -m tcpmss --mss 100: | -p tcp -m tcpmss --mss 0x64:
iptables filter INPUT: -m time --timestart 10:00 --timestop 12:00 | -m time --timestart 10:00:00 --timestop 12:0:0 --utc
iptables filter INPUT: -m time --weekdays Mon,Sun | -m time --weekdays 1,7 | -m time --weekdays Monday,Su | -m time ! --weekdays Tu,We,Th,Fr,Sa
iptables filter INPUT: -m time --datestart 2020 | -m time --datestart 2020-1-1 | -m time --datestart 2020-01-01T0 | -m time --datestart 2020-01-01T00:00:00
ip6tables filter INPUT: -m ipv6header --header frag --soft | -m ipv6header --soft --header 44 | -m ipv6header --header ipv6-frag --soft
iptables filter INPUT: -j REJECT | -j REJECT --reject-with port-unreach | -j REJECT --reject-with ICMP-port | -j REJECT --reject-with icmp-port-unreachable
iptables filter INPUT: -j REJECT --reject-with icmp-host-prohibited | -j REJECT --reject-with host-prohib | -j REJECT --reject-with icmp-host-p
iptables filter INPUT: -j REJECT --reject-with icmp-admin-prohibited | -j REJECT --reject-with admin
iptables filter INPUT: -p tcp -j REJECT --reject-with tcp-reset | -p tcp -j REJECT --reject-with tcp | -p tcp -j REJECT --reject-with TCP-RST
ip6tables filter INPUT: -j REJECT --reject-with icmp6-adm-prohibited | -j REJECT --reject-with adm | -j REJECT --reject-with icmp6-a
iptables filter INPUT: -j LOG | -j LOG --log-level 4 | -j LOG --log-level warning | -j LOG --log-level 0x4
iptables filter INPUT: -j LOG --log-level emerg | -j LOG --log-level panic | -j LOG --log-level 0
iptables filter INPUT: -j LOG --log-level error | -j LOG --log-level 3
iptables filter INPUT: -j LOG --log-prefix "01234567890123456789012345678" | -j LOG --log-prefix "012345678901234567890123456789"
iptables filter INPUT: -j NFLOG --nflog-group 5 | -j NFLOG --nflog-group 0x5
iptables filter INPUT: -j NFQUEUE --queue-balance 1:5 | -j NFQUEUE --queue-balance 0x1:05
iptables filter INPUT: -j NFQUEUE | -j NFQUEUE --queue-num 0
iptables mangle FORWARD: -j MARK --set-mark 5/15 | -j MARK --set-xmark 0x5/0xf | -j MARK --set-mark 0x5/0xf
iptables mangle FORWARD: -j MARK --or-mark 5 | -j MARK --set-xmark 5/5
iptables mangle FORWARD: -j MARK --and-mark 0xf0 | -j MARK --set-xmark 0/0xffffff0f
iptables mangle FORWARD: -j CONNMARK --save-mark | -j CONNMARK --save-mark --mask 0xffffffff | -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 4294967295
iptables mangle FORWARD: -j CLASSIFY --set-class 1:10 | -j CLASSIFY --set-class 0001:0010
iptables mangle FORWARD: -p tcp --syn -j TCPMSS --set-mss 1400 | -p tcp --syn -j TCPMSS --set-mss 0x578
iptables raw PREROUTING: -j CT --zone 5 | -j CT --zone 0x5
iptables raw PREROUTING: -j CT | -j CT --zone 0
iptables nat PREROUTING: -p tcp -j DNAT --to-destination 10.0.0.1:80 | -p TCP -j DNAT --to 10.0.0.1:0x50 | -p 6 -j DNAT --to-destination 10.0.0.1-10.0.0.1:80-80
iptables nat PREROUTING: -p udp -j REDIRECT --to-ports 80-90 | -p udp -j REDIRECT --to-port 80-90
iptables nat PREROUTING: -j NETMAP --to 10.0.0.0/8 | -j NETMAP --to 10.0.0.0/255.0.0.0
"#;

/// What iptables refuses, and so do we: it becomes an unknown.
const REFUSED: &str = r#"
iptables: -p udp --dport 0x50 | -p dccp --dport 0x50 | -m conntrack --ctorigdstport 0x16
iptables: -s 10.0.0.0/08 | -s 10.0.0.0/33 | -s 10.0.0.0/ | -s 10.0.0.0/255.0 | -s 10.0.0.256 | -s any
iptables: -s fd00::1 | -p 256 | -p icmp6x | -p tcp --dport SSH | -p tcp --dport 70000 | -p tcp --dport 90:80
iptables: -p tcp --dport 80-90 | -m tcp --dport 80 | -p udp -m tcp --dport 80 | -p tcp --tcp-flags SYN,ECE SYN
iptables: -p tcp -m multiport --dports 80: | -p tcp -m multiport --dports :80
iptables: -p tcp -m multiport --dports 80:80 | -m multiport --dports 80 | -p icmp --icmp-type echo
iptables: -p icmp --icmp-type 300 | -p icmp --icmp-type 3:4 | -m conntrack --ctstate NEWX
iptables: -m conntrack --ctstate NEW, | -m state --state DNAT | -m conntrack --ctdir ORIG
iptables: -m addrtype --dst-type UNICAST, | -m dscp --dscp 64 | -m dscp --dscp-class va | -m limit --limit 1/week
iptables: -m limit --limit 0/s | -m limit --limit 5/hours | -m limit --limit 0x5/s | -m limit --limit 10001/s
iptables: -m limit ! --limit 5/s | -m mac --mac-source 00-11-22-33-44-55 | -m mark --mark 4294967296
iptables: -m pkttype --pkt-type to-us | -m policy --dir IN --pol none
iptables: -m statistic --mode RANDOM --probability 0.5 | -m statistic --mode nth --every 3 --packet 3
iptables: -m statistic --mode random --probability 2 | -m time --timestart 10 | -m time --weekdays mon
iptables: -m ttl ! --ttl-lt 64 | -m ttl --ttl-eq 256 | -j LOG --log-level warn | -j LOG --log-level 8
iptables: -j REJECT --reject-with icmp-fire | -j accept
iptables: -s 10.0.0.1 -s 10.0.0.2 | -d 10.0.0.1 -d 10.0.0.1 | -p tcp -p udp | -p tcp -p tcp | -i eth0 -i eth1
iptables: -i + -i eth0 | -f -f | -c 1 2 -c 3 4 | -o eth0 | -o + | ! -o eth0 -j DROP
iptables OUTPUT: -o eth0 -o eth1 | -i eth0 | ! -i eth+ | -i +
iptables mangle PREROUTING: -o eth0
iptables mangle POSTROUTING: -i eth0
iptables nat INPUT: -o eth0
iptables nat OUTPUT: -i eth0
iptables: -p tcp --dport 5 --dport 6 | -p tcp --sport 5 --sport 5 | -p udp --dport 5 --dport 6 | -p sctp --dport 5 --dport 6
iptables: -p tcp --tcp-flags SYN SYN --tcp-flags ACK ACK | -p tcp --syn --syn | -p tcp --syn --tcp-flags ACK ACK
iptables: -m state --state NEW --state ESTABLISHED | -m conntrack --ctstate NEW --ctstate ESTABLISHED
iptables: -m conntrack --ctorigsrc 1.1.1.1 --ctorigsrc 1.1.1.2 | -m conntrack ! --ctdir REPLY | -m conntrack
iptables: -p icmp --icmp-type 8 --icmp-type 0 | -p icmp -m icmp | -m mark | -m limit --limit 1/s --limit 2/s
iptables: -m mark --mark 1 --mark 2 | -m mark -m connmark --mark 1 --mark 2 | -m length --length 1:2 --length 3:4
iptables: -p tcp -m multiport --dports 1 --sports 2 | -p tcp -m multiport --dports 1 --dports 2
iptables: -m addrtype --src-type LOCAL --limit-iface-in --limit-iface-out | -m addrtype --src-type LOCAL --src-type UNICAST
iptables: -m addrtype --src-type LOCAL ! --limit-iface-in | -m ttl --ttl-lt 5 --ttl-gt 3 | -m ttl --ttl-eq 5 --ttl-eq 5
iptables: -m dscp --dscp 5 --dscp-class EF | -m connlimit --connlimit-above 3 --connlimit-upto 3 --connlimit-mask 0
iptables: -m connlimit --connlimit-above 3 --connlimit-mask 0 --connlimit-saddr --connlimit-daddr
iptables: -m time --timestart 10:00 --timestart 11:00 | -m time ! --timestart 10:00 | -m time --utc --kerneltz
iptables: -m statistic ! --mode random --probability 0.5 | -m comment --comment a --comment b | -m socket ! --nowildcard
iptables: -j LOG --log-level 4 --log-level 5 | -j LOG --log-uid --log-uid | -j LOG ! --log-uid
iptables: -j REJECT --reject-with icmp-net-unreachable --reject-with icmp-host-unreachable
iptables: -j NFQUEUE --queue-num 4 --queue-balance 5:6 | -j NFLOG --nflog-group 4 --nflog-group 5
iptables mangle FORWARD: -j MARK --set-mark 1 --or-mark 2 | -j MARK --set-mark 1 --set-mark 2 | -j CONNMARK --set-mark 1 --save-mark
iptables mangle FORWARD: -j CONNMARK --save-mark --restore-mark | -j CONNMARK --save-mark --mask 1 --nfmask 2
iptables raw PREROUTING: -j CT --zone 1 --zone 2 | -j CT --notrack --notrack
iptables nat PREROUTING: -j DNAT --to-destination 1.1.1.1 --to-destination 1.1.1.2 | -j NETMAP --to 10.0.0.0/8 --to 11.0.0.0/8
iptables nat POSTROUTING: -j SNAT --to-source 1.1.1.1 --random --random
iptables: -m icmp --icmp-type 8 | -p ipv6-icmp --icmpv6-type 1 | -p icmp6 | -p tcp -m multiport --dports 5,
iptables: -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16
iptables: -p tcp -m multiport --dports 1:2,3:4,5:6,7:8,9:10,11:12,13:14,15:16
iptables: -j LOG --log-prefix "" | -j NFLOG --nflog-prefix "" | -j NFLOG --nflog-range 4 --nflog-size 5 | -j NFLOG --nflog-group 65536
iptables: -j NFQUEUE --queue-balance 5:5 | -j NFQUEUE --queue-num 1 --queue-cpu-fanout | -m owner --uid-owner 1
iptables: -j CLASSIFY --set-class 1:1 | -j NOTRACK | -m rpfilter | -m policy --dir out --pol none
iptables: -m addrtype --src-type LOCAL --limit-iface-out | ! -p all | -j accept | -g RETURN
iptables OUTPUT: -m owner --uid-owner 5-3 | -m socket | -m mac --mac-source 00:11:22:33:44:55 | -m policy --dir in --pol ipsec
iptables OUTPUT: -m addrtype --src-type LOCAL --limit-iface-in
iptables FORWARD: -m cgroup --cgroup 1 | -m socket --transparent | -m owner --uid-owner 1
iptables mangle PREROUTING: -m realm --realm 1 | -j CLASSIFY --set-class 1:1
iptables mangle INPUT: -j REJECT | -j NOTRACK | -p tcp --syn -j TCPMSS --clamp-mss-to-pmtu
iptables mangle FORWARD: -p udp -j TCPMSS --set-mss 100 | -p tcp --syn -j TCPMSS --set-mss 65535
iptables security INPUT: -j REJECT
iptables nat PREROUTING: -j DROP | -j DNAT --to-destination 1.1.1.1:80 | -p tcp -j DNAT --to-destination 1.1.1.1:
iptables nat PREROUTING: -j REDIRECT --to-ports 80 | -p udplite -j REDIRECT --to-ports 80 | -j SNAT --to-source 1.1.1.1
iptables nat POSTROUTING: -j MASQUERADE --to-ports 1000 | -j DNAT --to-destination 1.1.1.1
ip6tables: -m icmp6 --icmpv6-type 1 | -p icmp6 | -p icmp --icmp-type 8 | -s fd00::/129
ip6tables: -s fd00::1 -s fd00::2 | -p icmpv6 --icmpv6-type 1 --icmpv6-type 2 | -m hl --hl-lt 5 --hl-gt 3 | -o eth0
ip6tables: -s fd00::/08 | -s 1.2.3.4 | -p icmpv6 --icmpv6-type any | -p icmpv6 --icmpv6-type neigh
"#;

/// Spellings of one thing, all of which are one rule.
struct Row {
    family: Family,
    table: &'static str,
    chain: &'static str,
    spellings: Vec<&'static str>,
}

/// The rows of a text.
fn rows(text: &'static str) -> Vec<Row> {
    let lines = text.lines().filter(|line| !line.is_empty());
    let row = |line: &'static str| {
        let (head, spellings) = line.split_once(": ").unwrap();
        let head: Vec<_> = head.split(' ').collect();
        let family = if head[0] == "iptables" { Family::Ipv4 } else { Family::Ipv6 };
        let (table, chain) = match head[1..] {
            [table, chain] => (table, chain),
            [chain] => ("filter", chain),
            _ => ("filter", "INPUT"),
        };
        Row { family, table, chain, spellings: spellings.split('|').map(str::trim).collect() }
    };
    lines.map(row).collect()
}

/// The rules of a chain, as they are printed.
fn rules(text: &str, family: Family, chain: &str) -> Vec<String> {
    let (ruleset, errors) = read(text, family);
    assert_eq!(errors, [], "{text}");
    let of_chain = |found: &&ringwall_ir::Chain| found.name() == chain;
    ruleset.tables[0].chains().iter().find(of_chain).unwrap().rules().iter().map(ToString::to_string).collect()
}

fn text(table: &str, chain: &str, spellings: &[&str]) -> String {
    let mut text = format!("*{table}\n");
    for spelling in spellings {
        let _ = writeln!(text, "-A {chain} {spelling}");
    }
    text + "COMMIT\n"
}

#[test]
fn every_spelling_is_read_as_iptables_reads_it() {
    for Row { family, table, chain, spellings } in rows(ROWS) {
        let own = rules(&text(table, chain, &spellings), family, chain);
        for (spelling, rule) in spellings.iter().zip(&own) {
            assert!(!rule.contains("unknown"), "{spelling}: {rule}");
            assert_eq!(rule, &own[0], "{spelling}");
        }
    }
    let Some(kernel) = kernel() else { return };
    for Row { family, table, chain, spellings } in rows(ROWS) {
        let own = text(table, chain, &spellings);
        let listed = kernel.iptables(program(family), &[&own]).concat();
        assert_eq!(rules(only(&listed, table), family, chain), rules(&own, family, chain), "{listed}");
    }
}

/// The text of one table.
fn only<'a>(listed: &'a str, table: &str) -> &'a str {
    let start = listed.find(&format!("*{table}\n")).unwrap();
    let end = listed[start..].find("COMMIT\n").unwrap() + "COMMIT\n".len();
    &listed[start..start + end]
}

#[test]
fn what_iptables_refuses_is_not_known() {
    for Row { family, table, chain, spellings } in rows(REFUSED) {
        for spelling in spellings {
            let rules = rules(&text(table, chain, &[spelling]), family, chain);
            assert!(rules.concat().contains("unknown"), "{spelling}: {rules:?}");
        }
    }
    let Some(kernel) = kernel() else { return };
    for Row { family, table, chain, spellings } in rows(REFUSED) {
        for spelling in spellings {
            let text = text(table, chain, &[spelling]);
            let load = format!("{}-restore <<'=== end ==='\n{text}=== end ===\n", program(family));
            assert!(kernel.run(&load).is_err(), "{spelling}");
        }
    }
}
