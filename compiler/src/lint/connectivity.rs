// SPDX-License-Identifier: GPL-3.0-or-later
//! What every host needs and a short policy forgets: loopback, neighbour discovery, ICMP errors, its own refusals.

use std::net::IpAddr;

use ringwall_grammar::{Code, Diagnostic};
use ringwall_ir::words::{CtState, Direction, TcpFlags};
use ringwall_runtime::packet::build::{Build, Segment};

use super::place;
use super::question::Question;
use crate::policy::{Effect, Policy};

/// An interface that no policy names: what holds on it holds without `on`.
const SOME_INTERFACE: &str = "eth-any";

pub(super) fn lint(policy: &Policy) -> Vec<Diagnostic> {
    let checks = [loopback, neighbours, errors, refusals];
    checks.iter().filter_map(|check| check(policy)).collect()
}

fn between(source: [u16; 8], destination: [u16; 8]) -> Build {
    Build::between(IpAddr::from(source), IpAddr::from(destination))
}

const HOST: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1];
const PEER: [u16; 8] = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2];

fn loopback(policy: &Policy) -> Option<Diagnostic> {
    let local = IpAddr::from([127, 0, 0, 1]);
    let segment = Segment { source_port: 40_000, destination_port: 631, flags: TcpFlags::SYN, ..Segment::default() };
    let bytes = Build::between(local, local).tcp(&segment);
    // Over lo a packet keeps its ct state: the first one is still new when it comes back in.
    let cut = [Direction::Inbound, Direction::Outbound].into_iter().find(|&direction| {
        !Question { direction, interface: "lo", state: CtState::New, bytes: &bytes }.is_accepted(policy)
    })?;
    let message = format!("the host cannot talk to itself: {cut} packets on lo are dropped");
    let help = "`baseline host` opens it, or `permit new, established, related, invalid, untracked inbound and outbound on lo`";
    Some(Diagnostic::new(Code::CutsOffLoopback, place(policy, cut), message).help(help))
}

fn neighbours(policy: &Policy) -> Option<Diagnostic> {
    const SOLICIT: u8 = 135;
    let target: Vec<u8> = HOST.iter().flat_map(|word| word.to_be_bytes()).collect();
    let bytes = between(PEER, HOST).hop_limit(255).icmp(SOLICIT, 0, 0, &target);
    let cut = [Direction::Inbound, Direction::Outbound].into_iter().find(|&direction| {
        !Question { direction, interface: SOME_INTERFACE, state: CtState::Untracked, bytes: &bytes }.is_accepted(policy)
    })?;
    let message = format!("IPv6 neighbour discovery is cut off: {cut} neighbor solicitations are dropped");
    let help = "`baseline host` lets it through; without it IPv6 works only until the neighbour cache is cold";
    Some(Diagnostic::new(Code::CutsOffNeighbours, place(policy, cut), message).help(help))
}

fn errors(policy: &Policy) -> Option<Diagnostic> {
    const UNREACHABLE: u8 = 1;
    let quoted = between(HOST, PEER).udp(40_000, 53, b"");
    let answer = between(PEER, HOST).udp(53, 40_000, b"");
    let error = between(PEER, HOST).icmp(UNREACHABLE, 4, 0, &quoted);
    let inbound = |state, bytes: &[u8]| {
        Question { direction: Direction::Inbound, interface: SOME_INTERFACE, state, bytes }.is_accepted(policy)
    };
    if !policy.governs(Direction::Inbound)
        || !inbound(CtState::Established, &answer)
        || inbound(CtState::Related, &error)
    {
        return None;
    }
    let message = "ICMP errors about the host's own connections are dropped";
    let help = "without them a path with a smaller MTU swallows large packets; `baseline host` lets them in, \
                or `permit related inbound icmp`";
    Some(Diagnostic::new(Code::NoRelatedErrors, place(policy, Direction::Inbound), message).help(help))
}

fn refusals(policy: &Policy) -> Option<Diagnostic> {
    let inbound = |effect: Effect| matches!(effect, Effect::Reject(_));
    let refusing = policy.sentences.iter().find(|sentence| inbound(sentence.effect));
    let closing = policy.closings.values().any(|closing| inbound(closing.effect));
    if refusing.is_none() && !closing {
        return None;
    }
    let reset = Segment {
        source_port: 22,
        destination_port: 40_000,
        flags: TcpFlags::RST.with(TcpFlags::ACK),
        ..Segment::default()
    };
    let reset = between(HOST, PEER).tcp(&reset);
    let error = between(HOST, PEER).icmp(1, 4, 0, &between(PEER, HOST).udp(40_000, 9, b""));
    let gets_out = |bytes: &[u8]| {
        Question { direction: Direction::Outbound, interface: SOME_INTERFACE, state: CtState::Related, bytes }
            .is_accepted(policy)
    };
    if gets_out(&reset) && gets_out(&error) {
        return None;
    }
    let span = refusing.map_or_else(|| place(policy, Direction::Outbound), |sentence| sentence.span);
    let message = "the host's own refusals are dropped on their way out, so the other end sees a drop";
    let help = "a refusal leaves in ct state related: `baseline host` lets it out, or `permit related outbound`";
    Some(Diagnostic::new(Code::MuteReject, span, message).help(help))
}
