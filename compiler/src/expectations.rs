// SPDX-License-Identifier: GPL-3.0-or-later
//! `expect`: the packets that a sentence of that kind speaks of, sent through the machine.
//!
//! The packets are those on the edges of what the sentence describes. That is a test, not a proof.

use ringwall_grammar::tree::Fate;
use ringwall_ir::OriginId;
use ringwall_ir::words::Direction;
use ringwall_runtime::compare::draw::draw;
use ringwall_runtime::engine::{Action, Decision, Interpreter, Machine, Ruling, View};

use crate::meaning::describes;
use crate::policy::Expectation;
use crate::{Compiled, probe};

/// What became of one expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The expectation.
    pub origin: OriginId,
    /// How many packets were sent that it speaks of.
    pub packets: usize,
    /// The first packet that met another fate.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// Whether there were packets and all of them met the expected fate.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.packets > 0 && self.failure.is_none()
    }
}

/// A packet that met another fate than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The packet in words.
    pub packet: String,
    /// What became of it, in the language's words.
    pub fate: &'static str,
    /// What decided.
    pub decided_by: Option<OriginId>,
}

/// Runs every expectation of a policy.
#[must_use]
pub fn run(compiled: &Compiled) -> Vec<Outcome> {
    compiled.policy.expectations.iter().map(|expectation| run_one(compiled, expectation)).collect()
}

fn run_one(compiled: &Compiled, expectation: &Expectation) -> Outcome {
    const SEED: u64 = 1;

    // The sentences' own regions come along, so that the conversations that an expectation presupposes can be opened.
    let mut regions = probe::regions(&compiled.policy);
    let host = probe::host(&regions);
    regions.retain(|region| region.opens);
    let wanted =
        expectation.directions.iter().flat_map(|&direction| probe::of_scope(&expectation.scope, direction, false));
    regions.extend(wanted);
    let outcome = Outcome { origin: expectation.origin, packets: 0, failure: None };
    let mut watch = Watch { interpreter: Interpreter::new(&compiled.ruleset), expectation, outcome };
    let mut machine = Machine::new(&host, &mut watch);
    for packet in &draw(&host, &regions, 0, SEED).packets {
        machine.run_packet(packet);
    }
    drop(machine);
    watch.outcome
}

/// The interpreter, watched for the packets that an expectation speaks of.
struct Watch<'a> {
    interpreter: Interpreter<'a>,
    expectation: &'a Expectation,
    outcome: Outcome,
}

impl Ruling for Watch<'_> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let decision = self.interpreter.decide(view);
        let spoken_of = self.expectation.directions.iter().any(|&direction: &Direction| direction.hook() == view.hook);
        if spoken_of && view.is_filtering() && describes(&self.expectation.scope, view) {
            self.outcome.packets += 1;
            let fate = fate(decision.action);
            if fate != self.expectation.fate && self.outcome.failure.is_none() {
                let packet = view.packet.to_string();
                self.outcome.failure = Some(Failure { packet, fate: fate_name(fate), decided_by: decision.origin });
            }
        }
        decision
    }
}

const fn fate(action: Action) -> Fate {
    match action {
        Action::Accept | Action::Translate(_) => Fate::Allowed,
        Action::Drop => Fate::Dropped,
        Action::Reject(_) => Fate::Rejected,
    }
}

/// The language's word for a verdict.
#[must_use]
pub const fn fate_name(fate: Fate) -> &'static str {
    match fate {
        Fate::Allowed => "allowed",
        Fate::Dropped => "dropped",
        Fate::Rejected => "rejected",
    }
}
