// SPDX-License-Identifier: GPL-3.0-or-later
//! The language reference: every example of `docs/language.md` compiles, and every service of the table.

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::{SERVICES, compile};

use crate::markdown::sections;
use crate::suite::concise;
use crate::support::{none_of, read, root, test};

/// A test for each section with examples, and one for the services.
pub fn tests() -> Vec<Trial> {
    let page = read(&root().join("docs/language.md"));
    let mut tests = vec![test("reference", "every service can be allowed", services)];
    for section in sections(&page) {
        let policies: Vec<String> =
            section.blocks.into_iter().filter(|block| block.info == "policy").map(|block| block.text).collect();
        tests.push(test("reference", &section.heading, move || none_of(broken(&policies), "examples with errors")));
    }
    tests
}

fn broken(policies: &[String]) -> Vec<String> {
    policies.iter().filter_map(|text| errors(text)).collect()
}

/// The findings of a text that does not compile.
fn errors(text: &str) -> Option<String> {
    let (compiled, findings) = compile("policy", text);
    let told: Vec<_> = findings.iter().map(|finding| concise(finding, text)).collect();
    compiled.is_none().then(|| format!("{}in\n{text}", told.concat()))
}

fn services() -> Result<(), Failed> {
    let sentence = |name: &str| format!("allow inbound {name}\notherwise allow outbound\n");
    none_of(SERVICES.iter().filter_map(|service| errors(&sentence(service.name))).collect(), "services with errors")
}
