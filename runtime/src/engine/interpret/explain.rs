// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a packet is decided about as it is: every rule that it meets, in order, and which of its tests a packet does not pass.
//!
//! Each test is asked as the interpreter asks it, by the same functions; only what was asked is written down. Tokens of
//! limits are taken from a copy, so that an explanation changes nothing.

use std::cell::Cell;

use ringwall_ir::words::{ChainPolicy, ChainType, Family, Hook, Protocol};
use ringwall_ir::{Chain, Match, OriginId, Rule, Ruleset, Step, Table, Verdict};

use super::read::value;
use super::{End, Interpreter, action, end, mapped, passes};
use crate::engine::{Action, Decision, Ruling, View};

/// What a packet met at one hook.
#[derive(Clone, Debug)]
pub struct Met<'a> {
    /// The hook.
    pub hook: Hook,
    /// The family of the packet.
    pub family: Family,
    /// Its transport protocol.
    pub protocol: Protocol,
    /// The base chains that it met, in order.
    pub chains: Vec<MetChain<'a>>,
    /// What was decided.
    pub decision: Decision,
}

/// A base chain that a packet met.
#[derive(Clone, Debug)]
pub struct MetChain<'a> {
    /// Its table.
    pub table: &'a Table,
    /// The chain.
    pub chain: &'a Chain,
    /// The rules that the packet met there and in chains that it leads to, in order.
    pub rules: Vec<MetRule<'a>>,
    /// The chain policy, and why it is what it is, where no rule decided.
    pub policy: Option<(ChainPolicy, OriginId)>,
}

/// A rule that a packet met.
#[derive(Clone, Debug)]
pub struct MetRule<'a> {
    /// The chain that it stands in.
    pub chain: &'a Chain,
    /// The rule.
    pub rule: &'a Rule,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

/// What came of a rule.
#[derive(Clone, Debug)]
pub enum Outcome<'a> {
    /// The packet did not pass a test.
    PassedOver(Failed<'a>),
    /// It passed all of them, and this was the verdict, that of a map looked up; none: the packet goes on.
    Passed(Option<&'a Verdict>),
}

/// A step that a packet did not pass.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    /// Its place among the steps, from 0.
    pub place: usize,
    /// The step.
    pub step: &'a Step,
    /// What the packet has in each field that is tested; none where it lacks the field.
    pub seen: Vec<Option<u128>>,
}

impl<'a> Interpreter<'a> {
    /// What a packet would meet at a hook.
    #[must_use]
    pub fn explain(&self, view: &View<'_>) -> Met<'a> {
        let mut trial = self.clone();
        let mut decision = Decision { action: Action::Accept, origin: None };
        let mut met = Vec::new();
        for &(table, chain, base) in &self.chains {
            let meets = base.kind != ChainType::Nat && base.hook == view.hook;
            if !meets || !table.family().sees(view.packet.family()) || decision.action != Action::Accept {
                continue;
            }
            let mut rules = Vec::new();
            let (outcome, policy) = match trial.follow(table, chain, view, &mut rules) {
                End::Decided(action, origin) => (Decision { action, origin: Some(origin) }, None),
                End::Undecided => {
                    let closing = Some((base.policy, base.closing));
                    (Decision { action: end(base.policy), origin: Some(base.closing) }, closing)
                }
            };
            decision = outcome;
            met.push(MetChain { table, chain, rules, policy });
        }
        let (family, protocol) = (view.packet.family(), view.packet.protocol());
        Met { hook: view.hook, family, protocol, chains: met, decision }
    }

    /// As [`Interpreter::walk`], noting each rule.
    fn follow(&mut self, table: &'a Table, chain: &'a Chain, view: &View<'_>, met: &mut Vec<MetRule<'a>>) -> End {
        for rule in chain.rules() {
            if let Some(failed) = self.first_failed(table, rule, view) {
                met.push(MetRule { chain, rule, outcome: Outcome::PassedOver(failed) });
                continue;
            }
            let verdict = match rule.verdict() {
                Some(Verdict::Map(map)) => mapped(table, map, view),
                verdict => verdict,
            };
            met.push(MetRule { chain, rule, outcome: Outcome::Passed(verdict) });
            match verdict {
                None | Some(Verdict::Continue) => {}
                Some(Verdict::Return) => return End::Undecided,
                Some(Verdict::Jump(name)) => {
                    if let Some(target) = table.chain(name)
                        && let decided @ End::Decided(..) = self.follow(table, target, view, met)
                    {
                        return decided;
                    }
                }
                Some(Verdict::Goto(name)) => {
                    let target = table.chain(name);
                    return target.map_or(End::Undecided, |target| self.follow(table, target, view, met));
                }
                Some(verdict) => {
                    if let Some(action) = action(verdict) {
                        return End::Decided(action, rule.origin());
                    }
                }
            }
        }
        End::Undecided
    }

    /// The first step that the packet does not pass, as [`Interpreter::passes_all`] asks them.
    fn first_failed(&mut self, table: &Table, rule: &'a Rule, view: &View<'_>) -> Option<Failed<'a>> {
        let fails = |step: &Step| match step {
            Step::Match(Match::Limit(limit)) => !self.take(limit, view.now),
            Step::Match(test) => !passes(test, table, view),
            Step::Statement(_) => false,
            Step::Unknown(_) => true,
        };
        let place = rule.steps().iter().position(fails)?;
        let step = rule.steps().get(place)?;
        let selectors = step.test().map(Match::selectors).unwrap_or_default();
        let seen = selectors.iter().map(|selector| value(selector.field(), view)).collect();
        Some(Failed { place, step, seen })
    }
}

