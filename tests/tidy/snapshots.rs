// SPDX-License-Identifier: GPL-3.0-or-later
//! Snapshots: each belongs to a test.

use libtest_mimic::{Failed, Trial};

use crate::support::{files, has_extension, none_of, read, shown, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("tidy", "no_orphan_snapshots", no_orphan_snapshots),
        test("tidy", "no_snapshot_waits_for_review", no_snapshot_waits_for_review),
    ]
}

/// A snapshot's name is `NAME.snap` or `MODULE__NAME.snap`; some test must say NAME. Names that tests compute have their
/// stem before the first `-` said.
fn no_orphan_snapshots() -> Result<(), Failed> {
    let files = files();
    let code: Vec<String> = files.iter().filter(|path| has_extension(path, &["rs"])).map(|path| read(path)).collect();
    let said = |word: &str| code.iter().any(|text| text.contains(word));
    let orphans = files.iter().filter(|path| has_extension(path, &["snap"])).filter(|path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = stem.rsplit("__").next().unwrap_or(&stem);
        !said(name) && !name.split_once('-').is_some_and(|(stem, _)| said(stem))
    });
    none_of(orphans.map(|path| shown(path)).collect(), "snapshots that no test names")
}

fn no_snapshot_waits_for_review() -> Result<(), Failed> {
    let waiting = files().into_iter().filter(|path| path.to_string_lossy().ends_with(".snap.new"));
    none_of(waiting.map(|path| shown(&path)).collect(), "snapshots that were not accepted")
}
