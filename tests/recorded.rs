// SPDX-License-Identifier: GPL-3.0-or-later
//! The founding example as the kernel was recorded to answer it: `seed-*.json` of the shared cases.
//!
//! Each case runs in the machine twice: under the recorded ruleset, read from iptables-save text, and under the policy of
//! `examples/seed`, which must say the same of every IPv4 packet. Verdict, ct state and the lines of the conntrack table
//! after each packet are compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::compile;
use ringwall_compiler::target::iptables;
use ringwall_ir::Ruleset;
use ringwall_ir::words::{CtState, Family};
use ringwall_runtime::conntrack::Style;
use ringwall_runtime::engine::{Interpreter, Machine};
use ringwall_runtime::observation::{Fate, Observation};
use serde_json::Value;

use crate::case;
use crate::support::{read, root, shared, skip, test};

/// A test for each recorded case of the founding example.
pub fn tests() -> Vec<Trial> {
    let directory = shared().join("cases");
    let Ok(entries) = fs::read_dir(&directory) else {
        skip("recorded cases", format!("there is no {}", directory.display()));
        return Vec::new();
    };
    let is_seed = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let mut cases: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_seed).collect();
    cases.sort();
    cases.into_iter().map(|path| test("recorded", &stem(&path), move || check(&path))).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn check(path: &Path) -> Result<(), Failed> {
    let case: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let text = case["ruleset"][0][1].as_str().ok_or("the case has no ruleset")?;
    let (recorded, errors) = iptables::read(text, Family::Ipv4);
    if !errors.is_empty() {
        return Err(format!("the recorded ruleset cannot be read: {errors:?}").into());
    }
    follow(&case, &recorded, &Family::ALL)
        .map_err(|error| format!("under the recorded ruleset: {}", error.message().unwrap_or_default()))?;
    let (compiled, findings) = compile("seed", &read(&root().join("examples/seed/seed.policy")));
    let compiled = compiled.ok_or_else(|| format!("examples/seed does not compile: {findings:?}"))?;
    follow(&case, &compiled.ruleset, &[Family::Ipv4])
        .map_err(|error| format!("under the policy: {}", error.message().unwrap_or_default()))?;
    Ok(())
}

/// Sends the case's packets of the families and compares what becomes of each.
fn follow(case: &Value, ruleset: &Ruleset, families: &[Family]) -> Result<(), Failed> {
    let host = case::host(case)?;
    let mut machine = Machine::new(&host, Interpreter::new(ruleset));
    for (number, packet) in case["packets"].as_array().into_iter().flatten().enumerate() {
        let at = Duration::from_secs_f64(packet["t"].as_f64().unwrap_or_default());
        let sent = case::packet(packet, at)?;
        let family = if sent.bytes.first().is_some_and(|byte| byte >> 4 == 6) { Family::Ipv6 } else { Family::Ipv4 };
        if !families.contains(&family) {
            continue;
        }
        let seen = machine.run_packet(&sent);
        let expected = &packet["expect"];
        let lines = machine.conntrack().lines(Style::NfConntrack, sent.at);
        compare(expected, &seen, &lines).map_err(|error| format!("packet {number}: {error}"))?;
    }
    Ok(())
}

fn compare(expected: &Value, seen: &Observation, lines: &[String]) -> Result<(), String> {
    let verdict = expected["verdict"].as_str();
    if seen.fate.map(Fate::name) != verdict {
        return Err(format!("verdict {verdict:?}, but {seen:?}"));
    }
    let state = expected["ct"]["state"].as_str();
    if seen.state.map(CtState::name) != state {
        return Err(format!("ct state {state:?}, but {seen:?}"));
    }
    let recorded: Vec<&str> = expected["table"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let same = recorded.len() == lines.len() && recorded.iter().zip(lines).all(|(old, new)| same_line(old, new));
    if same { Ok(()) } else { Err(format!("table {recorded:#?}, but {lines:#?}")) }
}

/// Whether two lines of the table are the same, the remaining seconds within one, and what was not recorded aside.
fn same_line(recorded: &str, found: &str) -> bool {
    const SECONDS: usize = 4;

    let kept = |word: &&str| !word.starts_with("zone=") && !word.starts_with("use=");
    let old: Vec<&str> = recorded.split_whitespace().filter(kept).collect();
    let new: Vec<&str> = found.split_whitespace().filter(kept).collect();
    let word = |place: usize, (old, new): (&str, &str)| match (place, old.parse::<i64>(), new.parse::<i64>()) {
        (SECONDS, Ok(old), Ok(new)) => (old - new).abs() <= 1,
        _ => old == new,
    };
    old.len() == new.len() && old.iter().zip(&new).enumerate().all(|(place, (old, new))| word(place, (old, new)))
}