/// The interpreter, which on request keeps what packets meet.
#[derive(Clone, Debug)]
pub struct Explaining<'a> {
    interpreter: Interpreter<'a>,
    listening: Cell<bool>,
    met: Vec<Met<'a>>,
}

impl<'a> Explaining<'a> {
    /// The ruleset, with every limit full. Nothing is kept yet.
    #[must_use]
    pub fn new(ruleset: &'a Ruleset) -> Self {
        Self { interpreter: Interpreter::new(ruleset), listening: Cell::new(false), met: Vec::new() }
    }

    /// From now on, what packets meet is kept.
    pub fn listen(&self) {
        self.listening.set(true);
    }

    /// What packets met since, in order: first the packet itself at each of its hooks, and where the host answers, the
    /// answer in between.
    #[must_use]
    pub fn met(&self) -> &[Met<'a>] {
        &self.met
    }
}

impl Ruling for Explaining<'_> {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        if self.listening.get() {
            self.met.push(self.interpreter.explain(view));
        }
        self.interpreter.decide(view)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::prelude::*;
    use ringwall_ir::arbitrary::{self, Options};
    use ringwall_ir::words::{CtState, CtStatus, Priority, TableFamily};
    use ringwall_ir::{BaseChain, Field, Limit, Per, TableParts, Values};

    use super::*;
    use crate::packet::Packet;
    use crate::packet::build::Build;

    fn packet(protocol: u8, ports: (u16, u16)) -> Vec<u8> {
        let build = Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let v6 = Build::between("fd00::1".parse().unwrap(), "fd00::2".parse().unwrap());
        match protocol {
            0 => build.udp(ports.0, ports.1, b"x"),
            _ => v6.udp(ports.0, ports.1, b"x"),
        }
    }

    /// Questions to name servers return from chain `sub`, the rest is dropped there; then one packet a second is accepted.
    fn with_a_jump() -> Ruleset {
        let mut sub = Chain::regular("sub").unwrap();
        let port = Match::within(Field::UdpDport, Values::one(53));
        sub.push(OriginId(1), vec![port.into()], Some(Verdict::Return)).unwrap();
        sub.push(OriginId(2), Vec::new(), Some(Verdict::Drop)).unwrap();
        let base = BaseChain::filter(Hook::Input, Priority::FILTER, ChainPolicy::Drop, OriginId(5));
        let mut input = Chain::base("input", base).unwrap();
        input.push(OriginId(3), Vec::new(), Some(Verdict::Jump("sub".to_owned()))).unwrap();
        let limit = Limit::packets(NonZeroU32::MIN, Per::Second, NonZeroU32::MIN);
        input.push(OriginId(4), vec![Match::Limit(limit).into()], Some(Verdict::Accept)).unwrap();
        let parts = TableParts { chains: vec![input, sub], ..TableParts::default() };
        Ruleset { tables: vec![Table::new(TableFamily::Inet, "t", parts).unwrap()], ..Ruleset::default() }
    }

    fn view<'a>(packet: &'a Packet<'a>, hook: Hook, now: Duration) -> View<'a> {
        View {
            now,
            packet,
            hook,
            iif: hook.has_arrival().then_some("eth0"),
            oif: hook.has_departure().then_some("eth1"),
            state: CtState::New,
            ct_direction: None,
            status: CtStatus(0),
        }
    }

    #[test]
    fn jumps_returns_and_limits_are_followed() {
        let ruleset = with_a_jump();
        let mut interpreter = Interpreter::new(&ruleset);
        let mut met = |port| {
            let bytes = packet(0, (1, port));
            let packet = Packet::parse(&bytes).unwrap();
            let view = view(&packet, Hook::Input, Duration::ZERO);
            let explained = interpreter.explain(&view);
            assert_eq!(interpreter.explain(&view).decision, explained.decision, "an explanation took tokens");
            assert_eq!(explained.decision, interpreter.decide(&view));
            let chain = &explained.chains[0];
            let passed = chain.rules.iter().map(|one| match &one.outcome {
                Outcome::PassedOver(failed) => format!("{} over {}", one.rule.origin().0, failed.step),
                Outcome::Passed(_) => one.rule.origin().0.to_string(),
            });
            let closing = chain.policy.map(|(policy, origin)| format!("{} {}", origin.0, policy.name()));
            passed.chain(closing).collect::<Vec<_>>()
        };
        assert_eq!(met(54), ["3", "1 over udp dport 53", "2"]);
        assert_eq!(met(53), ["3", "1", "4"]);
        assert_eq!(met(53), ["3", "1", "4 over limit rate 1/second burst 1 packets", "5 drop"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_explanation_ends_as_the_interpreter_decides(
            ruleset in arbitrary::ruleset(Options::loadable()),
            packets in prop::collection::vec((0..2_u8, any::<u16>(), any::<u16>()), 1..4),
        ) {
            let mut interpreter = Interpreter::new(&ruleset);
            for (number, (protocol, from, to)) in packets.into_iter().enumerate() {
                let bytes = packet(protocol, (from, to));
                let packet = Packet::parse(&bytes).unwrap();
                for hook in [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting] {
                    let view = view(&packet, hook, Duration::from_millis(u64::try_from(number).unwrap()));
                    let explained = interpreter.explain(&view);
                    let again = interpreter.explain(&view);
                    let decided = interpreter.decide(&view);
                    prop_assert_eq!(explained.decision, decided);
                    prop_assert_eq!(again.decision, decided, "an explanation took tokens");
                }
            }
        }
    }
}
