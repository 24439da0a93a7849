// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules: what they do in each kind of chain.

use std::num::NonZeroU32;

use ringwall_ir::words::{ChainType, CtDirection, CtState, Family, Hook, NatFlags, Protocol, Refusal, TableFamily};
use ringwall_ir::{
    Assignment, Chain, Counts, Data, Element, Field, Limit, MapRef, Match, Nat, NatEnd, OwnPorts, Per, Selector,
    Source, Statement, Step, Target, Tuple, Values, Verdict, VerdictMap,
};

use super::{Drawer, Flavour};
use crate::packet::wire;

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) kind: ChainType,
    /// None in a chain that others lead to.
    pub(super) hook: Option<Hook>,
    pub(super) family: TableFamily,
    /// It may lead to the common chain.
    pub(super) may_jump: bool,
    /// It is asked before connection tracking.
    pub(super) early: bool,
}

impl Drawer<'_> {
    /// The first rule of most rulesets: what belongs to a known conversation passes.
    pub(super) fn pass_known(&mut self, chain: &mut Chain) {
        let known = [CtState::Established, CtState::Related].into_iter().collect();
        let origin = self.origin("known");
        // A rule that the chain does not take is left out.
        let _ = chain.push(origin, vec![super::test::states(known, false)], Some(Verdict::Accept));
    }

    /// Adds a rule, if the chain takes it.
    pub(super) fn rule(&mut self, chain: &mut Chain, place: Place) {
        // What is translated is often everything.
        let all = place.kind == ChainType::Nat && self.rng.bool();
        let mut steps = if all { Vec::new() } else { self.tests(place) };
        if self.rng.u8(..4) == 0 {
            steps.push(Step::Statement(Statement::Counter(Counts::default())));
        }
        let verdict = match (place.kind, place.hook) {
            (ChainType::Nat, Some(hook)) => Some(self.translation(hook, place.family)),
            (_, Some(Hook::Prerouting | Hook::Postrouting) | None) | (_, Some(_)) => self.ruling(place, &mut steps),
        };
        let origin = self.origin(&format!("rule of {}", chain.name()));
        let _ = chain.push(origin, steps, verdict);
    }

    fn ruling(&mut self, place: Place, steps: &mut Vec<Step>) -> Option<Verdict> {
        let early = matches!(place.hook, Some(Hook::Prerouting | Hook::Postrouting));
        if self.flavour == Flavour::Marks && self.rng.bool() {
            steps.push(Step::Statement(self.mark(place)));
            return None;
        }
        if self.flavour == Flavour::Limits && self.rng.bool() {
            steps.push(Step::Match(self.limit()));
        }
        match self.rng.u8(..12) {
            0..=4 => Some(Verdict::Accept),
            5 | 6 => Some(Verdict::Drop),
            7 | 8 if !early => Some(Verdict::Reject(self.refusal(steps))),
            9 if place.may_jump => Some(Verdict::Jump("common".to_owned())),
            10 if place.hook.is_none() => Some(Verdict::Return),
            11 if place.hook.is_some() && place.may_jump => Some(Verdict::Map(Box::new(self.verdict_map()))),
            _ => {
                steps.push(Step::Statement(Statement::Counter(Counts::default())));
                None
            }
        }
    }

    /// A reset only where the rule is about TCP alone.
    fn refusal(&mut self, steps: &[Step]) -> Refusal {
        let about_tcp = steps.iter().filter_map(Step::test).any(|test| test.demands(Protocol::TCP));
        let both =
            [Refusal::PortUnreachable, Refusal::HostUnreachable, Refusal::NetUnreachable, Refusal::AdminProhibited];
        if about_tcp && self.rng.bool() {
            Refusal::TcpReset
        } else {
            both.get(self.rng.usize(..4)).copied().unwrap_or(Refusal::PortUnreachable)
        }
    }

    fn mark(&mut self, place: Place) -> Statement {
        let value = self.rng.u32(..4);
        match self.rng.u8(..6) {
            0 if place.early => Statement::Notrack,
            1 if place.early => Statement::Assign(Assignment::value(Target::CtZone(self.zone_direction()), value)),
            2 => Statement::Assign(Assignment::value(Target::CtMark, value)),
            3 => copy(Target::CtMark, Field::MetaMark),
            4 => copy(Target::Mark, Field::CtMark),
            _ => Statement::Assign(Assignment { target: Target::Mark, keep: 2, source: Source::Value(value) }),
        }
    }

    fn zone_direction(&mut self) -> Option<CtDirection> {
        match self.rng.u8(..4) {
            0 => Some(CtDirection::Original),
            1 => Some(CtDirection::Reply),
            _ => None,
        }
    }

    /// So slow that it does not fill while the traffic passes.
    fn limit(&mut self) -> Match {
        let burst = NonZeroU32::new(self.rng.u32(1..6)).unwrap_or(NonZeroU32::MIN);
        let limit = Limit::packets(NonZeroU32::MIN, Per::Week, burst);
        Match::Limit(Limit { over: self.rng.bool(), ..limit })
    }

    fn verdict_map(&mut self) -> VerdictMap {
        let origin = self.origin("map");
        let choices = [Verdict::Accept, Verdict::Drop, Verdict::Continue, Verdict::Jump("common".to_owned())];
        let mut verdict = || choices.get(self.rng.usize(..4)).cloned().unwrap_or(Verdict::Accept);
        let keys = [80, 443, 53, 22];
        let elements = keys
            .iter()
            .map(|&port| Element { data: Some(Data::Verdict(verdict())), ..Element::of(Tuple::of(&[port]), origin) })
            .collect();
        VerdictMap { key: vec![Selector::of(Field::TcpDport)], map: MapRef::Inline(elements) }
    }

    fn translation(&mut self, hook: Hook, family: TableFamily) -> Verdict {
        let source = matches!(hook, Hook::Input | Hook::Postrouting);
        let flags = NatFlags::default();
        let ports = match self.rng.u8(..4) {
            0 => Some((2000, 2999)),
            1 => Some((8080, 8080)),
            _ => None,
        };
        match self.rng.u8(..8) {
            0 => Verdict::Accept,
            1..=3 if hook == Hook::Postrouting => Verdict::Masquerade { ports: None, flags },
            1 | 2 if !source => {
                let ports = ports.filter(|(first, last)| first == last);
                Verdict::Redirect { ports: ports.map(|(first, last)| OwnPorts::Range(first, last)), flags }
            }
            _ => {
                let family = self.family(family);
                let addresses = self.new_ends(family, source);
                let ports = ports.filter(|(first, last)| source || first == last);
                let end = NatEnd::Range { addresses: Some(addresses), ports };
                let nat = Nat { family: Some(family), end, flags };
                if source { Verdict::Snat(nat) } else { Verdict::Dnat(nat) }
            }
        }
    }

    pub(super) fn family(&mut self, table: TableFamily) -> Family {
        match table {
            TableFamily::Ip => Family::Ipv4,
            TableFamily::Ip6 => Family::Ipv6,
            TableFamily::Inet if self.rng.u8(..3) == 0 => Family::Ipv6,
            TableFamily::Inet => Family::Ipv4,
        }
    }

    /// Addresses that conversations may be translated to: of the host as a source, of a neighbour as a destination.
    fn new_ends(&mut self, family: Family, source: bool) -> (u128, u128) {
        let base = self.network(family).map_or(0, |network| wire::bits(network.network()));
        match (source, self.rng.u8(..3)) {
            (true, 0) => (base + 1, base + 4),
            (true, _) => (base + 1, base + 1),
            (false, 0) => (base + 10, base + 11),
            (false, _) => (base + 10, base + 10),
        }
    }
}

fn copy(target: Target, from: Field) -> Statement {
    Statement::Assign(Assignment { target, keep: 0, source: Source::Field { selector: Selector::of(from), xor: 0 } })
}

/// Values in a rule.
pub(super) fn one_of(field: Field, values: Values, negated: bool) -> Step {
    Step::Match(Match::In { selector: Selector::of(field), values, negated })
}
