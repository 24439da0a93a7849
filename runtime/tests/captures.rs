// SPDX-License-Identifier: GPL-3.0-or-later
//! Replays captures of real traffic and compares the ct state of each packet with what a Linux kernel said of it.
//!
//! As the kernel's answers were recorded: packets come back to back, all on one interface, and are forwarded out of the
//! same; frames over 1500 bytes are left out, and whatever comes after the first 3000 packets; new conversations have a
//! helper by their destination port.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::{Block, PcapNgParser};
use ringwall_ir::words::{CtState, Family, Hook, Protocol};
use ringwall_runtime::conntrack::Helper;
use ringwall_runtime::engine::walk::Machine;
use ringwall_runtime::engine::{Action, Decision, Ruling, Stage, View};
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};
use ringwall_runtime::observation::Fate;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket, read_capture};

#[test]
fn capture_states_are_the_kernels() {
    let Some(table) = support::shared("corpus/pcap-conntrack-states.tsv") else { return };
    let folder = table.parent().unwrap().to_owned();
    let table = std::fs::read_to_string(table).unwrap();
    let rows: Vec<Row> = table.lines().filter_map(Row::parse).collect();
    let mut packets = 0;
    let mut different = Vec::new();
    for row in &rows {
        let result = frames(&folder.join(&row.path)).and_then(|frames| {
            packets += frames.len();
            row.compare(&frames)
        });
        different.extend(result.err().map(|problem| format!("{}: {problem}", row.path)));
    }
    eprintln!("captures: {} of {} equal ({packets} packets)", rows.len() - different.len(), rows.len());
    assert!(!rows.is_empty() && different.is_empty(), "{}", different.join("\n"));
}

/// What the kernel said: new, established, related, invalid, untracked, and seen at all.
type Counts = [u32; 6];

/// A row of the table.
struct Row {
    path: String,
    with_checksums: Counts,
    without: Counts,
    /// How many frames were left out.
    skipped: usize,
    /// A letter a packet, for short captures.
    letters: Option<String>,
}

impl Row {
    fn parse(line: &str) -> Option<Self> {
        let columns: Vec<&str> = line.split('\t').collect();
        let counts = |from: usize| -> Option<Counts> {
            let numbers: Option<Vec<u32>> =
                columns.get(from..from + 6)?.iter().map(|column| column.parse().ok()).collect();
            numbers?.try_into().ok()
        };
        let letters = columns.get(15).filter(|letters| !letters.is_empty()).map(|letters| (*letters).to_owned());
        let (with_checksums, without) = (counts(2)?, counts(8)?);
        let skipped = columns.get(14)?.parse().ok()?;
        Some(Self { path: columns[0].to_owned(), with_checksums, without, skipped, letters })
    }

    fn compare(&self, frames: &[Frame]) -> Result<(), String> {
        let skipped = frames.iter().filter(|frame| frame.length > LONGEST).count();
        if skipped != self.skipped {
            return Err(format!("frames left out: {} when recorded, {skipped} now", self.skipped));
        }
        for (checksum, expected) in [(true, self.with_checksums), (false, self.without)] {
            let (counts, letters) = replay(frames, checksum);
            if let (Some(expected), false) = (&self.letters, checksum)
                && *expected != letters
            {
                return Err(format!("kernel {expected}, machine {letters}"));
            }
            if counts != expected {
                return Err(format!("checksum {checksum}: kernel {expected:?}, machine {counts:?}"));
            }
        }
        Ok(())
    }
}

/// The longest frame that was replayed.
const LONGEST: usize = 1500;

/// One frame that was replayed, or left out.
struct Frame {
    /// Its packet.
    bytes: Vec<u8>,
    /// How long it is without the link's header, but with what follows the packet.
    length: usize,
}

/// The frames of a capture that carry IP, as far as they were replayed.
fn frames(path: &Path) -> Result<Vec<Frame>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let traffic = read_capture(&bytes, &host(true)).map_err(|error| error.to_string())?;
    let records = records(&bytes);
    assert_eq!(records.len(), traffic.packets.len(), "{}", path.display());
    let frames = traffic.packets.into_iter().zip(records).filter(|(packet, _)| !packet.bytes.is_empty());
    let frame = |(packet, record): (TimedPacket, Vec<u8>)| {
        let packet = packet.bytes;
        let start = record.windows(packet.len()).position(|window| window == packet).unwrap();
        Frame { length: record.len() - start, bytes: packet }
    };
    Ok(frames.take(3000).map(frame).collect())
}

