// SPDX-License-Identifier: GPL-3.0-or-later
//! Running the built command.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The founding policy. It compiles, with warnings.
pub const FOUNDING: &str = "allow outbound, permit established inbound\n";

/// A policy without a finding.
pub const CLEAN: &str = "baseline host\nallow outbound\npermit established inbound\n";

/// What the command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote as data.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The command, in an environment that says nothing about terminals.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwall"));
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS"] {
        command.env_remove(variable);
    }
    command.args(arguments);
    command
}

/// Runs the command with nothing on standard input.
pub fn ringwall(arguments: &[&str]) -> Ran {
    command(arguments).stdin(Stdio::null()).output().expect("the command can be started").into()
}

/// Runs the command with these bytes on standard input.
pub fn ringwall_with(stdin: impl AsRef<[u8]>, arguments: &[&str]) -> Ran {
    feed(&mut command(arguments), stdin.as_ref())
}

/// Runs a command with these bytes on standard input.
pub fn feed(command: &mut Command, stdin: &[u8]) -> Ran {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the command can be started");
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    std::thread::scope(|scope| {
        // The command may stop reading before all is written.
        scope.spawn(move || drop(pipe.write_all(stdin)));
        child.wait_with_output().expect("the command ends").into()
    })
}

/// A path as an argument.
pub fn argument(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}
