// SPDX-License-Identifier: GPL-3.0-or-later
//! The declared table of services: name, traffic in the language's own words, source.

/// A service that every policy knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in policies.
    pub name: &'static str,
    /// The traffic it stands for, in the policy language.
    pub traffic: &'static str,
    /// Where the ports come from: IANA's "Service Name and Transport Protocol Port Number Registry", an RFC, or the
    /// project's own documentation.
    pub source: &'static str,
}

const fn service(name: &'static str, traffic: &'static str, source: &'static str) -> Service {
    Service { name, traffic, source }
}

/// The services, by name.
pub const SERVICES: &[Service] = &[
    service("bgp", "tcp 179", "RFC 4271"),
    service("dhcp", "udp 67 from port 68", "RFC 2131 §4.1: a client's packets to a server"),
    service("dhcpv6", "udp 547 from port 546", "RFC 8415 §7.2: a client's packets to a server"),
    service("dns", "tcp+udp 53", "RFC 1035 §4.2"),
    service("dns-over-tls", "tcp 853", "RFC 7858"),
    service("ftp", "tcp 21", "RFC 959; data connections need the helper"),
    service("git", "tcp 9418", "git-daemon(1)"),
    service("http", "tcp 80", "RFC 9110 §4.2.1"),
    service("http3", "udp 443", "RFC 9114"),
    service("https", "tcp 443", "RFC 9110 §4.2.2"),
    service("imap", "tcp 143", "RFC 9051"),
    service("imaps", "tcp 993", "RFC 8314"),
    service("ipp", "tcp 631", "RFC 8010"),
    service("ipsec", "udp 500, 4500, protocol esp", "RFC 7296, RFC 3948, RFC 4303"),
    service("kerberos", "tcp+udp 88", "RFC 4120"),
    service("ldap", "tcp 389", "RFC 4511"),
    service("ldaps", "tcp 636", "IANA"),
    service("mdns", "udp 5353", "RFC 6762"),
    service("mqtt", "tcp 1883", "IANA"),
    service("mysql", "tcp 3306", "IANA"),
    service("nfs", "tcp 2049", "RFC 7530 §3.1"),
    service("ntp", "udp 123", "RFC 5905"),
    service("openvpn", "udp 1194", "IANA"),
    service("ping", "icmp echo-request", "RFC 792, RFC 4443 §4.1"),
    service("pop3s", "tcp 995", "RFC 8314"),
    service("postgresql", "tcp 5432", "IANA"),
    service("prometheus", "tcp 9090", "Prometheus documentation, \"Getting started\""),
    service("rdp", "tcp+udp 3389", "IANA"),
    service("redis", "tcp 6379", "IANA"),
    service("rsync", "tcp 873", "rsyncd.conf(5)"),
    service("sip", "tcp+udp 5060", "RFC 3261 §18"),
    service("smb", "tcp 445", "IANA"),
    service("smtp", "tcp 25", "RFC 5321"),
    service("snmp", "udp 161", "RFC 3417"),
    service("ssh", "tcp 22", "RFC 4253 §4.1"),
    service("submission", "tcp 587", "RFC 6409"),
    service("submissions", "tcp 465", "RFC 8314"),
    service("syslog", "udp 514", "RFC 5426"),
    service("telnet", "tcp 23", "RFC 854"),
    service("tftp", "udp 69", "RFC 1350; data connections need the helper"),
    service("vnc", "tcp 5900", "RFC 6143"),
    service("wireguard", "udp 51820", "wg(8)"),
];

/// The service of a name.
pub(super) fn named(name: &str) -> Option<&'static Service> {
    SERVICES.binary_search_by_key(&name, |service| service.name).ok().and_then(|place| SERVICES.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_found_and_parses() {
        assert!(SERVICES.len() >= 25);
        assert!(SERVICES.is_sorted_by_key(|service| service.name));
        for service in SERVICES {
            assert_eq!(named(service.name), Some(service));
            let (tree, findings) = ringwall_grammar::parse(&format!("service x = {}", service.traffic));
            assert!(findings.is_empty(), "{}: {findings:?}", service.name);
            assert_eq!(tree.items.len(), 1);
        }
    }
}
