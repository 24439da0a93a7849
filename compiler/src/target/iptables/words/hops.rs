// SPDX-License-Identifier: GPL-3.0-or-later
//! The hop limit of both families.

use ringwall_ir::Field;
use ringwall_ir::words::Family;

/// What tests the hop limit in a family.
pub(in crate::target::iptables) struct HopWords {
    /// The match.
    pub(in crate::target::iptables) module: &'static str,
    /// Its options for equal, less, greater.
    pub(in crate::target::iptables) options: [&'static str; 3],
    /// The field.
    pub(in crate::target::iptables) field: Field,
}

/// The hop limit match of a family.
pub(in crate::target::iptables) const fn words(family: Family) -> HopWords {
    match family {
        Family::Ipv4 => HopWords { module: "ttl", options: ["--ttl-eq", "--ttl-lt", "--ttl-gt"], field: Field::IpTtl },
        Family::Ipv6 => {
            HopWords { module: "hl", options: ["--hl-eq", "--hl-lt", "--hl-gt"], field: Field::Ip6HopLimit }
        }
    }
}
