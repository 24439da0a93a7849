// SPDX-License-Identifier: GPL-3.0-or-later
//! Literate tests: `tests/suite/*.md`.
//!
//! A section says in prose what is shown and why, gives a ```` ```policy ````, and then what becomes of it, in any of
//!
//! - ```` ```diagnostics ````: every finding, `LINE:COLUMN SEVERITY CODE: MESSAGE`, and its help;
//! - ```` ```ir ````, ```` ```nft ````, ```` ```iptables ````, ```` ```ip6tables ````: what it is compiled to.
//!
//! `RINGWALL_UPDATE=1` writes what comes out into the blocks, to be read and committed.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::target::{iptables, nft};
use ringwall_compiler::{Compiled, compile};
use ringwall_grammar::{Diagnostic, Severity};
use ringwall_ir::words::Family;

use crate::markdown::{Section, sections, with_blocks};
use crate::support::{files, first_difference, has_extension, read, shown, test};

/// Every section of every file is a test.
pub fn tests() -> Vec<Trial> {
    let update = env::var_os("RINGWALL_UPDATE").is_some();
    let suite =
        files().into_iter().filter(|path| shown(path).starts_with("tests/suite/") && has_extension(path, &["md"]));
    suite.flat_map(|path| tests_of(path, update)).collect()
}

fn tests_of(path: PathBuf, update: bool) -> Vec<Trial> {
    if update {
        rewrite(&path);
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let trial = |section: Section| test("suite", &format!("{stem}: {}", section.heading), move || check(&section));
    sections(&read(&path)).into_iter().map(trial).collect()
}

/// Holds each block of a section against what comes out of its policy.
fn check(section: &Section) -> Result<(), Failed> {
    let mut policy = None;
    for block in &section.blocks {
        if block.info == "policy" {
            policy = Some(&block.text);
            continue;
        }
        let policy = policy.ok_or_else(|| format!("line {}: a block before its policy", block.line + 1))?;
        let found = outcome(policy, &block.info)?;
        if found != block.text {
            let difference = first_difference(&block.text, &found);
            return Err(format!("the block `{}`, line {}: {difference}", block.info, block.line + 1).into());
        }
    }
    Ok(())
}

fn rewrite(path: &Path) {
    let text = read(path);
    let mut outcomes = Vec::new();
    for section in sections(&text) {
        let mut policy = String::new();
        for block in section.blocks {
            if block.info == "policy" {
                policy = block.text;
            } else if let Ok(found) = outcome(&policy, &block.info) {
                outcomes.push((block.line, found));
            }
        }
    }
    let found = |line| outcomes.iter().find(|(at, _)| *at == line).map(|(_, found)| found.clone());
    fs::write(path, with_blocks(&text, found)).expect("a file of the suite can be written");
}

/// What a block with this word behind its fence should say of a policy.
fn outcome(policy: &str, info: &str) -> Result<String, Failed> {
    let (compiled, findings) = compile("policy", policy);
    if info == "diagnostics" {
        return Ok(findings.iter().map(|finding| concise(finding, policy)).collect());
    }
    let Some(Compiled { ruleset, .. }) = compiled else {
        return Err(format!(
            "does not compile:\n{}",
            findings.iter().map(|one| concise(one, policy)).collect::<String>()
        )
        .into());
    };
    let restore = |family| iptables::write(&ruleset, family, iptables::Options::default()).map(|written| written.text);
    let written = match info {
        "ir" => Ok(ruleset.to_string()),
        "nft" => nft::write(&ruleset),
        "iptables" => restore(Family::Ipv4),
        "ip6tables" => restore(Family::Ipv6),
        _ => return Err(format!("no block is called `{info}`").into()),
    };
    Ok(written.unwrap_or_else(|unsayable| unsayable.iter().map(|one| format!("cannot be said: {one}\n")).collect()))
}

/// A finding in a line or two.
pub fn concise(finding: &Diagnostic, text: &str) -> String {
    let (line, column) = finding.span.line_column(text);
    let severity = match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("{line}:{column} {severity} {}: {}\n", finding.code.name(), finding.message);
    if let Some(help) = &finding.help {
        let _ = writeln!(out, "    help: {help}");
    }
    out
}
