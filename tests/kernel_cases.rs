// SPDX-License-Identifier: GPL-3.0-or-later
//! Replays what a Linux kernel was seen to do, packet by packet: verdict, ct state, hooks, the packet that left, answers
//! and the conntrack table. The rulesets of the cases are read as users' are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::target::iptables;
use ringwall_ir::Ruleset;
use ringwall_ir::words::{Family, Protocol};
use ringwall_kernel::namespace::read_nft;
use ringwall_runtime::conntrack::Style;
use ringwall_runtime::engine::{Interpreter, Machine, unsupported};
use ringwall_runtime::observation::{Answer, Fate, Observation};
use ringwall_runtime::packet::checksum;
use serde_json::Value;

use crate::case::{bytes, host, packet};
use crate::support::{shared, skip, test};

/// A test for each recorded case.
pub fn tests() -> Vec<Trial> {
    let folder = shared().join("cases");
    let Ok(entries) = fs::read_dir(&folder) else {
        skip("recorded cases", format!("there is no {}", folder.display()));
        return Vec::new();
    };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.into_iter().map(|file| test("kernel_cases", &name(&file), move || check_case(&file))).collect()
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn check_case(file: &Path) -> Result<(), Failed> {
    let mut case: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    if let Some(&(_, drawn)) = DRAWN_PORTS.iter().find(|(case, _)| *case == name(file)) {
        replace_port(&mut case, drawn, FIRST_FREE_PORT);
    }
    let mut texts: Vec<(String, String)> = case["ruleset"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|text| (text[0].as_str().unwrap_or_default().to_owned(), text[1].as_str().unwrap_or_default().to_owned()))
        .collect();
    let host = host(&case)?;
    let mut ruleset = read(&texts)?;
    let mut machine = Machine::new(&host, Interpreter::new(ruleset));
    let mut at = Duration::ZERO;
    for (number, step) in case["packets"].as_array().into_iter().flatten().enumerate() {
        if let Some(command) = step["cmd"].as_str() {
            if let Some(seconds) = command.strip_prefix("sleep ") {
                at += Duration::from_secs_f64(seconds.parse()?);
            } else if command.starts_with("nft add") {
                texts.push(("nft".to_owned(), script_of(command)));
                ruleset = read(&texts)?;
                machine.replace(Interpreter::new(ruleset));
            } else {
                skip(&format!("step {} of {}", number + 1, name(file)), format!("it is `{command}`"));
            }
            continue;
        }
        if let Some(seconds) = step["t"].as_f64() {
            at = at.max(Duration::from_secs_f64(seconds));
        }
        let packet = packet(step, at)?;
        let family = if packet.bytes[0] >> 4 == 6 { Family::Ipv6 } else { Family::Ipv4 };
        let seen = machine.run_packet(&packet);
        let table = machine.conntrack().lines(Style::NfConntrack, at);
        check(family, &step["expect"], &seen, &table).map_err(|problem| format!("step {}: {problem}", number + 1))?;
    }
    Ok(())
}

/// The cases in which the kernel drew a port at random, and that port. The machine takes the first that is free.
const DRAWN_PORTS: [(&str, u16); 1] = [("nat-masquerade-port-clash", 3116)];
const FIRST_FREE_PORT: u16 = 1024;

/// Puts another port into the place of one, in the lines of tables and in the datagrams, whose checksums are made anew.
fn replace_port(case: &mut Value, drawn: u16, other: u16) {
    match case {
        Value::Array(list) => list.iter_mut().for_each(|value| replace_port(value, drawn, other)),
        Value::Object(parts) => {
            for (name, value) in parts {
                match value.as_str() {
                    Some(text) if name == "pkt" => *value = with_port(text, drawn, other).into(),
                    _ => replace_port(value, drawn, other),
                }
            }
        }
        Value::String(line) => *line = line.replace(&format!("port={drawn} "), &format!("port={other} ")),
        _ => {}
    }
}

/// A datagram of IPv4, without options.
fn with_port(hex: &str, drawn: u16, other: u16) -> String {
    const HEADER: usize = 20;
    let mut packet = bytes(&hex.into());
    for at in [HEADER, HEADER + 2] {
        if packet[at..at + 2] == drawn.to_be_bytes() {
            let sum = u16::from_be_bytes([packet[HEADER + 6], packet[HEADER + 7]]);
            let sum = checksum::moved(sum, &drawn.to_be_bytes(), &other.to_be_bytes());
            packet[at..at + 2].copy_from_slice(&other.to_be_bytes());
            packet[HEADER + 6..HEADER + 8].copy_from_slice(&sum.to_be_bytes());
        }
    }
    packet.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The rulesets of a case as one, which lives as long as the process.
fn read(texts: &[(String, String)]) -> Result<&'static Ruleset, Failed> {
    let nft: Vec<&str> = texts.iter().filter(|(kind, _)| kind == "nft").map(|(_, text)| text.as_str()).collect();
    let ruleset = match texts {
        [] => Ruleset::default(),
        [(kind, text)] if kind == "v4" || kind == "v4-legacy" => iptables::read(text, Family::Ipv4).0,
        _ if nft.len() == texts.len() => read_nft(&nft.concat(), None).map_err(|error| error.problem)?,
        _ => return Err("rulesets of several programs in one case".into()),
    };
    let not_run: Vec<_> = unsupported(&ruleset).into_iter().map(|part| part.name).collect();
    if !not_run.is_empty() {
        return Err(format!("the machine does not run: {}", not_run.join(", ")).into());
    }
    Ok(Box::leak(Box::new(ruleset)))
}

/// The commands of a shell line that calls nft, as a script of nft.
fn script_of(line: &str) -> String {
    line.replace("nft ", "").replace('\'', "")
}

fn check(family: Family, expected: &Value, seen: &Observation, table: &[String]) -> Result<(), String> {
    same("verdict", &expected["verdict"], verdict(family, seen))?;
    same("state", &expected["ct"]["state"], seen.state.map(|state| state.name()))?;
    same("ct direction", &expected["ct"]["dir"], seen.ct_direction.map(|direction| direction.name()))?;
    if let Some(status) = expected["ct"]["status"].as_array() {
        let names: Vec<&str> = status.iter().map(|name| name.as_str().unwrap()).collect();
        let ours: Vec<&str> = seen.status.names().collect();
        equal("status", &names, &ours)?;
    }
    let hooks: Vec<&str> = expected["hooks"].as_array().unwrap().iter().map(|hook| hook.as_str().unwrap()).collect();
    equal("hooks", &hooks, &seen.hooks.iter().map(|hook| hook.name()).collect())?;
    if let (Some(out), Some(left)) = (expected["out"]["pkt"].as_str(), &seen.left)
        && !has_filled_option(left)
    {
        equal("packet that left", &without_id(&bytes(&out.into())), &without_id(left))?;
    }
    check_answers(expected, &seen.answers)?;
    check_table(expected, table)
}

/// A case says `reject` only if an answer left the host, and cannot tell an IPv6 fragment that waits from one that is gone.
fn verdict(family: Family, seen: &Observation) -> Option<&'static str> {
    let answered = seen.answers.iter().any(|answer| answer.fate == Fate::Accept);
    match seen.fate? {
        Fate::Reject if !answered => Some("drop"),
        Fate::Drop if family == Family::Ipv6 && seen.reason.as_deref() == Some("defragmentation") => Some("queued"),
        fate => Some(fate.name()),
    }
}

