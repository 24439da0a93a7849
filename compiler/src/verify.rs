// SPDX-License-Identifier: GPL-3.0-or-later
//! Verification: the same traffic through the policy's meaning, the machine on the IR, and any other backend.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::{OriginId, Rule, Ruleset, Verdict};
use ringwall_runtime::compare::difference::{Difference, differences, shrink};
use ringwall_runtime::compare::{Backend, BackendError};
use ringwall_runtime::engine::{Interpreter, Machine, MachineBackend};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::Traffic;

use crate::Policy;
use crate::audit::{Audit, Tally};

/// What is verified: a ruleset, and the policy that it was compiled from, if it was.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The ruleset.
    pub ruleset: &'a Ruleset,
    /// The policy. Somebody else's ruleset has no meaning but its own.
    pub policy: Option<&'a Policy>,
}

/// Traffic and the host that it is sent on. Each batch starts with an empty conntrack table.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The host.
    pub host: Host,
    /// The traffic.
    pub traffic: Traffic,
}

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    /// How many packets went in; each counts once, however many backends it went through.
    pub packets: usize,
    /// What each backend did, in the order in which they ran.
    pub backends: Vec<BackendReport>,
    /// What each sentence and closing decided; of somebody else's ruleset, each rule that can decide.
    pub sentences: Vec<SentenceReport>,
    /// Whether a sentence that no packet reached is a fault: of a policy it is, but rulesets of others have dead rules.
    pub demands_reach: bool,
}

/// What one backend did.
#[derive(Debug)]
pub struct BackendReport {
    /// Its name.
    pub name: String,
    /// How many packets it decided otherwise than the machine.
    pub differences: usize,
    /// The first difference, on the shortest traffic that shows it.
    pub example: Option<Example>,
    /// Why it did not run, if it did not.
    pub unavailable: Option<String>,
}

/// Traffic on which a backend differs from the machine.
#[derive(Clone, Debug)]
pub struct Example {
    /// The traffic, shrunk, and its host.
    pub batch: Batch,
    /// What differs; the machine is on the left.
    pub differences: Vec<Difference>,
}

/// What one sentence, or the closing of a direction, decided.
#[derive(Clone, Debug)]
pub struct SentenceReport {
    /// The sentence.
    pub origin: OriginId,
    /// What it decided, and what others decided before it.
    pub tally: Tally,
}

impl SentenceReport {
    /// Whether no packet came to the sentence at all: neither decided by it nor covered by another.
    #[must_use]
    pub fn is_unreached(&self) -> bool {
        self.tally.decided.is_empty() && self.tally.covered.is_empty()
    }
}

impl Report {
    /// How many packets any backend decided otherwise than the machine.
    #[must_use]
    pub fn differences(&self) -> usize {
        self.backends.iter().map(|backend| backend.differences).sum()
    }

    /// Whether every backend that ran agreed, and every sentence of a policy was reached.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let unreached = self.sentences.iter().any(SentenceReport::is_unreached);
        self.differences() == 0 && !(self.demands_reach && unreached)
    }
}

/// The name of the machine on the IR: what every other backend is compared with.
pub const MACHINE: &str = "machine";

/// The name of the reference meaning.
pub const MEANING: &str = "meaning";

/// What a verification is at: told while it runs, for it can take long.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A backend is asked about the packets of a batch, counted from 1.
    Asking {
        /// The backend.
        backend: &'a str,
        /// The batch, from 1.
        batch: usize,
        /// Of how many.
        of: usize,
        /// How many packets are in it.
        packets: usize,
    },
    /// A backend decides packets of a batch otherwise than the machine.
    Differs {
        /// The backend.
        backend: &'a str,
        /// The batch, from 1.
        batch: usize,
        /// The differences, at least one.
        found: &'a [Difference],
    },
    /// The shortest traffic is looked for on which a backend differs.
    Shrinking {
        /// The backend.
        backend: &'a str,
    },
}

