// SPDX-License-Identifier: GPL-3.0-or-later
//! Captures of each form, whole and broken, and those of a corpus.

mod written;

use std::path::PathBuf;

use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use proptest::prelude::*;

use pcap_file::TsResolution;

use super::*;
use crate::packet::build::Build;
use crate::traffic::{Entry, Script, read_script, write_script};

fn host() -> Host {
    Host::with_addresses(&["10.0.0.1/24".parse().unwrap()])
}

fn query() -> Vec<u8> {
    Build::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()).udp(5000, 53, b"query")
}

fn answer() -> Vec<u8> {
    Build::between("10.0.0.2".parse().unwrap(), "10.0.0.1".parse().unwrap()).udp(53, 5000, b"answer")
}

fn pcap(header: PcapHeader, frames: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for &(ts_sec, ts_frac, data) in frames {
        let length = u32::try_from(data.len()).unwrap();
        writer
            .write_raw_packet(&RawPcapPacket { ts_sec, ts_frac, incl_len: length, orig_len: length, data: data.into() })
            .unwrap();
    }
    writer.into_writer()
}

const RAW_IP: PcapHeader = PcapHeader {
    version_major: 2,
    version_minor: 4,
    ts_correction: 0,
    ts_accuracy: 0,
    snaplen: 64,
    datalink: DataLink::RAW,
    ts_resolution: TsResolution::MicroSecond,
    endianness: Endianness::Little,
};

/// A block of pcapng: type, body, and the length on both sides.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = u32::try_from(padded + 12).unwrap().to_le_bytes();
    let padding = vec![0; padded - body.len()];
    [&kind.to_le_bytes()[..], &length, body, &padding, &length].concat()
}

/// A section header.
fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
}

/// An interface that carries raw IP, with these options.
fn interface(options: &[u8]) -> Vec<u8> {
    block(1, &[&[101, 0, 0, 0, 0, 0, 0, 0][..], options].concat())
}

/// The option of an interface that counts in nanoseconds.
const NANOSECONDS: &[u8] = &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];

/// An enhanced packet block.
fn enhanced(interface: u32, ticks: u64, packet: &[u8], options: &[u8]) -> Vec<u8> {
    let [high, low] = [ticks >> 32, ticks & 0xffff_ffff].map(|half| u32::try_from(half).unwrap());
    let length = u32::try_from(packet.len()).unwrap();
    let header: Vec<u8> = [interface, high, low, length, length].into_iter().flat_map(u32::to_le_bytes).collect();
    let padding = vec![0; packet.len().next_multiple_of(4) - packet.len()];
    block(6, &[&header[..], packet, &padding, options].concat())
}

/// Times in nanoseconds and bytes.
fn read(capture: &[u8]) -> Vec<(u128, Vec<u8>)> {
    let traffic = read_capture(capture, &host()).unwrap();
    traffic.packets.into_iter().map(|packet| (packet.at.as_nanos(), packet.bytes)).collect()
}

#[test]
fn pcap_of_each_order_and_resolution() {
    for endianness in [Endianness::Little, Endianness::Big] {
        for (ts_resolution, later) in [(TsResolution::MicroSecond, 250_000_000), (TsResolution::NanoSecond, 250_000)] {
            let header = PcapHeader { endianness, ts_resolution, ..RAW_IP };
            let capture = pcap(header, &[(7, 500_000, &query()), (7, 750_000, &answer())]);
            assert_eq!(read(&capture), [(0, query()), (later, answer())]);
        }
    }
}

#[test]
fn pcapng_with_the_clocks_of_its_interfaces() {
    const SECOND_LATER: &[u8] = &[14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    /// A comment that is not UTF-8.
    const COMMENT: &[u8] = &[1, 0, 1, 0, 0xff, 0, 0, 0, 0, 0, 0, 0];
    let capture = [
        section(),
        interface(&[]),
        interface(NANOSECONDS),
        interface(SECOND_LATER),
        enhanced(0, 5_000_000, &query(), COMMENT),
        enhanced(1, 5_000_000_007, &answer(), &[]),
        block(3, &[&u32::try_from(query().len()).unwrap().to_le_bytes()[..], &query()].concat()),
        enhanced(2, 5_000_000, &answer(), &[]),
        block(0x0bad, b"anything"),
        section(),
        interface(&[]),
        enhanced(0, 6_500_000, &query(), &[]),
    ]
    .concat();
    assert_eq!(
        read(&capture),
        [(0, query()), (7, answer()), (7, query()), (1_000_000_000, answer()), (1_500_000_000, query())]
    );
}

#[test]
fn times_never_go_back() {
    let capture = pcap(RAW_IP, &[(7, 5, &query()), (6, 0, &query()), (7, 9, &query()), (7, 7, &query())]);
    let times: Vec<_> = read(&capture).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0, 0, 4000, 4000]);
}

#[test]
fn what_was_sent_and_what_arrived() {
    let capture = pcap(RAW_IP, &[(0, 0, &query()), (0, 0, &answer())]);
    let entries: Vec<_> =
        read_capture(&capture, &host()).unwrap().packets.into_iter().map(|packet| packet.entry).collect();
    assert_eq!(entries, [Entry::Sent, Entry::Arrives("eth0".to_owned())]);
}

