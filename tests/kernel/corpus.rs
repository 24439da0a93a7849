// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets of other people: what the machine can run of them, it decides as the kernel does.
//!
//! Of each file the rules stay that the machine can run; the others, and chains that translate, are left out and counted
//! by name. What is left goes into the kernel over netlink, and packets from the edges of its rules go through both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::probe;
use ringwall_compiler::target::iptables;
use ringwall_ir::words::{ChainType, Family};
use ringwall_ir::{
    BaseChain, Chain, Match, Meter, ObjectKind, OriginId, Ruleset, Statement, Step, Table, TableParts, Values,
};
use ringwall_kernel::namespace::{KernelBackend, Load, read_nft};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::compare::difference::differences;
use ringwall_runtime::compare::draw::draw;
use ringwall_runtime::compare::region::Region;
use ringwall_runtime::engine::{Interpreter, MachineBackend, unsupported};
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::Traffic;

use crate::support::{shared, skip, test};

/// So many packets a file.
const PACKETS: usize = 1500;
/// The edges of so many regions are drawn from; the whole of a large file would take hours.
const REGIONS: usize = 24;

/// A test for each kind of file.
pub fn tests() -> Vec<Trial> {
    vec![
        test("kernel::corpus", "machine and kernel agree about iptables dumps", iptables_dumps),
        test("kernel::corpus", "machine and kernel agree about nft rulesets", nft_rulesets),
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
    /// Rules of the files that decided no packet.
    unreached: usize,
    /// Rules that were left out, by what the machine cannot run.
    left_out: BTreeMap<String, usize>,
    differing: Vec<String>,
    /// Files that nft does not load.
    unloaded: usize,
    /// Rulesets that could not be put into the kernel, by its or our words.
    refused: BTreeMap<String, usize>,
    unavailable: Option<String>,
}

impl Tally {
    fn compare(&mut self, path: &Path, ruleset: Ruleset) -> Result<(), Failed> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ruleset = self.runnable(ruleset)?;
        let regions = picked(Region::of_ruleset(&ruleset));
        let host = probe::host(&regions);
        let mut traffic = draw(&host, &regions, PACKETS, 1);
        traffic = spread(traffic);
        let machine = MachineBackend::new("machine", || Interpreter::new(&ruleset)).run(&host, &traffic)?;
        let kernel = match KernelBackend::new("kernel", Load::netlink(&ruleset)).run(&host, &traffic) {
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
        let found = differences(&machine, &kernel);
        if let Some(first) = found.first() {
            let packet = &traffic.packets[first.packet];
            let words =
                Packet::parse(&packet.bytes).map_or_else(|error| error.to_string(), |packet| packet.to_string());
            let (left, right) = (&first.left, &first.right);
            self.differing.push(format!(
                "{name}: {} packets, first {words} {:?}\n    {left:?}\n    {right:?}",
                found.len(),
                packet.entry
            ));
        }
        let reached: BTreeSet<_> = machine.iter().filter_map(|seen| seen.origin).collect();
        let rules: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).collect();
        self.files += 1;
        self.rules += rules.len();
        self.packets += traffic.packets.len();
        self.unreached +=
            rules.iter().filter(|rule| rule.verdict().is_some() && !reached.contains(&rule.origin())).count();
        Ok(())
    }

    /// The ruleset without what the machine cannot run.
    fn runnable(&mut self, ruleset: Ruleset) -> Result<Ruleset, Failed> {
        let cannot = unsupported(&ruleset);
        for part in &cannot {
            *self.left_out.entry(part.name.clone()).or_default() += 1;
        }
        let mut cannot: BTreeSet<_> = cannot.into_iter().map(|part| part.origin).collect();
        for rule in ruleset.chains().flat_map(|(_, chain)| chain.rules()) {
            let reason = match rule {
                rule if rule.steps().iter().any(counts_in_real_time) => "limit, for it counts in real time",
                rule if rule.matches().any(names_devices) => "device that the host does not have",
                _ => continue,
            };
            *self.left_out.entry(reason.to_owned()).or_default() += 1;
            cannot.insert(rule.origin());
        }
        let Ruleset { title, origins, tables, .. } = ruleset;
        let tables = tables.into_iter().map(|table| without(table, &cannot)).collect::<Result<_, _>>()?;
        Ok(Ruleset { title, origins, tables, unknowns: Vec::new() })
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
            "{what}: {} files, {} rules that the machine can run, {} packets, {} rules that decided none of them",
            self.files, self.rules, self.packets, self.unreached
        );
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

/// The kernel fills the buckets of limits by its own clock while the packets go through, and forgets conversations that
/// are over by its ticks.
fn counts_in_real_time(step: &Step) -> bool {
    let limits = |meter: &Meter| matches!(meter, Meter::Limit(_) | Meter::ConnLimit(_));
    match step {
        Step::Match(Match::Limit(_) | Match::ConnLimit(_) | Match::Object { kind: ObjectKind::Limit, .. }) => true,
        Step::Statement(Statement::SetUpdate(update)) => update.meters.iter().any(limits),
        _ => false,
    }
}

fn names_devices(test: &Match) -> bool {
    matches!(test, Match::In { values: Values::Symbols(_), .. })
}

fn without(table: Table, origins: &BTreeSet<OriginId>) -> Result<Table, Failed> {
    let (family, name) = (table.family(), table.name().to_owned());
    let parts = table.into_parts();
    let mut chains = Vec::new();
    for chain in &parts.chains {
        let unsupported = |base: &BaseChain| base.kind != ChainType::Filter || origins.contains(&base.closing);
        if chain.bound().is_some_and(unsupported) {
            continue;
        }
        let mut left = match chain.bound() {
            Some(base) => Chain::base(chain.name(), *base),
            None => Chain::regular(chain.name()),
        }
        .map_err(|illegal| illegal.to_string())?;
        let can_run = |step: &Step| !matches!(step, Step::Unknown(_));
        for rule in
            chain.rules().iter().filter(|rule| !origins.contains(&rule.origin()) && rule.steps().iter().all(can_run))
        {
            left.add(rule.clone()).map_err(|illegal| illegal.to_string())?;
        }
        chains.push(left);
    }
    let parts = TableParts { chains, unknowns: Vec::new(), ..parts };
    Table::new(family, &name, parts).map_err(|illegal| illegal.to_string().into())
}

/// Some of many regions, from all over the ruleset.
fn picked(regions: Vec<Region>) -> Vec<Region> {
    let step = regions.len().div_ceil(REGIONS).max(1);
    regions.into_iter().step_by(step).collect()
}

/// So many packets, from all over the traffic, in their order: conversations stay whole for the most part.
fn spread(traffic: Traffic) -> Traffic {
    const RUN: usize = 10;
    let runs = traffic.packets.len().div_ceil(RUN);
    let step = runs.div_ceil(PACKETS / RUN).max(1);
    let packets = traffic.packets.chunks(RUN).step_by(step).flatten().cloned().collect();
    Traffic { packets }
}
