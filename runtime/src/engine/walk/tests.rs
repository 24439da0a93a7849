// SPDX-License-Identifier: GPL-3.0-or-later
//! Ways through a host, and what it answers.

use std::time::Duration;

use ringwall_ir::OriginId;
use ringwall_ir::words::{CtState, Direction, Hook, Protocol, Refusal, TcpFlags};

use super::*;
use crate::engine::Decision;
use crate::host::Host;
use crate::host::{Interface, Route, Sysctls};
use crate::observation::Answer;
use crate::packet::build::{Build, Segment};
use crate::traffic::{Entry, TimedPacket};

/// Decides by hook: what the closure says, else accept. Each decision carries the hook's number as its origin.
struct ByHook<F>(F);

impl<F: FnMut(&View<'_>) -> Action> Ruling for ByHook<F> {
    fn decide(&mut self, view: &mut View<'_>) -> Decision {
        let action = if view.is_filtering() { (self.0)(view) } else { Action::Accept };
        Decision { action, origin: Some(OriginId(view.hook.number())) }
    }
}

fn accept(_: &View<'_>) -> Action {
    Action::Accept
}

/// A router: 10.0.0.1 on eth0 with the way to the world, 192.168.1.1 on eth1.
fn router() -> Host {
    let interface = |name: &str, addresses: [&str; 3]| Interface {
        name: name.to_owned(),
        addresses: addresses.into_iter().map(|network| network.parse().unwrap()).collect(),
        groups: Vec::new(),
        mtu: 1500,
    };
    let route = |to: &str, via: &str| Route {
        to: to.parse().unwrap(),
        interface: "eth0".to_owned(),
        via: Some(via.parse().unwrap()),
    };
    Host {
        interfaces: vec![
            interface("eth0", ["10.0.0.1/24", "2001:db8::1/64", "fe80::1/64"]),
            interface("eth1", ["192.168.1.1/24", "2001:db8:1::1/64", "fe80::1/64"]),
        ],
        routes: vec![route("0.0.0.0/0", "10.0.0.254"), route("::/0", "2001:db8::fe")],
        forwarding: true,
        sysctls: Sysctls::default(),
    }
}

fn between(source: &str, destination: &str) -> Build {
    Build::between(source.parse().unwrap(), destination.parse().unwrap())
}

fn packet(entry: &str, bytes: Vec<u8>) -> TimedPacket {
    let entry = if entry == "out" { Entry::Sent } else { Entry::Arrives(entry.to_owned()) };
    TimedPacket { at: Duration::ZERO, entry, bytes, refused: false, sender: Sender::default() }
}

