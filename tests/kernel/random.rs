// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets under random conversations: the machine says of every packet what the kernel says, by the command that
//! users have for it.

use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::support::{skip, test};

/// How many rulesets are drawn in the ordinary suite, and in the whole one (`RINGWALL_FULL`).
const RULESETS: (u32, u32) = (80, 600);

/// The comparison.
pub fn tests() -> Vec<Trial> {
    vec![test("kernel::random", "machine and kernel agree about conversations", conversations)]
}

fn conversations() -> Result<(), Failed> {
    let full = std::env::var_os("RINGWALL_FULL").is_some();
    let count = if full { RULESETS.1 } else { RULESETS.0 }.to_string();
    let differences = tempfile::tempdir()?;
    let ran = Command::new(env!("CARGO_BIN_EXE_ringwall"))
        .args(["verify", "--random", &count, "--seed", "1", "--differences"])
        .arg(differences.path())
        .output()?;
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    match ran.status.code() {
        Some(0) => {
            eprint!("{stdout}");
            Ok(())
        }
        Some(2) if stderr.contains("namespace") => {
            skip("kernel::random", stderr);
            Ok(())
        }
        _ => Err(format!("{stdout}{stderr}").into()),
    }
}
