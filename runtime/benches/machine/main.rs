// SPDX-License-Identifier: GPL-3.0-or-later
//! How long the machine takes for a packet, on one core, in nanoseconds, and how much memory for a flow. Beside each figure
//! stands its floor, measured in the same run on the same packets: a header read by hand and an entry of 64 bytes found and
//! changed in a flat table. `cargo bench -p ringwall-runtime -- WORD` measures what has the word in its name.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a measurement that fails says so and ends")]

mod floor;
mod rules;
mod trace;

use std::hint::black_box;
use std::time::{Duration, Instant};

use fastrand::Rng;
use ringwall_ir::Ruleset;
use ringwall_ir::words::{CtState, CtStatus, Hook};
use ringwall_runtime::conntrack::{Conntrack, Zone};
use ringwall_runtime::engine::{Carried, Interpreter, Machine, Ruling, Stage, View};
use ringwall_runtime::host::{Host, Sysctls};
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Capture, CaptureForm, CaptureWriter, Entry, Sender, TimedPacket};
use trace::Talks;

const FLOWS: [usize; 4] = [1, 1_000, 100_000, 1_000_000];
const RULES: [usize; 3] = [100, 1_000, 10_000];
/// Each figure is the median of so many rounds.
const ROUNDS: usize = 5;
/// So many packets a round.
const PACKETS: usize = 200_000;
const NOW: Duration = Duration::from_secs(1);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    println!("{:<34} {:>10} {:>10} {:>10} {:>8}", "what", "of", "ns/packet", "floor ns", "ratio");
    for flows in FLOWS.into_iter().filter(|_| is_wanted("established")) {
        established(flows);
    }
    for flows in FLOWS.into_iter().filter(|_| is_wanted("walk")) {
        walk(flows);
    }
    if is_wanted("new") {
        new_connections();
    }
    for count in RULES.into_iter().filter(|_| is_wanted("classify")) {
        classify(count);
    }
    if is_wanted("replay") {
        replay();
    }
}

/// Prints a figure beside its floor: the medians of the rounds, each in nanoseconds a packet.
fn report(what: &str, of: usize, rounds: &[(f64, f64)]) {
    let (figure, floor) = (median(rounds.iter().map(|one| one.0)), median(rounds.iter().map(|one| one.1)));
    println!("{what:<34} {of:>10} {figure:>10.1} {floor:>10.1} {:>8.2}", figure / floor);
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Nanoseconds for each of `count` things.
fn nanoseconds(count: usize, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as f64 / count as f64
}

/// Packets of conversations that are drawn at random, one behind the other in memory.
fn drawn(talks: &mut Talks, flows: usize, rng: &mut Rng) -> Vec<u8> {
    (0..PACKETS).flat_map(|_| talks.next(rng.usize(..flows)).0).collect()
}

/// The length of each of them.
const LENGTH: usize = 48;

fn floor_of(table: &mut floor::Table, packets: &[u8]) -> f64 {
    nanoseconds(packets.len() / LENGTH, || {
        for bytes in packets.chunks_exact(LENGTH) {
            let tuple = floor::parse(bytes).expect("a packet");
            black_box(table.count(tuple, bytes.len()));
        }
    })
}

fn track(conntrack: &mut Conntrack, bytes: &[u8]) -> CtState {
    let packet = Packet::parse(bytes).expect("a packet");
    let tracked = conntrack.track(&packet, Hook::Prerouting, Zone::default(), NOW);
    conntrack.confirm(tracked, NOW);
    conntrack.finish(tracked);
    tracked.state
}

/// Packets of open conversations: parsed, found, held against the window, counted.
fn established(flows: usize) {
    let mut rng = Rng::with_seed(7);
    let (mut talks, mut conntrack) = (Talks::new(flows), Conntrack::new(Sysctls::default()));
    let mut table = floor::Table::for_flows(flows);
    let before = resident();
    for flow in 0..flows {
        for (bytes, _) in talks.open(flow) {
            track(&mut conntrack, &bytes);
        }
    }
    let after = resident();
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let packets = drawn(&mut talks, flows, &mut rng);
            floor_of(&mut table, &packets);
            let floor = floor_of(&mut table, &packets);
            let figure = nanoseconds(PACKETS, || {
                for bytes in packets.chunks_exact(LENGTH) {
                    assert_eq!(track(&mut conntrack, bytes), CtState::Established);
                }
            });
            (figure, floor)
        })
        .collect();
    report("established, conntrack", flows, &rounds);
    if flows >= 1_000_000 {
        println!("{:<34} {flows:>10} {:>10.0}", "bytes a flow", (after - before) as f64 / flows as f64);
    }
}

/// The memory that the process holds, in bytes.
fn resident() -> usize {
    const PAGE: usize = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or_default() * PAGE
}

fn host() -> Host {
    Host::with_addresses(&["10.0.0.1/8".parse().expect("a network")])
}

fn timed((bytes, from_client): trace::Packet) -> TimedPacket {
    let entry = if from_client { Entry::Arrives("eth0".to_owned()) } else { Entry::Sent };
    TimedPacket { at: NOW, entry, bytes, refused: false, sender: Sender::default() }
}

