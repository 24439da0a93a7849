// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall run`: captures in, verdicts out; and captures that are none.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use ringwall_runtime::packet::build::Build;
use serde_json::Value;
use tempfile::TempDir;

use super::command::{FOUNDING, Ran, argument, ringwall_with};
use crate::support::test;

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "run_tells_what_becomes_of_each_packet", each_packet),
        test("cli", "run_reads_directions_from_the_host_address", directions),
        test("cli", "run_gives_an_object_a_packet_and_no_other_verdict", objects),
        test("cli", "run_prints_the_conntrack_table_in_both_styles", conntrack),
        test("cli", "run_takes_an_iptables_save_file", iptables_save),
        test("cli", "a_frame_that_is_not_ip_keeps_its_number", not_ip),
        test("cli", "damaged_captures_are_clear_errors", damaged),
        test("cli", "captures_of_any_bytes_never_panic", any_bytes),
    ]
}

const HOST: &str = "10.0.0.1";
const PEER: &str = "10.0.0.99";
/// Raw IP, `LINKTYPE_RAW`.
const RAW: u32 = 101;
const ETHERNET: u32 = 1;

fn udp(from: (&str, u16), to: (&str, u16)) -> Vec<u8> {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    Build::between(address(from.0), address(to.0)).udp(from.1, to.1, b"x")
}

/// A question of the host, its answer, and a question of somebody else.
fn conversation() -> Vec<Vec<u8>> {
    vec![udp((HOST, 5000), (PEER, 53)), udp((PEER, 53), (HOST, 5000)), udp((PEER, 53), (HOST, 6000))]
}

