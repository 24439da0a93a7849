// SPDX-License-Identifier: GPL-3.0-or-later
//! A shell that is fed a script.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a command prints of a script on its standard input, or what it says of its failure.
pub fn feed(command: &mut Command, script: &str) -> Result<String, String> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("it takes no script")?;
    let script = script.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    // The shell has gone before it read everything: its own words say more than the broken pipe.
    let _ = writer.join();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}
