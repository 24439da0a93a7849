// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever text comes as iptables-save is read without a panic; what is read whole can be written, or is refused by name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_compiler::target::{iptables, nft};
use ringwall_ir::words::Family;

fuzz_target!(|text: &str| {
    for family in Family::ALL {
        let (ruleset, errors) = iptables::read(text, family);
        if errors.is_empty() {
            let _ = (iptables::write(&ruleset, family, iptables::Options::default()), nft::write(&ruleset));
        }
    }
});
