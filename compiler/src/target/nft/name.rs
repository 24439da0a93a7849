// SPDX-License-Identifier: GPL-3.0-or-later
//! Names of tables, chains and sets, kept apart from nft's own words.

use std::borrow::Cow;

/// The words that nft's scanner takes for its own where a name stands: after `table`, `chain`, `set` and `@`, and there
/// in the scopes of `ip` and `ip6` too (`src/scanner.l` of nftables 1.0.6, and what came until 1.1). In order.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "accept", "add", "addr", "ah", "all", "and", "arp", "auto-merge", "bridge", "cgroup", "chain", "checksum",
    "comment", "comp", "constant", "continue", "counter", "cpu", "create", "ct", "daddr", "day", "dccp", "define",
    "delete", "describe", "destroy", "device", "devices", "dnat", "drop", "dscp", "dst", "dup", "dynamic", "ecn",
    "element", "elements", "eq", "esp", "ether", "exists", "expires", "export", "exthdr", "fib", "flags", "flow",
    "flowlabel", "flowtable", "flush", "frag", "frag-off", "fwd", "gc-interval", "ge", "geneve", "get", "goto", "gre",
    "gretap", "gt", "handle", "hbh", "hdrlength", "hook", "hoplimit", "hour", "ibriport", "ibrname", "icmp", "icmpv6",
    "id", "igmp", "iif", "iifgroup", "iifname", "iiftype", "import", "include", "index", "inet", "insert", "interval",
    "ip", "ip6", "ipsec", "jhash", "jump", "last", "le", "length", "limit", "list", "ll", "log", "lshift", "lsrr",
    "lt", "map", "mark", "masquerade", "meta", "meter", "mh", "missing", "monitor", "ne", "netdev", "nexthdr",
    "nftrace", "nh", "not", "notrack", "numgen", "obriport", "obrname", "offload", "oif", "oifgroup", "oifname",
    "oiftype", "option", "options", "or", "osf", "pkttype", "policy", "position", "prefix", "priority", "protocol",
    "ptr", "queue", "quota", "ra", "random", "redefine", "redirect", "reject", "rename", "replace", "reset", "return",
    "rr", "rshift", "rt", "rt0", "rt2", "rtclassid", "rule", "ruleset", "saddr", "sctp", "secmark", "set", "size",
    "skgid", "skuid", "snat", "socket", "srh", "ssrr", "symhash", "synproxy", "table", "tcp", "th", "time", "timeout",
    "to", "tproxy", "ttl", "tunnel", "type", "typeof", "udp", "udplite", "undefine", "update", "value", "version",
    "vlan", "vmap", "vni", "vxlan", "xor", "xt",
];

/// The name as nft text has it. A keyword, and a keyword with underscores behind it, gets one more underscore: so two
/// names never become one. No keyword has an underscore.
pub(in crate::target) fn name(name: &str) -> Cow<'_, str> {
    if KEYWORDS.binary_search(&name.trim_end_matches('_')).is_ok() {
        Cow::Owned(format!("{name}_"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::*;
    use crate::target::testing::kernel;

    #[test]
    fn keywords_are_in_order() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn names_stay_different() {
        let names = ["ip", "ip_", "ip__", "ipx", "lan4", "lan4_", "policy", "policy_"];
        let written: BTreeSet<_> = names.iter().map(|known| name(known)).collect();
        assert_eq!(written.len(), names.len());
        assert_eq!((name("ip").as_ref(), name("ip_").as_ref(), name("lan4").as_ref()), ("ip_", "ip__", "lan4"));
    }

    #[test]
    fn every_keyword_can_name_a_set_and_a_chain() {
        let Some(kernel) = kernel() else { return };
        let mut text = String::from("table inet names {\n");
        for keyword in KEYWORDS {
            let name = name(keyword);
            writeln!(text, "set {name} {{ type ipv4_addr; flags interval; }}").unwrap();
            writeln!(text, "chain c-{name} {{ ip saddr @{name} accept\n }}\nchain {name} {{ accept\n }}").unwrap();
        }
        text.push_str("}\n");
        for keyword in KEYWORDS {
            writeln!(text, "flush set inet names {}", name(keyword)).unwrap();
        }
        kernel.nft(&[&text]);
    }
}
