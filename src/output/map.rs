// SPDX-License-Identifier: GPL-3.0-or-later
//! The side map of a compiled file: its digest, and where each rule comes from. It stands beside the file, so that a line
//! that moves in the policy changes nothing in the file itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringwall_ir::{OriginId, Ruleset};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::subject::Subject;

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Map<'a> {
    #[serde(rename = "ringwall-map")]
    version: u32,
    title: &'a str,
    source: File<'a>,
    output: File<'a>,
    /// By the id that a rule carries in its comment. Rules of others carry none: those of nft by the name of their place,
    /// those of iptables by their line.
    rules: BTreeMap<String, Place<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    sha256: String,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    /// None where lines tell nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// Where it stands that has no line: `inet filter input #3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
}

/// Where the map of a compiled file stands.
pub fn path(output: &Path) -> PathBuf {
    let mut path = output.as_os_str().to_owned();
    path.push(".map.json");
    PathBuf::from(path)
}

/// The map of a text that was compiled from the subject.
///
/// # Errors
/// What keeps it from being written as JSON.
pub fn text(subject: &Subject, output: &Path, text: &str) -> Result<String, Failure> {
    let name = output.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let map = Map {
        version: VERSION,
        title: &subject.ruleset.title,
        source: File { file: &subject.file, sha256: digest(&subject.bytes) },
        output: File { file: &name, sha256: digest(text.as_bytes()) },
        rules: places(&subject.ruleset, &subject.file),
    };
    let json = serde_json::to_string_pretty(&map).map_err(|error| Failure::caused(&error))?;
    Ok(json + "\n")
}

fn places<'a>(ruleset: &'a Ruleset, file: &'a str) -> BTreeMap<String, Place<'a>> {
    let of_rules = ruleset.chains().flat_map(|(_, chain)| chain.rules()).map(|rule| rule.origin());
    let closings = ruleset.chains().filter_map(|(_, chain)| chain.bound()).map(|base| base.closing);
    let place = |origin: OriginId| {
        let origin = ruleset.origin(origin)?;
        let line = (origin.line > 0).then_some(origin.line);
        let id = match (origin.name(), line) {
            ("", None) => return None,
            ("", Some(line)) => format!("line {line}"),
            (id, _) => id.to_owned(),
        };
        Some((id, Place { file, line, place: origin.place() }))
    };
    of_rules.chain(closings).filter_map(place).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
