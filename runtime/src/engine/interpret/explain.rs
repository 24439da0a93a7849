// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a packet is decided about as it is: every rule that it meets, in order, and which of its tests a packet does not pass.
//!
//! It is the interpreter's own walk that tells it, as it goes.

use std::cell::Cell;

use ringwall_ir::words::{ChainPolicy, Family, Hook, Protocol};
use ringwall_ir::{Chain, OriginId, Rule, Ruleset, Step, Table, Verdict};

use super::Interpreter;
use crate::engine::{Decision, Ruling, Stage, View};

/// What a packet met at one hook.
#[derive(Clone, Debug)]
pub struct Met<'a> {
    /// The hook.
    pub hook: Hook,
    /// How far the kernel's own hooks had brought it there.
    pub stage: Stage,
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
    Passed(Option<Verdict>),
}

/// A step that a packet did not pass.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    /// Its place among the steps, from 0.
    pub place: usize,
    /// The step; none: the verdict is that of a map, which has none for the packet.
    pub step: Option<&'a Step>,
    /// What the packet has in each field that is tested; none where it lacks the field.
    pub seen: Vec<Option<u128>>,
}

impl<'a> Interpreter<'a> {
    /// Decides about a packet as [`Ruling::decide`] does, and tells what it met.
    pub fn explain(&mut self, view: &mut View<'_>) -> Met<'a> {
        let mut chains = Vec::new();
        let decision = self.ask(view, Some(&mut chains));
        let (family, protocol) = (view.packet.family(), view.packet.protocol());
        Met { hook: view.hook, stage: view.stage, family, protocol, chains, decision }
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
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        if !self.listening.get() {
            return self.interpreter.decide(view);
        }
        let filtering = view.is_filtering();
        let met = self.interpreter.explain(view);
        let decision = met.decision;
        // Of a hook without chains one word is enough.
        if !met.chains.is_empty() || filtering {
            self.met.push(met);
        }
        decision
    }

    fn translates(&self, family: Family) -> bool {
        self.interpreter.translates(family)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use ringwall_ir::words::{CtState, CtStatus, Priority, TableFamily};
    use ringwall_ir::{BaseChain, Field, Limit, Match, Per, TableParts, Values};

    use super::*;
    use crate::conntrack::Conntrack;
    use crate::engine::Carried;
    use crate::host::Host;
    use crate::packet::Packet;
    use crate::packet::build::Build;

    fn packet(ports: (u16, u16)) -> Vec<u8> {
        Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()).udp(ports.0, ports.1, b"x")
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

    /// What a packet meets at hook input, and what the interpreter decides where nobody asks why.
    fn met<'a>(
        explained: &mut Explaining<'a>,
        plain: &mut Interpreter<'a>,
        packet: &Packet<'_>,
    ) -> (Met<'a>, Decision) {
        let host = Host::with_addresses(&[]);
        let decide = |ruling: &mut dyn Ruling| {
            let mut conntrack = Conntrack::new(host.sysctls.clone());
            ruling.decide(&mut View {
                now: Duration::ZERO,
                packet,
                hook: Hook::Input,
                stage: Stage::Tracked,
                iif: Some("eth0"),
                oif: None,
                state: CtState::New,
                ct_direction: None,
                status: CtStatus(0),
                tracked: None,
                conntrack: &mut conntrack,
                carried: &mut Carried::default(),
                host: &host,
                sender: None,
            })
        };
        explained.listen();
        decide(explained);
        let decided = decide(plain);
        (explained.met().last().unwrap().clone(), decided)
    }

    #[test]
    fn jumps_returns_and_limits_are_followed() {
        let ruleset = with_a_jump();
        let (mut explaining, mut plain) = (Explaining::new(&ruleset), Interpreter::new(&ruleset));
        let mut met = |port| {
            let bytes = packet((1, port));
            let (explained, decided) = met(&mut explaining, &mut plain, &Packet::parse(&bytes).unwrap());
            assert_eq!(explained.decision, decided);
            let chain = &explained.chains[0];
            let passed = chain.rules.iter().map(|one| match &one.outcome {
                Outcome::PassedOver(failed) => format!("{} over {}", one.rule.origin().0, failed.step.unwrap()),
                Outcome::Passed(_) => one.rule.origin().0.to_string(),
            });
            let closing = chain.policy.map(|(policy, origin)| format!("{} {}", origin.0, policy.name()));
            passed.chain(closing).collect::<Vec<_>>()
        };
        assert_eq!(met(54), ["3", "1 over udp dport 53", "2"]);
        assert_eq!(met(53), ["3", "1", "4"]);
        assert_eq!(met(53), ["3", "1", "4 over limit rate 1/second burst 1 packets", "5 drop"]);
    }
}
