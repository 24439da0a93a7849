// SPDX-License-Identifier: GPL-3.0-or-later
//! Runs a test in a private network namespace: the test binary starts itself again behind unshare(1).

use std::io::Write as _;
use std::process::{Command, Stdio};

const INSIDE: &str = "RINGWALL_TEST_INSIDE";

/// Runs `body` in a fresh network namespace. `name` is the whole name of the calling test.
///
/// Where namespaces are not allowed the test says so and passes.
pub fn in_namespace(name: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let Some(flag) = ["-n", "-rn"].into_iter().find(|flag| allowed(flag)) else {
        eprintln!("skipped {name}: no network namespaces here");
        return;
    };
    let program = std::env::current_exe().unwrap();
    let inside = Command::new("unshare")
        .arg(flag)
        .arg(program)
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let output = format!("{}{}", String::from_utf8_lossy(&inside.stdout), String::from_utf8_lossy(&inside.stderr));
    assert!(inside.status.success(), "{output}");
    assert!(output.contains("1 passed"), "no test is called {name}:\n{output}");
    eprint!("{output}");
}

fn allowed(flag: &str) -> bool {
    let nothing = Command::new("unshare").args([flag, "nft", "list", "ruleset"]).stderr(Stdio::null()).status();
    nothing.is_ok_and(|status| status.success())
}

/// The ruleset as nft prints it.
pub fn list() -> String {
    let listed = Command::new("nft").args(["list", "ruleset"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap()
}

/// The ruleset as nft prints it; none where it fails at that. While a table of elements grows, the kernel may tell one of
/// them twice.
pub fn try_list() -> Option<String> {
    let list = || {
        let listed = Command::new("nft").args(["list", "ruleset"]).output().unwrap();
        listed.status.success().then(|| String::from_utf8_lossy(&listed.stdout).into_owned())
    };
    let mut last = list()?;
    loop {
        let again = list()?;
        if crate::listing::comparable(&again) == crate::listing::comparable(&last) {
            return Some(again);
        }
        last = again;
    }
}

/// Loads nft text.
pub fn load(text: &str) {
    try_load(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
}

/// Loads nft text, or tells what nft says to it.
pub fn try_load(text: &str) -> Result<(), String> {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = nft.wait_with_output().unwrap();
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
}

/// Empties the namespace's ruleset.
pub fn flush() {
    load("flush ruleset");
}
