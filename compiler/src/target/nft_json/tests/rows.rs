// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row: written as JSON, loaded twice, and the same in the kernel as the text.

use std::collections::BTreeSet;
use std::fmt::Write;

use ringwall_ir::fields::{Cell, Word};

use super::listed::assert_same;
use super::sayable;
use crate::target::nft;
use crate::target::nft_json::write;
use crate::target::testing::samples::{Sample, rows};
use crate::target::testing::{Kernel, assert_snapshot, kernel};

#[test]
fn every_row_is_written_loads_twice_and_is_what_the_text_is() {
    let Some(kernel) = kernel() else { return };
    for (name, cell, samples) in rows(|cells| cells.nft_json) {
        if name == Word::Queue.row().name && !kernel.has_queues() {
            eprintln!("not loaded: the kernel has no nft_queue");
            continue;
        }
        match cell {
            Cell::Handled => check_row(kernel, name, &samples),
            Cell::Unsupported(reason) => check_refusal(name, reason, &samples),
        }
    }
}

fn check_row(kernel: Kernel, name: &str, samples: &[Sample]) {
    assert!(!samples.is_empty(), "{name}: no sample");
    for sample in samples {
        let ruleset = sayable(sample.ruleset());
        let rules: usize = ruleset.chains().map(|(_, chain)| chain.rules().len()).sum();
        assert!(rules > 0, "{name}: none of {}", sample.rules.len());
        let json = write(&ruleset).unwrap_or_else(|unsayable| panic!("{name}: {unsayable:#?}"));
        let listed = kernel.nft_json(&[&json, &json]);
        assert_same(&listed[0], &listed[1], &format!("{name}: loaded twice"));
        assert_eq!(listed[0].matches("\"comment\": \"s").count(), rules, "{name}: {}", listed[0]);
        let text = nft::write(&ruleset).unwrap_or_else(|unsayable| panic!("{name}: {unsayable:#?}"));
        assert_same(&listed[0], &kernel.nft_list(&text), &format!("{name}: JSON and text"));
    }
}

fn check_refusal(name: &str, reason: &str, samples: &[Sample]) {
    for sample in samples {
        let unsayable = write(&sample.ruleset()).unwrap_err();
        assert!(unsayable.iter().any(|each| each.reason == reason), "{name}: {unsayable:#?}");
    }
}

#[test]
fn what_no_sample_can_say_is_known() {
    let mut known = String::new();
    for (name, _, samples) in rows(|cells| cells.nft_json) {
        let refused = samples.iter().flat_map(|sample| {
            let ruleset = sample.ruleset();
            let of_text = nft::write(&ruleset).err().unwrap_or_default();
            let mut refused = write(&ruleset).err().unwrap_or_default();
            refused.retain(|each| !of_text.iter().any(|other| other.reason == each.reason));
            refused
        });
        let reasons: BTreeSet<String> = refused.map(|each| each.reason).collect();
        for reason in reasons {
            writeln!(known, "{name}: {reason}").unwrap();
        }
    }
    assert_snapshot("nft-json-refused", &known);
}
