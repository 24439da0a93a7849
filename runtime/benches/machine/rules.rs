// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets: the few rules of a stateful host, and many rules of five fields each.

use fastrand::Rng;
use ringwall_ir::words::{ChainPolicy, CtState, Family, Hook, Priority, Protocol, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Field, IntervalSet, Match, OriginId, Ruleset, Step, Table, TableParts, Values, Verdict,
};
use ringwall_runtime::packet::build::Build;

const ORIGIN: OriginId = OriginId(0);

fn of_chains(chains: Vec<Chain>) -> Ruleset {
    let parts = TableParts { chains, ..TableParts::default() };
    let table = Table::new(TableFamily::Inet, "bench", parts).expect("a table");
    Ruleset { tables: vec![table], ..Ruleset::default() }
}

fn within(field: Field, first: u128, last: u128) -> Step {
    Match::within(field, Values::Inline(IntervalSet::range(first, last))).into()
}

/// Who is answered may answer; new conversations come to port 443 only.
pub fn stateful() -> Ruleset {
    let established = || Match::within(Field::CtState, Values::one(CtState::Established.bit().into())).into();
    let base = |hook| BaseChain::filter(hook, Priority::FILTER, ChainPolicy::Drop, ORIGIN);
    let mut input = Chain::base("input", base(Hook::Input)).expect("a chain");
    input.push(ORIGIN, vec![established()], Some(Verdict::Accept)).expect("a rule");
    input.push(ORIGIN, vec![within(Field::TcpDport, 443, 443)], Some(Verdict::Accept)).expect("a rule");
    let mut output = Chain::base("output", base(Hook::Output)).expect("a chain");
    output.push(ORIGIN, vec![established()], Some(Verdict::Accept)).expect("a rule");
    of_chains(vec![input, output])
}

/// A rule of five fields: addresses, protocol and ports, each as first and last value.
struct Five([(u128, u128); 2], Protocol, [(u128, u128); 2]);

/// So many rules of five fields in chain forward, and packets: nine of ten meet a rule.
pub fn five_fields(count: usize, packets: usize, rng: &mut Rng) -> (Ruleset, Vec<Vec<u8>>) {
    let rules: Vec<Five> = (0..count).map(|_| Five::random(rng)).collect();
    let base = BaseChain::filter(Hook::Forward, Priority::FILTER, ChainPolicy::Drop, ORIGIN);
    let mut chain = Chain::base("forward", base).expect("a chain");
    for (number, rule) in rules.iter().enumerate() {
        let verdict = if rng.u8(..4) == 0 { Verdict::Drop } else { Verdict::Accept };
        let origin = OriginId(u32::try_from(number).expect("few rules"));
        chain.push(origin, rule.steps(), Some(verdict)).expect("a rule");
    }
    let packets = (0..packets)
        .map(|_| {
            let aimed = rng.u8(..10) != 0;
            let rule = if aimed { &rules[rng.usize(..rules.len())] } else { &Five::random(rng) };
            rule.packet(rng)
        })
        .collect();
    (of_chains(vec![chain]), packets)
}

impl Five {
    /// Prefixes of several lengths, single ports mostly, ranges in three of ten.
    fn random(rng: &mut Rng) -> Self {
        let address = |rng: &mut Rng, base: u32, bits: u32, lengths: &[u32]| {
            let host = (1_u32 << (32 - rng.choice(lengths).expect("some"))) - 1;
            let any = base | rng.u32(..1 << bits);
            (u128::from(any & !host), u128::from(any | host))
        };
        let source = address(rng, 0x0a00_0000, 24, &[16, 20, 24, 24, 24, 28, 32, 32]);
        let destination = address(rng, 0xc0a8_0000, 16, &[24, 28, 32, 32, 32, 32]);
        let protocol = if rng.u8(..4) == 0 { Protocol::UDP } else { Protocol::TCP };
        let port = match rng.u8(..10) {
            0..3 => {
                let first = rng.u16(1..60_000);
                (u128::from(first), u128::from(first + rng.u16(1..5000)))
            }
            _ => {
                let one = u128::from(rng.u16(1..10_000));
                (one, one)
            }
        };
        let clients = if rng.bool() { (1024, 65_535) } else { (32_768, 60_999) };
        Self([source, destination], protocol, [clients, port])
    }

    fn steps(&self) -> Vec<Step> {
        let fields = match self.1 {
            Protocol::UDP => [Field::UdpSport, Field::UdpDport],
            _ => [Field::TcpSport, Field::TcpDport],
        };
        let [(source, to_source), (destination, to_destination)] = self.0;
        let [(sport, to_sport), (dport, to_dport)] = self.2;
        vec![
            within(Field::IpSaddr, source, to_source),
            within(Field::IpDaddr, destination, to_destination),
            within(Field::L4proto, self.1.0.into(), self.1.0.into()),
            within(fields[0], sport, to_sport),
            within(fields[1], dport, to_dport),
        ]
    }

    fn packet(&self, rng: &mut Rng) -> Vec<u8> {
        let [source, destination] = self.0.map(|(first, last)| rng.u128(first..=last));
        let [sport, dport] = self.2.map(|(first, last)| u16::try_from(rng.u128(first..=last)).expect("a port"));
        let mut header = [0; 20];
        header[..2].copy_from_slice(&sport.to_be_bytes());
        header[2..4].copy_from_slice(&dport.to_be_bytes());
        header[12] = 0x50;
        Build::from_bits(Family::Ipv4, source, destination).protocol(self.1, &header)
    }
}
