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
    use std::path::{Path, PathBuf};

    use ringwall_ir::Ruleset;
    use ringwall_kernel::namespace::{KernelBackend, Load};
    use ringwall_runtime::compare::Backend;
    use ringwall_runtime::compare::converse::{Plan, converse};
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

    /// Draws, compares, and writes down what differs.
    pub fn run(count: u64, packets: Option<usize>, arguments: &RandomArgs, seed: u64) -> Result<Outcome, Failure> {
        let directory = arguments.differences.as_deref().unwrap_or(Path::new("."));
        check(directory)?;
        let packets = packets.unwrap_or(PACKETS);
        let host = host();
        let spinner = Spinner::new();
        let mut tally = Tally::default();
        for (place, seed) in (1..).zip(seed..seed.saturating_add(count)) {
            spinner.step(format!("ruleset {place} of {count}: {} so far", plural(tally.differing, "difference")));
            let flavour = Flavour::of(seed);
            let rules = ruleset(&host, flavour, seed);
            let plan = Plan { packets, talks: 12, time_passes: flavour.bears_time(), seed };
            let traffic = converse(&host, Interpreter::new(&rules), plan);
            let found = compare(&host, &rules, &traffic)?;
            tally.count(flavour, &traffic);
            if let Some((shortest, differences)) = found {
                tally.differing += 1;
                let name = format!("difference-{seed}");
                let path = directory.join(&name);
                write(&path, &rules, &host, shortest)?;
                let line = told(&name, &differences);
                spinner.say(line.clone());
                tally.lines.push(line);
            }
        }
        drop(spinner);
        let lines: String = tally.lines.iter().map(|line| format!("{line}\n")).collect();
        output::data(&(lines + &tally.told()))?;
        Ok(if tally.differing == 0 { Outcome::Clean } else { Outcome::Found })
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
        differing: usize,
        lines: Vec<String>,
    }

    impl Tally {
        fn count(&mut self, flavour: Flavour, traffic: &Traffic) {
            *self.rulesets.entry(flavour.name()).or_default() += 1;
            self.packets += traffic.packets.len();
        }

        fn told(&self) -> String {
            let kinds: Vec<_> = self.rulesets.iter().map(|(name, count)| format!("{count} {name}")).collect();
            format!(
                "{} under {} ({}): {}\n",
                plural(self.packets, "packet"),
                plural(self.rulesets.values().sum(), "ruleset"),
                kinds.join(", "),
                plural(self.differing, "difference")
            )
        }
    }
}
