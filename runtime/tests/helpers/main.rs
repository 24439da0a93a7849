// SPDX-License-Identifier: GPL-3.0-or-later
//! Replays conversations under conntrack helpers and compares each packet, the table and the expectations with what a
//! Linux kernel made of them. The conversations lie beside this file, one file a helper:
//!
//! | line | meaning |
//! |---|---|
//! | `talk TITLE` | a conversation starts, on an empty table |
//! | `helper NAME PROTOCOL PORT` | a rule gives new conversations to that port the helper |
//! | `masquerade INTERFACE` | what leaves by the interface has its address |
//! | `snat INTERFACE ADDRESS FIRST-LAST` | what leaves by the interface and has ports has this address and one of these ports |
//! | `dnat FAMILY PROTOCOL PORT ADDRESS TO` | conversations that arrive for the port go to another address, and another port if it is none of `-` |
//! | `wait SECONDS` | time passes |
//! | `FROM > TO tcp FLAGS SEQUENCE ACKNOWLEDGEMENT "DATA"` | a packet, with `options HEX` before its data if it has some; also `udp "DATA"`, `icmp TYPE CODE "QUOTE"`, `proto N "DATA"`; `on IF` behind it says where it arrives, if not on eth0 |
//! | `= VERDICT STATE DIRECTION STATUS` | what the kernel said of it at its first hook |
//! | `> FROM > TO ...` | the packet that left, in the same words; what its checksums should be, they are |
//! | indented | an entry of the table after it, without its reply tuple; behind `expects`, a line of `/proc/net/nf_conntrack_expect`. Without any, they are as after the packet before. |

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod packet;
mod ruling;

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use ringwall_ir::words::Protocol;
use ringwall_runtime::conntrack::{Helper, Style};
use ringwall_runtime::engine::walk::Machine;
use ringwall_runtime::host::{Host, Interface, Route, Sysctls};
use ringwall_runtime::observation::Observation;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};
use ruling::Assign;

#[test]
fn ftp_clients_announce_where_data_is_sent() {
    replay(include_str!("ftp-active.talk"));
}

#[test]
fn ftp_servers_announce_where_data_is_fetched() {
    replay(include_str!("ftp-passive.talk"));
}

#[test]
fn ftp_announces_data_connections_of_either_family() {
    replay(include_str!("ftp-extended.talk"));
}

#[test]
fn tftp_answers_from_another_port() {
    replay(include_str!("tftp.talk"));
}

#[test]
fn irc_clients_offer_direct_connections() {
    replay(include_str!("irc.talk"));
}

#[test]
fn sip_announces_media_over_udp() {
    replay(include_str!("sip-media.talk"));
}

#[test]
fn sip_registers_where_calls_come_in() {
    replay(include_str!("sip-registration.talk"));
}

#[test]
fn sip_over_tcp_is_read_message_by_message() {
    replay(include_str!("sip-tcp.talk"));
}

#[test]
fn pptp_agrees_on_the_calls_of_gre() {
    replay(include_str!("pptp.talk"));
}

#[test]
fn amanda_clients_offer_ports() {
    replay(include_str!("amanda.talk"));
}

#[test]
fn neighbours_answer_netbios_broadcasts() {
    replay(include_str!("netbios-ns.talk"));
}

#[test]
fn ftp_is_translated() {
    replay(include_str!("ftp-translated.talk"));
}

#[test]
fn irc_is_translated() {
    replay(include_str!("irc-translated.talk"));
}

#[test]
fn tftp_is_translated() {
    replay(include_str!("tftp-translated.talk"));
}

#[test]
fn amanda_is_translated() {
    replay(include_str!("amanda-translated.talk"));
}

#[test]
fn sip_is_translated() {
    replay(include_str!("sip-translated.talk"));
}

#[test]
fn sip_over_tcp_is_translated() {
    replay(include_str!("sip-tcp-translated.talk"));
}

#[test]
fn pptp_is_translated() {
    replay(include_str!("pptp-translated.talk"));
}

/// One conversation on its way.
struct Talk<'a> {
    title: &'a str,
    ruling: Assign,
    machine: Machine<Assign>,
    now: Duration,
    /// What the kernel had after the last packet.
    table: Vec<&'a str>,
    failures: String,
}

/// Replays all conversations of a text, and fails with all differences.
fn replay(text: &str) {
    let mut failures = String::new();
    let mut talks = 0;
    for part in text.split("\ntalk ").skip(1) {
        let (title, lines) = part.split_once('\n').unwrap();
        let mut talk = Talk::new(title);
        talk.run(lines);
        failures += &talk.failures;
        talks += 1;
    }
    assert!(talks >= 3 && failures.is_empty(), "of {talks} conversations:\n{failures}");
}

impl<'a> Talk<'a> {
    fn new(title: &'a str) -> Self {
        let machine = Machine::new(&host(), Assign::default());
        Self {
            title,
            ruling: Assign::default(),
            machine,
            now: Duration::ZERO,
            table: Vec::new(),
            failures: String::new(),
        }
    }

