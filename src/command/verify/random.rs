// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall verify --random N`: the machine against the kernel, under rulesets and conversations that are drawn.

use std::path::PathBuf;

use crate::command::Outcome;
use crate::failure::Failure;

/// What is drawn.
#[derive(clap::Args)]
pub struct RandomArgs {
    /// In place of a policy: draw so many rulesets, and conversations for each, and hold the machine to the kernel
    #[arg(long, value_name = "N", conflicts_with_all = ["policy", "traffic"])]
    pub random: Option<u64>,
    /// Where the shortest traffic that shows a difference is written, with its ruleset
    #[arg(long, value_name = "DIRECTORY", requires = "random", default_value = ".")]
    pub differences: PathBuf,
}

#[cfg(feature = "kernel")]
pub use kernel::run;

/// This build knows no kernel.
#[cfg(not(feature = "kernel"))]
pub fn run(_: u64, _: &RandomArgs, _: u64) -> Result<Outcome, Failure> {
    Err(Failure::new("this build has no way into the kernel".to_owned()))
}

#[cfg(feature = "kernel")]
mod kernel {
    use std::collections::BTreeMap;
    use std::fmt::Write;
    use std::fs;

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

    /// How many packets a ruleset gets.
    const PACKETS: usize = 2500;
    /// How many runs it may take to find the shortest traffic.
    const ROUNDS: usize = 200;

    /// Draws, compares, and writes down what differs.
    pub fn run(count: u64, arguments: &RandomArgs, seed: u64) -> Result<Outcome, Failure> {
        let host = host();
        let mut tally = Tally::default();
        for seed in seed..seed.saturating_add(count) {
            let flavour = Flavour::of(seed);
            let rules = ruleset(&host, flavour, seed);
            let traffic = converse(&host, Interpreter::new(&rules), flavour.plan(PACKETS, seed));
            let found = compare(&host, &rules, &traffic)?;
            tally.count(flavour, &traffic);
            if let Some((shortest, differences)) = found {
                tally.differing += 1;
                let name = format!("difference-{seed}");
                write(arguments, &name, &rules, &host, shortest)?;
                output::data(&told(&name, &differences))?;
            }
        }
        output::data(&tally.told())?;
        Ok(if tally.differing == 0 { Outcome::Clean } else { Outcome::Found })
    }

    /// The shortest traffic on which machine and kernel differ, if they do.
    fn compare(host: &Host, rules: &Ruleset, traffic: &Traffic) -> Result<Option<(Traffic, Vec<Difference>)>, Failure> {
        let mut kernel = KernelBackend::new("kernel", Load::netlink(rules));
        let mut machine = MachineBackend::new("machine", || Interpreter::new(rules));
        let caused = |error| Failure::caused(&error);
        let theirs = kernel.run(host, traffic).map_err(caused)?;
        let ours = machine.run(host, traffic).map_err(caused)?;
        if differences(&ours, &theirs).is_empty() {
            return Ok(None);
        }
        shrink(&mut machine, &mut kernel, host, traffic, ROUNDS).map(Some).map_err(caused)
    }

    /// Writes the ruleset as IR and the traffic as a script: `ringwall verify NAME.ir.json NAME.traffic` shows it again.
    fn write(
        arguments: &RandomArgs,
        name: &str,
        rules: &Ruleset,
        host: &Host,
        traffic: Traffic,
    ) -> Result<(), Failure> {
        let script = Script { host: Some(host.clone()), traffic, ..Script::default() };
        for (extension, text) in [("ir.json", ringwall_ir::json::write(rules)), ("traffic", write_script(&script))] {
            let path = arguments.differences.join(format!("{name}.{extension}"));
            fs::write(&path, text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        }
        Ok(())
    }

    fn told(name: &str, differences: &[Difference]) -> String {
        let mut text = format!("{name}: ");
        for difference in differences {
            let _ = writeln!(text, "packet {} differs: {}", difference.packet + 1, difference.what.name());
        }
        text
    }

    #[derive(Default)]
    struct Tally {
        rulesets: BTreeMap<&'static str, usize>,
        packets: usize,
        differing: usize,
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
