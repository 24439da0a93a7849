// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall verify --random N`: the machine against the kernel, under rulesets and conversations that are drawn.

use std::path::PathBuf;

use clap::value_parser;

use crate::command::Outcome;
use crate::failure::Failure;

/// What is drawn.
#[derive(clap::Args)]
pub struct RandomArgs {
    /// In place of a policy: draw so many rulesets, and conversations for each, and hold the machine to the kernel
    #[arg(
        long,
        value_name = "N",
        value_parser = value_parser!(u64).range(1..),
        conflicts_with_all = [
            "policy", "traffic", "deny_warnings", "ipset", "family", "host", "host_address", "format"
        ]
    )]
    pub random: Option<u64>,
    /// Where the shortest traffic that shows a difference is written, with its ruleset; it is made if it is not there. Else
    /// the working directory
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["policy", "traffic"])]
    pub differences: Option<PathBuf>,
}

#[cfg(feature = "kernel")]
pub use kernel::run;

/// This build knows no kernel.
#[cfg(not(feature = "kernel"))]
pub fn run(_: u64, _: Option<usize>, _: &RandomArgs, _: u64) -> Result<Outcome, Failure> {
    Err(Failure::new("this build has no way into the kernel"))
}

#[cfg(feature = "kernel")]
mod kernel {
    use std::collections::BTreeMap;
    use std::fs;
    use std::num::NonZeroUsize;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::thread;
    use std::time::Instant;

    use rayon::ThreadPoolBuilder;
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    use ringwall_ir::Ruleset;
    use ringwall_kernel::namespace::{KernelBackend, Load};
    use ringwall_runtime::compare::Backend;
    use ringwall_runtime::compare::converse::converse;
    use ringwall_runtime::compare::difference::{Difference, differences, shrink};
    use ringwall_runtime::compare::random::{Flavour, host, ruleset};
    use ringwall_runtime::engine::{Interpreter, MachineBackend};
    use ringwall_runtime::host::Host;
    use ringwall_runtime::traffic::{Script, Traffic, write_script};

    use super::{Failure, Outcome, RandomArgs};
    use crate::output;
    use crate::output::human::plural;
    use crate::output::progress::Spinner;

    /// How many packets a ruleset gets, if nobody says otherwise.
    const PACKETS: usize = 2500;
    /// About how many packets finding the shortest traffic may ask both about, in all.
    const ASKS: usize = 1_000_000;

