// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever text comes as the JSON of the IR is read without a panic; what is read is what is written of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_ir::json;

fuzz_target!(|text: &str| {
    if let Ok(ruleset) = json::read(text) {
        assert_eq!(json::read(&json::write(&ruleset)).ok(), Some(ruleset));
    }
});
