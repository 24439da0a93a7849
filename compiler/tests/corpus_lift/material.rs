// SPDX-License-Identifier: GPL-3.0-or-later
//! The corpus, and a shell in a new network namespace.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where the corpus lies, if it is there.
pub fn corpus() -> PathBuf {
    let default = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared").into();
    std::env::var_os("RINGWALL_SHARED").map_or_else(default, PathBuf::from).join("corpus")
}

/// What a shell script prints in a new network namespace, or what it says of its failure.
pub fn run(script: &str) -> Result<String, String> {
    let mut child = Command::new("unshare")
        .args(["-n", "sh", "-e"])
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("it takes no script")?;
    let script = script.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    // The shell has gone before it read everything: its own words say more than the broken pipe.
    let _ = writer.join();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// The shell's words that give a program a text.
pub fn given(text: &str) -> String {
    format!("<<'=== end ==='\n{text}\n=== end ===\n")
}
