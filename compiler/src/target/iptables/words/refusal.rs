// SPDX-License-Identifier: GPL-3.0-or-later
//! The answers of `REJECT`.

use ringwall_ir::words::{Family, Refusal};

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

/// Other words of iptables for the same (`ip6tables -j REJECT -h`).
const ALIASES: &[(Family, &str, Refusal)] = &[
    (Family::Ipv4, "admin-prohib", Refusal::AdminProhibited),
    (Family::Ipv4, "host-prohib", Refusal::HostProhibited),
    (Family::Ipv4, "host-unreach", Refusal::HostUnreachable),
    (Family::Ipv4, "net-prohib", Refusal::NetProhibited),
    (Family::Ipv4, "net-unreach", Refusal::NetUnreachable),
    (Family::Ipv4, "port-unreach", Refusal::PortUnreachable),
    (Family::Ipv4, "proto-unreach", Refusal::ProtocolUnreachable),
    (Family::Ipv4, "tcp-rst", Refusal::TcpReset),
    (Family::Ipv6, "addr-unreach", Refusal::HostUnreachable),
    (Family::Ipv6, "adm-prohibited", Refusal::AdminProhibited),
    (Family::Ipv6, "no-route", Refusal::NetUnreachable),
    (Family::Ipv6, "port-unreach", Refusal::PortUnreachable),
];

/// The refusal of a word.
pub(in crate::target::iptables) fn named(family: Family, name: &str) -> Option<Refusal> {
    let alias = || ALIASES.iter().find(|(of, known, _)| *of == family && *known == name);
    let own = Refusal::ALL.into_iter().find(|&known| word(family, known) == Some(name));
    own.or_else(|| alias().map(|&(_, _, refusal)| refusal))
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
    }
}
