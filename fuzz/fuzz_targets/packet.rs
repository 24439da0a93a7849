// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever bytes come as a packet, to the host or from it, are walked through the machine without a panic.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ringwall_ir::Ruleset;
use ringwall_runtime::compare::random::{self, Flavour};
use ringwall_runtime::engine::{Interpreter, Machine};
use ringwall_runtime::observation::Observation;
use ringwall_runtime::packet::Packet;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};

/// A ruleset of each flavour.
static RULES: LazyLock<Vec<Ruleset>> =
    LazyLock::new(|| (0..4).map(|seed| random::ruleset(&random::host(), Flavour::of(seed), seed)).collect());

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    if let Ok(packet) = Packet::parse(rest) {
        let _ = (packet.ports(), packet.tcp_flags(), packet.icmp(), packet.payload(), packet.to_string());
    }
    let host = random::host();
    let Some(rules) = RULES.get(usize::from(first & 3)) else { return };
    let mut machine = Machine::new(&host, Interpreter::new(rules));
    let mut seen = Observation::unseen();
    // The same bytes come in, are sent, and come in again: they meet what they left behind.
    for entry in [Entry::Arrives("eth0".to_owned()), Entry::Sent, Entry::Arrives("eth1".to_owned())] {
        let packet = TimedPacket {
            at: Duration::from_secs(1),
            entry,
            bytes: rest.to_vec(),
            refused: false,
            sender: Sender::default(),
        };
        machine.observe(&packet, &mut seen);
    }
});
