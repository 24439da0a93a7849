// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests, with values that the traffic has about half of the time.

use fastrand::Rng;
use ringwall_ir::words::{CtDirection, CtState, CtStates, CtStatus, Family, Hook, Protocol};
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Step, Tuples, Values};

use super::super::converse::choose;
use super::Drawer;
use super::chain::{Place, one_of};
use crate::packet::wire;

impl Drawer<'_> {
    /// At most three tests that fit together.
    pub(super) fn tests(&mut self, place: Place) -> Vec<Step> {
        let mut steps = Vec::new();
        let family = self.family(place.family);
        if self.rng.u8(..3) == 0 {
            steps.extend(self.interface(place.hook));
        }
        if self.rng.bool() {
            steps.push(self.address(family));
        }
        match self.rng.u8(..6) {
            0 | 1 => steps.extend(self.port()),
            2 => steps.extend(self.kind(family)),
            3 => steps.push(protocol(any(&[6, 17, 1, 58, 132, 47], &mut self.rng))),
            // What connection tracking does not know yet, it does not tell.
            4 if !place.early => steps.push(self.of_conversation(family)),
            _ => {}
        }
        if self.rng.u8(..3) == 0 {
            steps.push(self.state());
        }
        steps
    }

    fn interface(&mut self, hook: Option<Hook>) -> Option<Step> {
        let links = self.host.interfaces.len();
        let name = self.host.interfaces.get(self.rng.usize(..links.max(1)))?.name.clone();
        let value = Datatype::Ifname.parse_value(&name)?;
        let field = match hook {
            Some(Hook::Prerouting | Hook::Input) => Field::Iifname,
            Some(Hook::Output | Hook::Postrouting) => Field::Oifname,
            Some(Hook::Forward) if self.rng.bool() => Field::Oifname,
            Some(Hook::Forward) => Field::Iifname,
            None => return None,
        };
        Some(one_of(field, Values::one(value), self.rng.u8(..4) == 0))
    }

    fn address(&mut self, family: Family) -> Step {
        let field = if self.rng.bool() { Field::source(family) } else { Field::destination(family) };
        let negated = self.rng.u8(..4) == 0;
        if self.rng.u8(..3) == 0 {
            let name = if family == Family::Ipv4 { "nets_v4" } else { "nets_v6" };
            return one_of(field, Values::Set(name.to_owned()), negated);
        }
        let set = match self.network(family) {
            Some(network) if self.rng.bool() => {
                IntervalSet::prefix(wire::bits(network.network()), network.prefix_len(), family.address_bits())
            }
            Some(network) => {
                IntervalSet::one(wire::bits(network.network()) + u128::from(any(&[1_u8, 10, 11], &mut self.rng)))
            }
            None => IntervalSet::one(1),
        };
        one_of(field, Values::Inline(set), negated)
    }

    fn port(&mut self) -> Vec<Step> {
        if self.rng.u8(..5) == 0 {
            let key = vec![Selector::of(Field::L4proto), Selector::of(Field::ThDport)];
            let negated = self.rng.bool();
            return vec![Step::Match(Match::Concat { key, values: Tuples::Set("pairs".to_owned()), negated })];
        }
        let (number, fields) = if self.rng.bool() {
            (6, [Field::TcpDport, Field::TcpSport])
        } else {
            (17, [Field::UdpDport, Field::UdpSport])
        };
        let field = fields.get(usize::from(self.rng.u8(..4) == 0)).copied().unwrap_or(Field::TcpDport);
        let values = match self.rng.u8(..4) {
            0 => Values::Set("ports".to_owned()),
            1 => Values::Inline(IntervalSet::range(1024, 65_535)),
            2 => Values::Inline(IntervalSet::range(50, 80)),
            _ => Values::one(any(&[21, 22, 53, 80, 443, 8080], &mut self.rng)),
        };
        vec![protocol(number), one_of(field, values, self.rng.u8(..5) == 0)]
    }

    /// Flags of TCP, or the kind of an ICMP message.
    fn kind(&mut self, family: Family) -> Vec<Step> {
        if self.rng.bool() {
            const MASKS: [(u128, u128); 4] = [(0x17, 2), (4, 4), (0x3f, 0), (3, 0)];
            let (mask, value) = MASKS.get(self.rng.usize(..4)).copied().unwrap_or((4, 4));
            let selector = Selector::masked(Field::TcpFlags, mask);
            let test = Match::In { selector, values: Values::one(value), negated: self.rng.u8(..4) == 0 };
            return vec![protocol(6), Step::Match(test)];
        }
        let (number, field, kinds) = match family {
            Family::Ipv4 => (1, Field::IcmpType, [8, 0, 3, 11]),
            Family::Ipv6 => (58, Field::Icmpv6Type, [128, 129, 1, 3]),
        };
        vec![protocol(number), one_of(field, Values::one(any(&kinds, &mut self.rng)), self.rng.u8(..4) == 0)]
    }

    /// What connection tracking, or the packet, carries beside addresses and ports.
    fn of_conversation(&mut self, family: Family) -> Step {
        let negated = self.rng.u8(..3) == 0;
        match self.rng.u8(..8) {
            0 => one_of(Field::CtDirection, Values::one(u128::from(self.rng.bool())), negated),
            1 | 2 => {
                let bits = any(
                    &[CtStatus::SEEN_REPLY.0, CtStatus::ASSURED.0, CtStatus::SRC_NAT.0, CtStatus::DST_NAT.0],
                    &mut self.rng,
                );
                let selector = Selector::masked(Field::CtStatus, bits.into());
                Step::Match(Match::In { selector, values: Values::one(0), negated })
            }
            3 => one_of(Field::CtMark, Values::one(self.rng.u32(..4).into()), negated),
            4 => one_of(Field::MetaMark, Values::one(self.rng.u32(..4).into()), negated),
            5 => {
                let field = Field::CtProtoDst(CtDirection::Original);
                one_of(field, Values::one(any(&[22, 53, 80, 443], &mut self.rng)), negated)
            }
            6 => one_of(Field::MetaLength, Values::Inline(IntervalSet::range(0, 100)), negated),
            _ => {
                let field = if family == Family::Ipv4 { Field::IpTtl } else { Field::Ip6HopLimit };
                one_of(field, Values::Inline(IntervalSet::range(0, 63)), negated)
            }
        }
    }

    fn state(&mut self) -> Step {
        let mut states: CtStates = CtState::ALL.into_iter().filter(|_| self.rng.u8(..3) == 0).collect();
        if states.is_empty() {
            states = [CtState::New].into_iter().collect();
        }
        let negated = self.rng.u8(..5) == 0;
        self::states(states, negated)
    }
}

/// A test of the ct state.
pub(super) fn states(states: CtStates, negated: bool) -> Step {
    let values = CtState::ALL.into_iter().filter(|&state| states.contains(state));
    let set = values.fold(IntervalSet::EMPTY, |set, state| set.union(&IntervalSet::one(state.bit().into())));
    one_of(Field::CtState, Values::Inline(set), negated)
}

fn protocol(number: u8) -> Step {
    one_of(Field::L4proto, Values::one(Protocol(number).0.into()), false)
}

fn any<T: Copy + Default>(from: &[T], rng: &mut Rng) -> T {
    choose(from, rng).copied().unwrap_or_default()
}
