// SPDX-License-Identifier: GPL-3.0-or-later
//! Recorded cases: what the backend sees must be what was recorded.
//!
//! They are found by `RINGWALL_SHARED`, by default beside the workspace, and are skipped where they are not there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use ringwall_kernel::namespace::{Form, KernelBackend, Load};
use ringwall_runtime::compare::Backend;
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};
use ringwall_runtime::observation::{Answer, Fate, Observation};
use ringwall_runtime::packet::checksum;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket, Traffic};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    topology: Topology,
    sysctls: BTreeMap<String, u32>,
    ruleset: Vec<(String, String)>,
    packets: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every step is a packet")]
enum Step {
    Packet(Packet),
    /// A command of the shell, which changes the ruleset or the table.
    Command {},
}

#[derive(Deserialize)]
struct Topology {
    ifaces: BTreeMap<String, Addresses>,
    routes: Vec<String>,
}

#[derive(Deserialize)]
struct Addresses {
    addrs: Vec<ipnet::IpNet>,
}

#[derive(Deserialize)]
struct Packet {
    dir: String,
    iif: Option<String>,
    t: Option<f64>,
    uid: Option<u32>,
    pkt: String,
    text: String,
    expect: Expected,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Expected {
    verdict: String,
    ct: Option<Tracked>,
    drop: Option<DroppedBy>,
    hooks: Vec<String>,
    out: Option<Out>,
    emitted: Vec<Expected>,
    table: Vec<String>,
}

#[derive(Deserialize)]
struct Tracked {
    state: String,
    dir: Option<String>,
    #[serde(default)]
    status: Vec<String>,
}

#[derive(Deserialize)]
struct DroppedBy {
    by: String,
}

#[derive(Deserialize)]
struct Out {
    pkt: String,
}

/// A trial for each case; those that cannot be told in the backend's terms are ignored, with the reason in their name.
pub fn trials() -> Vec<Trial> {
    let directory = shared().join("cases");
    let Ok(entries) = fs::read_dir(&directory) else {
        eprintln!("skipped, the recorded cases: {} is not there", directory.display());
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| trial(file)).collect()
}

fn shared() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    std::env::var_os("RINGWALL_SHARED").map_or(beside, PathBuf::from)
}

fn trial(file: &Path) -> Trial {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let case: Case = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    match case.untold(&name) {
        Some(reason) => Trial::test(format!("case::{name} ({reason})"), || Ok(())).with_ignored_flag(true),
        None => Trial::test(format!("case::{name}"), move || case.replay()),
    }
}

impl Case {
    /// What the backend has no words for.
    fn untold(&self, name: &str) -> Option<&'static str> {
        let known = |name: &String| name.starts_with("nf_conntrack_");
        if name == "nat-masquerade-port-clash" {
            Some("the kernel draws a port")
        } else if self.packets.iter().any(|step| matches!(step, Step::Command {})) {
            Some("runs commands")
        } else if self.packets().any(|packet| packet.uid.is_some()) {
            Some("has users")
        } else if self.ruleset.iter().any(|(kind, _)| kind.ends_with("legacy")) {
            Some("is of xtables")
        } else if !self.sysctls.keys().all(known) {
            Some("sets other sysctls")
        } else {
            None
        }
    }

    fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.packets.iter().filter_map(|step| match step {
            Step::Packet(packet) => Some(packet),
            Step::Command {} => None,
        })
    }

    fn replay(&self) -> Result<(), Failed> {
        let mut backend = KernelBackend::new("kernel", Load { form: self.form(), chains: Vec::new() });
        let observations = backend.run(&self.host(), &self.traffic())?;
        let mut differences = Vec::new();
        for (number, (packet, seen)) in self.packets().zip(&observations).enumerate() {
            let found = packet.expect.differences(seen).into_iter();
            differences.extend(found.map(|difference| format!("{number} {}: {difference}", packet.text)));
        }
        let table: Vec<_> = backend.last_table().unwrap_or_default().iter().map(|line| squeeze(line)).collect();
        let expected = self.packets().last().map(|packet| sorted(&packet.expect.table)).unwrap_or_default();
        if !same_tables(&sorted(&table), &expected) {
            differences.push(format!("table: {table:#?}, recorded {expected:#?}"));
        }
        if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
    }

    fn form(&self) -> Form {
        let joined = |kind: &str| {
            let texts = self.ruleset.iter().filter(|(of, _)| of == kind).map(|(_, text)| text.as_str());
            texts.collect::<String>()
        };
        match (joined("nft"), joined("v4"), joined("v6")) {
            (nft, v4, v6) if !nft.is_empty() && v4.is_empty() && v6.is_empty() => Form::Nft(nft),
            (nft, v4, v6) if nft.is_empty() && (!v4.is_empty() || !v6.is_empty()) => {
                Form::Iptables { sets: String::new(), v4, v6 }
            }
            _ => Form::Empty,
        }
    }

    fn host(&self) -> Host {
        let interfaces = self.topology.ifaces.iter().map(|(name, addresses)| Interface {
            name: name.clone(),
            addresses: addresses.addrs.clone(),
            groups: Vec::new(),
            mtu: 1500,
        });
        let set = |name: &str, default: bool| self.sysctls.get(name).map_or(default, |&value| value != 0);
        let default = Sysctls::default();
        Host {
            interfaces: interfaces.collect(),
            routes: self.topology.routes.iter().map(|text| route(text)).collect(),
            forwarding: true,
            sysctls: Sysctls {
                tcp_loose: set("nf_conntrack_tcp_loose", default.tcp_loose),
                tcp_be_liberal: set("nf_conntrack_tcp_be_liberal", default.tcp_be_liberal),
                tcp_ignore_invalid_rst: set("nf_conntrack_tcp_ignore_invalid_rst", default.tcp_ignore_invalid_rst),
                checksum: set("nf_conntrack_checksum", default.checksum),
                ..default
            },
        }
    }

    fn traffic(&self) -> Traffic {
        let mut now = Duration::ZERO;
        let timed = |packet: &Packet| {
            now = packet.t.map_or(now, Duration::from_secs_f64);
            let entry = match packet.dir.as_str() {
                "out" => Entry::Sent,
                _ => Entry::Arrives(packet.iif.clone().unwrap_or_else(|| "eth0".to_owned())),
            };
            TimedPacket { at: now, entry, bytes: unhex(&packet.pkt), refused: false, sender: Sender::default() }
        };
        Traffic { packets: self.packets().map(timed).collect() }
    }
}

