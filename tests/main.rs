// SPDX-License-Identifier: GPL-3.0-or-later
//! The integration tests, in one binary.
//!
//! It has its own main because the tests of the kernel run in a worker process with a single thread, and that worker is this
//! binary again.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails; clippy does not see that this binary holds nothing but tests"
)]

mod case;
mod cli;
#[cfg(feature = "kernel")]
mod corpus_lift;
mod diagnostics;
mod kernel;
#[cfg(feature = "kernel")]
mod kernel_cases;
mod markdown;
mod recorded;
mod reference;
mod suite;
mod support;
mod tidy;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    #[cfg(feature = "kernel")]
    if std::env::args_os().nth(1).is_some_and(|word| word == ringwall_kernel::namespace::WORKER_ARG) {
        return ringwall_kernel::namespace::worker_main();
    }
    let arguments = Arguments::from_args();
    let mut tests = tidy::tests();
    tests.extend(suite::tests());
    tests.extend(diagnostics::tests());
    tests.extend(cli::tests());
    tests.extend(recorded::tests());
    tests.extend(reference::tests());
    tests.extend(kernel::tests());
    #[cfg(feature = "kernel")]
    tests.extend(kernel_cases::tests());
    #[cfg(feature = "kernel")]
    tests.extend(corpus_lift::tests());
    libtest_mimic::run(&arguments, tests).exit_code()
}
