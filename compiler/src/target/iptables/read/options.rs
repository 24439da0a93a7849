// SPDX-License-Identifier: GPL-3.0-or-later
//! Which options of a match or target iptables takes: each once, not beside some others, and few behind a `!`
//! (`xtables_option_parse` in `libxtables/xtoptions.c`, and the `parse` functions of the older extensions).

use super::Known;
use super::block::Opt;

/// The options that `!` may stand before. iptables takes it before those of the target `SET` too, and forgets it.
const NEGATED: &[(&str, &[&str])] = &[
    ("addrtype", &["--src-type", "--dst-type"]),
    ("cgroup", &["--cgroup", "--path"]),
    ("connbytes", &["--connbytes"]),
    ("connlimit", &["--connlimit-above", "--connlimit-upto"]),
    ("connmark", &["--mark"]),
    (
        "conntrack",
        &[
            "--ctstate",
            "--ctproto",
            "--ctorigsrc",
            "--ctorigdst",
            "--ctreplsrc",
            "--ctrepldst",
            "--ctorigsrcport",
            "--ctorigdstport",
            "--ctreplsrcport",
            "--ctrepldstport",
            "--ctstatus",
            "--ctexpire",
        ],
    ),
    ("cpu", &["--cpu"]),
    ("dccp", &["--sport", "--dport", "--dccp-types", "--dccp-option"]),
    ("devgroup", &["--src-group", "--dst-group"]),
    ("dscp", &["--dscp", "--dscp-class"]),
    ("dst", &["--dst-len"]),
    ("frag", &["--fragid", "--fraglen"]),
    ("hbh", &["--hbh-len"]),
    ("helper", &["--helper"]),
    ("hl", &["--hl-eq"]),
    ("icmp", &["--icmp-type"]),
    ("icmp6", &["--icmpv6-type"]),
    ("iprange", &["--src-range", "--dst-range"]),
    ("ipv6header", &["--header"]),
    ("length", &["--length"]),
    ("mac", &["--mac-source"]),
    ("mark", &["--mark"]),
    ("multiport", &["--sports", "--dports", "--ports"]),
    ("owner", &["--uid-owner", "--gid-owner", "--socket-exists"]),
    ("pkttype", &["--pkt-type"]),
    ("policy", &["--reqid", "--spi", "--proto", "--mode", "--tunnel-src", "--tunnel-dst"]),
    ("quota", &["--quota"]),
    ("realm", &["--realm"]),
    ("rt", &["--rt-type", "--rt-segsleft", "--rt-len"]),
    ("sctp", &["--sport", "--dport", "--chunk-types"]),
    ("set", &["--match-set", "--update-counters", "--update-subcounters", "--packets-eq", "--bytes-eq"]),
    ("state", &["--state"]),
    ("statistic", &["--probability", "--every"]),
    ("tcp", &["--sport", "--dport", "--tcp-flags", "--syn", "--tcp-option"]),
    ("tcpmss", &["--mss"]),
    ("time", &["--monthdays", "--weekdays"]),
    ("tos", &["--tos"]),
    ("ttl", &["--ttl-eq"]),
    ("udp", &["--sport", "--dport"]),
];

/// Options of which one alone may be given. Beside `--clamp-mss-to-pmtu` iptables forgets the size without a word.
const APART: &[(&str, &[&str])] = &[
    (
        "CONNMARK",
        &["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark", "--save-mark", "--restore-mark"],
    ),
    ("CONNMARK", &["--mask", "--nfmask"]),
    ("CONNMARK", &["--mask", "--ctmask"]),
    ("MARK", &["--set-xmark", "--set-mark", "--and-mark", "--or-mark", "--xor-mark"]),
    ("NFLOG", &["--nflog-range", "--nflog-size"]),
    ("NFQUEUE", &["--queue-num", "--queue-balance"]),
    ("TCPMSS", &["--set-mss", "--clamp-mss-to-pmtu"]),
    ("addrtype", &["--limit-iface-in", "--limit-iface-out"]),
    ("connlimit", &["--connlimit-above", "--connlimit-upto"]),
    ("connlimit", &["--connlimit-saddr", "--connlimit-daddr"]),
    ("dscp", &["--dscp", "--dscp-class"]),
    ("frag", &["--fragmore", "--fraglast"]),
    ("hl", &["--hl-eq", "--hl-lt", "--hl-gt"]),
    ("multiport", &["--sports", "--dports", "--ports"]),
    ("set", &["--packets-eq", "--packets-lt", "--packets-gt"]),
    ("set", &["--bytes-eq", "--bytes-lt", "--bytes-gt"]),
    ("tcp", &["--tcp-flags", "--syn"]),
    ("time", &["--kerneltz", "--utc"]),
    ("ttl", &["--ttl-eq", "--ttl-lt", "--ttl-gt"]),
];

/// Those of the elements of a policy, which has several.
const REPEATED: &[&str] = &["--reqid", "--spi", "--proto", "--mode", "--tunnel-src", "--tunnel-dst", "--next"];

/// Whether iptables takes these options of one match or target together.
///
/// # Errors
/// Why it refuses them, or takes one for the other.
pub(super) fn taken_together(name: &str, options: &[Opt<'_>]) -> Known<()> {
    let may_be_negated =
        |option: &Opt<'_>| NEGATED.iter().any(|(owner, negated)| *owner == name && negated.contains(&option.name));
    if let Some(option) = options.iter().find(|option| option.negated && !may_be_negated(option)) {
        return option.plain("cannot be: iptables refuses it");
    }
    for (place, option) in options.iter().enumerate() {
        let before = || options.iter().take(place);
        if !REPEATED.contains(&option.name) && before().any(|other| other.name == option.name) {
            return Err(twice(option.name));
        }
        let apart = |other: &&Opt<'_>| {
            let both = |group: &[&str]| group.contains(&other.name) && group.contains(&option.name);
            other.name != option.name && APART.iter().any(|(owner, group)| *owner == name && both(group))
        };
        if let Some(other) = before().find(apart) {
            return Err(format!("`{}` and `{}` do not go together: give one of them", other.name, option.name));
        }
    }
    Ok(())
}

/// Why an option that stands twice is not read.
pub(super) fn twice(option: &str) -> String {
    format!("`{option}` stands twice, and iptables takes it once")
}

#[cfg(test)]
mod tests {
    use super::super::spec::{MATCHES, TARGETS};
    use super::*;

    #[test]
    fn the_lists_speak_of_options_that_there_are() {
        let lists = NEGATED.iter().chain(APART);
        for (name, options) in lists {
            let spec = MATCHES.iter().chain(TARGETS).find(|spec| spec.name == *name).unwrap();
            assert!(options.iter().all(|option| spec.option(option).is_some()), "{name}");
        }
        assert!(NEGATED.is_sorted());
    }
}