impl Expected {
    fn differences(&self, seen: &Observation) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |what: &str, recorded: &dyn std::fmt::Debug, seen: &dyn std::fmt::Debug| {
            let (recorded, seen) = (format!("{recorded:?}"), format!("{seen:?}"));
            if recorded != seen {
                found.push(format!("{what} {seen}, recorded {recorded}"));
            }
        };
        check("fate", &self.fate(seen.fate), &seen.fate.map_or("none", Fate::name));
        check("hooks", &self.hooks.join(" "), &seen.hooks.iter().map(|hook| hook.name()).collect::<Vec<_>>().join(" "));
        if let Some(ct) = &self.ct {
            check("state", &ct.state.as_str(), &seen.state.map_or("none", |state| state.name()));
            check("ct direction", &ct.dir.as_deref(), &seen.ct_direction.map(|direction| direction.name()));
            check("status", &ct.status.join(" "), &seen.status.names().collect::<Vec<_>>().join(" "));
        }
        check("left", &self.out.as_ref().map(|out| masked(unhex(&out.pkt))), &seen.left.clone().map(masked));
        check("answers", &self.emitted.len(), &seen.answers.len());
        for (recorded, answer) in self.emitted.iter().zip(&seen.answers) {
            check("answer", &recorded.answer(), &described(answer));
            if let Some(out) = &recorded.out {
                check("answer", &masked(unhex(&out.pkt)), &masked(answer.bytes.clone()));
            }
        }
        found
    }

    /// The recorder saw a refusal only where its answer left the host, else a drop by a rule.
    fn fate(&self, seen: Option<Fate>) -> &str {
        let by_rule = self.drop.as_ref().is_some_and(|drop| drop.by == "rule");
        if self.verdict == "drop" && by_rule && seen == Some(Fate::Reject) { "reject" } else { &self.verdict }
    }

    fn answer(&self) -> (String, Option<String>) {
        (self.verdict.clone(), self.ct.as_ref().map(|ct| ct.state.clone()))
    }
}

fn described(answer: &Answer) -> (String, Option<String>) {
    (answer.fate.name().to_owned(), answer.state.map(|state| state.name().to_owned()))
}

/// With checksums that the recorder saw before a card completed them, and without what differs from run to run: the identification of IPv4 packets that the kernel makes, so their checksum, and
/// the time that it writes into their options (type 68).
fn masked(mut packet: Vec<u8>) -> Vec<u8> {
    checksum::complete(&mut packet);
    if packet.first().is_some_and(|byte| byte >> 4 == 4) && packet.len() >= 20 {
        packet[4..6].fill(0);
        packet[10..12].fill(0);
        let header = usize::from(packet[0] & 0xf) * 4;
        if packet[0] & 0xf > 5 && packet[20] == 68 {
            packet[20..header].fill(0);
        }
    }
    packet
}

fn route(text: &str) -> Route {
    let words: Vec<_> = text.split_whitespace().filter(|&word| word != "-6").collect();
    let [to, "via", via, "dev", interface] = words[..] else { panic!("a route of another form: {text}") };
    let via = via.parse::<std::net::IpAddr>().unwrap();
    let everywhere = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
    let to = if to == "default" { everywhere } else { to };
    Route { to: to.parse().unwrap(), interface: interface.to_owned(), via: Some(via) }
}

/// A line of the table as the recorder wrote it: without needless blanks, ct zone and number of users.
fn squeeze(line: &str) -> String {
    let kept = |word: &&str| !word.starts_with("zone=") && !word.starts_with("use=");
    line.split_whitespace().filter(kept).collect::<Vec<_>>().join(" ")
}

fn sorted(lines: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = lines.iter().map(|line| squeeze(line)).collect();
    lines.sort_by_key(|line| timeless(line).0);
    lines
}

/// Timeouts may read a second less than they are.
fn same_tables(seen: &[String], recorded: &[String]) -> bool {
    seen.len() == recorded.len()
        && seen.iter().zip(recorded).all(|(seen, recorded)| {
            let ((seen, seen_left), (recorded, recorded_left)) = (timeless(seen), timeless(recorded));
            seen == recorded && seen_left.abs_diff(recorded_left) <= 1
        })
}

/// A line without its timeout, and the timeout.
fn timeless(line: &str) -> (String, u64) {
    let mut words: Vec<_> = line.split(' ').collect();
    let timeout = if words.len() > 4 { words.remove(4).parse().unwrap_or(0) } else { 0 };
    (words.join(" "), timeout)
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
