// SPDX-License-Identifier: GPL-3.0-or-later
//! Whatever rules stand in a long chain, the classifier decides about a packet as the plain interpreter does.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ringwall_ir::words::{ChainPolicy, Family, Hook, Priority, Protocol, TableFamily};
use ringwall_ir::{
    Assignment, BaseChain, Chain, Field, IntervalSet, Match, OriginId, Ruleset, Selector, Statement, Step, Table,
    TableParts, Target, Values, Verdict,
};
use ringwall_runtime::engine::{Interpreter, Machine};
use ringwall_runtime::host::Host;
use ringwall_runtime::packet::build::Build;
use ringwall_runtime::traffic::{Entry, Sender, TimedPacket};

/// What rules test, and packets have.
const FIELDS: [Field; 8] = [
    Field::IpSaddr,
    Field::IpDaddr,
    Field::Ip6Saddr,
    Field::L4proto,
    Field::UdpSport,
    Field::UdpDport,
    Field::TcpDport,
    Field::MetaMark,
];
/// The bytes of a rule, and of a packet.
const PIECE: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let Some((&count, pieces)) = bytes.split_first() else { return };
    let mut pieces = pieces.chunks_exact(PIECE).filter_map(|piece| <[u8; PIECE]>::try_from(piece).ok());
    let rules: Vec<_> = pieces.by_ref().take(usize::from(count)).collect();
    let Some(ruleset) = ruleset(&rules) else { return };
    let host = Host::with_addresses(&[]);
    let mut fast = Machine::new(&host, Interpreter::new(&ruleset));
    let mut plain = Machine::new(&host, Interpreter::plain(&ruleset));
    for piece in pieces.take(64) {
        let packet = packet(piece);
        assert_eq!(fast.run_packet(&packet), plain.run_packet(&packet));
    }
});

/// Few numbers that are near each other, so that rules overlap.
fn near(byte: u8) -> u128 {
    u128::from(byte & 0x3f)
}

fn ruleset(rules: &[[u8; PIECE]]) -> Option<Ruleset> {
    let base = BaseChain::filter(Hook::Prerouting, Priority::FILTER, ChainPolicy::Accept, OriginId(0));
    let mut chain = Chain::base("c", base).ok()?;
    for (rule, number) in rules.iter().zip(1..) {
        let &[what, one, first, last, other, third, fourth, mark] = rule;
        let mut steps: Vec<Step> = [(one, first, last), (other, third, fourth)]
            .into_iter()
            .filter_map(|(field, from, to)| test(field, from, to))
            .collect();
        if what & 1 == 1 {
            steps.push(Statement::Assign(Assignment::value(Target::Mark, near(mark) as u32)).into());
        }
        let verdict = match what >> 1 & 3 {
            0 => None,
            1 => Some(Verdict::Drop),
            2 => Some(Verdict::Accept),
            _ => Some(Verdict::Return),
        };
        // What is illegal is left out.
        let _ = chain.push(OriginId(number), steps, verdict);
    }
    let parts = TableParts { chains: vec![chain], ..TableParts::default() };
    Some(Ruleset { tables: vec![Table::new(TableFamily::Inet, "t", parts).ok()?], ..Ruleset::default() })
}

fn test(field: u8, first: u8, last: u8) -> Option<Step> {
    let name = *FIELDS.get(usize::from(field & 7))?;
    let values = [(near(first), near(last)), (near(last) + 2, near(last) + u128::from(field >> 5))];
    let values: IntervalSet = values.into_iter().collect();
    let selector = if field & 8 == 0 { Selector::of(name) } else { Selector::masked(name, name.max() & !1) };
    Some(Match::In { selector, values: Values::Inline(values), negated: field & 16 != 0 }.into())
}

fn packet([kind, source, destination, from, to, time, ..]: [u8; PIECE]) -> TimedPacket {
    let family = if kind & 1 == 0 { Family::Ipv4 } else { Family::Ipv6 };
    let build = Build::from_bits(family, near(source), near(destination));
    let ports = [0, from & 0x3f, 0, to & 0x3f];
    let bytes = match kind >> 1 & 3 {
        0 => build.udp(near(from) as u16, near(to) as u16, &[]),
        1 => build.protocol(Protocol::TCP, &ports),
        2 => build.protocol(Protocol::UDP, ports.get(..usize::from(time & 3)).unwrap_or_default()),
        _ => build.protocol(Protocol(to & 0x3f), &ports),
    };
    let entry = Entry::Arrives("eth0".to_owned());
    TimedPacket { at: Duration::from_secs(1), entry, bytes, refused: false, sender: Sender::default() }
}
