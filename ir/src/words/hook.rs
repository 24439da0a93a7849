// SPDX-License-Identifier: GPL-3.0-or-later
//! Where rules stand: families, hooks, priorities, chain policies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The family of one packet (`meta nfproto`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The family in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    /// `NFPROTO_IPV4` or `NFPROTO_IPV6` of `include/uapi/linux/netfilter.h`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ipv4 => 2,
            Self::Ipv6 => 10,
        }
    }

    /// The family of tables that see its packets alone.
    #[must_use]
    pub const fn table(self) -> TableFamily {
        match self {
            Self::Ipv4 => TableFamily::Ip,
            Self::Ipv6 => TableFamily::Ip6,
        }
    }

    /// The width of an address, in bits.
    #[must_use]
    pub const fn address_bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }
}

/// The family of a table: which packets its chains see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableFamily {
    /// IPv4 and IPv6.
    Inet,
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
}

impl TableFamily {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Inet, Self::Ip, Self::Ip6];

    /// The family in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
        }
    }

    /// The family of nft's word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Whether its chains see packets of `family`.
    #[must_use]
    pub const fn sees(self, family: Family) -> bool {
        matches!((self, family), (Self::Inet, _) | (Self::Ip, Family::Ipv4) | (Self::Ip6, Family::Ipv6))
    }
}

/// A place on a packet's way where base chains are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Every packet that arrives, before routing.
    Prerouting,
    /// Packets for the host.
    Input,
    /// Packets that are routed through.
    Forward,
    /// Packets that the host sends.
    Output,
    /// Every packet that leaves, after routing.
    Postrouting,
}

impl Hook {
    /// All of them, by the kernel's number (`enum nf_inet_hooks`).
    pub const ALL: [Self; 5] = [Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting];

    /// The hook in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
        }
    }

    /// The kernel's number (`enum nf_inet_hooks` in `include/uapi/linux/netfilter.h`).
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Prerouting => 0,
            Self::Input => 1,
            Self::Forward => 2,
            Self::Output => 3,
            Self::Postrouting => 4,
        }
    }

    /// The hook of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// Whether a packet at this hook has an interface that it arrived on.
    #[must_use]
    pub const fn has_arrival(self) -> bool {
        matches!(self, Self::Prerouting | Self::Input | Self::Forward | Self::Postrouting)
    }

    /// Whether a packet at this hook has an interface that it leaves by.
    #[must_use]
    pub const fn has_departure(self) -> bool {
        matches!(self, Self::Forward | Self::Output | Self::Postrouting)
    }
}

/// The language's words for the three hooks that policies govern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Hook input.
    Inbound,
    /// Hook output.
    Outbound,
    /// Hook forward.
    Forwarded,
}

impl Direction {
    /// All three, in the order in which a policy is read.
    pub const ALL: [Self; 3] = [Self::Inbound, Self::Outbound, Self::Forwarded];

    /// The direction in the language's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Forwarded => "forwarded",
        }
    }

    /// The hook that sees its packets.
    #[must_use]
    pub const fn hook(self) -> Hook {
        match self {
            Self::Inbound => Hook::Input,
            Self::Outbound => Hook::Output,
            Self::Forwarded => Hook::Forward,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The place of a base chain among those of its hook: lower is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub i32);

impl Priority {
    /// Before everything else that has a name (`NF_IP_PRI_RAW`).
    pub const RAW: Self = Self(-300);
    /// Other people's marking chains (`NF_IP_PRI_MANGLE`).
    pub const MANGLE: Self = Self(-150);
    /// Translation of destinations (`NF_IP_PRI_NAT_DST`).
    pub const DSTNAT: Self = Self(-100);
    /// After the filters (`NF_IP_PRI_SECURITY`).
    pub const SECURITY: Self = Self(50);
    /// Translation of sources (`NF_IP_PRI_NAT_SRC`).
    pub const SRCNAT: Self = Self(100);
    /// Ringwall's translation of destinations: a priority that nobody else uses.
    pub const RINGWALL_DSTNAT: Self = Self(-110);
    /// Ringwall's translation of sources: a priority that nobody else uses.
    pub const RINGWALL_SRCNAT: Self = Self(90);
    /// Reassembly of fragments (`NF_IP_PRI_CONNTRACK_DEFRAG`).
    pub const DEFRAG: Self = Self(-400);
    /// Connection tracking (`NF_IP_PRI_CONNTRACK`).
    pub const CONNTRACK: Self = Self(-200);
    /// Other people's filter chains (`NF_IP_PRI_FILTER`).
    pub const FILTER: Self = Self(0);
    /// Ringwall's filter chains: a priority that nobody else uses.
    pub const RINGWALL_FILTER: Self = Self(-10);
    /// New entries enter the table (`NF_IP_PRI_CONNTRACK_CONFIRM`).
    pub const CONFIRM: Self = Self(i32::MAX);
}

/// What happens to a packet that reaches the end of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainPolicy {
    /// It goes on.
    Accept,
    /// It is gone.
    Drop,
}

impl ChainPolicy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Accept, Self::Drop];

    /// The chain policy in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
        }
    }
}
