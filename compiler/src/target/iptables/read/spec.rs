// SPDX-License-Identifier: GPL-3.0-or-later
//! The matches and targets whose options are known, with the number of words behind each option
//! (iptables-extensions(8)). What an option that stands here means is said in `matches` and `targets`; those that mean
//! nothing to the IR stand here too, so that their words are told from those of the next option.

/// A match or target and its options.
pub(super) struct Spec {
    /// Its name.
    pub(super) name: &'static str,
    /// Each option with the number of words behind it.
    pub(super) options: &'static [(&'static str, usize)],
}

const fn spec(name: &'static str, options: &'static [(&'static str, usize)]) -> Spec {
    Spec { name, options }
}

/// iptables' own options, all that stand in a rule.
pub(super) const OWN: Spec = spec(
    "",
    &[
        ("-s", 1),
        ("-d", 1),
        ("-i", 1),
        ("-o", 1),
        ("-p", 1),
        ("-f", 0),
        ("-m", 1),
        ("-j", 1),
        ("-g", 1),
        ("-c", 2),
        ("-4", 0),
        ("-6", 0),
    ],
);

/// The matches.
pub(super) const MATCHES: &[Spec] = &[
    spec("addrtype", &[("--src-type", 1), ("--dst-type", 1), ("--limit-iface-in", 0), ("--limit-iface-out", 0)]),
    spec("cgroup", &[("--cgroup", 1), ("--path", 1)]),
    spec("comment", &[("--comment", 1)]),
    spec("connbytes", &[("--connbytes", 1), ("--connbytes-dir", 1), ("--connbytes-mode", 1)]),
    spec(
        "connlimit",
        &[
            ("--connlimit-above", 1),
            ("--connlimit-upto", 1),
            ("--connlimit-mask", 1),
            ("--connlimit-saddr", 0),
            ("--connlimit-daddr", 0),
        ],
    ),
    spec("connmark", &[("--mark", 1)]),
    spec(
        "conntrack",
        &[
            ("--ctstate", 1),
            ("--ctproto", 1),
            ("--ctorigsrc", 1),
            ("--ctorigdst", 1),
            ("--ctreplsrc", 1),
            ("--ctrepldst", 1),
            ("--ctorigsrcport", 1),
            ("--ctorigdstport", 1),
            ("--ctreplsrcport", 1),
            ("--ctrepldstport", 1),
            ("--ctstatus", 1),
            ("--ctexpire", 1),
            ("--ctdir", 1),
        ],
    ),
    spec("cpu", &[("--cpu", 1)]),
    spec("dccp", &[("--sport", 1), ("--dport", 1), ("--dccp-types", 1), ("--dccp-option", 1)]),
    spec("devgroup", &[("--src-group", 1), ("--dst-group", 1)]),
    spec("dscp", &[("--dscp", 1), ("--dscp-class", 1)]),
    spec("dst", &[("--dst-len", 1), ("--dst-opts", 1)]),
    spec(
        "frag",
        &[
            ("--fragid", 1),
            ("--fraglen", 1),
            ("--fragres", 0),
            ("--fragfirst", 0),
            ("--fragmore", 0),
            ("--fraglast", 0),
        ],
    ),
    spec("hbh", &[("--hbh-len", 1), ("--hbh-opts", 1)]),
    spec("helper", &[("--helper", 1)]),
    spec("hl", &[("--hl-eq", 1), ("--hl-lt", 1), ("--hl-gt", 1)]),
    spec("icmp", &[("--icmp-type", 1)]),
    spec("icmp6", &[("--icmpv6-type", 1)]),
    spec("iprange", &[("--src-range", 1), ("--dst-range", 1)]),
    spec("ipv6header", &[("--soft", 0), ("--header", 1)]),
    spec("length", &[("--length", 1)]),
    spec("limit", &[("--limit", 1), ("--limit-burst", 1)]),
    spec("mac", &[("--mac-source", 1)]),
    spec("mark", &[("--mark", 1)]),
    spec("multiport", &[("--sports", 1), ("--dports", 1), ("--ports", 1)]),
    spec("owner", &[("--uid-owner", 1), ("--gid-owner", 1), ("--socket-exists", 0), ("--suppl-groups", 0)]),
    spec("pkttype", &[("--pkt-type", 1)]),
    spec(
        "policy",
        &[
            ("--dir", 1),
            ("--pol", 1),
            ("--strict", 0),
            ("--reqid", 1),
            ("--spi", 1),
            ("--proto", 1),
            ("--mode", 1),
            ("--tunnel-src", 1),
            ("--tunnel-dst", 1),
            ("--next", 0),
        ],
    ),
    spec("quota", &[("--quota", 1)]),
    spec("realm", &[("--realm", 1)]),
    spec("rpfilter", &[("--loose", 0), ("--validmark", 0), ("--accept-local", 0), ("--invert", 0)]),
    spec(
        "rt",
        &[
            ("--rt-type", 1),
            ("--rt-segsleft", 1),
            ("--rt-len", 1),
            ("--rt-0-res", 0),
            ("--rt-0-addrs", 1),
            ("--rt-0-not-strict", 0),
        ],
    ),
    spec("sctp", &[("--sport", 1), ("--dport", 1), ("--chunk-types", 2)]),
    spec(
        "set",
        &[
            ("--match-set", 2),
            ("--return-nomatch", 0),
            ("--update-counters", 0),
            ("--update-subcounters", 0),
            ("--packets-eq", 1),
            ("--packets-lt", 1),
            ("--packets-gt", 1),
            ("--bytes-eq", 1),
            ("--bytes-lt", 1),
            ("--bytes-gt", 1),
        ],
    ),
    spec("socket", &[("--transparent", 0), ("--nowildcard", 0), ("--restore-skmark", 0)]),
    spec("state", &[("--state", 1)]),
    spec("statistic", &[("--mode", 1), ("--probability", 1), ("--every", 1), ("--packet", 1)]),
    spec("tcp", &[("--sport", 1), ("--dport", 1), ("--tcp-flags", 2), ("--syn", 0), ("--tcp-option", 1)]),
    spec("tcpmss", &[("--mss", 1)]),
    spec(
        "time",
        &[
            ("--datestart", 1),
            ("--datestop", 1),
            ("--timestart", 1),
            ("--timestop", 1),
            ("--monthdays", 1),
            ("--weekdays", 1),
            ("--kerneltz", 0),
            ("--localtz", 0),
            ("--utc", 0),
            ("--contiguous", 0),
        ],
    ),
    spec("tos", &[("--tos", 1)]),
    spec("ttl", &[("--ttl-eq", 1), ("--ttl-lt", 1), ("--ttl-gt", 1)]),
    spec("udp", &[("--sport", 1), ("--dport", 1)]),
];

/// The targets. Chains have no options.
pub(super) const TARGETS: &[Spec] = &[
    spec("ACCEPT", &[]),
    spec("CLASSIFY", &[("--set-class", 1)]),
    spec(
        "CONNMARK",
        &[
            ("--set-xmark", 1),
            ("--set-mark", 1),
            ("--and-mark", 1),
            ("--or-mark", 1),
            ("--xor-mark", 1),
            ("--save-mark", 0),
            ("--restore-mark", 0),
            ("--nfmask", 1),
            ("--ctmask", 1),
            ("--mask", 1),
            ("--left-shift-mark", 1),
            ("--right-shift-mark", 1),
        ],
    ),
    spec(
        "CT",
        &[
            ("--notrack", 0),
            ("--helper", 1),
            ("--timeout", 1),
            ("--ctevents", 1),
            ("--expevents", 1),
            ("--zone", 1),
            ("--zone-orig", 1),
            ("--zone-reply", 1),
        ],
    ),
    spec("DNAT", &[("--to-destination", 1), ("--random", 0), ("--persistent", 0)]),
    spec("DROP", &[]),
    spec(
        "LOG",
        &[
            ("--log-level", 1),
            ("--log-prefix", 1),
            ("--log-tcp-sequence", 0),
            ("--log-tcp-options", 0),
            ("--log-ip-options", 0),
            ("--log-uid", 0),
            ("--log-macdecode", 0),
        ],
    ),
    spec("MARK", &[("--set-xmark", 1), ("--set-mark", 1), ("--and-mark", 1), ("--or-mark", 1), ("--xor-mark", 1)]),
    spec("MASQUERADE", &[("--to-ports", 1), ("--random", 0), ("--random-fully", 0)]),
    spec("NETMAP", &[("--to", 1)]),
    spec(
        "NFLOG",
        &[
            ("--nflog-group", 1),
            ("--nflog-prefix", 1),
            ("--nflog-range", 1),
            ("--nflog-size", 1),
            ("--nflog-threshold", 1),
        ],
    ),
    spec("NFQUEUE", &[("--queue-num", 1), ("--queue-balance", 1), ("--queue-bypass", 0), ("--queue-cpu-fanout", 0)]),
    spec("NOTRACK", &[]),
    spec("QUEUE", &[]),
    spec("REDIRECT", &[("--to-ports", 1), ("--random", 0)]),
    spec("REJECT", &[("--reject-with", 1)]),
    spec("RETURN", &[]),
    spec(
        "SET",
        &[
            ("--add-set", 2),
            ("--del-set", 2),
            ("--map-set", 2),
            ("--timeout", 1),
            ("--exist", 0),
            ("--map-mark", 0),
            ("--map-prio", 0),
            ("--map-queue", 0),
        ],
    ),
    spec("SNAT", &[("--to-source", 1), ("--random", 0), ("--random-fully", 0), ("--persistent", 0)]),
    spec("TCPMSS", &[("--set-mss", 1), ("--clamp-mss-to-pmtu", 0)]),
];

/// The match of a name.
pub(super) fn of_match(name: &str) -> Option<&'static Spec> {
    let name = match name {
        "icmpv6" | "ipv6-icmp" => "icmp6",
        other => other,
    };
    MATCHES.iter().find(|spec| spec.name == name)
}

/// The target of a name.
pub(super) fn of_target(name: &str) -> Option<&'static Spec> {
    TARGETS.iter().find(|spec| spec.name == name)
}

