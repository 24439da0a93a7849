// SPDX-License-Identifier: GPL-3.0-or-later
//! The way of one packet through the rules: which sentences it was passed over by and why, which decided, and what connection
//! tracking knew before and after.

use ringwall_ir::words::Direction;
use ringwall_ir::{OriginId, Ruleset, Verdict};
use ringwall_runtime::engine::interpret::{Met, MetChain, MetRule, Outcome};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::{Fate, Observation};
use ringwall_runtime::traffic::{Entry, TimedPacket};
use serde::Serialize;

use super::packets::{PacketLine, describe, note, state};
use super::sentence::Sentence;
use super::table::{Align, Table};
use super::terminal::harmless;
use super::why::why;

const COLUMNS: &[(&str, Align)] = &[("", Align::Left), ("sentence", Align::Left), ("why", Align::Left)];

/// What is known of one packet's way.
pub struct Trace<'a> {
    /// The ruleset.
    pub ruleset: &'a Ruleset,
    /// The host, which has names for the numbers of its interfaces.
    pub host: &'a Host,
    /// Its number, from 1.
    pub number: usize,
    /// The packet.
    pub packet: &'a TimedPacket,
    /// What became of it.
    pub seen: &'a Observation,
    /// What it and the answers to it met at each hook.
    pub met: &'a [Met<'a>],
    /// The conntrack entries that it changed, as they were before.
    pub before: Vec<String>,
    /// And after.
    pub after: Vec<String>,
}

impl Trace<'_> {
    /// For people.
    pub fn print(&self) -> String {
        let Self { number, packet, seen, ruleset, .. } = self;
        let from = match &packet.entry {
            Entry::Sent => "sent by the host".to_owned(),
            Entry::Arrives(interface) => format!("arrives on {interface}"),
        };
        let direction = seen.direction.map_or("no direction", Direction::name);
        let mut out = format!("packet {number} at {:.3} s: {}\n", packet.at.as_secs_f64(), describe(&packet.bytes));
        out += &format!("{from}; {direction}; ct state {}\n", state(seen));
        out += &entries("conntrack before", &self.before);
        for hook in hooks(self.met) {
            out += &self.hook(hook);
        }
        out += &format!("\nverdict: {}\n", verdict(ruleset, seen));
        for answer in &seen.answers {
            out += &format!("{}\n", note(ruleset, answer));
        }
        out += &entries("conntrack after", &self.after);
        harmless(&out)
    }

    /// Each chain of a hook; that there is none only where there is none at any stage of it.
    fn hook(&self, stages: &[Met<'_>]) -> String {
        let chains = stages.iter().flat_map(|met| met.chains.iter().map(move |chain| self.chain(met, chain)));
        let told: String = chains.collect();
        match stages.first() {
            Some(met) if told.is_empty() => format!("\nat {}: no chain\n", met.hook.name()),
            _ => told,
        }
    }

    fn chain(&self, met: &Met<'_>, chain: &MetChain<'_>) -> String {
        let mut table = Table::new(COLUMNS);
        for group in grouped(&chain.rules) {
            let Some(telling) = telling(group) else { continue };
            let (what, reason) = told(met, chain, telling, self.host);
            table.row([what.to_owned(), self.sentence(telling.rule.origin()), reason]);
        }
        if let Some((policy, closing)) = chain.policy {
            let reason = format!("chain policy {}, for nothing above decided", policy.name());
            table.row(["decided".to_owned(), self.sentence(closing), reason]);
        }
        let (name, chain) = (chain.table.name(), chain.chain.name());
        format!("\nat {}: chain {chain} of table {name}\n{}", met.hook.name(), table.print())
    }

    fn sentence(&self, origin: OriginId) -> String {
        Sentence::of(self.ruleset, Some(origin)).map(|sentence| sentence.to_string()).unwrap_or_default()
    }

    /// For programs.
    pub fn report(&self) -> Report<'_> {
        let sentence = |origin| Sentence::of(self.ruleset, Some(origin));
        let rule = |met: &Met<'_>, chain: &MetChain<'_>, one: &MetRule<'_>| {
            let (outcome, reason) = told(met, chain, one, self.host);
            let test = match &one.outcome {
                Outcome::PassedOver(failed) => failed.step.map(ToString::to_string),
                Outcome::Passed(_) => None,
            };
            RuleLine {
                sentence: sentence(one.rule.origin()),
                chain: one.chain.name().to_owned(),
                rule: one.rule.to_string(),
                outcome,
                test,
                why: reason,
            }
        };
        let chain = |met: &Met<'_>, chain: &MetChain<'_>| ChainLine {
            table: chain.table.name().to_owned(),
            chain: chain.chain.name().to_owned(),
            rules: chain.rules.iter().map(|one| rule(met, chain, one)).collect(),
            chain_policy: chain
                .policy
                .map(|(policy, closing)| PolicyLine { policy: policy.name(), sentence: sentence(closing) }),
        };
        let chain = &chain;
        let hook = |stages: &[Met<'_>]| HookLine {
            hook: stages.first().map_or("", |met| met.hook.name()),
            chains: stages.iter().flat_map(|met| met.chains.iter().map(move |one| chain(met, one))).collect(),
        };
        Report {
            packet: PacketLine::new(self.ruleset, self.number, self.packet, self.seen),
            met: hooks(self.met).map(hook).collect(),
            conntrack_before: &self.before,
            conntrack_after: &self.after,
        }
    }
}

