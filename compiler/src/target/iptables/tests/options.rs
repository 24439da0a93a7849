// SPDX-License-Identifier: GPL-3.0-or-later
//! No text makes the reader panic.

use proptest::prelude::*;
use ringwall_ir::words::Family;

use crate::target::iptables::{read, read_with_sets};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(
        words in proptest::collection::vec(word(), 0..24),
        table in proptest::sample::select(vec!["filter", "nat", "raw", "mangle", "security"]),
        text in "\\PC{0,80}",
    ) {
        let line = words.join(" ");
        for family in Family::ALL {
            let _ = read(&format!("*{table}\n:OWN -\n:OUTPUT DROP\n-A OUTPUT {line}\n{text}\nCOMMIT\n"), family);
            let _ = read_with_sets(&text, family, &format!("create {text}\nadd {text}\n{line}"));
        }
    }
}

/// Words of options, and values that fit some of them.
fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(WORDS.split_whitespace().collect::<Vec<_>>())
}

const WORDS: &str = r#"
    ! -s -d -i -o -p -f -m -j -g tcp udp sctp icmp all state limit ttl comment iprange multiport mark connmark set mac
    conntrack time statistic quota length dscp tos owner addrtype policy rpfilter socket connbytes connlimit cpu realm
    cgroup devgroup helper ipv6header frag tcpmss recent --dport --sport --dports --sports --ports --tcp-flags --syn
    --icmp-type --icmpv6-type --ttl-gt --ttl-lt --ttl-eq --state --ctstate --ctstatus --ctexpire --ctorigsrc --limit
    --limit-burst --comment --src-range --mark --match-set --mac-source --datestart --timestop --weekdays --mode
    --every --packet --probability --quota --length --dscp --tos --uid-owner --src-type --dir --pol --connbytes
    --connbytes-mode --connbytes-dir --cpu --realm --path --src-group --header --soft --mss random nth in out ipsec none
    ACCEPT DROP REJECT LOG NFLOG NFQUEUE MARK CONNMARK CT DNAT SNAT NETMAP MASQUERADE REDIRECT SET TCPMSS CLASSIFY OWN
    --reject-with --log-prefix --log-level --set-mark --set-xmark --save-mark --mask --helper --zone --notrack --to
    --to-destination --to-source --to-ports --random --add-set --timeout --set-mss --set-class --queue-balance
    NEW SYN NONE DNAT,NEW 255 0 8/0 1:65535 : 0x5/0xff -1 4294967296 18446744073709551616 10.0.0.0/8 10.0.0.0/33 ::/129
    0.0.0.0/0.0.0.255 ::-::1 eth+ + 5/sec 0/s 4294967295/day 1:2 [::1]:80 [::1 1.2.3.4:80-90 :80 2038-01-20 25:61 Mon,9
    src,dst a,b " \ -- --x -x
"#;
