// SPDX-License-Identifier: GPL-3.0-or-later
//! Verification: the same traffic through the policy's meaning, the machine on the IR, and any other backend.

use ringwall_ir::OriginId;
use ringwall_runtime::compare::difference::{Difference, differences, shrink};
use ringwall_runtime::compare::{Backend, BackendError};
use ringwall_runtime::engine::{Interpreter, Machine, MachineBackend};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::Traffic;

use crate::Compiled;
use crate::audit::{Audit, Tally};

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
    /// What each sentence and closing decided.
    pub sentences: Vec<SentenceReport>,
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

    /// Whether every backend that ran agreed, and every sentence was reached.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences() == 0 && !self.sentences.iter().any(SentenceReport::is_unreached)
    }
}

/// The name of the machine on the IR: what every other backend is compared with.
pub const MACHINE: &str = "machine";

/// The name of the reference meaning.
pub const MEANING: &str = "meaning";

/// Runs the batches through the meaning, the machine and `others`. A backend that is not to be had here is left out and
/// said to be.
///
/// # Errors
/// What kept a backend from running that should have run.
pub fn verify<B: Backend>(compiled: &Compiled, batches: &[Batch], others: &mut [B]) -> Result<Report, BackendError> {
    let mut audit = Audit::new(&compiled.policy);
    let names = [MACHINE, MEANING].into_iter().chain(others.iter().map(|backend| backend.name()));
    let mut reports: Vec<BackendReport> = names.map(BackendReport::new).collect();
    for batch in batches {
        let reference = on_ir(compiled).run(&batch.host, &batch.traffic)?;
        let meant = observe(&mut audit, batch);
        let mut columns = reports.iter_mut().skip(1);
        if let Some(report) = columns.next() {
            report.compare(&reference, &meant, batch, || {
                shrink(&mut on_ir(compiled), &mut by_meaning(compiled), &batch.host, &batch.traffic, ROUNDS)
            })?;
        }
        for (report, backend) in columns.zip(others.iter_mut()) {
            report.run(backend, &reference, batch, compiled)?;
        }
    }
    Ok(Report {
        packets: batches.iter().map(|batch| batch.traffic.packets.len()).sum(),
        backends: reports,
        sentences: sentences(compiled, &audit),
    })
}

/// How many runs of both backends shrinking may take.
const ROUNDS: usize = 60;

impl BackendReport {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), differences: 0, example: None, unavailable: None }
    }

    fn run(
        &mut self,
        backend: &mut dyn Backend,
        reference: &[Observation],
        batch: &Batch,
        compiled: &Compiled,
    ) -> Result<(), BackendError> {
        if self.unavailable.is_some() {
            return Ok(());
        }
        match backend.run(&batch.host, &batch.traffic) {
            Ok(seen) => self.compare(reference, &seen, batch, || {
                shrink(&mut on_ir(compiled), backend, &batch.host, &batch.traffic, ROUNDS)
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
        batch: &Batch,
        shrunk: impl FnOnce() -> Result<(Traffic, Vec<Difference>), BackendError>,
    ) -> Result<(), BackendError> {
        let found = differences(reference, seen);
        self.differences += found.len();
        if self.example.is_none() && !found.is_empty() {
            let (traffic, differences) = shrunk()?;
            self.example = Some(Example { batch: Batch { host: batch.host.clone(), traffic }, differences });
        }
        Ok(())
    }
}

fn on_ir(compiled: &Compiled) -> impl Backend + '_ {
    MachineBackend::new(MACHINE, || Interpreter::new(&compiled.ruleset))
}

fn by_meaning(compiled: &Compiled) -> impl Backend + '_ {
    MachineBackend::new(MEANING, || crate::meaning::Meaning::new(&compiled.policy))
}

fn observe(audit: &mut Audit<'_>, batch: &Batch) -> Vec<Observation> {
    let mut machine = Machine::new(&batch.host, audit);
    batch.traffic.packets.iter().map(|packet| machine.run_packet(packet)).collect()
}

fn sentences(compiled: &Compiled, audit: &Audit<'_>) -> Vec<SentenceReport> {
    let policy = &compiled.policy;
    let sentences = policy.sentences.iter().map(|sentence| sentence.origin);
    let closings = policy.closings.values().map(|closing| closing.origin);
    sentences.chain(closings).map(|origin| SentenceReport { origin, tally: audit.tally(origin) }).collect()
}
