// SPDX-License-Identifier: GPL-3.0-or-later
//! The traffic under `examples/`: it reads without an error, and `seed.pcap` holds what `seed.traffic` says.

use std::path::PathBuf;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};

use super::*;
use crate::host::Host;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

fn script(name: &str) -> (Host, Script) {
    let text = std::fs::read_to_string(file(name)).unwrap();
    let (script, errors) = read_script(&text, &Host::with_addresses(&[]));
    assert_eq!(errors, []);
    (script.host.clone().unwrap(), script)
}

/// A capture of raw IP. Times count from an arbitrary day, so that the file never changes.
fn capture(traffic: &Traffic) -> Vec<u8> {
    const DAY: Duration = Duration::from_secs(1_000_000_000);
    let header = PcapHeader {
        datalink: DataLink::RAW,
        ts_resolution: TsResolution::NanoSecond,
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(Vec::new(), header).unwrap();
    for packet in &traffic.packets {
        let length = u32::try_from(packet.bytes.len()).unwrap();
        writer.write_packet(&PcapPacket::new(DAY + packet.at, length, &packet.bytes)).unwrap();
    }
    writer.into_writer()
}

#[test]
fn every_packet_says_what_is_expected_of_it() {
    for name in ["seed/seed.traffic", "laptop/laptop.traffic"] {
        let (_, script) = script(name);
        assert!(!script.traffic.packets.is_empty(), "{name}");
        let whole = |expected: &Expected| expected.verdict.is_some() && expected.state.is_some();
        assert!(script.expectations.iter().all(|expected| expected.as_ref().is_some_and(whole)), "{name}");
    }
}

#[test]
fn examples_survive_being_written() {
    for name in ["seed/seed.traffic", "laptop/laptop.traffic"] {
        let (host, script) = script(name);
        let (again, errors) = read_script(&write_script(&script), &host);
        assert_eq!(errors, []);
        assert_eq!(
            (again.host, again.traffic, again.expectations),
            (script.host, script.traffic, script.expectations),
            "{name}"
        );
    }
}

#[test]
fn the_reference_shows_what_can_be_read() {
    let reference = std::fs::read_to_string(file("../docs/traffic.md")).unwrap();
    let shown: Vec<_> =
        reference.split("```traffic\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(!shown.is_empty());
    for text in shown {
        let (script, errors) = read_script(text, &Host::with_addresses(&[]));
        assert!(errors.is_empty() && !script.traffic.packets.is_empty(), "{errors:?} in {text}");
    }
}

/// With `RINGWALL_UPDATE=1` it writes the capture.
#[test]
fn the_capture_holds_what_the_script_says() {
    let (host, script) = script("seed/seed.traffic");
    let (path, expected) = (file("seed/seed.pcap"), capture(&script.traffic));
    if std::env::var_os("RINGWALL_UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read(&path).unwrap();
    assert!(found == expected, "seed.pcap differs from seed.traffic; RINGWALL_UPDATE=1 writes it anew");
    assert_eq!(read_capture(&found, &host), Ok(script.traffic));
}
