// SPDX-License-Identifier: GPL-3.0-or-later
//! The real kernel, in private network namespaces.

#[cfg(feature = "kernel")]
mod corpus_verdicts;
#[cfg(feature = "kernel")]
mod defects;
#[cfg(feature = "kernel")]
mod examples;
#[cfg(feature = "kernel")]
mod found;
#[cfg(feature = "kernel")]
mod loads;
#[cfg(feature = "kernel")]
mod random;
#[cfg(feature = "kernel")]
mod table;

use libtest_mimic::Trial;

/// Every test that needs the kernel.
#[cfg(feature = "kernel")]
pub fn tests() -> Vec<Trial> {
    [corpus_verdicts::tests(), defects::tests(), examples::tests(), found::tests(), random::tests(), table::tests()]
        .into_iter()
        .flatten()
        .collect()
}

/// This build knows no kernel.
#[cfg(not(feature = "kernel"))]
pub fn tests() -> Vec<Trial> {
    Vec::new()
}
