// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever bytes come as netlink messages of nf_tables are read without a panic; what is read whole is read the same when it
//! was sent again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringwall_kernel::install::{messages, read_messages};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(ruleset) = read_messages(bytes)
        && ruleset.unknowns().next().is_none()
    {
        let _ = messages(&ruleset).map(|bytes| read_messages(&bytes));
    }
});
