// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of other people: what the machine can run of them, it decides as the kernel does.
//!
//! Of each file the rules stay that the machine can run; the others are left out and counted by name. What is left goes into
//! the kernel over netlink, and packets from the edges of its rules and from inside of them go through both.

mod runnable;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::probe;
use ringwall_compiler::target::iptables;
use ringwall_ir::Ruleset;
use ringwall_ir::words::Family;
use ringwall_kernel::namespace::{KernelBackend, Load, read_nft};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::compare::difference::{differences, shrink};
use ringwall_runtime::compare::draw::{draw, draw_inside};
use ringwall_runtime::compare::region::Region;
use ringwall_runtime::engine::{Interpreter, MachineBackend};
use ringwall_runtime::traffic::{Script, Traffic, write_script};

use self::runnable::runnable;
use crate::support::{shared, skip, test};

/// So many packets a file are drawn from edges; at least half of them stay.
const PACKETS: usize = 2000;
/// The edges of so many regions are drawn from; the whole of a large file would take hours.
const REGIONS: usize = 24;
/// About how many packets finding the shortest traffic may ask both about.
const ASKS: usize = 200_000;
/// From inside so many regions a conversation is drawn.
const INSIDE: usize = 4000;

/// A test for each kind of file.
pub fn tests() -> Vec<Trial> {
    vec![
        test("corpus_verdicts", "machine and kernel agree about iptables dumps", iptables_dumps),
        test("corpus_verdicts", "machine and kernel agree about nft rulesets", nft_rulesets),
    ]
}

fn iptables_dumps() -> Result<(), Failed> {
    let mut tally = Tally::default();
    for folder in ["iptables-save", "iptables-save-fixed", "ip6tables-save"] {
        for path in files(&shared().join("corpus").join(folder)) {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            let (ruleset, errors) = iptables::read(&text, family(&path));
            if errors.is_empty() {
                tally.compare(&path, ruleset)?;
            }
        }
    }
    tally.finish("iptables dumps")
}

/// The rulesets of nft that load by themselves, as the kernel lists them.
fn nft_rulesets() -> Result<(), Failed> {
    let mut tally = Tally::default();
    for folder in ["nft", "nft-dump"] {
        for path in files(&shared().join("corpus").join(folder)) {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            match read_nft(&text, path.parent()) {
                Ok(ruleset) => tally.compare(&path, ruleset)?,
                Err(error) if error.unavailable => tally.unavailable = Some(error.problem),
                Err(_) => tally.unloaded += 1,
            }
        }
    }
    tally.finish("nft rulesets")
}

/// The files of a folder of the corpus; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

fn family(path: &Path) -> Family {
    if path.to_string_lossy().contains("ip6tables") { Family::Ipv6 } else { Family::Ipv4 }
}

#[derive(Default)]
struct Tally {
    files: usize,
    rules: usize,
    packets: usize,
    /// The packets of the file that had the fewest.
    fewest: Option<usize>,
    /// Rules of the files that decided no packet.
    unreached: usize,
    /// Rules that were left out, by what the machine cannot run.
    left_out: BTreeMap<String, usize>,
    differing: Vec<String>,
    /// Files whose rules no packet comes to: they have no base chain, or none is left.
    idle: usize,
    /// Files that nft does not load.
    unloaded: usize,
    /// Rulesets that could not be put into the kernel, by its or our words.
    refused: BTreeMap<String, usize>,
    unavailable: Option<String>,
}

impl Tally {
    fn compare(&mut self, path: &Path, ruleset: Ruleset) -> Result<(), Failed> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ruleset = runnable(ruleset, &mut self.left_out)?;
        if ruleset.chains().all(|(_, chain)| chain.bound().is_none()) {
            self.idle += 1;
            return Ok(());
        }
        let regions = Region::of_ruleset(&ruleset);
        let some = picked(&regions, REGIONS);
        let host = probe::host(&some);
        let mut traffic = spread(draw(&host, &some, PACKETS, 1));
        traffic.packets.extend(draw_inside(&host, &picked(&regions, INSIDE), 2).packets);
        let mut machine = MachineBackend::new("machine", || Interpreter::new(&ruleset));
        let mut kernel = KernelBackend::new("kernel", Load::netlink(&ruleset));
        let ours = machine.run(&host, &traffic)?;
        let theirs = match kernel.run(&host, &traffic) {
            Ok(seen) => seen,
            Err(error) if error.unavailable => {
                self.unavailable = Some(error.problem);
                return Ok(());
            }
            Err(error) => {
                // How rulesets get into the kernel is the matter of other tests.
                *self.refused.entry(error.problem.lines().next().unwrap_or_default().to_owned()).or_default() += 1;
                return Ok(());
            }
        };
        let found = differences(&ours, &theirs);
        if !found.is_empty() {
            let (traffic, left) = shrink(&mut machine, &mut kernel, &host, &traffic, &found, ASKS)?;
            let script = write_script(&Script { host: Some(host.clone()), traffic, ..Script::default() });
            self.differing.push(format!("{name}: {} packets\n{script}{left:#?}", found.len()));
        }
        let reached: BTreeSet<_> = ours.iter().filter_map(|seen| seen.origin).collect();
        let rules: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).collect();
        self.files += 1;
        self.rules += rules.len();
        self.packets += traffic.packets.len();
        self.fewest = Some(self.fewest.map_or(traffic.packets.len(), |fewest| fewest.min(traffic.packets.len())));
        self.unreached +=
            rules.iter().filter(|rule| rule.verdict().is_some() && !reached.contains(&rule.origin())).count();
        Ok(())
    }

    fn finish(self, what: &str) -> Result<(), Failed> {
        if let Some(problem) = self.unavailable {
            skip(what, problem);
            return Ok(());
        }
        if self.files == 0 {
            skip(what, format!("there is no corpus at {}", shared().display()));
            return Ok(());
        }
        println!(
            "{what}: {} files, {} rules, {} packets, at least {} each; {} rules decided none of them",
            self.files,
            self.rules,
            self.packets,
            self.fewest.unwrap_or_default(),
            self.unreached
        );
        println!("  without a base chain: {}", self.idle);
        if self.unloaded > 0 {
            println!("  not loaded by nft: {}", self.unloaded);
        }
        for (name, count) in &self.left_out {
            println!("  left out: {count:>6} {name}");
        }
        if self.refused.values().sum::<usize>() * 10 > self.files {
            return Err(format!("too many were refused: {:#?}", self.refused).into());
        }
        for (problem, count) in &self.refused {
            println!("  refused: {count:>6} {problem}");
        }
        if self.differing.is_empty() { Ok(()) } else { Err(self.differing.join("\n").into()) }
    }
}

/// Some of many regions, from all over the ruleset.
fn picked(regions: &[Region], count: usize) -> Vec<Region> {
    let step = regions.len().div_ceil(count).max(1);
    regions.iter().step_by(step).cloned().collect()
}

/// So many packets, from all over the traffic, in their order: conversations stay whole for the most part.
fn spread(traffic: Traffic) -> Traffic {
    const RUN: usize = 10;
    let runs = traffic.packets.len().div_ceil(RUN);
    let step = runs.div_ceil(PACKETS / RUN).max(1);
    let packets = traffic.packets.chunks(RUN).step_by(step).flatten().cloned().collect();
    Traffic { packets }
}
