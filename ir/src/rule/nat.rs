// SPDX-License-Identifier: GPL-3.0-or-later
//! Where a translation leads.

use super::{MapRef, Selector};
use crate::legal::{Gives, Illegal};
use crate::words::{Family, NatFlags};

/// A translation to an address, a port, or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nat {
    /// The family whose addresses are translated; packets of the other go on untouched. None where only ports are.
    pub family: Option<Family>,
    /// The new end.
    pub end: NatEnd,
    /// How one of several ends is chosen.
    pub flags: NatFlags,
}

/// A new end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NatEnd {
    /// Looked up in a map. It gives addresses, alone or with ports; where no family is named, ports.
    Map {
        /// What is looked up.
        key: Vec<Selector>,
        /// In which map.
        map: MapRef,
        /// The ports beside an address from the map.
        ports: Option<(u16, u16)>,
    },
    /// Written in the rule.
    Range {
        /// The addresses, first and last; none: the address stays.
        addresses: Option<(u128, u128)>,
        /// The ports, first and last; none: the port stays where it can.
        ports: Option<(u16, u16)>,
    },
}

/// New ports of a translation to an address of the host itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OwnPorts {
    /// Looked up in a map that gives single ports: of a range, nft 1.0.6 loads the first port alone, and wrongly lists it.
    Map {
        /// What is looked up.
        key: Vec<Selector>,
        /// In which map.
        map: MapRef,
    },
    /// Written in the rule: first and last.
    Range(u16, u16),
}

impl OwnPorts {
    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Map { key, map } => Gives::Port.check(key, map),
            Self::Range(first, last) if first > last => Err(Illegal::Translation),
            Self::Range(..) => Ok(()),
        }
    }
}

impl Nat {
    pub(super) fn check(&self) -> Result<(), Illegal> {
        match &self.end {
            NatEnd::Map { key, map, ports } => {
                Gives::End(self.family).check(key, map)?;
                let idle = ports.is_some() && self.family.is_none();
                if idle || ports.is_some_and(|(first, last)| first > last) { Err(Illegal::Translation) } else { Ok(()) }
            }
            NatEnd::Range { addresses, ports } => {
                let backward = addresses.is_some_and(|(first, last)| first > last)
                    || ports.is_some_and(|(first, last)| first > last);
                let wide = match self.family {
                    Some(Family::Ipv4) => addresses.is_some_and(|(_, last)| last > u128::from(u32::MAX)),
                    Some(Family::Ipv6) => false,
                    None => addresses.is_some(),
                };
                if backward || wide || (addresses.is_none() && ports.is_none()) {
                    Err(Illegal::Translation)
                } else {
                    Ok(())
                }
            }
        }
    }
}
