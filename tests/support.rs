// SPDX-License-Identifier: GPL-3.0-or-later
//! What the tests share: the tree of the repository, and how a test is named, fails or is skipped.

use std::env;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

/// A test by the name of its module and its own.
pub fn test(module: &str, name: &str, check: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(format!("{module}::{name}"), check)
}

/// A test that cannot run here says so, where it can be read among the results.
pub fn skip(name: &str, reason: impl Display) {
    eprintln!("skipped {name}: {reason}");
}

/// A failure that shows a list of what was found, unless nothing was.
pub fn none_of(found: Vec<String>, what: &str) -> Result<(), Failed> {
    if found.is_empty() { Ok(()) } else { Err(format!("{what}:\n  {}", found.join("\n  ")).into()) }
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the shared material lies: `RINGWALL_SHARED`, or beside the repository.
pub fn shared() -> PathBuf {
    env::var_os("RINGWALL_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

/// A path as it is written in the repository.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Every file of the repository that people write, in order; what is built and what is hidden is left out, `.ci` aside.
pub fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    files.sort();
    files
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of the repository can be read") {
        let path = entry.expect("an entry of a directory can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && name != ".ci";
        if hidden || name == "target" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The text of a file of the repository.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

/// Whether a path ends in one of these extensions.
pub fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().and_then(|found| found.to_str()).is_some_and(|found| extensions.contains(&found))
}

/// The line in which two texts first differ, for messages.
pub fn first_difference(expected: &str, found: &str) -> String {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (expected.next(), found.next()) {
            (None, None) => return "they differ in their last line end".to_owned(),
            (expected, found) if expected == found => {}
            (expected, found) => {
                let line = |line: Option<&str>| line.map_or("(the end)".to_owned(), ToOwned::to_owned);
                return format!("line {number}\n  expected: {}\n  found:    {}", line(expected), line(found));
            }
        }
    }
}
