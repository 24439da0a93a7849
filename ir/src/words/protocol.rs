// SPDX-License-Identifier: GPL-3.0-or-later
//! Transport protocols and TCP flags.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A protocol number (IANA's "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: Self = Self(1);
    /// IGMP (RFC 3376).
    pub const IGMP: Self = Self(2);
    /// TCP (RFC 9293).
    pub const TCP: Self = Self(6);
    /// UDP (RFC 768).
    pub const UDP: Self = Self(17);
    /// GRE (RFC 2784).
    pub const GRE: Self = Self(47);
    /// DCCP (RFC 4340).
    pub const DCCP: Self = Self(33);
    /// ICMP for IPv6 (RFC 4443).
    pub const ICMPV6: Self = Self(58);
    /// SCTP (RFC 9260).
    pub const SCTP: Self = Self(132);
    /// UDP-Lite (RFC 3828).
    pub const UDPLITE: Self = Self(136);

    /// The names that nft(8) and `/proc/net/nf_conntrack` use too.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("icmp", Self::ICMP),
        ("igmp", Self::IGMP),
        ("ipencap", Self(4)),
        ("tcp", Self::TCP),
        ("udp", Self::UDP),
        ("dccp", Self::DCCP),
        ("ipv6", Self(41)),
        ("gre", Self::GRE),
        ("esp", Self(50)),
        ("ah", Self(51)),
        ("icmpv6", Self::ICMPV6),
        ("ospf", Self(89)),
        ("pim", Self(103)),
        ("comp", Self(108)),
        ("vrrp", Self(112)),
        ("sctp", Self::SCTP),
        ("udplite", Self::UDPLITE),
    ];

    /// The protocol of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, protocol)| protocol)
    }

    /// The name, where there is one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(_, known)| *known == self).map(|&(name, _)| name)
    }
}

impl fmt::Display for Protocol {
    /// The name, or else the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A set of TCP flags: byte 13 of the header (RFC 9293 §3.1, RFC 3168 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(1);
    /// Opens.
    pub const SYN: Self = Self(1 << 1);
    /// Resets.
    pub const RST: Self = Self(1 << 2);
    /// Push.
    pub const PSH: Self = Self(1 << 3);
    /// The acknowledgement counts.
    pub const ACK: Self = Self(1 << 4);
    /// Urgent.
    pub const URG: Self = Self(1 << 5);

    /// The flags by name, from bit 0 on, in nft's words.
    pub const NAMES: [&'static str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];

    /// The flag of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|&known| known == name).map(|bit| Self(1 << bit))
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name)
    }
}