fn run(ruling: impl FnMut(&View<'_>) -> Action, entry: &str, bytes: Vec<u8>) -> Observation {
    Machine::new(&router(), ByHook(ruling)).run_packet(&packet(entry, bytes))
}

fn syn(source: &str, destination: &str) -> Vec<u8> {
    let segment = Segment { source_port: 9, destination_port: 1, flags: TcpFlags::SYN, ..Segment::default() };
    between(source, destination).tcp(&segment)
}

/// Each answer in a line: what it is, its ct state and whether it got out.
fn answers(seen: &Observation) -> Vec<String> {
    let line = |answer: &Answer| {
        let packet = Packet::parse(&answer.bytes).unwrap();
        format!("{packet}: {} {}", answer.state.unwrap(), answer.fate.name())
    };
    seen.answers.iter().map(line).collect()
}

use Hook::{Forward, Input, Output, Postrouting, Prerouting};

// Tests of the way.

#[test]
fn each_packet_passes_the_hooks_of_its_way() {
    let ways: [(&str, &str, &str, Direction, &[Hook]); 4] = [
        ("eth0", "10.0.0.9", "10.0.0.1", Direction::Inbound, &[Prerouting, Input]),
        ("eth1", "192.168.1.9", "198.51.100.7", Direction::Forwarded, &[Prerouting, Forward, Postrouting]),
        ("out", "10.0.0.1", "10.0.0.9", Direction::Outbound, &[Output, Postrouting]),
        ("out", "127.0.0.1", "127.0.0.1", Direction::Inbound, &[Output, Postrouting, Prerouting, Input]),
    ];
    for (entry, source, destination, direction, hooks) in ways {
        let seen = run(accept, entry, between(source, destination).udp(1, 2, b""));
        assert_eq!(seen.fate, Some(Fate::Accept), "{source} > {destination}");
        assert_eq!((seen.direction, &seen.hooks[..]), (Some(direction), hooks));
        let governing = seen.direction.unwrap().hook();
        assert_eq!(seen.origin, Some(OriginId(governing.number())));
    }
}

#[test]
fn interfaces_are_those_of_the_way() {
    let mut ways = Vec::new();
    let note = |view: &View<'_>| {
        ways.push((view.hook, view.iif.map(str::to_owned), view.oif.map(str::to_owned)));
        Action::Accept
    };
    run(note, "eth1", between("192.168.1.9", "198.51.100.7").udp(1, 2, b""));
    let name = |text: &str| Some(text.to_owned());
    assert_eq!(
        ways,
        [
            (Prerouting, name("eth1"), None),
            (Forward, name("eth1"), name("eth0")),
            (Postrouting, name("eth1"), name("eth0"))
        ]
    );
}

#[test]
fn a_router_counts_hop_limits_down() {
    for (source, destination) in [("192.168.1.9", "198.51.100.7"), ("2001:db8:1::9", "2001:db8:9::7")] {
        let seen = run(accept, "eth1", between(source, destination).hop_limit(2).udp(1, 2, b""));
        let left = seen.left.unwrap();
        assert_eq!(Packet::parse(&left).unwrap().hop_limit(), 1);
    }
}

#[test]
fn a_packet_to_the_host_itself_keeps_its_ct_state() {
    let mut states = Vec::new();
    let note = |view: &View<'_>| {
        states.push((view.hook, view.state));
        Action::Accept
    };
    run(note, "out", between("127.0.0.1", "127.0.0.1").udp(1, 2, b""));
    assert_eq!(states.last(), Some(&(Input, CtState::New)));
}

#[test]
fn a_dropped_packet_leaves_no_entry_and_is_new_again() {
    let drop_input = |view: &View<'_>| if view.hook == Input { Action::Drop } else { Action::Accept };
    let mut machine = Machine::new(&router(), ByHook(drop_input));
    for _ in 0..2 {
        let seen = machine.run_packet(&packet("eth0", between("10.0.0.9", "10.0.0.1").udp(1, 2, b"")));
        assert_eq!((seen.fate, seen.state), (Some(Fate::Drop), Some(CtState::New)));
        assert_eq!((seen.origin, seen.left), (Some(OriginId(Input.number())), None));
    }
    assert!(machine.conntrack().is_empty(Duration::ZERO));
}

#[test]
fn loopback_is_confirmed_before_it_comes_back_in() {
    let drop_input = |view: &View<'_>| if view.hook == Input { Action::Drop } else { Action::Accept };
    let mut machine = Machine::new(&router(), ByHook(drop_input));
    machine.run_packet(&packet("out", between("127.0.0.1", "127.0.0.1").udp(5000, 53, b"")));
    let answer = machine.run_packet(&packet("out", between("127.0.0.1", "127.0.0.1").udp(53, 5000, b"")));
    assert_eq!(answer.state, Some(CtState::Established));
}

