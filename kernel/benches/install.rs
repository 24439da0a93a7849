// SPDX-License-Identifier: GPL-3.0-or-later
//! How long an installation takes, and how much memory, beside `nft -f` with the same ruleset in the same run: 100,000
//! rules, and a set of 1,000,000 addresses that are read from a file. The floor is the kernel's own time of `nft -f`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that fails says so and ends")]

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use ringwall_ir::words::{ChainPolicy, CtState, CtStates, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Datatype, Elements, Field, IntervalSet, KeyType, Match, Origin, OriginId, Ruleset, Set, SetSpec,
    Step, Table, TableParts, Values, Verdict,
};
use ringwall_kernel::install::apply;

const RULES: u32 = 100_000;
const ADDRESSES: u32 = 1_000_000;
/// The shortest of so many runs counts.
const RUNS: usize = 3;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ringwall", what, file] => ours(what, Path::new(file)),
        ["nft", _, file] => theirs(Path::new(file)),
        _ => all(),
    }
}

/// What one process did: seconds, of which in the kernel, and its peak of memory.
#[derive(Clone, Copy, Debug)]
struct Figures {
    wall: f64,
    system: f64,
    peak: f64,
}

fn all() {
    let directory = tempfile::tempdir().expect("a directory");
    println!(
        "{:<10} {:<10} {:>9} {:>9} {:>9} {:>16} {:>12}",
        "load", "by", "wall s", "system s", "peak MB", "wall/nft system", "peak/nft"
    );
    for what in ["rules", "addresses"] {
        let (own, text) = files(directory.path(), what);
        let nft = best("nft", what, &text);
        let ours = best("ringwall", what, &own);
        for (name, figures) in [("nft -f", nft), ("ringwall", ours)] {
            println!(
                "{what:<10} {name:<10} {:>9.3} {:>9.3} {:>9.1} {:>16.2} {:>12.2}",
                figures.wall,
                figures.system,
                figures.peak,
                figures.wall / nft.system,
                figures.peak / nft.peak
            );
        }
    }
}

/// Each run is a process in a network namespace of its own.
fn best(by: &str, what: &str, file: &Path) -> Figures {
    let own = std::env::current_exe().expect("a path");
    let run = |_| {
        let output = Command::new("unshare").arg("-n").arg(&own).args([by, what]).arg(file).output().expect("unshare");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
        Figures { wall: numbers[0], system: numbers[1], peak: numbers[2] }
    };
    (0..RUNS).map(run).min_by(|one, other| one.wall.total_cmp(&other.wall)).expect("a run")
}

/// The file that is installed from, and the same for nft.
fn files(directory: &Path, what: &str) -> (PathBuf, PathBuf) {
    let (own, text) = (directory.join(format!("{what}.txt")), directory.join(format!("{what}.nft")));
    if what == "rules" {
        fs::write(&own, "").expect("a file");
        fs::write(&text, rules_text()).expect("a file");
    } else {
        let addresses: Vec<String> =
            (0..ADDRESSES).map(|number| Ipv4Addr::from_bits(scattered(number)).to_string()).collect();
        fs::write(&own, addresses.join("\n")).expect("a file");
        let listed = addresses.join(",\n");
        let head = "table inet ringwall {\nset addresses {\ntype ipv4_addr\nelements = {\n";
        fs::write(&text, format!("{head}{listed}\n}}\n}}\n}}\n")).expect("a file");
    }
    (own, text)
}

/// Distinct numbers in no order: an odd factor maps 32 bits onto themselves.
const fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

fn ours(what: &str, file: &Path) {
    let ruleset = if what == "rules" { rules() } else { addresses(file) };
    let (before, start) = (getrusage(UsageWho::RUSAGE_SELF).expect("figures"), Instant::now());
    apply(&ruleset).expect("the kernel takes it");
    let wall = start.elapsed();
    let after = getrusage(UsageWho::RUSAGE_SELF).expect("figures");
    print(wall, seconds(&after) - seconds(&before), &after);
}

fn theirs(file: &Path) {
    let start = Instant::now();
    assert!(Command::new("nft").arg("-f").arg(file).status().expect("nft").success());
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("figures");
    print(wall, seconds(&usage), &usage);
}

fn seconds(usage: &Usage) -> f64 {
    let time = usage.system_time();
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn print(wall: Duration, system: f64, usage: &Usage) {
    println!("{} {} {}", wall.as_secs_f64(), system, usage.max_rss() as f64 / 1024.0);
}

fn parts_of(number: u32) -> (u32, u32) {
    (10 << 24 | (number & 0xffff) << 8, number % 60_000 + 1)
}

fn rules() -> Ruleset {
    let base = BaseChain::filter(Hook::Input, Priority::RINGWALL_FILTER, ChainPolicy::Drop, OriginId(0));
    let mut chain = Chain::base("input", base).expect("a good chain");
    let states = u128::from(CtStates::of(&[CtState::New, CtState::Established]).bits());
    let mut origins = Vec::new();
    for number in 0..RULES {
        let (source, port) = parts_of(number);
        origins.push(Origin { id: format!("rule-{number}"), ..Origin::default() });
        let steps = vec![
            Step::from(Match::within(Field::IpSaddr, Values::Inline(IntervalSet::prefix(source.into(), 24, 32)))),
            Step::from(Match::within(Field::TcpDport, Values::one(port.into()))),
            Step::from(Match::any_of(Field::CtState, states)),
        ];
        chain.push(OriginId(number), steps, Some(Verdict::Accept)).expect("a good rule");
    }
    ruleset(origins, TableParts { chains: vec![chain], ..TableParts::default() })
}

fn rules_text() -> String {
    let mut text =
        String::from("table inet ringwall {\nchain input {\ntype filter hook input priority -10; policy drop;\n");
    for number in 0..RULES {
        let (source, port) = parts_of(number);
        let source = Ipv4Addr::from_bits(source);
        let _ = writeln!(
            text,
            "ip saddr {source}/24 tcp dport {port} ct state new,established accept comment \"rule-{number}\""
        );
    }
    text + "drop comment \"closing\"\n}\n}\n"
}

fn addresses(file: &Path) -> Ruleset {
    let text = fs::read_to_string(file).expect("a file");
    let numbers = text.lines().map(|line| line.parse::<Ipv4Addr>().expect("an address").to_bits());
    let set: IntervalSet = numbers.map(|number| (u128::from(number), u128::from(number))).collect();
    let spec = SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr)]);
    let set = Set::new("addresses", spec, Elements::Intervals(set), OriginId(0)).expect("a good set");
    ruleset(vec![Origin::default()], TableParts { sets: vec![set], ..TableParts::default() })
}

fn ruleset(origins: Vec<Origin>, parts: TableParts) -> Ruleset {
    let table = Table::new(TableFamily::Inet, "ringwall", parts).expect("a good table");
    Ruleset { title: "bench".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
}
