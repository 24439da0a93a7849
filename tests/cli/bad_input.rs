// SPDX-License-Identifier: GPL-3.0-or-later
//! Bad input: a clear error with its code and place, never a panic.

use libtest_mimic::{Failed, Trial};

use super::command::{FOUNDING, argument, ringwall_with};
use crate::support::{root, test};

pub fn tests() -> Vec<Trial> {
    let mut tests: Vec<_> = findings()
        .into_iter()
        .map(|case| test("cli", &format!("bad_input {}", case.name), move || case.check()))
        .collect();
    tests.push(test("cli", "every_error_of_a_file_at_once", every_error));
    tests.push(test("cli", "line_ends_of_either_kind", line_ends));
    tests.push(test("cli", "what_is_said_cannot_command_the_terminal", terminal));
    tests.push(test("cli", "damaged_policies_never_panic", damaged));
    tests
}

/// A policy that is wrong in one way.
struct Case {
    name: &'static str,
    policy: Vec<u8>,
    /// The code of a finding that it must give.
    code: &'static str,
}

impl Case {
    fn check(&self) -> Result<(), Failed> {
        for arguments in [["check", "-"], ["compile", "-"]] {
            let ran = ringwall_with(&self.policy, &arguments);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
            assert!(ran.stderr.contains(&format!("error[{}]", self.code)), "{}", ran.stderr);
            assert!(ran.stderr.contains("help:"), "no help in\n{}", ran.stderr);
        }
        Ok(())
    }
}

fn findings() -> Vec<Case> {
    let case = |name, policy: &[u8], code| Case { name, policy: policy.to_vec(), code };
    vec![
        case("empty file", b"", "empty-policy"),
        case("only comments", b"# nothing\n\n", "empty-policy"),
        case("binary garbage", b"\x7fELF\x02\x01\x01\0\0\0\xff\xfe", "not-text"),
        case("latin-1", b"allow outbound # caf\xe9\n", "not-text"),
        case("utf-16", b"\xff\xfea\0l\0l\0o\0w\0", "not-text"),
        case("nul byte", b"allow outbound\0\n", "not-text"),
        case("byte-order mark", b"\xef\xbb\xbfallow outbound\n", "byte-order-mark"),
        case("over 4 MiB", &b"# a comment\n".repeat(400_000), "too-large"),
        case("unknown service", b"allow inbound shh\n", "unknown-name"),
        case("unknown network", b"allow inbound ssh from lna\n", "unknown-name"),
        case("network twice", b"network a = 10.0.0.1\nnetwork a = 10.0.0.2\nallow inbound from a\n", "duplicate-name"),
        case("network in a circle", b"network a = b\nnetwork b = a\nallow inbound from a\n", "circular-name"),
        case("address 10.0.0.256", b"allow inbound from 10.0.0.256\n", "bad-address"),
        case("address 10.0.0", b"allow inbound from 10.0.0\n", "bad-address"),
        case("prefix of 33", b"allow inbound from 10.0.0.0/33\n", "bad-address"),
        case("range backwards", b"allow inbound from 10.0.0.9-10.0.0.1\n", "bad-address"),
        case("address fd00:::1", b"allow inbound from fd00:::1\n", "bad-address"),
        case("port 70000", b"allow inbound tcp 70000\n", "bad-port"),
        case("ports backwards", b"allow inbound tcp 90-80\n", "bad-port"),
        case("a number of forty digits", b"allow inbound tcp 1234567890123456789012345678901234567890\n", "bad-value"),
        case("edition 9", b"policy a edition 9\nallow outbound\n", "unknown-edition"),
        case("another language", b"-A INPUT -p tcp --dport 22 -j ACCEPT\n", "foreign-word"),
    ]
}

fn every_error() -> Result<(), Failed> {
    let policy =
        "allow inbound shh\npermit inbound\nallow inbound tcp 70000\nallow inbound from 10.0.0.256\nnonsense here\n";
    let ran = ringwall_with(policy, &["check", "-", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    let lines: Vec<_> =
        report["findings"].as_array().into_iter().flatten().map(|one| one["place"]["line"].as_u64()).collect();
    for line in 1..=5 {
        assert!(lines.contains(&Some(line)), "no finding on line {line}: {}", ran.stdout);
    }
    Ok(())
}

fn line_ends() -> Result<(), Failed> {
    let policy = "baseline host\n# a comment\nallow outbound, \\\n permit established inbound\n";
    let found = ringwall_with(policy.replace('\n', "\r\n"), &["compile", "-"]);
    assert_eq!(found.code, Some(0), "{}", found.stderr);
    assert_eq!(found.stdout, ringwall_with(policy, &["compile", "-"]).stdout);
    Ok(())
}

fn terminal() -> Result<(), Failed> {
    const COMMANDS: [char; 4] = ['\u{1b}', '\u{9b}', '\u{202e}', '\r'];
    let ran = ringwall_with("allow inbound \u{9b}31m\u{202e} from lan\r evil\n", &["check", "-"]);
    assert_eq!(ran.code, Some(1));
    assert!(!ran.stderr.contains(COMMANDS), "{:?}", ran.stderr);
    let rules = "*filter\n-A INPUT\u{1b}[31m -j ACCEPT\n\u{9b}\u{202e}\r evil\nCOMMIT\n";
    let traffic = root().join("examples/seed/seed.traffic");
    let ran = ringwall_with(rules, &["run", "-", argument(&traffic)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(!ran.stderr.contains(COMMANDS), "{:?}", ran.stderr);
    Ok(())
}

/// Cuts a policy at every place, and puts every kind of piece into it. A panic would exit with 101.
fn damaged() -> Result<(), Failed> {
    let pieces = ["\"", "\\", ",", "[", "]", "-", "not", "except", "é", "{", "=", "0", "\n", "from", "# "];
    for (i, piece) in pieces.iter().enumerate() {
        let at = FOUNDING.len() * i / pieces.len();
        let (before, after) = FOUNDING.split_at(at);
        for policy in [before.to_owned(), format!("{before}{piece}{after}"), piece.repeat(3000)] {
            let ran = ringwall_with(&policy, &["compile", "-"]);
            assert!(matches!(ran.code, Some(0 | 1)), "{policy:?} gives {:?}: {}", ran.code, ran.stderr);
        }
    }
    Ok(())
}
