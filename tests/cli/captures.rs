// SPDX-License-Identifier: GPL-3.0-or-later
//! `ringwall run` on whole files: compressed ones, summaries, and what it writes.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use libtest_mimic::{Failed, Trial};
use ringwall_runtime::host::Host;
use ringwall_runtime::traffic::{Captured, Source, open, read_capture};
use serde_json::Value;
use tempfile::TempDir;

use super::command::{Ran, argument, ringwall, ringwall_with};
use super::streams::insta_settings;
use crate::support::{root, test};

pub fn tests() -> Vec<Trial> {
    vec![
        test("cli", "run_reads_compressed_captures", compressed),
        test("cli", "a_cut_compressed_capture_is_a_clear_error", cut),
        test("cli", "run_counts_by_sentence_and_state", summary),
        test("cli", "run_counts_by_sentence_for_programs", summary_as_json),
        test("cli", "run_writes_what_left_the_host", left),
        test("cli", "run_writes_a_script_that_expects_what_was_seen", script),
        test("cli", "a_name_that_tells_no_form_is_refused_before_the_run", no_form),
        test("cli", "a_damaged_capture_leaves_the_written_file_alone", damaged),
        test("cli", "a_long_table_is_printed_in_parts", long),
    ]
}

const HOST: [&str; 2] = ["--host-address", "10.0.0.1,2001:db8::1,fe80::1"];

fn seed(extension: &str) -> String {
    argument(&root().join(format!("examples/seed/seed.{extension}"))).to_owned()
}

fn run(traffic: &str, more: &[&str]) -> Ran {
    let policy = seed("policy");
    let arguments: Vec<&str> = ["run", &policy, traffic].into_iter().chain(HOST).chain(more.iter().copied()).collect();
    ringwall(&arguments)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::fast());
    writer.write_all(bytes).expect("a vector takes every byte");
    writer.finish().expect("a vector takes every byte")
}

fn run_bytes(bytes: &[u8]) -> Ran {
    let policy = seed("policy");
    let arguments: Vec<&str> = ["run", &policy, "-"].into_iter().chain(HOST).collect();
    ringwall_with(bytes, &arguments)
}

fn compressed() -> Result<(), Failed> {
    let capture = fs::read(seed("pcap"))?;
    let plain = run_bytes(&capture);
    assert_eq!(plain.code, Some(0), "{}", plain.stderr);
    assert_eq!(run_bytes(&gzip(&capture)).stdout, plain.stdout);
    Ok(())
}

fn cut() -> Result<(), Failed> {
    let whole = gzip(&fs::read(seed("pcap"))?);
    let ran = run_bytes(&whole[..whole.len() / 2]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("standard input: the capture ends in the middle of packet"), "{}", ran.stderr);
    Ok(())
}

fn summary() -> Result<(), Failed> {
    let ran = run(&seed("pcap"), &["--summary"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    insta_settings().bind(|| insta::assert_snapshot!("run_summary", ran.stdout));
    Ok(())
}

fn summary_as_json() -> Result<(), Failed> {
    let ran = run(&seed("pcap"), &["--summary", "--format", "json"]);
    let report: Value = serde_json::from_str(&ran.stdout)?;
    assert_eq!((&report["packets"], &report["verdicts"]["accept"]), (&28.into(), &18.into()));
    let of = |line: &Value| line["packets"].as_u64().unwrap_or_default();
    let decided: u64 = report["decided"].as_array().expect("a list").iter().map(of).sum();
    assert_eq!(decided, 28);
    Ok(())
}

fn packets(path: &Path) -> Vec<Captured> {
    match open(fs::File::open(path).expect("a file that was written")) {
        Ok(Source::Capture(capture)) => capture.map(|packet| packet.expect("a whole packet")).collect(),
        Ok(Source::Script(_)) => panic!("{} is no capture", path.display()),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

fn left() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    for name in ["left.pcapng", "left.pcap"] {
        let path = directory.path().join(name);
        let ran = run(&seed("pcap"), &["--write", argument(&path)]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let found = packets(&path);
        assert_eq!(found.len(), 18, "{name}: as many as were accepted");
        let sent = read_capture(&fs::read(seed("pcap"))?, &Host::with_addresses(&[]))?;
        assert!(found.iter().all(|packet| sent.packets.iter().any(|sent| sent.bytes == packet.bytes)), "{name}");
    }
    let bytes = fs::read(directory.path().join("left.pcapng"))?;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("packet 2: accept, established reply, by 5: permit established inbound"), "{text}");
    Ok(())
}

fn script() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let path = directory.path().join("seen.traffic");
    assert_eq!(run(&seed("pcap"), &["--write", argument(&path)]).code, Some(0));
    let again = ringwall(&["run", &seed("policy"), argument(&path)]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let other = directory.path().join("other.policy");
    fs::write(&other, "allow outbound, permit established inbound, allow inbound tcp 22\n")?;
    let ran = ringwall(&["run", argument(&other), argument(&path)]);
    assert_eq!(ran.code, Some(1), "another policy does not meet what was seen");
    assert!(ran.stderr.contains("expected drop new, but it is accept new"), "{}", ran.stderr);
    Ok(())
}

fn no_form() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let ran = run(&seed("pcap"), &["--write", argument(&directory.path().join("left.txt"))]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("end it in .pcapng, .pcap or .traffic"), "{}", ran.stderr);
    Ok(())
}

fn damaged() -> Result<(), Failed> {
    let directory = TempDir::new()?;
    let (capture, kept) = (directory.path().join("cut.pcap"), directory.path().join("kept.pcapng"));
    let whole = fs::read(seed("pcap"))?;
    fs::write(&capture, &whole[..whole.len() - 3])?;
    fs::write(&kept, "as it was")?;
    let ran = run(argument(&capture), &["--write", argument(&kept)]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert_eq!(fs::read_to_string(&kept)?, "as it was");
    assert_eq!(fs::read_dir(directory.path())?.count(), 2, "nothing else is left behind");
    Ok(())
}

fn long() -> Result<(), Failed> {
    const TIMES: usize = 300;
    let capture = fs::read(seed("pcap"))?;
    let (head, records) = capture.split_at(24);
    let ran = run_bytes(&[head, &records.repeat(TIMES)].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let answers = lines.iter().filter(|line| line.trim_start().starts_with("answer:")).count();
    assert_eq!(lines.len(), 28 * TIMES + 3 + answers);
    assert!(lines[28 * TIMES + answers].trim_start().starts_with("8400  "), "{}", lines[28 * TIMES]);
    assert_eq!(lines.iter().filter(|line| line.contains("decided by")).count(), 1);
    Ok(())
}
