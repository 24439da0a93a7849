// SPDX-License-Identifier: GPL-3.0-or-later
//! Which crate may use which: the edges that ARCHITECTURE.md draws, as the Cargo.tomls say them.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};

use crate::support::{none_of, read, root, test};

/// The crates of the workspace that each crate may depend on, for tests too.
const EDGES: &[(&str, &[&str])] = &[
    ("grammar", &[]),
    ("ir", &[]),
    ("runtime", &["ir"]),
    ("compiler", &["grammar", "ir", "runtime"]),
    ("kernel", &["ir", "runtime"]),
];

/// Crates from elsewhere that one crate alone may depend on, and which.
const ALONE: &[(&str, &str)] =
    &[("rustables", "kernel"), ("nix", "kernel"), ("libc", "kernel"), ("pest", "grammar"), ("pcap-file", "runtime")];

pub fn tests() -> Vec<Trial> {
    vec![
        test("tidy", "dependencies_run_one_way", dependencies_run_one_way),
        test("tidy", "one_crate_alone_knows_each_system", one_crate_alone_knows_each_system),
    ]
}

fn dependencies_run_one_way() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (name, allowed) in EDGES {
        let inner =
            dependencies(name).into_iter().filter_map(|found| found.strip_prefix("ringwall-").map(str::to_owned));
        let forbidden = inner.filter(|found| !allowed.contains(&found.as_str()));
        wrong.extend(forbidden.map(|found| format!("{name} -> {found}")));
    }
    none_of(wrong, "dependencies that the architecture does not have")
}

fn one_crate_alone_knows_each_system() -> Result<(), Failed> {
    let members = EDGES.iter().map(|(name, _)| *name).chain(["."]);
    let mut wrong = Vec::new();
    for member in members {
        let found = dependencies(member);
        let foreign = ALONE.iter().filter(|(system, owner)| *owner != member && found.contains(*system));
        wrong.extend(foreign.map(|(system, _)| format!("{member} -> {system}")));
    }
    none_of(wrong, "crates that only one of ours may use")
}

/// The names under every `[...dependencies]` of a member's Cargo.toml.
fn dependencies(member: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in read(&root().join(member).join("Cargo.toml")).lines() {
        if line.starts_with('[') {
            inside = line.trim_end().ends_with("dependencies]") && !line.starts_with("[workspace");
        } else if inside && let Some(name) = line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()) {
            found.insert(name.to_owned());
        }
    }
    found
}
