// SPDX-License-Identifier: GPL-3.0-or-later
//! How long the machine takes for a packet, on one core, in nanoseconds, and how much memory for a flow. Beside each figure
//! stands its floor, measured in the same run on the same packets: a header read by hand and an entry of 64 bytes found and
//! changed in a flat table. `cargo bench -p ringwall-runtime -- WORD` measures what has the word in its name;
//! with a number behind it, of that many flows or rules only.

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
use ringwall_runtime::observation::Observation;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Capture, CaptureForm, CaptureWriter, Entry, Sender, TimedPacket};
use trace::Talks;

const FLOWS: [usize; 4] = [1, 1_000, 100_000, 1_000_000];
const RULES: [usize; 3] = [100, 1_000, 10_000];
/// Each figure is the median of rounds of so many packets. A round is short, so that most of them are over before the
/// processor is given to somebody else.
const ROUND: usize = 2_000;
const PACKETS: usize = 400_000;
const NOW: Duration = Duration::from_secs(1);

fn main() {
    let words = || std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (sizes, wanted): (Vec<String>, Vec<String>) = words().partition(|word| word.parse::<usize>().is_ok());
    let is_size = |size: &usize| sizes.is_empty() || sizes.contains(&size.to_string());
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    println!("{:<34} {:>10} {:>10} {:>10} {:>8}", "what", "of", "ns/packet", "floor ns", "ratio");
    for flows in FLOWS.into_iter().filter(|size| is_size(size) && is_wanted("established")) {
        established(flows);
    }
    for flows in FLOWS.into_iter().filter(|size| is_size(size) && is_wanted("walk")) {
        walk(flows);
    }
    if is_wanted("new") {
        new_connections();
    }
    for count in RULES.into_iter().filter(|size| is_size(size) && is_wanted("classify")) {
        classify(count);
    }
    if is_wanted("replay") {
        replay();
    }
}

/// Prints a figure beside its floor, both in nanoseconds a packet.
fn report(what: &str, of: usize, figure: f64, floor: f64) {
    println!("{what:<34} {of:>10} {figure:>10.1} {floor:>10.1} {:>8.2}", figure / floor);
}

