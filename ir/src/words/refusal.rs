// SPDX-License-Identifier: GPL-3.0-or-later
//! The answers that a refused packet gets.

use serde::{Deserialize, Serialize};

use super::{Family, Protocol};

/// What `reject` sends back. Each is one form of the nf_tables expression `reject` (`net/netfilter/nft_reject_inet.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// A TCP reset; the rule must match TCP only.
    TcpReset,
    /// Port unreachable: ICMP 3/3, ICMPv6 1/4.
    PortUnreachable,
    /// Host unreachable: ICMP 3/1, ICMPv6 1/3 (address unreachable).
    HostUnreachable,
    /// Network unreachable: ICMP 3/0, ICMPv6 1/0 (no route).
    NetUnreachable,
    /// Administratively prohibited: ICMP 3/13, ICMPv6 1/1.
    AdminProhibited,
    /// Protocol unreachable: ICMP 3/2. IPv6 has no such code.
    ProtocolUnreachable,
    /// Network prohibited: ICMP 3/9. IPv6 has no such code.
    NetProhibited,
    /// Host prohibited: ICMP 3/10. IPv6 has no such code.
    HostProhibited,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::TcpReset,
        Self::PortUnreachable,
        Self::HostUnreachable,
        Self::NetUnreachable,
        Self::AdminProhibited,
        Self::ProtocolUnreachable,
        Self::NetProhibited,
        Self::HostProhibited,
    ];

    /// The refusal in the language's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TcpReset => "tcp-reset",
            Self::PortUnreachable => "port-unreachable",
            Self::HostUnreachable => "host-unreachable",
            Self::NetUnreachable => "net-unreachable",
            Self::AdminProhibited => "admin-prohibited",
            Self::ProtocolUnreachable => "protocol-unreachable",
            Self::NetProhibited => "net-prohibited",
            Self::HostProhibited => "host-prohibited",
        }
    }

    /// The refusal of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.name() == name)
    }

    /// The code of the ICMP destination-unreachable message that goes out, or none where it is a TCP reset
    /// or where the family has no such message (RFC 792, RFC 1812 §5.2.7.1, RFC 4443 §3.1).
    #[must_use]
    pub const fn icmp_code(self, family: Family) -> Option<u8> {
        match (self, family) {
            (Self::TcpReset, _) => None,
            (Self::PortUnreachable, Family::Ipv4) => Some(3),
            (Self::PortUnreachable, Family::Ipv6) => Some(4),
            (Self::HostUnreachable, Family::Ipv4) => Some(1),
            (Self::HostUnreachable, Family::Ipv6) => Some(3),
            (Self::NetUnreachable, _) => Some(0),
            (Self::AdminProhibited, Family::Ipv4) => Some(13),
            (Self::AdminProhibited, Family::Ipv6) => Some(1),
            (Self::ProtocolUnreachable, Family::Ipv4) => Some(2),
            (Self::NetProhibited, Family::Ipv4) => Some(9),
            (Self::HostProhibited, Family::Ipv4) => Some(10),
            (Self::ProtocolUnreachable | Self::NetProhibited | Self::HostProhibited, Family::Ipv6) => None,
        }
    }

    /// Whether a packet of the family and protocol can be refused so.
    #[must_use]
    pub fn applies(self, family: Family, protocol: Protocol) -> bool {
        match self {
            Self::TcpReset => protocol == Protocol::TCP,
            _ => self.icmp_code(family).is_some(),
        }
    }
}