    /// Draws, compares, and writes down what differs: as many rulesets at a time as there are processors, for a namespace
    /// keeps one busy, and one more, for setting it up is waiting for the most part.
    pub fn run(count: u64, packets: Option<usize>, arguments: &RandomArgs, seed: u64) -> Result<Outcome, Failure> {
        let directory = arguments.differences.as_deref().unwrap_or(Path::new("."));
        check(directory)?;
        let started = Instant::now();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).saturating_add(1);
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Failure::new(format!("no threads to work in: {error}")))?;
        let work = Work {
            directory,
            packets: packets.unwrap_or(PACKETS),
            count,
            host: host(),
            spinner: Spinner::new(),
            done: AtomicU64::new(0),
            differing: AtomicUsize::new(0),
        };
        let seeds = seed..seed.saturating_add(count);
        let done: Vec<Tally> =
            pool.install(|| seeds.into_par_iter().map(|seed| work.one(seed)).collect::<Result<_, _>>())?;
        drop(work);
        let tally = done.into_iter().fold(Tally::default(), Tally::and);
        let speed = tally.packets as f64 / started.elapsed().as_secs_f64();
        output::talk(format!("{speed:.0} packets a second, with setting up and drawing"));
        let lines: String = tally.lines.iter().map(|line| format!("{line}\n")).collect();
        output::data(&(lines + &tally.told()))?;
        Ok(if tally.lines.is_empty() { Outcome::Clean } else { Outcome::Found })
    }

    /// What all rulesets share.
    struct Work<'a> {
        directory: &'a Path,
        /// How many packets each gets.
        packets: usize,
        count: u64,
        host: Host,
        spinner: Spinner,
        done: AtomicU64,
        differing: AtomicUsize,
    }

    impl Work<'_> {
        /// The ruleset of one seed.
        fn one(&self, seed: u64) -> Result<Tally, Failure> {
            let flavour = Flavour::of(seed);
            let rules = ruleset(&self.host, flavour, seed);
            let traffic = converse(&self.host, Interpreter::new(&rules), flavour.plan(self.packets, seed));
            let mut tally = Tally::of(flavour, &traffic);
            if let Some((shortest, differences)) = compare(&self.host, &rules, &traffic)? {
                let name = format!("difference-{seed}");
                write(&self.directory.join(&name), &rules, &self.host, shortest)?;
                let line = told(&name, &differences);
                self.spinner.say(line.clone());
                self.differing.fetch_add(1, Ordering::Relaxed);
                tally.lines.push(line);
            }
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            let differing = plural(self.differing.load(Ordering::Relaxed), "difference");
            self.spinner.step(format!("{done} of {} rulesets: {differing} so far", self.count));
            Ok(tally)
        }
    }

    /// The shortest traffic on which machine and kernel differ, if they do.
    fn compare(host: &Host, rules: &Ruleset, traffic: &Traffic) -> Result<Option<(Traffic, Vec<Difference>)>, Failure> {
        let mut kernel = KernelBackend::new("kernel", Load::netlink(rules));
        let mut machine = MachineBackend::new("machine", || Interpreter::new(rules));
        let caused = |error| Failure::caused(&error);
        let theirs = kernel.run(host, traffic).map_err(caused)?;
        let ours = machine.run(host, traffic).map_err(caused)?;
        let found = differences(&ours, &theirs);
        if found.is_empty() {
            return Ok(None);
        }
        shrink(&mut machine, &mut kernel, host, traffic, &found, ASKS).map(Some).map_err(caused)
    }

    /// Hours of work are not lost for want of a place to write to.
    fn check(directory: &Path) -> Result<(), Failure> {
        let name = || directory.display();
        fs::create_dir_all(directory).map_err(|error| Failure::io("make the directory", name(), &error))?;
        let written = tempfile::Builder::new().prefix(".ringwall-").tempfile_in(directory);
        written.map(drop).map_err(|error| Failure::io("write into", name(), &error))
    }

    /// Writes the ruleset as IR and the traffic as a script: `ringwall verify NAME.ir.json NAME.traffic` shows it again.
    fn write(path: &Path, rules: &Ruleset, host: &Host, traffic: Traffic) -> Result<(), Failure> {
        let script = Script { host: Some(host.clone()), traffic, ..Script::default() };
        for (extension, text) in [("ir.json", ringwall_ir::json::write(rules)), ("traffic", write_script(&script))] {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{extension}"));
            output::file::replace(&PathBuf::from(name), &text)?;
        }
        Ok(())
    }

    /// `difference-7: differs at packet 3: verdict, packet 4: ct state`
    fn told(name: &str, differences: &[Difference]) -> String {
        let told = differences
            .iter()
            .map(|difference| format!("packet {}: {}", difference.packet + 1, difference.what.name()));
        format!("{name}: differs at {}", told.collect::<Vec<_>>().join(", "))
    }

    #[derive(Default)]
    struct Tally {
        rulesets: BTreeMap<&'static str, usize>,
        packets: usize,
        /// What is told of each ruleset under which they differ.
        lines: Vec<String>,
    }

    impl Tally {
        fn of(flavour: Flavour, traffic: &Traffic) -> Self {
            let rulesets = BTreeMap::from([(flavour.name(), 1)]);
            Self { rulesets, packets: traffic.packets.len(), lines: Vec::new() }
        }

        fn and(mut self, other: Self) -> Self {
            for (flavour, count) in other.rulesets {
                *self.rulesets.entry(flavour).or_default() += count;
            }
            self.packets += other.packets;
            self.lines.extend(other.lines);
            self
        }

        fn told(&self) -> String {
            let kinds: Vec<_> = self.rulesets.iter().map(|(name, count)| format!("{count} {name}")).collect();
            format!(
                "{} under {} ({}): {}\n",
                plural(self.packets, "packet"),
                plural(self.rulesets.values().sum(), "ruleset"),
                kinds.join(", "),
                plural(self.lines.len(), "difference")
            )
        }
    }
}
