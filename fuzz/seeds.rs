// SPDX-License-Identifier: GPL-3.0-or-later
//! Writes what the fuzzers begin with, under `corpus/TARGET/`: rulesets drawn at random, in each form, and captures.

use std::fs;
use std::path::Path;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_compiler::target::{iptables, nft_json};
use ringwall_ir::arbitrary::{self, Options};
use ringwall_ir::words::Family;
use ringwall_ir::{Chain, Ruleset, Table, json};
use ringwall_kernel::install::messages;
use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::{CaptureForm, CaptureWriter, read_capture};

const SEEDS: usize = 300;

fn main() -> std::io::Result<()> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = arbitrary::ruleset(Options::loadable());
    for number in 0..SEEDS {
        let Ok(tree) = strategy.new_tree(&mut runner) else { continue };
        let ruleset = tree.current();
        seed("ir_json", number, json::write(&ruleset).as_bytes())?;
        if let Ok(bytes) = messages(&ruleset) {
            seed("netlink", number, &bytes)?;
        }
        if let Some(text) = sayable(&ruleset, |ruleset| nft_json::write(ruleset).ok()) {
            seed("nft_json", number, text.as_bytes())?;
        }
        for family in Family::ALL {
            let written = |ruleset: &Ruleset| iptables::write(ruleset, family, iptables::Options::default()).ok();
            if let Some(written) = sayable(&ruleset, written) {
                seed("iptables_save", 2 * number + usize::from(family == Family::Ipv6), written.text.as_bytes())?;
            }
        }
    }
    captures()
}

/// The capture of the examples, and what it holds in each form that is written.
fn captures() -> std::io::Result<()> {
    let example = fs::read("../examples/seed/seed.pcap")?;
    seed("capture", 0, &example)?;
    let traffic = read_capture(&example, &Host::with_addresses(&[])).map_err(std::io::Error::other)?;
    for (number, form) in (1..).zip([CaptureForm::Pcap, CaptureForm::PcapNg]) {
        let mut writer = CaptureWriter::new(Vec::new(), form)?;
        for packet in &traffic.packets {
            writer.write(packet.at, &packet.bytes, "a comment")?;
        }
        seed("capture", number, &writer.into_inner())?;
    }
    Ok(())
}

fn seed(target: &str, number: usize, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("seed-{number}")), bytes)
}

/// What a target makes of the rules that it can say, each by itself; none where there are none.
fn sayable<T>(ruleset: &Ruleset, write: impl Fn(&Ruleset) -> Option<T>) -> Option<T> {
    let tables: Vec<Table> = ruleset.tables.iter().filter_map(|table| kept(ruleset, table, &write)).collect();
    write(&Ruleset { tables, ..ruleset.clone() })
}

fn kept<T>(ruleset: &Ruleset, table: &Table, write: &impl Fn(&Ruleset) -> Option<T>) -> Option<Table> {
    let mut parts = table.clone().into_parts();
    let chains = std::mem::take(&mut parts.chains);
    parts.chains = chains.iter().filter_map(empty).collect();
    for (place, chain) in chains.iter().enumerate() {
        for rule in chain.rules() {
            let mut more = parts.clone();
            let added = more.chains.get_mut(place).is_some_and(|chain| chain.add(rule.clone()).is_ok());
            let Ok(table) = Table::new(table.family(), table.name(), more.clone()) else { continue };
            if added && write(&Ruleset { tables: vec![table], ..ruleset.clone() }).is_some() {
                parts = more;
            }
        }
    }
    Table::new(table.family(), table.name(), parts).ok()
}

fn empty(chain: &Chain) -> Option<Chain> {
    match chain.bound() {
        Some(base) => Chain::base(chain.name(), *base).ok(),
        None => Chain::regular(chain.name()).ok(),
    }
}
