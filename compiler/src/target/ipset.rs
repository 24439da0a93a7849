// SPDX-License-Identifier: GPL-3.0-or-later
//! The text of `ipset save` and `ipset restore`: the sets that rules of iptables look into.

mod element;
mod known;
mod read;
mod write;

pub(in crate::target) use known::{KnownSet, KnownSets};
pub(in crate::target) use read::read;
pub(in crate::target) use write::SetText;

use ringwall_ir::words::Family;

/// What one part of an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::target) enum Part {
    /// An address; of a net where the kind takes prefixes.
    Address {
        /// It may be a prefix.
        net: bool,
    },
    /// A port with its protocol.
    Port,
    /// A port of whatever protocol.
    BarePort,
}

/// A type of set, as `create` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::target) struct Kind {
    /// Its name.
    pub(in crate::target) name: &'static str,
    /// The parts of its elements.
    pub(in crate::target) parts: &'static [Part],
}

const IP: Part = Part::Address { net: false };
const NET: Part = Part::Address { net: true };

/// The types whose elements the IR can hold. `list:set` is told apart, for its elements are sets.
pub(in crate::target) const KINDS: &[Kind] = &[
    Kind { name: "bitmap:ip", parts: &[IP] },
    Kind { name: "bitmap:port", parts: &[Part::BarePort] },
    Kind { name: "hash:ip", parts: &[IP] },
    Kind { name: "hash:ip,port", parts: &[IP, Part::Port] },
    Kind { name: "hash:ip,port,ip", parts: &[IP, Part::Port, IP] },
    Kind { name: "hash:ip,port,net", parts: &[IP, Part::Port, NET] },
    Kind { name: "hash:net", parts: &[NET] },
    Kind { name: "hash:net,net", parts: &[NET, NET] },
    Kind { name: "hash:net,port", parts: &[NET, Part::Port] },
    Kind { name: "hash:net,port,net", parts: &[NET, Part::Port, NET] },
];

impl Kind {
    /// The type of a name.
    pub(in crate::target) fn named(name: &str) -> Option<Self> {
        KINDS.iter().copied().find(|kind| kind.name == name)
    }

    /// The type of elements of these parts.
    pub(in crate::target) fn of(parts: &[Part]) -> Option<Self> {
        let holds = |(have, want): (&Part, &Part)| match (have, want) {
            (Part::Address { net: have }, Part::Address { net: want }) => *have || !*want,
            _ => have == want,
        };
        let fits = |kind: &&Self| kind.parts.len() == parts.len() && kind.parts.iter().zip(parts).all(holds);
        let nets = |kind: &&Self| kind.parts.iter().filter(|part| **part == NET).count();
        KINDS.iter().filter(|kind| kind.name != "bitmap:ip").filter(fits).min_by_key(nets).copied()
    }

    /// Whether an element may hold prefixes.
    pub(in crate::target) fn has_nets(self) -> bool {
        self.parts.contains(&NET)
    }
}

/// ipset's word for a family.
pub(in crate::target) const fn family(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

#[cfg(test)]
mod tests;