/// Runs the batches through the meaning, the machine and `others`. A backend that is not to be had here is left out and
/// said to be. What it is at goes to `told`.
///
/// # Errors
/// What kept a backend from running that should have run.
pub fn verify<B: Backend>(
    subject: Subject<'_>,
    batches: &[Batch],
    others: &mut [B],
    told: &mut dyn FnMut(Step<'_>),
) -> Result<Report, BackendError> {
    let mut meant = subject.policy.map(|policy| (policy, Audit::new(policy), BackendReport::new(MEANING)));
    let mut reports: Vec<BackendReport> = others.iter().map(|backend| BackendReport::new(backend.name())).collect();
    let mut tallies = BTreeMap::new();
    for (number, batch) in (1..).zip(batches) {
        let mut at = At { told: &mut *told, number, of: batches.len(), batch };
        at.asks(MACHINE);
        let reference = on_ir(subject).run(&batch.host, &batch.traffic)?;
        reference.iter().for_each(|seen| count(&mut tallies, seen));
        if let Some((policy, audit, report)) = &mut meant {
            at.asks(MEANING);
            let observed = observe(audit, batch);
            report.compare(&reference, &observed, &mut at, |found| {
                let (left, right) = (&mut on_ir(subject), &mut by_meaning(policy));
                shrink(left, right, &batch.host, &batch.traffic, found, ASKS)
            })?;
        }
        for (report, backend) in reports.iter_mut().zip(others.iter_mut()) {
            report.run(backend, &reference, &mut at, subject)?;
        }
    }
    let sentences = match &meant {
        Some((policy, audit, _)) => sentences(policy, audit),
        None => rules(subject.ruleset, &tallies),
    };
    let machine = BackendReport::new(MACHINE);
    let backends = [machine].into_iter().chain(meant.map(|(.., report)| report)).chain(reports).collect();
    let packets = batches.iter().map(|batch| batch.traffic.packets.len()).sum();
    Ok(Report { packets, backends, sentences, demands_reach: subject.policy.is_some() })
}

/// Counts what a rule decided.
fn count(tallies: &mut BTreeMap<OriginId, Tally>, seen: &Observation) {
    if let Some((origin, state)) = seen.origin.zip(seen.state) {
        *tallies.entry(origin).or_default().decided.entry(state).or_default() += 1;
    }
}

/// About how many packets shrinking may ask both backends, in all.
const ASKS: usize = 400_000;

/// A batch in its turn.
struct At<'a> {
    told: &'a mut dyn FnMut(Step<'_>),
    /// From 1.
    number: usize,
    of: usize,
    batch: &'a Batch,
}

impl At<'_> {
    fn asks(&mut self, backend: &str) {
        let packets = self.batch.traffic.packets.len();
        (self.told)(Step::Asking { backend, batch: self.number, of: self.of, packets });
    }
}