/// A capture in the form of pcap, a packet each tenth of a second.
fn pcap(link_type: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    const MAGIC: u32 = 0xa1b2_c3d4;
    const SNAPLEN: u32 = 65535;
    let mut bytes = Vec::new();
    bytes.extend(MAGIC.to_le_bytes());
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([SNAPLEN, link_type].into_iter().flat_map(u32::to_le_bytes));
    for (i, packet) in packets.iter().enumerate() {
        let length = u32::try_from(packet.len()).expect("a short packet");
        let tenths = u32::try_from(i).expect("few packets");
        bytes.extend([1000, tenths * 100_000, length, length].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(packet);
    }
    bytes
}

/// A policy in a directory of its own, with a capture on standard input.
struct Bench {
    directory: TempDir,
}

impl Bench {
    fn new(policy: &str) -> Self {
        let directory = TempDir::new().expect("a directory");
        fs::write(directory.path().join("seed.policy"), policy).expect("a file");
        Self { directory }
    }

    fn policy(&self) -> PathBuf {
        self.directory.path().join("seed.policy")
    }

    fn run(&self, traffic: impl AsRef<[u8]>, more: &[&str]) -> Ran {
        let policy = self.policy();
        let arguments: Vec<_> = ["run", argument(&policy), "-"].iter().chain(more).copied().collect();
        ringwall_with(traffic, &arguments)
    }

    /// The objects of `--format json`, with the host's address given.
    fn objects(&self, traffic: impl AsRef<[u8]>, more: &[&str]) -> Vec<Value> {
        let arguments: Vec<_> = ["--format", "json", "--host-address", HOST].iter().chain(more).copied().collect();
        let ran = self.run(traffic, &arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
    }
}

fn each_packet() -> Result<(), Failed> {
    let ran = Bench::new(FOUNDING).run(pcap(RAW, &conversation()), &["--host-address", HOST]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    super::streams::insta_settings().bind(|| insta::assert_snapshot!("run_table", ran.stdout));
    Ok(())
}

fn directions() -> Result<(), Failed> {
    let words = |host: &str| -> Vec<Value> {
        let ran = Bench::new(FOUNDING).run(pcap(RAW, &conversation()), &["--format", "json", "--host-address", host]);
        let objects = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object a line"));
        objects.map(|object| object["direction"].clone()).collect()
    };
    assert_eq!(words(HOST), ["outbound", "inbound", "inbound"]);
    assert_eq!(words(PEER), ["inbound", "outbound", "outbound"]);
    assert_eq!(words("10.9.9.9"), ["forwarded", "forwarded", "forwarded"]);
    Ok(())
}

fn objects() -> Result<(), Failed> {
    let objects = Bench::new(FOUNDING).objects(pcap(RAW, &conversation()), &[]);
    let column = |key: &str| objects.iter().map(|object| object[key].clone()).collect::<Vec<_>>();
    assert_eq!(column("packet"), [1, 2, 3]);
    assert_eq!(column("time"), [0.0, 0.1, 0.2]);
    assert_eq!(column("verdict"), ["accept", "accept", "drop"]);
    assert_eq!(column("state"), ["new", "established", "new"]);
    assert_eq!(column("ct_direction"), ["original", "reply", "original"]);
    assert_eq!(objects[1]["sentence"]["text"], "permit established inbound");
    assert_eq!(objects[1]["sentence"]["line"], 1);
    Ok(())
}

fn conntrack() -> Result<(), Failed> {
    let bench = Bench::new(FOUNDING);
    let traffic = pcap(RAW, &conversation());
    let last = |style: &str| {
        let objects = bench.objects(&traffic, &[style]);
        objects.last().map(|object| object["conntrack"][0].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let proc = last("--conntrack");
    assert!(proc.starts_with("ipv4     2 udp      17 "), "{proc}");
    assert!(proc.contains("src=10.0.0.1 dst=10.0.0.99 sport=5000 dport=53"), "{proc}");
    let old = last("--conntrack=old");
    assert!(old.starts_with("udp      17 "), "{old}");
    let ran = bench.run(&traffic, &["--host-address", HOST, "--conntrack"]);
    assert!(ran.stdout.ends_with(&format!("{proc}\n")), "{}", ran.stdout);
    Ok(())
}

fn iptables_save() -> Result<(), Failed> {
    let rules = "# Generated by iptables-save\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT DROP [0:0]\n\
                 -A OUTPUT -m state --state NEW,ESTABLISHED -j ACCEPT\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n\
                 COMMIT\n";
    let objects = Bench::new(rules).objects(pcap(RAW, &conversation()), &[]);
    let verdicts: Vec<_> = objects.iter().map(|object| object["verdict"].clone()).collect();
    assert_eq!(verdicts, ["accept", "accept", "drop"]);
    assert_eq!(objects[1]["sentence"]["line"], 7);
    let unread = Bench::new("*filter\n:INPUT DROP\n-A INPUT -m u32 --u32 0 -j ACCEPT\nCOMMIT\n");
    let ran = unread.run(pcap(RAW, &conversation()), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("cannot run") && ran.stderr.contains("match u32"), "{}", ran.stderr);
    Ok(())
}

fn not_ip() -> Result<(), Failed> {
    let frame = |kind: [u8; 2], payload: &[u8]| [&[2; 12], &kind[..], payload].concat();
    let mut frames: Vec<_> = conversation().iter().map(|packet| frame([8, 0], packet)).collect();
    frames.insert(1, frame([8, 6], &[0; 28]));
    let objects = Bench::new(FOUNDING).objects(pcap(ETHERNET, &frames), &[]);
    assert_eq!(objects.len(), 4);
    assert_eq!((&objects[1]["packet"], &objects[1]["verdict"]), (&2.into(), &Value::Null));
    Ok(())
}

fn damaged() -> Result<(), Failed> {
    let bench = Bench::new(FOUNDING);
    let whole = pcap(RAW, &conversation());
    for (name, bytes) in [
        ("cut in a packet", whole[..whole.len() - 5].to_vec()),
        ("cut in the header", whole[..10].to_vec()),
        ("another link type", pcap(147, &conversation())),
        ("an image", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
    ] {
        let ran = bench.run(&bytes, &["--host-address", HOST, "--format", "json"]);
        assert_eq!(ran.code, Some(1), "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stdout, "", "{name}: half an answer");
        assert!(ran.stderr.contains("\nringwall: standard input"), "{name}: {}", ran.stderr);
    }
    Ok(())
}

fn any_bytes() -> Result<(), Failed> {
    let bench = Bench::new(FOUNDING);
    let whole = pcap(RAW, &conversation());
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        let ran = bench.run(&bytes, &["--host-address", HOST]);
        assert!(matches!(ran.code, Some(0 | 1)), "byte {at}: {:?}, {}", ran.code, ran.stderr);
    }
    Ok(())
}