#[test]
fn what_cannot_be_routed_ends_behind_prerouting() {
    for (source, destination) in [
        ("10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "10.0.0.1"),
        ("10.0.0.9", "127.0.0.1"),
        ("255.255.255.255", "10.0.0.1"),
        ("224.0.0.5", "10.0.0.1"),
        ("0.0.0.0", "10.0.0.1"),
        ("10.0.0.9", "224.0.0.22"),
        ("2001:db8::9", "ff02::1:ff00:1"),
    ] {
        let seen = run(accept, "eth0", between(source, destination).udp(1, 2, b""));
        assert_eq!(
            (seen.fate, seen.reason.as_deref()),
            (Some(Fate::Drop), Some("routing")),
            "{source} > {destination}"
        );
        assert_eq!((seen.hooks, seen.state, seen.answers.len()), (vec![Prerouting], Some(CtState::New), 0));
    }
}

#[test]
fn groups_that_the_host_is_in_reach_it() {
    for (source, destination) in [
        ("0.0.0.0", "255.255.255.255"),
        ("10.0.0.9", "10.0.0.255"),
        ("10.0.0.9", "224.0.0.1"),
        ("fe80::9", "ff02::1"),
        ("fe80::9", "ff02::2"),
        ("2001:db8::9", "2001:db8::"),
    ] {
        let seen = run(accept, "eth0", between(source, destination).udp(1, 2, b""));
        assert_eq!(seen.hooks, [Prerouting, Input], "{source} > {destination}");
    }
    let mut host = router();
    host.interfaces[0].groups.push("224.0.0.251".parse().unwrap());
    let mdns = packet("eth0", between("10.0.0.9", "224.0.0.251").udp(5353, 5353, b""));
    assert_eq!(Machine::new(&host, ByHook(accept)).run_packet(&mdns).fate, Some(Fate::Accept));
}

#[test]
fn what_is_no_packet_is_not_seen() {
    assert_eq!(run(accept, "eth0", Vec::new()), Observation::unseen());
    let mut broken = syn("10.0.0.9", "10.0.0.1");
    broken[8] ^= 1;
    let seen = run(accept, "eth0", broken);
    assert_eq!((seen.fate, seen.reason.as_deref(), seen.hooks.len()), (Some(Fate::Drop), Some("ip input"), 0));
}

#[test]
fn fragments_meet_the_hooks_as_one_packet() {
    let whole = between("10.0.0.9", "10.0.0.1").id(7).udp(5000, 53, &[1; 40]);
    let fragment = |range: std::ops::Range<usize>, more: u8| {
        let mut bytes = [&whole[..20], &whole[20 + range.start..20 + range.end]].concat();
        let length = u16::try_from(bytes.len()).unwrap();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes[6..8].copy_from_slice(&[more << 5, u8::try_from(range.start / 8).unwrap()]);
        crate::packet::write_header_checksum(&mut bytes);
        bytes
    };
    let mut machine = Machine::new(&router(), ByHook(accept));
    let first = machine.run_packet(&packet("eth0", fragment(0..24, 1)));
    assert_eq!((first.fate, first.state), (Some(Fate::Queued), None));
    let last = machine.run_packet(&packet("eth0", fragment(24..48, 0)));
    assert_eq!((last.state, last.left), (Some(CtState::New), Some(whole)));
}

// Tests of answers.

fn refuse_input(refusal: Refusal) -> impl FnMut(&View<'_>) -> Action {
    move |view| if view.hook == Input { Action::Reject(refusal) } else { Action::Accept }
}

#[test]
fn answers_are_related_to_what_they_refuse() {
    let seen = run(refuse_input(Refusal::TcpReset), "eth0", syn("10.0.0.9", "10.0.0.1"));
    assert_eq!(seen.fate, Some(Fate::Reject));
    assert_eq!(answers(&seen), ["tcp 10.0.0.1:1 > 10.0.0.9:9 rst,ack: related accept"]);
    let seen = run(refuse_input(Refusal::PortUnreachable), "eth0", syn("2001:db8::9", "2001:db8::1"));
    assert_eq!(answers(&seen), ["icmpv6 2001:db8::1 > 2001:db8::9 destination-unreachable code 4: related accept"]);
}

#[test]
fn a_router_answers_from_its_own_address() {
    let refuse = |view: &View<'_>| match view.hook {
        Forward => Action::Reject(Refusal::AdminProhibited),
        _ => Action::Accept,
    };
    let seen = run(refuse, "eth1", between("192.168.1.9", "198.51.100.7").udp(1, 2, b""));
    assert_eq!(answers(&seen), ["icmp 192.168.1.1 > 192.168.1.9 destination-unreachable code 13: related accept"]);
}