/// The same packets on their whole way through a host, past stateful rules.
fn walk(flows: usize) {
    let mut rng = Rng::with_seed(7);
    let ruleset = rules::stateful();
    let (mut talks, mut machine) = (Talks::new(flows), Machine::new(&host(), Interpreter::new(&ruleset)));
    let mut table = floor::Table::for_flows(flows);
    for flow in 0..flows {
        for packet in talks.open(flow) {
            machine.run_packet(&timed(packet));
        }
    }
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let packets: Vec<_> = (0..PACKETS).map(|_| timed(talks.next(rng.usize(..flows)))).collect();
            let row: Vec<u8> = packets.iter().flat_map(|packet| packet.bytes.iter().copied()).collect();
            floor_of(&mut table, &row);
            let floor = floor_of(&mut table, &row);
            let figure = nanoseconds(PACKETS, || {
                for packet in &packets {
                    let seen = machine.run_packet(packet);
                    assert!(seen.left.is_some() && seen.state == Some(CtState::Established));
                }
            });
            (figure, floor)
        })
        .collect();
    report("established, whole walk", flows, &rounds);
}

/// Conversations that open, from an empty table on.
fn new_connections() {
    const COUNT: usize = 1_000_000;
    let mut talks = Talks::new(COUNT);
    let packets: Vec<Vec<u8>> = (0..COUNT).map(|flow| talks.open(flow)[0].0.clone()).collect();
    let mut order: Vec<usize> = (0..COUNT).collect();
    Rng::with_seed(7).shuffle(&mut order);
    let row: Vec<u8> = order.iter().flat_map(|&flow| packets[flow].iter().copied()).collect();
    drop(packets);
    let length = row.len() / COUNT;
    let rounds: Vec<_> = (0..3)
        .map(|_| {
            let mut table = floor::Table::for_flows(COUNT);
            let floor = nanoseconds(COUNT, || {
                for bytes in row.chunks_exact(length) {
                    black_box(table.count(floor::parse(bytes).expect("a packet"), bytes.len()));
                }
            });
            let mut conntrack = Conntrack::new(Sysctls::default());
            let figure = nanoseconds(COUNT, || {
                for bytes in row.chunks_exact(length) {
                    assert_eq!(track(&mut conntrack, bytes), CtState::New);
                }
            });
            (figure, floor)
        })
        .collect();
    report("new, conntrack", COUNT, &rounds);
}

/// Rules of five fields, the header read anew for each packet.
fn classify(count: usize) {
    let (ruleset, packets) = rules::five_fields(count, PACKETS, &mut Rng::with_seed(7));
    let (mut interpreter, host) = (Interpreter::new(&ruleset), host());
    let mut conntrack = Conntrack::new(Sysctls::default());
    // A long list is walked by few packets only, where nothing finds the rules.
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let floor = nanoseconds(PACKETS, || {
                for bytes in &packets {
                    black_box(floor::parse(bytes));
                }
            });
            (classified(&mut interpreter, &packets, &host, &mut conntrack), floor)
        })
        .collect();
    report("classify, five fields", count, &rounds);
}

fn classified(ruling: &mut impl Ruling, packets: &[Vec<u8>], host: &Host, conntrack: &mut Conntrack) -> f64 {
    let mut carried = Carried::default();
    nanoseconds(packets.len(), || {
        for bytes in packets {
            let packet = Packet::parse(bytes).expect("a packet");
            let decision = ruling.decide(&mut View {
                now: NOW,
                packet: &packet,
                hook: Hook::Forward,
                stage: Stage::Tracked,
                iif: Some("eth0"),
                oif: Some("eth1"),
                state: CtState::New,
                ct_direction: None,
                status: CtStatus(0),
                tracked: None,
                conntrack,
                carried: &mut carried,
                host,
                sender: None,
            });
            black_box(decision);
        }
    })
}

/// A capture from its bytes to what became of each packet.
fn replay() {
    const FLOWS: usize = 1000;
    let (mut rng, mut talks) = (Rng::with_seed(7), Talks::new(FLOWS));
    let mut packets: Vec<Vec<u8>> = (0..FLOWS).flat_map(|flow| talks.open(flow).map(|packet| packet.0)).collect();
    packets.extend((0..PACKETS).map(|_| talks.next(rng.usize(..FLOWS)).0));
    let mut writer = CaptureWriter::new(Vec::new(), CaptureForm::Pcap).expect("a capture");
    for bytes in &packets {
        writer.write(NOW, bytes, "").expect("memory");
    }
    let capture = writer.into_inner();
    let (host, ruleset): (Host, Ruleset) = (host(), rules::stateful());
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let mut table = floor::Table::for_flows(FLOWS);
            let floor = nanoseconds(packets.len(), || {
                for bytes in &packets {
                    black_box(table.count(floor::parse(bytes).expect("a packet"), bytes.len()));
                }
            });
            let mut machine = Machine::new(&host, Interpreter::new(&ruleset));
            let figure = nanoseconds(packets.len(), || {
                for packet in Capture::new(capture.as_slice()).expect("a capture") {
                    let packet = packet.expect("a packet").meet(&host);
                    black_box(machine.run_packet(&packet));
                }
            });
            (figure, floor)
        })
        .collect();
    report("replay of a capture", FLOWS, &rounds);
    let figure = median(rounds.iter().map(|one| one.0));
    println!("{:<34} {:>10} {:>10.0}", "packets replayed a second", FLOWS, 1e9 / figure);
}
