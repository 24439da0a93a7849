// SPDX-License-Identifier: GPL-3.0-or-later
//! What is said about policies that are wrong. The snapshots are for reading: would the author know what to do?

use crate::show::{assert_snapshot, findings};

/// Shows what is said about each of the policies under `mistakes/`.
macro_rules! mistakes {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let text = include_str!(concat!("mistakes/", stringify!($name), ".policy"));
                assert_snapshot(concat!("mistakes-", stringify!($name)), &findings(text));
            }
        )*
    };
}

mistakes! {
    commas
    foreign_lines
    foreign_words
    marks
    names
    not_yet
    numbers
    order
    recovery
    slips
    unfinished
}
