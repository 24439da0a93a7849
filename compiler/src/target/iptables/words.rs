// SPDX-License-Identifier: GPL-3.0-or-later
//! The words of iptables(8) and iptables-extensions(8) that are written and read, each once.

use ringwall_ir::words::{CtState, CtStates, Family, Hook, LogLevel, Protocol, Refusal, TcpFlags};
use ringwall_ir::{Field, Limit};

/// Which of the two matches tests the ct state. They mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CtMatch {
    /// `-m state --state`, as it began.
    State,
    /// `-m conntrack --ctstate`.
    #[default]
    Conntrack,
}

impl CtMatch {
    /// The match and its option.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::State => ("state", "--state"),
            Self::Conntrack => ("conntrack", "--ctstate"),
        }
    }
}

/// The built-in chains of the table `filter`, in its order.
pub(super) const CHAINS: [(Hook, &str); 3] =
    [(Hook::Input, "INPUT"), (Hook::Forward, "FORWARD"), (Hook::Output, "OUTPUT")];

/// The built-in chain at a hook.
pub(super) fn chain(hook: Hook) -> Option<&'static str> {
    CHAINS.into_iter().find(|(known, _)| *known == hook).map(|(_, name)| name)
}

/// The hook of a built-in chain.
pub(super) fn hook(chain: &str) -> Option<Hook> {
    CHAINS.into_iter().find(|(_, name)| *name == chain).map(|(hook, _)| hook)
}

/// The ct states in the order in which iptables-save prints them.
const STATES: [(CtState, &str); 5] = [
    (CtState::Invalid, "INVALID"),
    (CtState::New, "NEW"),
    (CtState::Related, "RELATED"),
    (CtState::Established, "ESTABLISHED"),
    (CtState::Untracked, "UNTRACKED"),
];

/// `NEW,ESTABLISHED`
pub(super) fn states(states: CtStates) -> String {
    let names: Vec<_> = STATES.into_iter().filter(|(state, _)| states.contains(*state)).map(|(_, name)| name).collect();
    names.join(",")
}

/// The ct state of a name.
pub(super) fn state(name: &str) -> Option<CtState> {
    STATES.into_iter().find(|(_, known)| *known == name).map(|(state, _)| state)
}

/// The TCP flags that `--tcp-flags` knows, without those of ECN.
const FLAGS: u8 = 0b0011_1111;

/// `SYN,ACK` or `NONE`; nothing for bits that iptables has no name for.
pub(super) fn flags(bits: u32) -> Option<String> {
    let flags = u8::try_from(bits).ok().filter(|bits| bits & !FLAGS == 0)?;
    let names: Vec<_> = TcpFlags(flags).names().map(str::to_uppercase).collect();
    Some(if names.is_empty() { "NONE".to_owned() } else { names.join(",") })
}

/// The bits of a list of flags.
pub(super) fn flag_bits(list: &str) -> Option<u8> {
    match list {
        "ALL" => Some(FLAGS),
        "NONE" => Some(0),
        _ => list.split(',').try_fold(0, |bits, name| {
            let upper = name.chars().all(|character| character.is_ascii_uppercase());
            let flag = TcpFlags::named(&name.to_lowercase()).filter(|flag| upper && flag.0 & !FLAGS == 0)?;
            Some(bits | flag.0)
        }),
    }
}

/// A protocol behind `-p`. Names are those that iptables knows without `/etc/protocols`. ip6tables takes `icmp` for
/// protocol 1, silently: each text names the ICMP of its own family alone.
pub(super) fn protocol(family: Family, protocol: Protocol) -> String {
    let name = match (protocol, family) {
        (Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP, _) | (Protocol::ICMP, Family::Ipv4) => {
            protocol.name()
        }
        (Protocol::ICMPV6, Family::Ipv6) => Some("ipv6-icmp"),
        _ => None,
    };
    name.map_or_else(|| protocol.0.to_string(), str::to_owned)
}

/// The protocol of a name or number.
pub(super) fn protocol_named(family: Family, name: &str) -> Option<Protocol> {
    match name {
        "icmp" if family == Family::Ipv6 => None,
        "icmp6" | "icmpv6" | "ipv6-icmp" => Some(Protocol::ICMPV6),
        _ => name.parse().ok().map(Protocol).or_else(|| Protocol::named(name)),
    }
}

/// What tests the ports of a protocol: the match, and the source's and the destination's field.
pub(super) const PORTS: [(Protocol, &str, Field, Field); 3] = [
    (Protocol::SCTP, "sctp", Field::SctpSport, Field::SctpDport),
    (Protocol::TCP, "tcp", Field::TcpSport, Field::TcpDport),
    (Protocol::UDP, "udp", Field::UdpSport, Field::UdpDport),
];

/// What tests ICMP in a family.
pub(super) struct IcmpWords {
    /// The match.
    pub(super) module: &'static str,
    /// Its option.
    pub(super) option: &'static str,
    /// The field of the type.
    pub(super) kind: Field,
    /// The field of the code.
    pub(super) code: Field,
}

/// The ICMP match of a family.
pub(super) const fn icmp(family: Family) -> IcmpWords {
    match family {
        Family::Ipv4 => {
            IcmpWords { module: "icmp", option: "--icmp-type", kind: Field::IcmpType, code: Field::IcmpCode }
        }
        Family::Ipv6 => {
            IcmpWords { module: "icmp6", option: "--icmpv6-type", kind: Field::Icmpv6Type, code: Field::Icmpv6Code }
        }
    }
}