#[test]
fn answers_pass_the_output_chain() {
    let refuse = |view: &View<'_>| match view.hook {
        Input => Action::Reject(Refusal::TcpReset),
        Output if view.state == CtState::Related => Action::Drop,
        _ => Action::Accept,
    };
    let seen = run(refuse, "eth0", syn("10.0.0.9", "10.0.0.1"));
    assert_eq!(answers(&seen), ["tcp 10.0.0.1:1 > 10.0.0.9:9 rst,ack: related drop"]);
    assert_eq!(seen.answers[0].origin, Some(OriginId(Output.number())));
    assert_eq!((seen.fate, seen.origin), (Some(Fate::Reject), Some(OriginId(Input.number()))));
}

#[test]
fn the_answer_to_an_invalid_packet_is_invalid() {
    let stray =
        Segment { source_port: 9, destination_port: 1, flags: TcpFlags::FIN.with(TcpFlags::ACK), ..Segment::default() };
    let bytes = between("10.0.0.9", "10.0.0.1").tcp(&stray);
    let seen = run(refuse_input(Refusal::TcpReset), "eth0", bytes);
    assert_eq!(answers(&seen), ["tcp 10.0.0.1:1 > 10.0.0.9:9 rst: invalid accept"]);
}

#[test]
fn what_the_host_refuses_itself_is_answered_over_loopback() {
    let refuse = |view: &View<'_>| match view.hook {
        Output if view.state == CtState::New => Action::Reject(Refusal::PortUnreachable),
        _ => Action::Accept,
    };
    let seen = run(refuse, "out", between("10.0.0.1", "10.0.0.9").udp(1, 2, b""));
    assert_eq!(answers(&seen), ["icmp 10.0.0.1 > 10.0.0.1 destination-unreachable code 3: related accept"]);
    assert_eq!(seen.hooks, [Output]);
}

#[test]
fn groups_are_not_answered() {
    for destination in ["255.255.255.255", "10.0.0.255", "224.0.0.1"] {
        for refusal in [Refusal::TcpReset, Refusal::PortUnreachable] {
            let seen = run(refuse_input(refusal), "eth0", syn("10.0.0.9", destination));
            assert_eq!((seen.fate, seen.answers.len()), (Some(Fate::Reject), 0), "{destination}");
        }
    }
    let seen = run(refuse_input(Refusal::PortUnreachable), "eth0", syn("fe80::9", "ff02::1"));
    assert_eq!(seen.answers.len(), 0);
}

#[test]
fn a_router_says_why_it_does_not_forward() {
    let last_hop = between("192.168.1.9", "198.51.100.7").hop_limit(1).udp(1, 2, b"");
    let seen = run(accept, "eth1", last_hop);
    assert_eq!((seen.fate, seen.reason.as_deref()), (Some(Fate::Drop), Some("hop limit")));
    assert_eq!(answers(&seen), ["icmp 192.168.1.1 > 192.168.1.9 time-exceeded code 0: related accept"]);

    let long = between("2001:db8:1::9", "2001:db8:9::7").udp(1, 2, &[0; 1500]);
    let seen = run(accept, "eth1", long);
    assert_eq!(answers(&seen), ["icmpv6 2001:db8:1::1 > 2001:db8:1::9 packet-too-big code 0: related accept"]);

    let link_local = between("fe80::9", "2001:db8:9::7").udp(1, 2, b"");
    let seen = run(accept, "eth1", link_local);
    assert_eq!(answers(&seen), ["icmpv6 fe80::1 > fe80::9 destination-unreachable code 2: related accept"]);

    let mut host = router();
    host.routes.clear();
    let lost = packet("eth1", between("192.168.1.9", "198.51.100.7").udp(1, 2, b""));
    let seen = Machine::new(&host, ByHook(accept)).run_packet(&lost);
    assert_eq!(answers(&seen), ["icmp 192.168.1.1 > 192.168.1.9 destination-unreachable code 0: related accept"]);
}

