// SPDX-License-Identifier: GPL-3.0-or-later
//! What passes between the backend and its worker process: a job in, an outcome or a failure out, as JSON.

use std::io::{self, Read, Write};

use ringwall_ir::Ruleset;
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::Traffic;
use serde::{Deserialize, Serialize};

use super::load::Load;
use super::reader::Text;

/// What a worker is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Job {
    /// Let packets meet a ruleset.
    Observe(Scene),
    /// Read nft's own text.
    Read(Text),
}

/// Packets and what they meet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Scene {
    /// The host that the namespace is built from.
    pub host: Host,
    /// The packets.
    pub traffic: Traffic,
    /// The ruleset.
    pub load: Load,
}

/// What came of a job.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Of [`Job::Observe`].
    Observed(Observed),
    /// Of [`Job::Read`].
    Read(Ruleset),
}

/// What became of packets.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Observed {
    /// One for each packet, in order.
    pub observations: Vec<Observation>,
    /// The conntrack table at the end, where the kernel shows it.
    pub table: Option<Vec<String>>,
}

/// Why a job was not done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Failure {
    /// This system does not offer what is needed.
    Unavailable(String),
    /// Something went wrong: the ruleset does not load, say.
    Broken(String),
}

impl Failure {
    /// What an error of the operating system makes of a step.
    pub(super) fn at<E: std::fmt::Display>(step: impl std::fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self::Broken(format!("{step}: {error}"))
    }
}

/// The worker's side: reads a job, has it done, and writes what came of it.
///
/// # Errors
/// What kept the job from being read or its outcome from being written.
pub(super) fn serve(work: impl FnOnce(&Job) -> Result<Outcome, Failure>) -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    let job: Job = serde_json::from_slice(&text)?;
    let outcome = work(&job);
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut out, &outcome)?;
    out.flush()
}

/// The backend's side: what the worker wrote, if it is an outcome at all.
pub(super) fn outcome(text: &[u8]) -> Option<Result<Outcome, Failure>> {
    serde_json::from_slice(text).ok()
}
