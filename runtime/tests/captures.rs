// SPDX-License-Identifier: GPL-3.0-or-later
//! Replays captures of real traffic and compares the ct state of each packet with what a Linux kernel said of it.
//!
//! As the kernel's answers were recorded: packets come back to back, all on one interface, and are forwarded out of the
//! same; frames over 1500 bytes are left out, and whatever comes after the first 3000 packets.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use ringwall_ir::words::{CtState, Family, Protocol};
use ringwall_runtime::engine::walk::Machine;
use ringwall_runtime::engine::{Action, Decision, Ruling, View};
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};
use ringwall_runtime::observation::Fate;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket, read_capture};

#[test]
fn states_of_captured_packets_are_the_kernels() {
    let Some(table) = support::shared("corpus/pcap-conntrack-states.tsv") else { return };
    let folder = table.parent().unwrap().to_owned();
    let table = std::fs::read_to_string(table).unwrap();
    let mut equal = 0;
    let mut packets = 0;
    let mut explained: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for row in table.lines().filter_map(Row::parse) {
        let Ok(frames) = frames(&folder.join(&row.path)) else {
            explained.entry("cannot be read").or_default().push(row.path);
            continue;
        };
        packets += frames.len();
        match row.compare(&frames) {
            Ok(()) => equal += 1,
            Err(problem) => match row.reason_to_differ(&frames) {
                Some(reason) => explained.entry(reason).or_default().push(format!("{}: {problem}", row.path)),
                None => unexplained.push(format!("{}: {problem}", row.path)),
            },
        }
    }
    let rows = equal + unexplained.len() + explained.values().map(Vec::len).sum::<usize>();
    eprintln!("captures: {equal} of {rows} equal ({packets} packets)");
    for (reason, names) in &explained {
        eprintln!("differ, {reason}: {}\n  {}", names.len(), names.join("\n  "));
    }
    assert!(equal > 0 && unexplained.is_empty(), "differ without a known reason:\n{}", unexplained.join("\n"));
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

    fn compare(&self, frames: &[Vec<u8>]) -> Result<(), String> {
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

    /// Why the machine may differ from the kernel on a capture.
    fn reason_to_differ(&self, frames: &[Vec<u8>]) -> Option<&'static str> {
        let packets = || frames.iter().filter_map(|bytes| Packet::parse(bytes).ok());
        if frames.iter().filter(|bytes| bytes.len() > LONGEST).count() != self.skipped {
            Some("for frames were left out by their length with what follows the packet")
        } else if packets().any(|packet| has_helper(&packet)) {
            Some("for a helper is not modelled")
        } else if packets().any(|packet| is_looped(packet.bytes())) {
            Some("for the kernel's own sockets answered on loopback")
        } else {
            None
        }
    }
}

/// The longest frame that was replayed.
const LONGEST: usize = 1500;

/// The IP packets of a capture, as far as they were replayed.
fn frames(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let traffic = read_capture(&bytes, &host(true)).map_err(|error| error.to_string())?;
    let frames = traffic.packets.into_iter().map(|packet| packet.bytes).filter(|bytes| !bytes.is_empty());
    Ok(frames.take(3000).collect())
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

fn replay(frames: &[Vec<u8>], checksum: bool) -> (Counts, String) {
    let mut machine = Machine::new(&host(checksum), Everything);
    let mut counts = [0; 6];
    let mut letters = String::new();
    for bytes in frames {
        if bytes.len() > LONGEST {
            letters.push('-');
            continue;
        }
        let bytes = long_lived(bytes.clone());
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

/// The ports by which the recording gave conversations a helper: ftp, sip, tftp, irc, pptp.
fn has_helper(packet: &Packet<'_>) -> bool {
    matches!(
        (packet.protocol(), packet.ports()),
        (Protocol::TCP, Some((_, 21 | 6667 | 1723))) | (Protocol::UDP, Some((_, 5060 | 69)))
    )
}

/// Lets everything pass.
struct Everything;

impl Ruling for Everything {
    fn decide(&mut self, _: &mut View<'_>) -> Decision {
        Decision { action: Action::Accept, origin: None }
    }
}