    fn run(&mut self, lines: &'a str) {
        let mut lines = lines.lines().filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["helper", name, protocol, port] => {
                    let protocol = Protocol::named(protocol).unwrap();
                    self.ruling.chosen = Some((Helper::named(name).unwrap(), protocol, port.parse().unwrap()));
                    self.machine.replace(self.ruling.clone());
                }
                ["masquerade" | "snat" | "dnat", ..] => {
                    self.ruling.translate(&words);
                    self.machine.replace(self.ruling.clone());
                }
                ["wait", seconds] => self.now += Duration::from_secs(seconds.parse().unwrap()),
                _ => {
                    let said = lines.next().unwrap().strip_prefix("= ").unwrap();
                    let left = lines.next_if(|line| line.starts_with("> ")).and_then(|line| line.strip_prefix("> "));
                    let mut table = Vec::new();
                    while let Some(entry) = lines.next_if(|line| line.starts_with("  ")) {
                        table.push(entry.trim());
                    }
                    if !table.is_empty() {
                        table.retain(|line| *line != "nothing");
                        self.table = table;
                    }
                    self.packet(line, said, left);
                }
            }
        }
    }

    fn packet(&mut self, line: &str, said: &str, left: Option<&str>) {
        let (bytes, source, interface) = packet::read(line);
        let own = host().interfaces.iter().flat_map(|link| &link.addresses).any(|net| net.addr() == source);
        let entry = if own { Entry::Sent } else { Entry::Arrives(interface) };
        let seen = self.machine.run_packet(&TimedPacket {
            at: self.now,
            entry,
            bytes,
            refused: false,
            sender: Sender::default(),
        });
        let ours = describe(&seen);
        if ours != said {
            let _ = writeln!(self.failures, "{}: {line}\n  kernel {said}\n  machine {ours}", self.title);
        }
        if let (Some(theirs), false) = (left, seen.port_drawn) {
            let ours = seen.left.as_deref().map(packet::describe);
            if ours.as_deref() != Some(theirs) {
                let _ = writeln!(self.failures, "{}: {line}\n  kernel  {theirs}\n  machine {ours:?}", self.title);
            }
        }
        let conntrack = self.machine.conntrack();
        let mut table: Vec<String> =
            conntrack.lines(Style::NfConntrack, self.now).iter().map(|line| short(line)).collect();
        table.extend(conntrack.expectation_lines(self.now).iter().map(|line| format!("expects {line}")));
        if !alike(&self.table, &table) {
            let _ = writeln!(
                self.failures,
                "{}: after {line}\n  kernel\n    {}\n  machine\n    {}",
                self.title,
                self.table.join("\n    "),
                table.join("\n    ")
            );
        }
    }
}

fn describe(seen: &Observation) -> String {
    let status: Vec<&str> = seen.status.names().collect();
    let status = if status.is_empty() { "-".to_owned() } else { status.join(",") };
    let verdict = seen.fate.map_or("-", |fate| fate.name());
    let state = seen.state.map_or("-", |state| state.name());
    let direction = seen.ct_direction.map_or("-", |direction| direction.name());
    format!("{verdict} {state} {direction} {status}")
}

/// A line of the table without its family, its protocol's number, its reply tuple, mark and zone.
fn short(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let sources: Vec<usize> = (0..words.len()).filter(|&at| words[at].starts_with("src=")).collect();
    let flag = |word: &&str| word.starts_with('[') || word.starts_with("use=");
    let first = words[4..sources[1]].iter().filter(|word| !flag(word));
    let flags = words.iter().filter(|word| flag(word));
    std::iter::once(&words[2]).chain(first).chain(flags).copied().collect::<Vec<_>>().join(" ")
}

/// Whether the lines are the same, in any order, give or take a second.
fn alike(kernel: &[&str], machine: &[String]) -> bool {
    let parted = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let timeout: i64 = words.remove(1).parse().unwrap();
        (words.join(" "), timeout)
    };
    let mut kernel: Vec<_> = kernel.iter().map(|line| parted(line)).collect();
    let mut machine: Vec<_> = machine.iter().map(|line| parted(line)).collect();
    kernel.sort();
    machine.sort();
    let close = |(one, other): (&(String, i64), &(String, i64))| one.0 == other.0 && (one.1 - other.1).abs() <= 1;
    kernel.len() == machine.len() && kernel.iter().zip(&machine).all(close)
}

/// The host that the conversations were recorded on.
fn host() -> Host {
    let interface = |name: &str, addresses: &[&str]| Interface {
        name: name.to_owned(),
        addresses: addresses.iter().map(|net| net.parse().unwrap()).collect(),
        groups: Vec::new(),
        mtu: 1500,
    };
    let default = |to: &str, via: &str| Route {
        to: to.parse().unwrap(),
        interface: "eth0".to_owned(),
        via: Some(via.parse::<IpAddr>().unwrap()),
    };
    Host {
        interfaces: vec![
            interface("eth0", &["10.0.0.1/24", "2001:db8::1/64", "fe80::1/64"]),
            interface("eth1", &["192.168.1.1/24", "2001:db8:1::1/64", "fe80::1/64"]),
        ],
        routes: vec![default("0.0.0.0/0", "10.0.0.254"), default("::/0", "2001:db8::fe")],
        forwarding: true,
        sysctls: Sysctls::default(),
    }
}