/// Nanoseconds for each of some things, done in rounds: the median.
fn nanoseconds<T>(things: &[T], round: usize, mut run: impl FnMut(&[T])) -> f64 {
    let mut rounds: Vec<f64> = things
        .chunks_exact(round)
        .map(|things| {
            let start = Instant::now();
            run(things);
            start.elapsed().as_nanos() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Packets of conversations that are drawn at random, one behind the other in memory.
fn drawn(talks: &mut Talks, flows: usize, rng: &mut Rng) -> Vec<u8> {
    (0..PACKETS).flat_map(|_| talks.next(rng.usize(..flows)).0).collect()
}

/// The length of each of them.
const LENGTH: usize = 48;

fn floor_of(table: &mut floor::Table, packets: &[u8], length: usize) -> f64 {
    let count = ROUND as f64;
    nanoseconds(packets, ROUND * length, |packets| {
        for bytes in packets.chunks_exact(length) {
            let tuple = floor::parse(bytes).expect("a packet");
            black_box(table.count(tuple, bytes.len()));
        }
    }) / count
}

/// Tracks packets in handfuls, as the machine does where it is given many.
fn track<'a>(conntrack: &mut Conntrack, packets: impl Iterator<Item = &'a [u8]>, expected: CtState) {
    const HANDFUL: usize = 32;
    let mut packets = packets.peekable();
    let (mut handful, mut foreseen) = (Vec::with_capacity(HANDFUL), Vec::with_capacity(HANDFUL));
    while packets.peek().is_some() {
        handful.clear();
        handful.extend(packets.by_ref().take(HANDFUL).map(|bytes| Packet::parse(bytes).expect("a packet")));
        foreseen.clear();
        foreseen.extend(handful.iter().map(Conntrack::foresee));
        conntrack.approach(&foreseen);
        for (packet, foreseen) in handful.iter().zip(&foreseen) {
            let tracked = conntrack.track_foreseen(packet, foreseen, Hook::Prerouting, Zone::default(), NOW);
            conntrack.confirm(tracked, NOW);
            conntrack.finish(tracked);
            assert_eq!(tracked.state, expected);
        }
    }
}

/// Packets of open conversations: parsed, found, held against the window, counted.
fn established(flows: usize) {
    let mut rng = Rng::with_seed(7);
    let (mut talks, mut conntrack) = (Talks::new(flows), Conntrack::new(Sysctls::default()));
    let mut table = floor::Table::for_flows(flows);
    let before = resident();
    for flow in 0..flows {
        let states = [CtState::New, CtState::Established, CtState::Established];
        for ((bytes, _), state) in talks.open(flow).iter().zip(states) {
            track(&mut conntrack, std::iter::once(bytes.as_slice()), state);
        }
    }
    let after = resident();
    let packets = drawn(&mut talks, flows, &mut rng);
    floor_of(&mut table, &packets, LENGTH);
    let floor = floor_of(&mut table, &packets, LENGTH);
    let figure = nanoseconds(&packets, ROUND * LENGTH, |packets| {
        track(&mut conntrack, packets.chunks_exact(LENGTH), CtState::Established);
    });
    report("established, conntrack", flows, figure / ROUND as f64, floor);
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
    let packets: Vec<_> = (0..PACKETS).map(|_| timed(talks.next(rng.usize(..flows)))).collect();
    let row: Vec<u8> = packets.iter().flat_map(|packet| packet.bytes.iter().copied()).collect();
    floor_of(&mut table, &row, LENGTH);
    let floor = floor_of(&mut table, &row, LENGTH);
    let figure = nanoseconds(&packets, ROUND, |packets| {
        machine.run_packets(packets, |seen| {
            assert!(seen.left.is_some() && seen.state == Some(CtState::Established));
        });
    });
    report("established, whole walk", flows, figure / ROUND as f64, floor);
}

/// Conversations that open, from an empty table on. The few rounds in which the index grows are not the median.
fn new_connections() {
    const COUNT: usize = 1_000_000;
    let mut talks = Talks::new(COUNT);
    let packets: Vec<Vec<u8>> = (0..COUNT).map(|flow| talks.open(flow)[0].0.clone()).collect();
    let mut order: Vec<usize> = (0..COUNT).collect();
    Rng::with_seed(7).shuffle(&mut order);
    let row: Vec<u8> = order.iter().flat_map(|&flow| packets[flow].iter().copied()).collect();
    drop(packets);
    let length = row.len() / COUNT;
    let mut table = floor::Table::for_flows(COUNT);
    let floor = floor_of(&mut table, &row, length);
    drop(table);
    let mut conntrack = Conntrack::new(Sysctls::default());
    let figure = nanoseconds(&row, ROUND * length, |packets| {
        track(&mut conntrack, packets.chunks_exact(length), CtState::New);
    });
    report("new, conntrack", COUNT, figure / ROUND as f64, floor);
}

/// Rules of five fields, the header read anew for each packet.
fn classify(count: usize) {
    let (ruleset, packets) = rules::five_fields(count, PACKETS, &mut Rng::with_seed(7));
    let (mut interpreter, host) = (Interpreter::new(&ruleset), host());
    let mut conntrack = Conntrack::new(Sysctls::default());
    let floor = nanoseconds(&packets, ROUND, |packets| {
        for bytes in packets {
            black_box(floor::parse(bytes));
        }
    });
    let mut carried = Carried::default();
    let figure = nanoseconds(&packets, ROUND, |packets| {
        for bytes in packets {
            let packet = Packet::parse(bytes).expect("a packet");
            let decision = interpreter.decide(&mut View {
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
                conntrack: &mut conntrack,
                carried: &mut carried,
                host: &host,
                sender: None,
            });
            black_box(decision);
        }
    });
    report("classify, five fields", count, figure / ROUND as f64, floor / ROUND as f64);
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
    let mut table = floor::Table::for_flows(FLOWS);
    let floor = nanoseconds(&packets, ROUND, |packets| {
        for bytes in packets {
            black_box(table.count(floor::parse(bytes).expect("a packet"), bytes.len()));
        }
    });
    let mut machine = Machine::new(&host, Interpreter::new(&ruleset));
    let mut reader = Capture::new(capture.as_slice()).expect("a capture");
    let figure = nanoseconds(&packets, ROUND, |packets| {
        let mut seen = Observation::unseen();
        for packet in reader.by_ref().take(packets.len()) {
            let packet = packet.expect("a packet").meet(&host);
            machine.observe(&packet, &mut seen);
            black_box(&seen);
        }
    });
    let (figure, floor) = (figure / ROUND as f64, floor / ROUND as f64);
    report("replay of a capture", FLOWS, figure, floor);
    println!("{:<34} {:>10} {:>10.0}", "packets replayed a second", FLOWS, 1e9 / figure);
}
