// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row that nft text handles: written, loaded twice, and listed rule by rule.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringwall_ir::fields::{Cell, Word};

use super::sayable;
use crate::target::nft::write;
use crate::target::testing::samples::{Sample, rows};
use crate::target::testing::{Kernel, assert_snapshot, kernel};

#[test]
fn every_row_is_written_and_loads_twice() {
    let Some(kernel) = kernel() else { return };
    for (name, cell, samples) in rows(|cells| cells.nft) {
        assert_eq!(cell, Cell::Handled, "{name}");
        if name == Word::Queue.row().name && !kernel.has_queues() {
            eprintln!("not loaded: the kernel has no nft_queue");
            continue;
        }
        check_row(kernel, name, &samples);
    }
}

fn check_row(kernel: Kernel, name: &str, samples: &[Sample]) {
    assert!(!samples.is_empty(), "{name}: no sample");
    for sample in samples {
        let ruleset = sayable(sample.ruleset());
        let rules: usize = ruleset.chains().map(|(_, chain)| chain.rules().len()).sum();
        assert!(rules > 0, "{name}: none of {}", sample.rules.len());
        let text = write(&ruleset).unwrap_or_else(|unsayable| panic!("{name}: {unsayable:#?}"));
        let listed = kernel.nft(&[&text, &text]);
        assert_eq!(comparable(&listed[0]), comparable(&listed[1]), "{name}: loaded twice");
        assert_eq!(listed[0].matches("comment \"s").count(), rules, "{name}: {}", listed[0]);
    }
}

/// What is left of an element's time is another a moment later, and the kernel lists elements as they lie in its memory.
/// Only what they stand in opens on a line that goes on.
fn comparable(listed: &str) -> String {
    let mut parts = listed.split("{ ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (elements, behind) = part.split_once('}').unwrap();
        let mut elements: Vec<_> = elements.split(',').map(without_time).collect();
        elements.sort();
        write!(text, "{{ {} }}{behind}", elements.join(", ")).unwrap();
    }
    text
}

fn without_time(element: &str) -> String {
    let mut words = Vec::new();
    let mut is_time = false;
    for word in element.split_whitespace() {
        words.push(if is_time { "?" } else { word });
        is_time = word == "expires";
    }
    words.join(" ")
}

#[test]
fn what_no_sample_can_say_is_known() {
    let mut known = String::new();
    for (name, _, samples) in rows(|cells| cells.nft) {
        let refused = samples.iter().flat_map(|sample| write(&sample.ruleset()).err().unwrap_or_default());
        let reasons: BTreeSet<String> = refused.map(|each| each.reason).collect();
        for reason in reasons {
            writeln!(known, "{name}: {reason}").unwrap();
        }
    }
    assert_snapshot("nft-refused", &known);
}
