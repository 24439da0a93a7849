// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernel as a backend, held to recorded cases and to what is known of it.
//!
//! Without libtest: the backend runs this program again as its worker, which must have one thread.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

mod cases;
mod scenes;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use ringwall_kernel::namespace::{KernelBackend, Load, WORKER_ARG, worker_main};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::Traffic;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(WORKER_ARG) {
        return worker_main();
    }
    let mut trials = cases::trials();
    trials.extend(scenes::trials());
    if let Some(reason) = why_not() {
        eprintln!("skipped, all of them: {reason}");
        trials = trials.into_iter().map(|trial: Trial| trial.with_ignored_flag(true)).collect();
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Why this system does not allow these tests, if it does not.
fn why_not() -> Option<String> {
    let mut backend = KernelBackend::new("kernel", Load::empty());
    let error = backend.run(&Host::with_addresses(&[]), &Traffic::default()).err()?;
    error.unavailable.then(|| error.to_string())
}