#[test]
fn a_host_that_does_not_forward_is_silent() {
    let host = Host { forwarding: false, ..router() };
    let stray = packet("eth1", between("192.168.1.9", "198.51.100.7").udp(1, 2, b""));
    let seen = Machine::new(&host, ByHook(accept)).run_packet(&stray);
    assert_eq!((seen.fate, seen.reason.as_deref(), seen.answers.len()), (Some(Fate::Drop), Some("routing"), 0));
}

#[test]
fn another_table_refuses_before_the_input_chain() {
    let mut asked = Vec::new();
    let note = |view: &View<'_>| {
        asked.push(view.hook);
        Action::Accept
    };
    let mut machine = Machine::new(&router(), ByHook(note));
    let refused = TimedPacket { refused: true, ..packet("eth0", syn("10.0.0.9", "10.0.0.1")) };
    let seen = machine.run_packet(&refused);
    assert_eq!((seen.fate, seen.origin), (Some(Fate::Reject), None));
    assert_eq!(answers(&seen), ["tcp 10.0.0.1:1 > 10.0.0.9:9 rst,ack: related accept"]);
    drop(machine);
    assert_eq!(asked, [Prerouting, Output, Postrouting]);
}

#[test]
fn a_reset_of_the_hosts_own_closes_the_conversation() {
    let refuse_data = |view: &View<'_>| {
        let data = view.packet.payload().is_some_and(|payload| !payload.is_empty());
        if view.hook == Input && data { Action::Reject(Refusal::TcpReset) } else { Action::Accept }
    };
    let mut machine = Machine::new(&router(), ByHook(refuse_data));
    let segment = |flags, sequence, acknowledgement, payload| Segment {
        source_port: 9,
        destination_port: 1,
        flags,
        sequence,
        acknowledgement,
        window: 1000,
        payload,
        ..Segment::default()
    };
    let there = between("10.0.0.9", "10.0.0.1");
    machine.run_packet(&packet("eth0", there.tcp(&segment(TcpFlags::SYN, 0, 0, b""))));
    let syn_ack =
        Segment { source_port: 1, destination_port: 9, ..segment(TcpFlags::SYN.with(TcpFlags::ACK), 50, 1, b"") };
    machine.run_packet(&packet("out", between("10.0.0.1", "10.0.0.9").tcp(&syn_ack)));
    machine.run_packet(&packet("eth0", there.tcp(&segment(TcpFlags::ACK, 1, 51, b""))));
    let seen = machine.run_packet(&packet("eth0", there.tcp(&segment(TcpFlags::ACK, 1, 51, b"data"))));
    assert_eq!(answers(&seen), ["tcp 10.0.0.1:1 > 10.0.0.9:9 rst: related accept"]);
    let lines = machine.conntrack().lines(crate::conntrack::Style::NfConntrack, Duration::ZERO);
    assert!(lines[0].contains(" 10 CLOSE "), "{lines:?}");
}

#[test]
fn protocols_without_ports_are_walked_too() {
    for protocol in [Protocol(50), Protocol(89), Protocol::IGMP] {
        let seen = run(accept, "eth0", between("10.0.0.9", "10.0.0.1").protocol(protocol, b"anything"));
        assert_eq!((seen.fate, seen.state), (Some(Fate::Accept), Some(CtState::New)));
    }
}
