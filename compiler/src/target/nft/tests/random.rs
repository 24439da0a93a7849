// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets at random, loaded over each other.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{random, sayable};
use crate::target::nft::write;
use crate::target::testing::kernel;

proptest! {
    // Always the same ones: about once in a thousand texts nft 1.0.6 says "interval overlaps with an existing one" of elements
    // that are there already, if enough else is in the text; the part by itself loads.
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_written_loads_over_anything_that_was_loaded_before(before in random(), after in random()) {
        let Some(kernel) = kernel() else { return Ok(()) };
        let (Ok(before), Ok(after)) = (write(&sayable(before)), write(&sayable(after))) else {
            return Err(TestCaseError::fail("a ruleset of sayable rules could not be written"));
        };
        let replaced = kernel.nft(&[&before, &after, &after]);
        prop_assert_eq!(sorted(&replaced[1]), sorted(&replaced[2]));
    }
}

/// Chains are listed in the order in which they were made, so the lines are compared and not their order. Times of
/// elements run on.
fn sorted(listed: &str) -> Vec<String> {
    let mut lines: Vec<_> = listed.lines().filter(|line| !line.contains("expires")).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}
