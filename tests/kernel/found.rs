// SPDX-License-Identifier: GPL-3.0-or-later
//! Policies, and rulesets with traffic, on which the machine and the kernel once differed, or on which no traffic could be
//! drawn. They verify now. `found/` holds a ruleset and a traffic script of the same name for each difference.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Failed, Trial};

use crate::support::{files, root, test};

/// What each policy ends in, behind a baseline.
const FOUND: [(&str, &str); 8] = [
    ("every name that eth* leaves", "allow inbound ssh on eth*"),
    ("a second link", "allow inbound ssh on eth1"),
    ("a way through", "allow forwarded from any on eth1 to any on eth0\npermit established forwarded"),
    ("nobody's address as a source", "allow inbound ssh from not 10.0.0.0/8"),
    ("0.0.0.0/8 as a source", "allow inbound ssh from 0.0.0.1-0.1.2.3"),
    ("loopback and broadcast as sources", "allow inbound ssh from 127.0.0.0/8, 255.255.255.255"),
    ("groups and their neighbours", "allow inbound udp 5353 from 192.168.1.0/24 to multicast"),
    ("refusals of everything", "otherwise reject inbound"),
];

/// A test for each.
pub fn tests() -> Vec<Trial> {
    let policies = FOUND.iter().map(|(name, end)| test("kernel::found", name, move || verifies(end)));
    let scripts = scripts().into_iter().map(|script| {
        let name = script.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
        test("kernel::found", &name, move || agrees(&script))
    });
    policies.chain(scripts).collect()
}

/// The traffic of each difference.
fn scripts() -> Vec<PathBuf> {
    let under = root().join("tests/kernel/found");
    let is_script = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "traffic");
    files().into_iter().filter(|path| path.starts_with(&under) && is_script(path)).collect()
}

fn agrees(script: &Path) -> Result<(), Failed> {
    let ruleset = script.with_extension("nft");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwall"));
    outcome(&command.arg("verify").args([&ruleset, script]).args(["--packets", "0"]).output()?, "")
}

fn verifies(end: &str) -> Result<(), Failed> {
    let policy = format!("baseline host\nallow outbound\npermit established inbound\n{end}\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwall"))
        .args(["verify", "-", "--packets", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = command.stdin.take() {
        input.write_all(policy.as_bytes())?;
    }
    outcome(&command.wait_with_output()?, &policy)
}

fn outcome(output: &Output, about: &str) -> Result<(), Failed> {
    if output.status.success() {
        return Ok(());
    }
    let told = [output.stdout.as_slice(), &output.stderr].concat();
    Err(format!("{about}{}", String::from_utf8_lossy(&told)).into())
}