/// The type that iptables takes for any type, in IPv4 alone (`icmp_type_code_match` in `net/ipv4/netfilter/ip_tables.c`).
pub(super) const ANY_ICMP_TYPE: u128 = 255;

/// What tests the hop limit in a family.
pub(super) struct HopWords {
    /// The match.
    pub(super) module: &'static str,
    /// Its options for equal, less, greater.
    pub(super) options: [&'static str; 3],
    /// The field.
    pub(super) field: Field,
}

/// The hop limit match of a family.
pub(super) const fn hops(family: Family) -> HopWords {
    match family {
        Family::Ipv4 => HopWords { module: "ttl", options: ["--ttl-eq", "--ttl-lt", "--ttl-gt"], field: Field::IpTtl },
        Family::Ipv6 => {
            HopWords { module: "hl", options: ["--hl-eq", "--hl-lt", "--hl-gt"], field: Field::Ip6HopLimit }
        }
    }
}

/// `--reject-with`; nothing for a refusal that the family lacks.
pub(super) const fn refusal(family: Family, refusal: Refusal) -> Option<&'static str> {
    match (family, refusal) {
        (_, Refusal::TcpReset) => Some("tcp-reset"),
        (Family::Ipv4, Refusal::PortUnreachable) => Some("icmp-port-unreachable"),
        (Family::Ipv4, Refusal::HostUnreachable) => Some("icmp-host-unreachable"),
        (Family::Ipv4, Refusal::NetUnreachable) => Some("icmp-net-unreachable"),
        (Family::Ipv4, Refusal::AdminProhibited) => Some("icmp-admin-prohibited"),
        (Family::Ipv4, Refusal::ProtocolUnreachable) => Some("icmp-proto-unreachable"),
        (Family::Ipv4, Refusal::NetProhibited) => Some("icmp-net-prohibited"),
        (Family::Ipv4, Refusal::HostProhibited) => Some("icmp-host-prohibited"),
        (Family::Ipv6, Refusal::PortUnreachable) => Some("icmp6-port-unreachable"),
        (Family::Ipv6, Refusal::HostUnreachable) => Some("icmp6-addr-unreachable"),
        (Family::Ipv6, Refusal::NetUnreachable) => Some("icmp6-no-route"),
        (Family::Ipv6, Refusal::AdminProhibited) => Some("icmp6-adm-prohibited"),
        (Family::Ipv6, Refusal::ProtocolUnreachable | Refusal::NetProhibited | Refusal::HostProhibited) => None,
    }
}

/// The refusal of a word.
pub(super) fn refusal_named(family: Family, name: &str) -> Option<Refusal> {
    Refusal::ALL.into_iter().find(|&known| refusal(family, known) == Some(name))
}

/// A level by its number, by nft's name or by iptables' own.
pub(super) fn level_named(name: &str) -> Option<LogLevel> {
    match name {
        "warning" => Some(LogLevel::Warn),
        "error" => Some(LogLevel::Err),
        "panic" => Some(LogLevel::Emerg),
        _ => name.parse().map_or_else(|_| LogLevel::named(name), LogLevel::numbered),
    }
}

/// The level of `LOG` where none is named.
pub(super) const DEFAULT_LEVEL: LogLevel = LogLevel::Warn;
/// The longest prefix of `LOG`, in bytes. A longer one is cut off without a word (`struct xt_log_info`).
pub(super) const LOG_PREFIX_MAX: usize = 29;
/// The longest prefix of `NFLOG`, in bytes (`struct xt_nflog_info`).
pub(super) const NFLOG_PREFIX_MAX: usize = 63;
/// The largest `--limit-burst`.
pub(super) const BURST_MAX: u32 = 10_000;

/// Whether `-m limit` keeps the rate. It counts in ten-thousandths of a second a packet, and rounds (`XT_LIMIT_SCALE`):
/// 3,000 a second become 3,333.
pub(super) fn keeps_rate(limit: Limit) -> bool {
    let (unit, amount) = (limit.per.seconds() * 10_000, limit.amount.get());
    unit.checked_div(amount).and_then(|cost| unit.checked_div(cost)) == Some(amount)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ringwall_ir::Per;

    use super::*;

    #[test]
    fn rates_that_are_rounded_are_known() {
        let keeps =
            |amount, per| keeps_rate(Limit { amount: NonZeroU32::new(amount).unwrap(), per, burst: NonZeroU32::MIN });
        assert!(keeps(5, Per::Second) && keeps(7, Per::Second) && keeps(10_000, Per::Second) && keeps(1, Per::Day));
        assert!(!keeps(3_000, Per::Second) && !keeps(10_001, Per::Second) && !keeps(u32::MAX, Per::Day));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for family in Family::ALL {
            for known in Refusal::ALL {
                if let Some(word) = refusal(family, known) {
                    assert_eq!(refusal_named(family, word), Some(known));
                }
            }
            for number in 0..=255 {
                assert_eq!(protocol_named(family, &protocol(family, Protocol(number))), Some(Protocol(number)));
            }
        }
        for bits in 0..=FLAGS {
            assert_eq!(flags(u32::from(bits)).as_deref().and_then(flag_bits), Some(bits));
        }
        assert_eq!((flags(0x40), flag_bits("syn"), flag_bits("CWR")), (None, None, None));
        assert_eq!(protocol_named(Family::Ipv6, "icmp"), None);
    }
}