/// What was met at each hook: the stages of one, which the packet comes to in order.
fn hooks<'m, 'a>(met: &'m [Met<'a>]) -> impl Iterator<Item = &'m [Met<'a>]> {
    met.chunk_by(|one, next| one.hook == next.hook && one.stage < next.stage)
}

/// `drop, by 7: drop inbound`; where no sentence decided, the reason.
fn verdict(ruleset: &Ruleset, seen: &Observation) -> String {
    let fate = seen.fate.map_or("no verdict", Fate::name);
    match (Sentence::of(ruleset, seen.origin), &seen.reason) {
        (Some(sentence), _) => format!("{fate}, by {sentence}"),
        (None, Some(reason)) => format!("{fate} ({reason})"),
        (None, None) => fate.to_owned(),
    }
}

fn entries(head: &str, lines: &[String]) -> String {
    match lines {
        [] => format!("\n{head}: no entry of its own\n"),
        lines => format!("\n{head}\n  {}\n", lines.join("\n  ")),
    }
}

/// The rules of one sentence that follow each other in one chain.
fn grouped<'m, 'a>(rules: &'m [MetRule<'a>]) -> impl Iterator<Item = &'m [MetRule<'a>]> {
    rules.chunk_by(|one, other| one.rule.origin() == other.rule.origin() && one.chain.name() == other.chain.name())
}

/// The rule that tells most of a sentence: one that the packet passed, else the one that it got furthest in.
fn telling<'m, 'a>(rules: &'m [MetRule<'a>]) -> Option<&'m MetRule<'a>> {
    let reached = |one: &MetRule<'_>| match &one.outcome {
        Outcome::Passed(_) => usize::MAX,
        Outcome::PassedOver(failed) => failed.place,
    };
    // Of equals the first.
    rules.iter().rev().max_by_key(|one| reached(one))
}

/// What came of a rule, and why.
fn told(met: &Met<'_>, chain: &MetChain<'_>, one: &MetRule<'_>, host: &Host) -> (&'static str, String) {
    match &one.outcome {
        Outcome::PassedOver(failed) => ("passed over", why(failed, chain.table, host, (met.family, met.protocol))),
        Outcome::Passed(None | Some(Verdict::Continue)) => ("matched", "the packet goes on".to_owned()),
        Outcome::Passed(Some(Verdict::Jump(chain) | Verdict::Goto(chain))) => {
            ("matched", format!("goes to chain {chain}"))
        }
        Outcome::Passed(Some(Verdict::Return)) => ("matched", "returns".to_owned()),
        Outcome::Passed(Some(verdict)) => ("decided", verdict.to_string()),
    }
}

/// The way of a packet for programs. The keys and words are part of the interface.
#[derive(Serialize)]
pub struct Report<'a> {
    #[serde(flatten)]
    packet: PacketLine<'a>,
    met: Vec<HookLine<'a>>,
    conntrack_before: &'a [String],
    conntrack_after: &'a [String],
}

#[derive(Serialize)]
struct HookLine<'a> {
    hook: &'static str,
    chains: Vec<ChainLine<'a>>,
}

#[derive(Serialize)]
struct ChainLine<'a> {
    table: String,
    chain: String,
    rules: Vec<RuleLine<'a>>,
    /// Where no rule decided.
    chain_policy: Option<PolicyLine<'a>>,
}

#[derive(Serialize)]
struct PolicyLine<'a> {
    policy: &'static str,
    sentence: Option<Sentence<'a>>,
}

#[derive(Serialize)]
struct RuleLine<'a> {
    sentence: Option<Sentence<'a>>,
    chain: String,
    rule: String,
    /// `passed over`, `matched` or `decided`.
    outcome: &'static str,
    /// The test that the packet did not pass.
    test: Option<String>,
    why: String,
}
