// SPDX-License-Identifier: GPL-3.0-or-later
//! Regions: boxes of packets, one for each rule of an IR or each sentence of a policy. Traffic is drawn from their edges.

mod of_ir;

use ringwall_ir::words::{CtStates, Direction, Family, TcpFlags};
use ringwall_ir::{Datatype, Field, IntervalSet};

/// A box of packets of one family and direction: every dimension on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Which way the packets go.
    pub direction: Direction,
    /// Their family.
    pub family: Family,
    /// Whether what opens a conversation is accepted here, so that later packets of it can be drawn.
    pub opens: bool,
    /// Their ct states.
    pub states: CtStates,
    /// The interfaces they arrive on; none: any.
    pub iif: Option<IntervalSet>,
    /// The interfaces they leave by; none: any.
    pub oif: Option<IntervalSet>,
    /// Their sources.
    pub source: IntervalSet,
    /// Their destinations.
    pub destination: IntervalSet,
    /// Their protocols.
    pub protocol: IntervalSet,
    /// Their source ports.
    pub from_port: IntervalSet,
    /// Their destination ports.
    pub port: IntervalSet,
    /// Their ICMP types.
    pub icmp_type: IntervalSet,
    /// Their ICMP codes.
    pub icmp_code: IntervalSet,
    /// Their hop limits, or times to live.
    pub hop_limit: IntervalSet,
    /// Their TCP flags: of the second, exactly the first are set.
    pub flags: (TcpFlags, TcpFlags),
}

impl Region {
    /// Every packet of a direction and family.
    #[must_use]
    pub fn everything(direction: Direction, family: Family) -> Self {
        let address = IntervalSet::full(family.address_bits());
        Self {
            direction,
            family,
            opens: false,
            states: CtStates::ALL,
            iif: None,
            oif: None,
            source: address.clone(),
            destination: address,
            protocol: IntervalSet::full(8),
            from_port: IntervalSet::full(16),
            port: IntervalSet::full(16),
            icmp_type: IntervalSet::full(8),
            icmp_code: IntervalSet::full(8),
            hop_limit: IntervalSet::full(8),
            flags: (TcpFlags(0), TcpFlags(0)),
        }
    }

    /// Whether it is about packets that the host sends to itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        [&self.iif, &self.oif].into_iter().flatten().any(|names| {
            // All names but a few have `lo` among them and do not mean it.
            is_named(names, crate::engine::routing::LOOPBACK) && !is_named(names, "none of the named")
        })
    }

    fn dimension(&mut self, field: Field) -> Option<&mut IntervalSet> {
        match field {
            Field::IpSaddr | Field::Ip6Saddr => Some(&mut self.source),
            Field::IpDaddr | Field::Ip6Daddr => Some(&mut self.destination),
            Field::IpProtocol | Field::L4proto => Some(&mut self.protocol),
            Field::DccpSport | Field::SctpSport | Field::TcpSport | Field::UdpSport | Field::UdpliteSport => {
                Some(&mut self.from_port)
            }
            Field::DccpDport | Field::SctpDport | Field::TcpDport | Field::UdpDport | Field::UdpliteDport => {
                Some(&mut self.port)
            }
            Field::IcmpType | Field::Icmpv6Type => Some(&mut self.icmp_type),
            Field::IcmpCode | Field::Icmpv6Code => Some(&mut self.icmp_code),
            Field::IpTtl | Field::Ip6HopLimit => Some(&mut self.hop_limit),
            _ => None,
        }
    }
}

/// Whether an interface of this name is among values of [`Datatype::Ifname`].
#[must_use]
pub fn is_named(names: &IntervalSet, name: &str) -> bool {
    Datatype::Ifname.parse_value(name).is_some_and(|value| names.contains(value))
}

/// Values on both sides of every edge of a set of numbers up to `max`: those in it, and those just outside.
#[must_use]
pub fn edges(set: &IntervalSet, max: u128) -> (Vec<u128>, Vec<u128>) {
    /// Of long lists, the first and the last few intervals are enough: their edges are all alike.
    const MOST: usize = 6;

    let intervals = set.intervals();
    let picked = intervals.iter().take(MOST).chain(intervals.iter().skip(MOST.max(intervals.len().saturating_sub(2))));
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for &(first, last) in picked {
        inside.extend([first, last, first + (last - first) / 2]);
        outside.extend(first.checked_sub(1).filter(|&value| !set.contains(value)));
        outside.extend(last.checked_add(1).filter(|&value| value <= max && !set.contains(value)));
    }
    for list in [&mut inside, &mut outside] {
        list.sort_unstable();
        list.dedup();
    }
    (inside, outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_stand_on_both_sides() {
        let set: IntervalSet = [(0, 0), (80, 80), (6000, 6100)].into_iter().collect();
        assert_eq!(edges(&set, 65535), (vec![0, 80, 6000, 6050, 6100], vec![1, 79, 81, 5999, 6101]));
        assert_eq!(edges(&IntervalSet::full(16), 65535), (vec![0, 32767, 65535], vec![]));
    }
}
