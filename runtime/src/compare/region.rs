// SPDX-License-Identifier: GPL-3.0-or-later
//! Regions: boxes of packets, one for each rule of an IR or each sentence of a policy. Traffic is drawn from their edges.

use ringwall_ir::words::{ChainPolicy, CtStates, Direction, Family, TcpFlags};
use ringwall_ir::{Field, InterfacePattern, IntervalSet, Match, Rule, Ruleset, Table, Verdict};

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
    pub iif: Option<Names>,
    /// The interfaces they leave by; none: any.
    pub oif: Option<Names>,
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

/// Names of interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// None of them, instead of one of them.
    pub negated: bool,
    /// The names.
    pub patterns: Vec<InterfacePattern>,
}

impl Names {
    /// Whether an interface of this name is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name)) != self.negated
    }
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
        [&self.iif, &self.oif].into_iter().flatten().any(|names| !names.negated && names.contains("lo"))
    }

    /// The regions of a ruleset: one for each rule and family, and one for what the chain policy decides.
    #[must_use]
    pub fn of_ruleset(ruleset: &Ruleset) -> Vec<Self> {
        let mut regions = Vec::new();
        for (table, chain) in ruleset.chains() {
            let Some(direction) = chain.direction() else { continue };
            for family in Family::ALL.into_iter().filter(|&family| table.family().sees(family)) {
                let open = chain.policy() == ChainPolicy::Accept;
                let everything = Self { opens: open, ..Self::everything(direction, family) };
                regions.push(everything.clone());
                regions.extend(chain.rules().iter().filter_map(|rule| everything.clone().narrowed(rule, table)));
            }
        }
        regions
    }

    /// The part of the region that a rule matches; none if the rule is about the other family.
    fn narrowed(mut self, rule: &Rule, table: &Table) -> Option<Self> {
        use ringwall_ir::fields::Needs;
        use ringwall_ir::words::Protocol;

        for test in rule.matches() {
            match test.field().map(|field| field.row().needs) {
                Some(Needs::Family(family)) if family != self.family => return None,
                Some(Needs::Protocol(Protocol::ICMP)) if self.family == Family::Ipv6 => return None,
                Some(Needs::Protocol(Protocol::ICMPV6)) if self.family == Family::Ipv4 => return None,
                Some(Needs::Protocol(protocol)) => self.protocol = IntervalSet::one(u128::from(protocol.0)),
                _ => {}
            }
            self.narrow(test, table)?;
        }
        self.opens = rule.verdict() == Some(Verdict::Accept) && self.states.contains(ringwall_ir::words::CtState::New);
        Some(self)
    }

    fn narrow(&mut self, test: &Match, table: &Table) -> Option<()> {
        match test {
            Match::AnyOf { field: Field::CtState, bits } => {
                self.states = u8::try_from(*bits).ok().and_then(CtStates::from_bits)?;
            }
            Match::Masked { field: Field::TcpFlags, mask, value } => {
                self.flags = (TcpFlags(u8::try_from(*value).ok()?), TcpFlags(u8::try_from(*mask).ok()?));
            }
            Match::Interface { field, names, negated } => {
                let names = Some(Names { negated: *negated, patterns: names.clone() });
                if *field == Field::Iifname { self.iif = names } else { self.oif = names }
            }
            Match::In { field: Field::Nfproto, values, negated } => {
                let holds = table.values(values).contains(u128::from(self.family.number()));
                return (holds != *negated).then_some(());
            }
            Match::In { field, values, negated } => {
                let bits = field.row().bits;
                let values = table.values(values);
                let wanted = if *negated { values.complement(bits) } else { values.clone() };
                if let Some(dimension) = self.dimension(*field) {
                    *dimension = dimension.intersection(&wanted);
                }
            }
            Match::AnyOf { .. } | Match::Masked { .. } | Match::Limit(_) => {}
        }
        Some(())
    }

    fn dimension(&mut self, field: Field) -> Option<&mut IntervalSet> {
        match field {
            Field::IpSaddr | Field::Ip6Saddr => Some(&mut self.source),
            Field::IpDaddr | Field::Ip6Daddr => Some(&mut self.destination),
            Field::L4proto => Some(&mut self.protocol),
            Field::TcpSport | Field::UdpSport | Field::SctpSport => Some(&mut self.from_port),
            Field::TcpDport | Field::UdpDport | Field::SctpDport => Some(&mut self.port),
            Field::IcmpType | Field::Icmpv6Type => Some(&mut self.icmp_type),
            Field::IcmpCode | Field::Icmpv6Code => Some(&mut self.icmp_code),
            Field::IpTtl | Field::Ip6HopLimit => Some(&mut self.hop_limit),
            Field::CtState | Field::Iifname | Field::Nfproto | Field::Oifname | Field::TcpFlags => None,
        }
    }
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
