// SPDX-License-Identifier: GPL-3.0-or-later
//! The examples, as their readers run them.

use libtest_mimic::{Failed, Trial};

use super::command::{Ran, argument, ringwall};
use super::streams::insta_settings;
use crate::support::{root, test};

const EXAMPLES: &[&str] = &["laptop", "seed"];

pub fn tests() -> Vec<Trial> {
    let each = |name: &'static str| {
        [
            test("cli", &format!("example {name} meets its traffic"), move || traffic(name)),
            test("cli", &format!("example {name} meets its expectations"), move || expectations(name)),
        ]
    };
    let mut tests: Vec<_> = EXAMPLES.iter().copied().flat_map(each).collect();
    tests.push(test("cli", "the_founding_example_in_the_founding_spelling", founding));
    tests
}

/// Runs the command on files of an example.
fn on(name: &str, command: &str, extensions: &[&str], more: &[&str]) -> Ran {
    let file = |extension: &&str| root().join("examples").join(name).join(format!("{name}.{extension}"));
    let files: Vec<_> = extensions.iter().map(file).collect();
    let arguments: Vec<_> = [command].into_iter().chain(files.iter().map(|file| argument(file))).collect();
    ringwall(&[&arguments, more].concat())
}

/// A packet that does not meet what the traffic script expects of it would exit with 1.
fn traffic(name: &'static str) -> Result<(), Failed> {
    let ran = on(name, "run", &["policy", "traffic"], &["--conntrack"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    insta_settings().bind(|| insta::assert_snapshot!(format!("example-{name}"), ran.stdout));
    Ok(())
}

fn expectations(name: &'static str) -> Result<(), Failed> {
    let ran = on(name, "test", &["policy"], &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    Ok(())
}

fn founding() -> Result<(), Failed> {
    let ran = on("seed", "compile", &["policy"], &["--target", "iptables", "--ct-match", "state"]);
    let lines: Vec<_> = ran.stdout.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        lines,
        [
            "*filter",
            ":INPUT DROP",
            ":FORWARD ACCEPT",
            ":OUTPUT DROP",
            "-A INPUT -m state --state ESTABLISHED -j ACCEPT",
            "-A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT",
            "COMMIT",
        ]
    );
    Ok(())
}
