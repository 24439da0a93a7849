// SPDX-License-Identifier: GPL-3.0-or-later
//! The pages of `docs/diagnostics/`: each example gives the finding that its page explains, and each mended one none.

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::compile;
use ringwall_grammar::{Code, Diagnostic, Severity};

use crate::markdown::{Block, sections};
use crate::suite::concise;
use crate::support::test;

/// Codes of findings that no text of a policy can give, so that their pages have no example in a block.
const BEYOND_TEXT: &[&str] = &["byte-order-mark", "internal", "not-text", "too-large"];

/// Each page is a test.
pub fn tests() -> Vec<Trial> {
    Code::ALL.iter().map(|code| test("diagnostics", code.name(), || check(*code))).collect()
}

fn check(code: Code) -> Result<(), Failed> {
    let blocks: Vec<Block> = sections(code.page()).into_iter().flat_map(|section| section.blocks).collect();
    if !code.page().starts_with(&format!("# {}", code.name())) {
        return Err("the page does not start with its code".into());
    }
    if BEYOND_TEXT.contains(&code.name()) {
        return Ok(());
    }
    if !blocks.iter().any(|block| block.info == "policy") || !blocks.iter().any(|block| block.info == "policy fixed") {
        return Err("the page lacks a ```policy that gives the finding, or a ```policy fixed that does not".into());
    }
    for block in &blocks {
        let (_, findings) = compile("policy", &block.text);
        match block.info.as_str() {
            "policy" => gives(code, &findings, &block.text)?,
            "policy fixed" => gives_none(code, &findings, &block.text)?,
            _ => {}
        }
    }
    Ok(())
}

fn gives(code: Code, findings: &[Diagnostic], text: &str) -> Result<(), Failed> {
    if findings.iter().any(|finding| finding.code == code) {
        return Ok(());
    }
    Err(format!("the example does not give the finding, but\n{}in\n{text}", all(findings, text)).into())
}

fn gives_none(code: Code, findings: &[Diagnostic], text: &str) -> Result<(), Failed> {
    let clean = findings.iter().all(|finding| finding.code != code && finding.severity() == Severity::Warning);
    if clean { Ok(()) } else { Err(format!("the mended example gives\n{}in\n{text}", all(findings, text)).into()) }
}

fn all(findings: &[Diagnostic], text: &str) -> String {
    findings.iter().map(|finding| concise(finding, text)).collect()
}