/// The option that a spelling stands for.
pub(super) fn canonical(option: &str) -> &str {
    match option {
        "--src" | "--source" => "-s",
        "--dst" | "--destination" => "-d",
        "--in-interface" => "-i",
        "--out-interface" => "-o",
        "--protocol" | "--proto" => "-p",
        "--fragments" | "--fragment" => "-f",
        "--match" => "-m",
        "--jump" => "-j",
        "--goto" => "-g",
        "--set-counters" => "-c",
        "--ipv4" => "-4",
        "--ipv6" => "-6",
        "--source-port" => "--sport",
        "--destination-port" => "--dport",
        "--source-ports" => "--sports",
        "--destination-ports" => "--dports",
        "--ttl" => "--ttl-eq",
        "--hl" => "--hl-eq",
        other => other,
    }
}

impl Spec {
    /// Its option of a name, with the number of words behind it.
    pub(super) fn option(&self, name: &str) -> Option<(&'static str, usize)> {
        self.options.iter().find(|(known, _)| *known == name).copied()
    }

    /// Its options that begin so.
    pub(super) fn beginning(&self, stem: &str) -> impl Iterator<Item = (&'static str, usize)> {
        self.options.iter().filter(move |(known, _)| known.starts_with(stem)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_options_their_own() {
        for list in [MATCHES, TARGETS] {
            assert!(list.is_sorted_by_key(|spec| spec.name));
        }
        for spec in MATCHES.iter().chain(TARGETS) {
            for (option, _) in spec.options {
                assert_eq!(canonical(option), if *option == "--proto" { "-p" } else { option });
            }
        }
    }
}
