// SPDX-License-Identifier: GPL-3.0-or-later
//! The corpus, and a shell in a new network namespace.

use std::path::PathBuf;
use std::process::Command;

use super::shell::feed;

/// Where the corpus lies, if it is there.
pub fn corpus() -> PathBuf {
    let default = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into();
    std::env::var_os("RINGWALL_SHARED").map_or_else(default, PathBuf::from).join("corpus")
}

/// What a shell script prints in a new network namespace, or what it says of its failure.
pub fn run(script: &str) -> Result<String, String> {
    feed(Command::new("unshare").args(["-n", "sh", "-e"]).env("TZ", "UTC"), script)
}

/// The shell's words that give a program a text.
pub fn given(text: &str) -> String {
    format!("<<'=== end ==='\n{text}\n=== end ===\n")
}
