// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever text comes as the JSON of nft is read without a panic; what is read whole can be written, or is refused by name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_compiler::target::{nft, nft_json};

fuzz_target!(|text: &str| {
    let (ruleset, errors) = nft_json::read(text);
    if errors.is_empty() {
        let _ = (nft_json::write(&ruleset), nft::write(&ruleset));
    }
});
