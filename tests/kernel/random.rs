// SPDX-License-Identifier: GPL-3.0-or-later
//! Random rulesets under random conversations: the machine says of every packet what the kernel says.

use libtest_mimic::{Failed, Trial};
use ringwall_kernel::namespace::{KernelBackend, Load};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::compare::converse::{Plan, converse};
use ringwall_runtime::compare::difference::{differences, shrink};
use ringwall_runtime::compare::random::{Flavour, ruleset};
use ringwall_runtime::engine::{Interpreter, MachineBackend};
use ringwall_runtime::packet::Packet;

use crate::support::{skip, test};

pub fn tests() -> Vec<Trial> {
    vec![test("kernel::random", "conversations", conversations)]
}

fn conversations() -> Result<(), Failed> {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (first, count, packets) =
        (number("RINGWALL_SEED", 1), number("RINGWALL_COUNT", 20), number("RINGWALL_PACKETS", 2000));
    let host = ringwall_runtime::compare::random::host();
    let mut total = 0;
    let mut bad = 0;
    for seed in first..first + count {
        let flavour = Flavour::ALL[usize::try_from(seed).unwrap() % 4];
        let rules = ruleset(&host, flavour, seed);
        let plan = Plan { packets: packets as usize, talks: 12, time_passes: flavour != Flavour::Limits, seed };
        let traffic = converse(&host, Interpreter::new(&rules), plan);
        let mut kernel = KernelBackend::new("kernel", Load::netlink(&rules));
        let mut machine = MachineBackend::new("machine", || Interpreter::new(&rules));
        let seen = match kernel.run(&host, &traffic) {
            Ok(seen) => seen,
            Err(error) if error.unavailable => {
                skip("kernel::random", error.problem);
                return Ok(());
            }
            Err(error) => {
                eprintln!("seed {seed} {flavour:?}: {error}");
                continue;
            }
        };
        let ours = machine.run(&host, &traffic)?;
        total += seen.len();
        let found = differences(&ours, &seen);
        if let Some(first) = found.first() {
            bad += 1;
            eprintln!("seed {seed} {flavour:?}: {} differ; packet {} {}", found.len(), first.packet, first.what.name());
            let (short, left) = shrink(&mut machine, &mut kernel, &host, &traffic, 150)?;
            for (at, packet) in short.packets.iter().enumerate() {
                let words =
                    Packet::parse(&packet.bytes).map_or_else(|error| error.to_string(), |parsed| parsed.to_string());
                eprintln!("   {at} {:?} {:?} {words}", packet.at, packet.entry);
            }
            for difference in &left {
                eprintln!(
                    "   packet {} {}:\n     machine {:?}\n     kernel  {:?}",
                    difference.packet,
                    difference.what.name(),
                    difference.left,
                    difference.right
                );
            }
            eprintln!("{}", ringwall_ir_text(&rules));
            if bad >= number("RINGWALL_MAX", 3) {
                break;
            }
        }
    }
    eprintln!("{total} packets, {bad} rulesets differ");
    if bad == 0 { Ok(()) } else { Err("differences".into()) }
}

fn ringwall_ir_text(rules: &ringwall_ir::Ruleset) -> String {
    rules.to_string()
}
