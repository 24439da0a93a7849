// SPDX-License-Identifier: GPL-3.0-or-later
//! The real kernel as a [`Backend`]: a private network namespace in which traffic meets a ruleset, packet by packet.
//!
//! A user namespace can be made by a process of one thread only, so the backend runs its own program again, as a
//! *worker*: [`WORKER_ARG`] as its first argument, a job on standard input, the outcome on standard output, both JSON.
//! Every program that uses [`KernelBackend`] therefore calls [`worker_main`] first thing when it sees that argument.
//!
//! The worker builds the [`Host`], then three layers in this order, for netfilter puts a later hook *before* an earlier
//! one of the same priority:
//!
//! 1. the *sink* (`harness`), at the priority of `nf_confirm`: it takes each packet out of the kernel once it has
//!    passed every hook, so that no socket, no answer and no noise of the host's own stack comes in between;
//! 2. the *observers*, which put packets under nf_tables' trace and wake connection tracking: its `nf_confirm` now comes
//!    before the sink, so that entries enter the table;
//! 3. the ruleset under test ([`Load`]).
//!
//! Packets arrive by veth pairs and are sent by raw sockets (`inject`). Both calls return when the packet has passed all
//! its hooks, so what the trace socket holds then is what became of that packet (`walk`).
//!
//! What the kernel cannot tell, or tells in its own way:
//!
//! - Time passes for conntrack entries alone (`clock`), in whole seconds. Queues of fragments, `limit` and the elements of
//!   sets see real time, and what the run itself takes passes for all.
//! - `ct count` forgets conversations that are over when the kernel's clock ticks (`nf_conncount.c`), so that of those
//!   that end within a tick more may count than are open.
//! - IPv6 fragments that overlap or exceed what is allowed read as queued: `nf_ct_frag6_gather` counts no failure.
//! - The kernel does not trace IPv6 packets that end within their extension headers: whether they pass is seen, and no
//!   more than that.
//! - Where a packet dies between two hooks it is known only between which ([`Observation::reason`]).
//! - Of packets that are sent, the kernel writes an identification of 0 anew, with a number of its own
//!   (`raw_send_hdrinc`).
//! - An interface carries what the host says, or the longest packet of the traffic that arrives on it or is sent.
//! - Checksums that the kernel leaves to the card are completed in packets that left: of those whose payload a helper changed.
//! - TCP resets that the kernel makes are seen before the card would complete their checksum.
//! - ICMP redirects are switched off, IGMP and neighbour discovery of the host itself are dropped unseen: they come by
//!   the kernel's own clocks and limits.
//! - An [`Entry::Sent`](ringwall_runtime::traffic::Entry::Sent) packet cannot be `refused`: nothing marks it for hook input.

mod census;
mod clock;
mod entry;
mod events;
mod harness;
mod host;
mod inject;
mod isolate;
mod job;
mod load;
mod packet_socket;
mod program;
mod provenance;
mod raw_socket;
mod reader;
mod routes;
mod socket_option;
mod walk;
mod worker;

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use ringwall_ir::Ruleset;
use ringwall_runtime::compare::{Backend, BackendError};
use ringwall_runtime::host::Host;
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::Traffic;

pub use load::{ChainOrigins, Form, IptablesText, Load};

use job::{Failure, Job, Observed, Outcome, Scene};

/// The first argument of a program that is to work as the inside of a namespace.
pub const WORKER_ARG: &str = "__kernel-namespace";

/// The number of `lo`: it is the first interface of every namespace (`LOOPBACK_IFINDEX`).
const LOOPBACK: u32 = 1;

/// The inside of a namespace: takes a job from standard input and puts its outcome on standard output.
///
/// To be called before anything else in a program whose first argument is [`WORKER_ARG`], while it has one thread.
#[must_use]
pub fn worker_main() -> ExitCode {
    match job::serve(worker::work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// The running kernel under one ruleset, in a fresh private namespace for each run.
#[derive(Clone, Debug)]
pub struct KernelBackend {
    name: String,
    load: Load,
    table: Option<Vec<String>>,
}

impl KernelBackend {
    /// The kernel with this ruleset loaded; `name` stands for it in reports.
    #[must_use]
    pub fn new(name: &str, load: Load) -> Self {
        Self { name: name.to_owned(), load, table: None }
    }

    /// The conntrack table after the last run, a line of `/proc/net/nf_conntrack` an entry, sorted; none before the first
    /// run and where the kernel is built without that file.
    #[must_use]
    pub fn last_table(&self) -> Option<&[String]> {
        self.table.as_deref()
    }
}

impl Backend for KernelBackend {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, host: &Host, traffic: &Traffic) -> Result<Vec<Observation>, BackendError> {
        self.table = None;
        let scene = Scene { host: host.clone(), traffic: traffic.clone(), load: self.load.clone() };
        match in_worker(&Job::Observe(scene)).map_err(|failure| broken(&self.name, failure))? {
            Outcome::Observed(Observed { observations, table }) => {
                self.table = table;
                Ok(observations)
            }
            Outcome::Read(_) => Ok(Vec::new()),
        }
    }
}

/// A ruleset in nft's own text, loaded by nft(8) in a fresh private namespace that has the interfaces that the text names,
/// and read from the kernel there. `directory` is where the text's file lies: what it includes may lie beside it. Each part
/// is an origin of its own.
///
/// # Errors
/// nft's own words about the text; or namespaces or nft(8) are not to be had.
pub fn read_nft(text: &str, directory: Option<&Path>) -> Result<Ruleset, BackendError> {
    let text = reader::Text { text: text.to_owned(), directory: directory.map(Path::to_owned) };
    match in_worker(&Job::Read(text)).map_err(|failure| broken("nft", failure))? {
        Outcome::Read(ruleset) => Ok(ruleset),
        Outcome::Observed(_) => Ok(Ruleset::default()),
    }
}

fn broken(backend: &str, failure: Failure) -> BackendError {
    let (problem, unavailable) = match failure {
        Failure::Unavailable(problem) => (problem, true),
        Failure::Broken(problem) => (problem, false),
    };
    BackendError { backend: backend.to_owned(), problem, unavailable }
}

/// Has a job done by a worker process.
fn in_worker(job: &Job) -> Result<Outcome, Failure> {
    let failed = |error: std::io::Error| Failure::Broken(format!("cannot run the worker process: {error}"));
    // By this link the program is found even where its file was replaced meanwhile.
    let mut worker = Command::new("/proc/self/exe")
        .arg(WORKER_ARG)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(failed)?;
    let text = serde_json::to_vec(job).map_err(|error| Failure::Broken(error.to_string()))?;
    // The worker reads all before it writes, so neither side waits for the other for ever. The pipe closes here.
    let written = worker.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(&text));
    let output = worker.wait_with_output().map_err(failed)?;
    job::outcome(&output.stdout).unwrap_or_else(|| match written {
        Err(error) => Err(failed(error)),
        Ok(()) => Err(Failure::Broken(format!("the worker process gave no outcome: {}", output.status))),
    })
}
