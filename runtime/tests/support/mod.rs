// SPDX-License-Identifier: GPL-3.0-or-later
//! What the replays have in common: where the material lies that they replay.

use std::path::PathBuf;

/// A folder of the material beside the project, or none (said aloud) where it is not there.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RINGWALL_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from);
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there (set RINGWALL_SHARED)", path.display());
    None
}
