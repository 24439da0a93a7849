// SPDX-License-Identifier: GPL-3.0-or-later
//! The repository itself: what CONTRIBUTING.md and ARCHITECTURE.md promise of its files.

mod dependencies;
mod files;
mod snapshots;

use libtest_mimic::Trial;

/// Every test of the repository itself.
pub fn tests() -> Vec<Trial> {
    [files::tests(), snapshots::tests(), dependencies::tests()].into_iter().flatten().collect()
}