#[test]
fn frames_that_are_not_ip_have_no_bytes() {
    assert_eq!(read(&pcap(RAW_IP, &[(0, 0, &[0xff; 40])])), [(0, Vec::new())]);
}

#[test]
fn frames_cut_at_the_snap_length_stay_cut() {
    let mut capture = pcap(RAW_IP, &[(0, 0, &query()[..24])]);
    // The length on the wire, longer than the snap length of the file.
    capture[36..40].copy_from_slice(&1500_u32.to_le_bytes());
    let traffic = read_capture(&capture, &host()).unwrap();
    assert_eq!(traffic.packets[0].bytes, query()[..24]);
    assert!(traffic.packets[0].is_cut());
}

#[test]
fn truncated_captures_say_where() {
    let whole = pcap(RAW_IP, &[(0, 0, &query()), (0, 0, &answer())]);
    let error = |capture: &[u8]| read_capture(capture, &host()).unwrap_err();
    assert_eq!(error(&whole[..20]), TrafficError::TruncatedHeader);
    assert_eq!(error(&whole[..30]), TrafficError::Truncated { packet: 1 });
    assert_eq!(error(&whole[..whole.len() - 1]), TrafficError::Truncated { packet: 2 });
    assert_eq!(error(&whole[..whole.len() - 1]).help(), "the first packet is whole: `editcap -r IN OUT 1-1` keeps it");
    let whole = [section(), interface(&[]), enhanced(0, 0, &query(), &[])].concat();
    assert_eq!(error(&whole[..10]), TrafficError::TruncatedHeader);
    assert_eq!(error(&whole[..whole.len() - 1]), TrafficError::Truncated { packet: 1 });
}

#[test]
fn damage_is_named() {
    let unknown_interface = [section(), enhanced(0, 0, &query(), &[])].concat();
    let error = read_capture(&unknown_interface, &host()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the capture is damaged at packet 1: a packet names an interface that no block describes"
    );
}

#[test]
fn link_types_that_are_not_read_are_named() {
    let capture = |link: u32| pcap(PcapHeader { datalink: DataLink::from(link), ..RAW_IP }, &[(0, 0, &[0; 40])]);
    let error = |link: u32| read_capture(&capture(link), &host()).unwrap_err().to_string();
    assert_eq!(error(127), "packet 1 is of link type 127 (IEEE802_11_RADIOTAP), which cannot be read");
    assert_eq!(error(9999), "packet 1 is of link type 9999, which cannot be read");
    let with_check_sequence = capture(0x5400_0000 | 101);
    assert_eq!(read(&with_check_sequence), [(0, Vec::new())]);
}

/// The corpus tells how many IP packets each capture holds, among its first 3000. As scripts they stay the same.
#[test]
fn captures_of_a_corpus_are_read() {
    const MOST: usize = 3000;
    let shared = std::env::var_os("RINGWALL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let corpus = shared.join("corpus");
    let Ok(list) = std::fs::read_to_string(corpus.join("pcap-conntrack-states.tsv")) else {
        eprintln!("skipped: no captures under {}", corpus.display());
        return;
    };
    let (mut captures, mut packets, mut cut, mut raw) = (0, 0, 0, 0);
    for row in list.lines().filter(|row| row.starts_with("pcap/")) {
        let [path, expected] = row.split('\t').take(2).collect::<Vec<_>>()[..] else { panic!("{row}") };
        let traffic = read_capture(&std::fs::read(corpus.join(path)).unwrap(), &host())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(traffic.packets.is_sorted_by_key(|packet| packet.at), "{path}");
        let ip = traffic.packets.iter().filter(|packet| !packet.bytes.is_empty()).count();
        assert_eq!(ip.min(MOST), expected.parse::<usize>().unwrap(), "{path}");
        let script = Script::from(traffic.clone());
        let text = write_script(&script);
        assert_eq!(read_script(&text, &host()), (script, Vec::new()), "{path}");
        captures += 1;
        raw += text.lines().filter(|line| line.contains(" raw ")).count();
        packets += traffic.packets.len();
        cut += traffic.packets.iter().filter(|packet| packet.is_cut()).count();
    }
    eprintln!("{captures} captures read: {packets} packets, {cut} cut, {raw} written raw in a script");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        magic in prop::sample::select(vec![0xd4c3_b2a1_u32, 0xa1b2_3c4d, 0x0a0d_0d0a]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = read_capture(&[&magic.to_be_bytes()[..], &rest].concat(), &host());
    }

    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end: prop::sample::Index,
        new: bool,
    ) {
        let mut capture = if new {
            let simple = block(3, &[40, 0, 0, 0, 0x45]);
            let names = block(4, &[1, 0, 5, 0, 10, 0, 0, 1, b'a', 0, 0, 0]);
            let packet = enhanced(0, 1, &query(), &[]);
            [section(), interface(NANOSECONDS), packet, simple, names].concat()
        } else {
            pcap(RAW_IP, &[(0, 0, &query()), (0, 0, &answer())])
        };
        for (at, byte) in changes {
            let at = at.index(capture.len());
            capture[at] = byte;
        }
        capture.truncate(end.index(capture.len()) + 1);
        let _ = read_capture(&capture, &host());
    }
}
