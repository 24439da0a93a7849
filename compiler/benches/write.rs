// SPDX-License-Identifier: GPL-3.0-or-later
//! How long the writers take, and how much memory, for 10,000 and 100,000 rules. Beside each figure stands a floor of the
//! same run: the time that it takes to copy the finished text line by line.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that fails says so and ends")]

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use ringwall_compiler::target::{iptables, nft};
use ringwall_ir::words::{ChainPolicy, CtState, CtStates, Family, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Field, IntervalSet, Match, Origin, OriginId, Ruleset, Step, Table, TableParts, Values, Verdict,
};

const SIZES: [u32; 2] = [10_000, 100_000];
const TARGETS: [&str; 3] = ["nothing", "nft", "iptables"];
/// The shortest of so many runs counts.
const RUNS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.as_slice() {
        [size, target] if size.parse::<u32>().is_ok() => measure(size.parse().expect("a number"), target),
        _ => all(),
    }
}

/// Each figure comes from a process of its own, for its peak memory is that of the whole process.
fn all() {
    println!(
        "{:<10} {:>8} {:>10} {:>10} {:>8} {:>12} {:>12}",
        "target", "rules", "seconds", "floor s", "ratio", "peak MB", "IR alone MB"
    );
    for size in SIZES {
        let run = |target: &str| {
            let own = std::env::current_exe().expect("a path");
            let output = Command::new(own).args([&size.to_string(), target]).output().expect("a process");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.split_whitespace().map(|number| number.parse::<f64>().expect("a number")).collect::<Vec<_>>()
        };
        let alone = run("nothing")[2];
        for target in TARGETS.into_iter().filter(|target| *target != "nothing") {
            let figures = run(target);
            let (seconds, floor, peak) = (figures[0], figures[1], figures[2]);
            println!(
                "{target:<10} {size:>8} {seconds:>10.3} {floor:>10.4} {:>8.1} {peak:>12.1} {alone:>12.1}",
                seconds / floor
            );
        }
    }
}

fn measure(size: u32, target: &str) {
    let ruleset = ruleset(size);
    let write = || match target {
        "nft" => nft::write(&ruleset).expect("nft can say it"),
        "iptables" => {
            iptables::write(&ruleset, Family::Ipv4, iptables::Options::default()).expect("iptables can say it").text
        }
        _ => String::new(),
    };
    let (seconds, text) = shortest(write);
    let (floor, _) = shortest(|| text.lines().fold(String::new(), |copy, line| copy + line + "\n"));
    println!("{} {} {}", seconds.as_secs_f64(), floor.as_secs_f64().max(1e-9), peak_megabytes());
}

fn shortest<T>(work: impl Fn() -> T) -> (Duration, T) {
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        let made = black_box(work());
        (start.elapsed(), made)
    });
    runs.min_by_key(|(time, _)| *time).expect("a run")
}

/// The most memory that the process ever had (`VmHWM` of proc(5)).
fn peak_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim_end_matches(" kB").trim().parse::<f64>().unwrap_or_default() / 1024.0
}

/// Rules as hosts have them: an interface, a source, a port, a ct state.
fn ruleset(size: u32) -> Ruleset {
    let mut origins =
        vec![Origin { id: "end".to_owned(), text: "otherwise drop".to_owned(), line: 1, ..Origin::default() }];
    let base = BaseChain::filter(Hook::Input, Priority::RINGWALL_FILTER, ChainPolicy::Drop, OriginId(0));
    let mut chain = Chain::base("input", base).expect("a good chain");
    let states = u128::from(CtStates::of(&[CtState::New, CtState::Established]).bits());
    for number in 0..size {
        origins.push(Origin {
            id: format!("rule-{number}"),
            text: format!(
                "allow inbound tcp {} from 10.{}.{}.0/24",
                number % 60_000 + 1,
                number >> 8 & 0xff,
                number & 0xff
            ),
            line: number + 2,
            ..Origin::default()
        });
        let source = IntervalSet::prefix(10 << 24 | u128::from(number & 0xffff) << 8, 24, 32);
        let port = IntervalSet::one(u128::from(number % 60_000 + 1));
        let steps = vec![
            Step::from(Match::within(Field::IpSaddr, Values::Inline(source))),
            Step::from(Match::within(Field::TcpDport, Values::Inline(port))),
            Step::from(Match::any_of(Field::CtState, states)),
        ];
        chain.push(OriginId(number + 1), steps, Some(Verdict::Accept)).expect("a good rule");
    }
    let parts = TableParts { chains: vec![chain], ..TableParts::default() };
    let table = Table::new(TableFamily::Inet, "ringwall", parts).expect("a good table");
    Ruleset { title: "policy bench, edition 1".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
}
