// SPDX-License-Identifier: GPL-3.0-or-later
//! The plain interpreter: the chain IR, rule by rule, as nf_tables walks it. Meant to be obviously right, not fast.

use std::collections::HashMap;
use std::time::Duration;

use ringwall_ir::words::ChainPolicy;
use ringwall_ir::{Chain, Field, Limit, Match, Rule, Ruleset, Table, Verdict};

use super::{Action, Decision, Ruling, View};
use crate::packet::Packet;

/// A ruleset at work.
#[derive(Clone, Debug)]
pub struct Interpreter<'a> {
    /// The chains in the order in which packets meet them.
    chains: Vec<(&'a Table, &'a Chain)>,
    buckets: HashMap<Place, Bucket>,
}

/// A test of a rule: chain, rule and test by their places.
type Place = (usize, usize, usize);

impl<'a> Interpreter<'a> {
    /// The ruleset, with every limit full.
    #[must_use]
    pub fn new(ruleset: &'a Ruleset) -> Self {
        let mut chains: Vec<_> = ruleset.chains().collect();
        chains.sort_by_key(|(_, chain)| chain.priority());
        Self { chains, buckets: HashMap::new() }
    }

    /// The first rule of the chain with a verdict that matches.
    fn rule(&mut self, place: usize, table: &Table, chain: &'a Chain, view: &View<'_>) -> Option<(&'a Rule, Verdict)> {
        chain.rules().iter().enumerate().find_map(|(number, rule)| {
            let matches = rule.matches().iter().enumerate().all(|(test, condition)| match condition {
                Match::Limit(limit) => self.take((place, number, test), limit, view.now),
                _ => passes(condition, table, view),
            });
            rule.verdict().filter(|_| matches).map(|verdict| (rule, verdict))
        })
    }

    fn take(&mut self, place: Place, limit: &Limit, now: Duration) -> bool {
        self.buckets.entry(place).or_insert_with(|| Bucket::full(limit)).take(limit, now)
    }
}

impl Ruling for Interpreter<'_> {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        let mut last = Decision { action: Action::Accept, origin: None };
        for place in 0..self.chains.len() {
            let Some(&(table, chain)) = self.chains.get(place) else { break };
            if chain.hook() != view.hook || !table.family().sees(view.packet.family()) {
                continue;
            }
            last = match self.rule(place, table, chain, view) {
                Some((rule, verdict)) => Decision { action: action(verdict), origin: Some(rule.origin()) },
                None => Decision { action: end(chain.policy()), origin: Some(chain.closing()) },
            };
            if last.action != Action::Accept {
                break;
            }
        }
        last
    }
}

const fn action(verdict: Verdict) -> Action {
    match verdict {
        Verdict::Accept => Action::Accept,
        Verdict::Drop => Action::Drop,
        Verdict::Reject(refusal) => Action::Reject(refusal),
    }
}

const fn end(policy: ChainPolicy) -> Action {
    match policy {
        ChainPolicy::Accept => Action::Accept,
        ChainPolicy::Drop => Action::Drop,
    }
}

/// Whether a packet passes a test of a field. A packet that does not have the field never does.
fn passes(test: &Match, table: &Table, view: &View<'_>) -> bool {
    match test {
        Match::AnyOf { field, bits } => number(*field, view).is_some_and(|value| value & u128::from(*bits) != 0),
        Match::Masked { field, mask, value } => {
            number(*field, view).is_some_and(|found| found & u128::from(*mask) == u128::from(*value))
        }
        Match::In { field, values, negated } => {
            number(*field, view).is_some_and(|value| table.values(values).contains(value) != *negated)
        }
        Match::Interface { field, names, negated } => {
            interface(*field, view).is_some_and(|name| names.iter().any(|pattern| pattern.matches(name)) != *negated)
        }
        Match::Limit(_) => true,
    }
}

fn interface<'v>(field: Field, view: &View<'v>) -> Option<&'v str> {
    match field {
        Field::Iifname => view.iif,
        Field::Oifname => view.oif,
        _ => None,
    }
}

/// A field's value in this packet.
fn number(field: Field, view: &View<'_>) -> Option<u128> {
    use ringwall_ir::fields::Needs;

    let packet: &Packet<'_> = view.packet;
    match field.row().needs {
        Needs::Family(family) if packet.family() != family => return None,
        Needs::Protocol(protocol) if packet.protocol() != protocol => return None,
        _ => {}
    }
    let (from_port, to_port) = packet.ports().unzip();
    let (kind, code) = packet.icmp().unzip();
    match field {
        Field::CtState => Some(u128::from(view.state.bit())),
        Field::IcmpType | Field::Icmpv6Type => kind.map(u128::from),
        Field::IcmpCode | Field::Icmpv6Code => code.map(u128::from),
        Field::Ip6Saddr | Field::IpSaddr => Some(packet.source()),
        Field::Ip6Daddr | Field::IpDaddr => Some(packet.destination()),
        Field::Ip6HopLimit | Field::IpTtl => Some(u128::from(packet.hop_limit())),
        Field::L4proto => Some(u128::from(packet.protocol().0)),
        Field::Nfproto => Some(u128::from(packet.family().number())),
        Field::SctpDport | Field::TcpDport | Field::UdpDport => to_port.map(u128::from),
        Field::SctpSport | Field::TcpSport | Field::UdpSport => from_port.map(u128::from),
        Field::TcpFlags => packet.tcp_flags().map(|flags| u128::from(flags.0)),
        Field::Iifname | Field::Oifname => None,
    }
    .filter(|_| has_family(field, packet))
}

/// `icmp` is ICMP in IPv4 and `icmpv6` ICMPv6 in IPv6: nft guards both with the family.
fn has_family(field: Field, packet: &Packet<'_>) -> bool {
    use ringwall_ir::words::Family;
    match field {
        Field::IcmpType | Field::IcmpCode => packet.family() == Family::Ipv4,
        Field::Icmpv6Type | Field::Icmpv6Code => packet.family() == Family::Ipv6,
        _ => true,
    }
}

/// The tokens of one limit, in nanoseconds as in `net/netfilter/nft_limit.c`.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u128,
    last: Duration,
}

impl Bucket {
    fn full(limit: &Limit) -> Self {
        Self { tokens: capacity(limit), last: Duration::ZERO }
    }

    /// Takes the price of one packet, if there are tokens for it.
    fn take(&mut self, limit: &Limit, now: Duration) -> bool {
        let gained = now.saturating_sub(self.last).as_nanos();
        self.tokens = (self.tokens + gained).min(capacity(limit));
        self.last = now;
        let price = unit(limit) / u128::from(limit.amount.get());
        match self.tokens.checked_sub(price) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }
}

fn capacity(limit: &Limit) -> u128 {
    unit(limit) * u128::from(limit.burst.get()) / u128::from(limit.amount.get())
}

fn unit(limit: &Limit) -> u128 {
    Duration::from_secs(u64::from(limit.per.seconds())).as_nanos()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ringwall_ir::Per;

    use super::*;

    #[test]
    fn a_limit_lets_its_burst_through_and_then_its_rate() {
        let two = NonZeroU32::new(2).unwrap();
        let limit = Limit { amount: two, per: Per::Second, burst: NonZeroU32::new(3).unwrap() };
        let mut bucket = Bucket::full(&limit);
        let mut at = |millis| bucket.take(&limit, Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(499), at(500), at(999), at(1000)], [false, true, false, true]);
        assert_eq!([at(9000), at(9000), at(9000), at(9000)], [true, true, true, false]);
    }
}