/// The records of a capture, each with the link's header and whatever the link added.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    if let Ok((mut rest, parser)) = PcapParser::new(bytes) {
        while let Ok((behind, record)) = parser.next_raw_packet(rest) {
            records.push(record.data.into_owned());
            rest = behind;
        }
    } else if let Ok((mut rest, mut parser)) = PcapNgParser::new(bytes) {
        while let Ok((behind, block)) = parser.next_block(rest) {
            match block {
                Block::EnhancedPacket(block) => records.push(block.data.into_owned()),
                Block::SimplePacket(block) => records.push(block.data.into_owned()),
                Block::Packet(block) => records.push(block.data.into_owned()),
                _ => {}
            }
            rest = behind;
        }
    }
    records
}

fn host(checksum: bool) -> Host {
    let network = |text: &str| text.parse::<IpNet>().unwrap();
    let everywhere = |to: &str| Route { to: network(to), interface: "vb".to_owned(), via: None };
    Host {
        interfaces: vec![Interface {
            name: "vb".to_owned(),
            addresses: vec![network("169.254.77.1/16"), network("fd77::1/64")],
            groups: Vec::new(),
            mtu: 1500,
        }],
        routes: vec![everywhere("0.0.0.0/0"), everywhere("::/0")],
        forwarding: true,
        sysctls: Sysctls { checksum, ..Sysctls::default() },
    }
}

fn replay(frames: &[Frame], checksum: bool) -> (Counts, String) {
    let mut machine = Machine::new(&host(checksum), Helped);
    let mut counts = [0; 6];
    let mut letters = String::new();
    for frame in frames {
        if frame.length > LONGEST {
            letters.push('-');
            continue;
        }
        let bytes = long_lived(frame.bytes.clone());
        let entry = Entry::Arrives(if is_looped(&bytes) { "lo" } else { "vb" }.to_owned());
        let seen = machine.run_packet(&TimedPacket {
            at: Duration::ZERO,
            entry,
            bytes,
            refused: false,
            sender: Sender::default(),
        });
        let column = match seen.state.filter(|_| seen.fate != Some(Fate::Queued)) {
            None => {
                letters.push('?');
                continue;
            }
            Some(CtState::New) => 0,
            Some(CtState::Established) => 1,
            Some(CtState::Related) => 2,
            Some(CtState::Invalid) => 3,
            Some(CtState::Untracked) => 4,
        };
        letters.push(char::from(b"NERIU"[column]));
        counts[column] += 1;
        counts[5] += 1;
    }
    (counts, letters)
}

/// The recording raised hop limits behind hook prerouting, so that every packet could be forwarded.
fn long_lived(mut bytes: Vec<u8>) -> Vec<u8> {
    let Ok(packet) = Packet::parse(&bytes) else { return bytes };
    let hop_limit = packet.hop_limit();
    if hop_limit <= 1 {
        match packet.family() {
            Family::Ipv4 => {
                // One's complement: what the hop limit gains, the checksum loses.
                let sum =
                    u32::from(u16::from_be_bytes([bytes[10], bytes[11]])) + 0xffff - u32::from(64 - hop_limit) * 256;
                let sum = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
                bytes[10..12].copy_from_slice(&sum.to_be_bytes());
                bytes[8] = 64;
            }
            Family::Ipv6 => bytes[7] = 64,
        }
    }
    bytes
}

/// The recording took loopback addresses in from the network, and delivered them.
fn is_looped(bytes: &[u8]) -> bool {
    let Ok(packet) = Packet::parse(bytes) else { return false };
    let looped = |address: u128| address >> 24 == 0x7f;
    packet.family() == Family::Ipv4 && (looped(packet.source()) || looped(packet.destination()))
}

/// Lets everything pass, and gives new conversations the helper of their port.
struct Helped;

/// The ports by which the recording gave conversations a helper.
const HELPERS: [(Protocol, u16, Helper); 5] = [
    (Protocol::TCP, 21, Helper::Ftp),
    (Protocol::UDP, 5060, Helper::Sip),
    (Protocol::UDP, 69, Helper::Tftp),
    (Protocol::TCP, 6667, Helper::Irc),
    (Protocol::TCP, 1723, Helper::Pptp),
];

impl Ruling for Helped {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let opens = view.state == CtState::New && (view.hook, view.stage) == (Hook::Prerouting, Stage::Tracked);
        if let (true, Some((_, destination)), Some(tracked)) = (opens, view.packet.ports(), view.tracked) {
            let protocol = view.packet.protocol();
            let fits = |(known, port, _): &&(Protocol, u16, Helper)| (*known, *port) == (protocol, destination);
            if let Some(&(_, _, helper)) = HELPERS.iter().find(fits) {
                view.conntrack.assign_helper(tracked, helper);
            }
        }
        Decision { action: Action::Accept, origin: None }
    }
}
