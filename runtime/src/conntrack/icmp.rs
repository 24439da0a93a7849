// SPDX-License-Identifier: GPL-3.0-or-later
//! Queries of ICMP and ICMPv6 and their answers (`nf_conntrack_proto_icmp.c`, `nf_conntrack_proto_icmpv6.c`).

use std::time::Duration;

use ringwall_ir::words::{Family, IcmpClass, Protocol, icmp};

use super::entry::Entry;
use super::tuple::Ends;
use super::{Arrival, Outcome};

const TIMEOUT: Duration = Duration::from_secs(30);

pub fn packet(entry: &mut Entry, arrival: &Arrival<'_>) -> Outcome {
    let at_home = match arrival.family {
        Family::Ipv4 => arrival.protocol == Protocol::ICMP,
        Family::Ipv6 => arrival.protocol == Protocol::ICMPV6,
    };
    match entry.original().ends {
        Ends::Query { kind, .. } if at_home && icmp::class(arrival.family, kind) == IcmpClass::Query => {
            entry.refresh(arrival, TIMEOUT);
            Outcome::Accept
        }
        _ => Outcome::Invalid,
    }
}
