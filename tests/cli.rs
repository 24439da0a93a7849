// SPDX-License-Identifier: GPL-3.0-or-later
//! The built command, from outside: exit codes, streams, files, and what it makes of bad input.

#[cfg(feature = "kernel")]
mod apply;
mod bad_input;
mod captures;
mod command;
mod examples;
mod exits;
mod files;
mod rulesets;
mod streams;
mod trace;
mod traffic;
mod verify;
#[cfg(feature = "kernel")]
mod watch;

use libtest_mimic::Trial;

/// Every test of the command.
pub fn tests() -> Vec<Trial> {
    let tests = [
        streams::tests(),
        files::tests(),
        bad_input::tests(),
        rulesets::tests(),
        traffic::tests(),
        captures::tests(),
        trace::tests(),
        exits::tests(),
        verify::tests(),
        examples::tests(),
    ];
    #[cfg(feature = "kernel")]
    let tests = tests.into_iter().chain([apply::tests(), watch::tests()]);
    tests.into_iter().flatten().collect()
}
