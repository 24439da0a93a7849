// SPDX-License-Identifier: GPL-3.0-or-later
//! What drawn traffic reaches.

use std::collections::BTreeMap;

use ringwall_ir::words::{CtState, CtStatus, Protocol};

use super::converse;
use crate::compare::random::{Flavour, host, ruleset};
use crate::engine::{Interpreter, Machine};
use crate::packet::Packet;

/// How many packets of all seeds were in a state, by protocol and by whether their ends were translated.
fn states(flavour: Flavour) -> BTreeMap<(CtState, u8, bool), usize> {
    let host = host();
    let mut states = BTreeMap::new();
    for seed in 0..40 {
        let rules = ruleset(&host, flavour, seed);
        let plan = flavour.plan(500, seed);
        let mut machine = Machine::new(&host, Interpreter::new(&rules));
        for packet in converse(&host, Interpreter::new(&rules), plan).packets {
            let seen = machine.run_packet(&packet);
            let Ok(parsed) = Packet::parse(&packet.bytes) else { continue };
            let translated = seen.status.intersects(CtStatus::SRC_NAT.with(CtStatus::DST_NAT));
            if let Some(state) = seen.state {
                *states.entry((state, parsed.protocol().0, translated)).or_default() += 1;
            }
        }
    }
    states
}

#[test]
fn helpers_expect_conversations_and_they_come() {
    let states = states(Flavour::Helpers);
    for protocol in [Protocol::TCP, Protocol::UDP] {
        for translated in [false, true] {
            let count = states.get(&(CtState::Related, protocol.0, translated)).copied().unwrap_or_default();
            assert!(count >= 20, "{protocol:?}, translated: {translated}: {count} of {states:?}");
        }
    }
}

#[test]
fn every_state_is_reached_under_every_flavour() {
    for flavour in Flavour::ALL {
        let states = states(flavour);
        for state in [CtState::New, CtState::Established, CtState::Related, CtState::Invalid] {
            assert!(states.keys().any(|(seen, ..)| *seen == state), "{flavour:?}: no {state:?}");
        }
    }
}
