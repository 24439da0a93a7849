// SPDX-License-Identifier: GPL-3.0-or-later
//! Scratch.
use crate::private::{in_namespace, list, load};
use ringwall_kernel::install::{apply, read_ruleset};

#[test]
fn scratch() {
    let Ok(file) = std::env::var("RINGWALL_FILE") else { return };
    in_namespace("scratch::scratch", || {
        load(&std::fs::read_to_string(file).unwrap());
        let ruleset = read_ruleset().unwrap();
        println!("{ruleset}");
        let before = list();
        match apply(&ruleset) {
            Ok(_) => println!("{}", list()),
            Err(error) => println!("{error}"),
        }
        println!("{}", before == list());
    });
}