fn check_answers(expected: &Value, answers: &[Answer]) -> Result<(), String> {
    let none = Vec::new();
    let emitted = expected["emitted"].as_array().unwrap_or(&none);
    equal("number of answers", &emitted.len(), &answers.len())?;
    for (expected, answer) in emitted.iter().zip(answers) {
        same("verdict of the answer", &expected["verdict"], Some(answer.fate.name()))?;
        same("state of the answer", &expected["ct"]["state"], answer.state.map(|state| state.name()))?;
        if expected["out"]["pkt"].is_string() {
            equal("answer", &without_id(&bytes(&expected["out"]["pkt"])), &without_id(&answer.bytes))?;
        }
    }
    Ok(())
}

fn check_table(expected: &Value, table: &[String]) -> Result<(), String> {
    let mut expected: Vec<(String, i64)> =
        expected["table"].as_array().unwrap().iter().map(|line| parted(line.as_str().unwrap())).collect();
    let mut ours: Vec<(String, i64)> = table
        .iter()
        .map(|line| {
            let kept = |word: &&str| *word != "zone=0" && !word.starts_with("use=");
            parted(&line.split_whitespace().filter(kept).collect::<Vec<_>>().join(" "))
        })
        .collect();
    expected.sort();
    ours.sort();
    let close = |(one, other): (&(String, i64), &(String, i64))| one.0 == other.0 && (one.1 - other.1).abs() <= 1;
    if expected.len() == ours.len() && expected.iter().zip(&ours).all(close) {
        Ok(())
    } else {
        Err(format!("table\n  kernel {expected:#?}\n  machine {ours:#?}"))
    }
}

/// A line of the table, and apart from it its fifth column, the timeout.
fn parted(line: &str) -> (String, i64) {
    let mut words: Vec<&str> = line.split(' ').collect();
    let timeout = words.remove(4).parse().unwrap();
    (words.join(" "), timeout)
}

/// Identifications and flow labels are random, and with them the IPv4 header's checksum. The checksum of an IPv4 reset is
/// left to the network card, as is that of a packet whose payload a translation wrote anew.
fn without_id(packet: &[u8]) -> String {
    let mut packet = packet.to_vec();
    finish_checksum(&mut packet);
    if packet[0] >> 4 == 4 {
        packet[4..6].fill(0);
        packet[10..12].fill(0);
        if packet[9] == 6 && packet.len() >= 40 && packet[33] & 4 != 0 {
            packet[36..38].fill(0);
        }
    } else {
        packet[1] &= 0xf0;
        packet[2..4].fill(0);
    }
    packet.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the checksum of a TCP segment is that of the pseudo header alone, the network card finishes it.
fn finish_checksum(packet: &mut [u8]) {
    const CHECKSUM: usize = 16;
    let (family, protocol, at) =
        if packet[0] >> 4 == 4 { (Family::Ipv4, packet[9], 20) } else { (Family::Ipv6, packet[6], 40) };
    if protocol != Protocol::TCP.0 || packet.len() < at + 20 {
        return;
    }
    let field = at + CHECKSUM..at + CHECKSUM + 2;
    let nothing = vec![0; packet.len() - at];
    let unfinished = !checksum::transport(packet, family, Protocol::TCP, &nothing);
    if packet[field.clone()] == unfinished.to_be_bytes() {
        packet[field.clone()].fill(0);
        let sum = checksum::transport(packet, family, Protocol::TCP, &packet[at..]);
        packet[field].copy_from_slice(&sum.to_be_bytes());
    }
}

/// Record route and timestamp, which the host fills in.
fn has_filled_option(packet: &[u8]) -> bool {
    packet[0] >> 4 == 4 && packet[0] & 0xf > 5 && matches!(packet[20], 7 | 68)
}

fn same(what: &str, expected: &Value, ours: Option<&str>) -> Result<(), String> {
    equal(what, &expected.as_str(), &ours)
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, ours: &T) -> Result<(), String> {
    if expected == ours { Ok(()) } else { Err(format!("{what}: kernel {expected:?}, machine {ours:?}")) }
}
