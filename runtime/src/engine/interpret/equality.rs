// SPDX-License-Identifier: GPL-3.0-or-later
//! With the classifier and without it, a ruleset decides alike, and is left alike.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ringwall_ir::arbitrary::{self, Options};
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Field, Symbol, TableParts, Values};

use super::*;
use crate::compare::converse::{Plan, converse};
use crate::compare::draw::draw;
use crate::compare::random::{self, Flavour};
use crate::compare::region::Region;
use crate::conntrack::Style;
use crate::engine::{Explaining, Machine};
use crate::host::Host;
use crate::observation::Fate;
use crate::packet::build::Build;
use crate::traffic::{Entry, Sender, TimedPacket, Traffic};

/// Runs traffic with the classifier, without it and under an explaining interpreter.
fn agree(host: &Host, rules: &Ruleset, traffic: &Traffic) -> Result<(), TestCaseError> {
    let mut fast = Machine::new(host, Interpreter::new(rules));
    let mut plain = Machine::new(host, Interpreter::plain(rules));
    let explaining = Explaining::new(rules);
    explaining.listen();
    let mut told = Machine::new(host, explaining);
    let mut last = Duration::ZERO;
    for (number, packet) in traffic.packets.iter().enumerate() {
        let (seen, expected) = (fast.run_packet(packet), plain.run_packet(packet));
        prop_assert_eq!(&seen, &expected, "packet {}", number);
        prop_assert_eq!(&told.run_packet(packet), &expected, "packet {} explained", number);
        last = packet.at;
    }
    let lines = |machine: &Machine<Interpreter<'_>>| machine.conntrack().lines(Style::NfConntrack, last);
    prop_assert_eq!(lines(&fast), lines(&plain));
    prop_assert_eq!(&fast.ruling().state, &plain.ruling().state);
    Ok(())
}

#[test]
fn an_interface_has_the_number_that_the_host_gives_it() {
    let host = random::host();
    let test = |names: [&str; 1], number| {
        let symbols = names.map(|name| Symbol { name: name.to_owned(), number }).to_vec();
        Match::In { selector: Field::Iif.into(), values: Values::Symbols(symbols), negated: false }.into()
    };
    let base = BaseChain::filter(Hook::Input, Priority::FILTER, ChainPolicy::Accept, OriginId(0));
    let mut chain = Chain::base("input", base).unwrap();
    for (name, number) in [("eth1", Some(2)), ("eth0", Some(77)), ("eth0", None)] {
        chain.push(OriginId(1), vec![test([name], number)], Some(Verdict::Drop)).unwrap();
    }
    let parts = TableParts { chains: vec![chain], ..TableParts::default() };
    let tables = vec![Table::new(TableFamily::Inet, "t", parts).unwrap()];
    let rules = Ruleset { tables, ..Ruleset::default() };
    let bytes = Build::between("10.0.0.9".parse().unwrap(), "10.0.0.1".parse().unwrap()).udp(1, 2, b"");
    let entry = Entry::Arrives("eth0".to_owned());
    let packet = TimedPacket { at: Duration::ZERO, entry, bytes, refused: false, sender: Sender::default() };
    let seen = Machine::new(&host, Interpreter::new(&rules)).run_packet(&packet);
    assert_eq!(seen.fate, Some(Fate::Drop));
    agree(&host, &rules, &Traffic { packets: vec![packet] }).unwrap();
}

#[test]
fn drawn_rulesets_on_drawn_conversations() {
    let host = random::host();
    let mut passed_over = 0;
    for seed in 0..80 {
        let flavour = Flavour::of(seed);
        let rules = random::ruleset(&host, flavour, seed);
        let plan = Plan { talks: 6, time_passes: true, ..flavour.plan(150, seed) };
        let traffic = converse(&host, Interpreter::plain(&rules), plan);
        agree(&host, &rules, &traffic).unwrap();
        let tables = Interpreter::new(&rules).tables;
        passed_over += tables.iter().flat_map(|chains| &chains.classifiers).flatten().count();
    }
    assert!(passed_over > 100, "{passed_over} classifiers");
}

#[test]
fn arbitrary_rulesets_on_packets_of_their_boundaries() {
    let host = random::host();
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let drawn = (arbitrary::ruleset(Options::all()), any::<u64>());
    let outcome = TestRunner::new(config).run(&drawn, |(rules, seed)| {
        let mut regions = Region::of_ruleset(&rules);
        regions.truncate(6);
        let mut traffic = draw(&host, &regions, 100, seed);
        traffic.packets.truncate(400);
        agree(&host, &rules, &traffic)
    });
    outcome.unwrap();
}
