// SPDX-License-Identifier: GPL-3.0-or-later
//! The answers of `REJECT`.

use ringwall_ir::words::{Family, Refusal};

use super::begins;

/// `--reject-with`; nothing for a refusal that the family lacks.
pub(in crate::target::iptables) const fn word(family: Family, refusal: Refusal) -> Option<&'static str> {
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

/// What `--reject-with` can be, in iptables' order, each with its other word (`iptables -j REJECT -h`).
const V4: &[(Refusal, &str)] = &[
    (Refusal::NetUnreachable, "net-unreach"),
    (Refusal::HostUnreachable, "host-unreach"),
    (Refusal::ProtocolUnreachable, "proto-unreach"),
    (Refusal::PortUnreachable, "port-unreach"),
    (Refusal::NetProhibited, "net-prohib"),
    (Refusal::HostProhibited, "host-prohib"),
    (Refusal::TcpReset, "tcp-rst"),
    (Refusal::AdminProhibited, "admin-prohib"),
];

/// The same for IPv6 (`ip6tables -j REJECT -h`).
const V6: &[(Refusal, &str)] = &[
    (Refusal::NetUnreachable, "no-route"),
    (Refusal::AdminProhibited, "adm-prohibited"),
    (Refusal::HostUnreachable, "addr-unreach"),
    (Refusal::PortUnreachable, "port-unreach"),
    (Refusal::TcpReset, "tcp-reset"),
];

/// The refusal of a word, which may be cut short: the first that begins so.
pub(in crate::target::iptables) fn named(family: Family, name: &str) -> Option<Refusal> {
    let list = match family {
        Family::Ipv4 => V4,
        Family::Ipv6 => V6,
    };
    let is = |&&(refusal, alias): &&(Refusal, &str)| {
        word(family, refusal).is_some_and(|word| begins(word, name)) || begins(alias, name)
    };
    list.iter().find(is).map(|&(refusal, _)| refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_as_they_are_written() {
        for family in Family::ALL {
            for known in Refusal::ALL {
                if let Some(word) = word(family, known) {
                    assert_eq!(named(family, word), Some(known));
                }
            }
        }
        assert_eq!(named(Family::Ipv6, "no-route"), Some(Refusal::NetUnreachable));
        assert_eq!(named(Family::Ipv4, "ICMP-port"), Some(Refusal::PortUnreachable));
        assert_eq!((named(Family::Ipv6, "icmp6-policy-fail"), named(Family::Ipv4, "")), (None, None));
    }
}