impl BackendReport {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), differences: 0, example: None, unavailable: None }
    }

    fn run(
        &mut self,
        backend: &mut dyn Backend,
        reference: &[Observation],
        at: &mut At<'_>,
        subject: Subject<'_>,
    ) -> Result<(), BackendError> {
        if self.unavailable.is_some() {
            return Ok(());
        }
        at.asks(&self.name);
        let Batch { host, traffic } = at.batch;
        match backend.run(host, traffic) {
            Ok(seen) => self.compare(reference, &seen, at, |found| {
                shrink(&mut on_ir(subject), backend, host, traffic, found, ASKS)
            }),
            Err(error) if error.unavailable => {
                self.unavailable = Some(error.problem);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn compare(
        &mut self,
        reference: &[Observation],
        seen: &[Observation],
        at: &mut At<'_>,
        shrunk: impl FnOnce(&[Difference]) -> Result<(Traffic, Vec<Difference>), BackendError>,
    ) -> Result<(), BackendError> {
        let found = differences(reference, seen);
        if found.is_empty() {
            return Ok(());
        }
        self.differences += found.len();
        (at.told)(Step::Differs { backend: &self.name, batch: at.number, found: &found });
        if self.example.is_none() {
            (at.told)(Step::Shrinking { backend: &self.name });
            let (traffic, differences) = shrunk(&found)?;
            self.example = Some(Example { batch: Batch { host: at.batch.host.clone(), traffic }, differences });
        }
        Ok(())
    }
}

fn on_ir(subject: Subject<'_>) -> impl Backend + '_ {
    MachineBackend::new(MACHINE, move || Interpreter::new(subject.ruleset))
}

fn by_meaning(policy: &Policy) -> impl Backend + '_ {
    MachineBackend::new(MEANING, || crate::meaning::Meaning::new(policy))
}

fn observe(audit: &mut Audit<'_>, batch: &Batch) -> Vec<Observation> {
    let mut machine = Machine::new(&batch.host, audit);
    batch.traffic.packets.iter().map(|packet| machine.run_packet(packet)).collect()
}

fn sentences(policy: &Policy, audit: &Audit<'_>) -> Vec<SentenceReport> {
    let sentences = policy.sentences.iter().map(|sentence| sentence.origin);
    let closings = policy.closings.values().map(|closing| closing.origin);
    sentences.chain(closings).map(|origin| SentenceReport { origin, tally: audit.tally(origin) }).collect()
}

/// The rules of a ruleset that can decide, and the chain policies.
fn rules(ruleset: &Ruleset, tallies: &BTreeMap<OriginId, Tally>) -> Vec<SentenceReport> {
    let decides = |rule: &&Rule| {
        matches!(rule.verdict(), Some(Verdict::Accept | Verdict::Drop | Verdict::Map(_) | Verdict::Reject(_)))
    };
    let of_rules = ruleset.chains().flat_map(|(_, chain)| chain.rules()).filter(decides).map(Rule::origin);
    let closings = ruleset.chains().filter_map(|(_, chain)| chain.bound()).map(|base| base.closing);
    let origins: BTreeSet<_> = of_rules.chain(closings).collect();
    let tally = |origin| tallies.get(&origin).cloned().unwrap_or_default();
    origins.into_iter().map(|origin| SentenceReport { origin, tally: tally(origin) }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ringwall_runtime::observation::Fate;
    use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};

    use super::*;

    /// Drops every packet from some place on.
    struct Drops(usize);

    impl Backend for Drops {
        fn name(&self) -> &'static str {
            "drops"
        }

        fn run(&mut self, host: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError> {
            let mut seen = MachineBackend::new(MACHINE, || Interpreter::new(&EMPTY)).run(host, traffic)?;
            for seen in seen.iter_mut().skip(self.0) {
                seen.fate = Some(Fate::Drop);
            }
            Ok(seen)
        }
    }

    static EMPTY: Ruleset =
        Ruleset { title: String::new(), origins: Vec::new(), tables: Vec::new(), unknowns: Vec::new() };

    #[test]
    fn what_it_is_at_is_told_and_differences_when_they_are_found() {
        let packet = TimedPacket {
            at: Duration::ZERO,
            entry: Entry::Sent,
            bytes: Vec::new(),
            refused: false,
            sender: Sender::default(),
        };
        let batch = |packets| Batch {
            host: Host::with_addresses(&[]),
            traffic: Traffic { packets: vec![packet.clone(); packets] },
        };
        let mut told = Vec::new();
        let mut tell = |step: Step<'_>| {
            told.push(match step {
                Step::Asking { backend, batch, of, packets } => format!("{backend} {batch}/{of} {packets}"),
                Step::Differs { backend, batch, found } => format!("{backend} differs {batch} {}", found.len()),
                Step::Shrinking { backend } => format!("{backend} shrinks"),
            });
        };
        let subject = Subject { ruleset: &EMPTY, policy: None };
        let report = verify(subject, &[batch(2), batch(5), batch(4)], &mut [Drops(3)], &mut tell).unwrap();
        assert_eq!(
            told,
            [
                "machine 1/3 2",
                "drops 1/3 2",
                "machine 2/3 5",
                "drops 2/3 5",
                "drops differs 2 2",
                "drops shrinks",
                "machine 3/3 4",
                "drops 3/3 4",
                "drops differs 3 1",
            ]
        );
        assert_eq!(report.differences(), 3);
        let example = report.backends.iter().find_map(|backend| backend.example.as_ref()).unwrap();
        assert_eq!((example.batch.traffic.packets.len(), example.differences.len()), (4, 1));
    }
}
