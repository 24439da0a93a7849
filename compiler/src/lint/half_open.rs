// SPDX-License-Identifier: GPL-3.0-or-later
//! Conversations that one sentence opens and none lets answer.

use ringwall_grammar::{Code, Diagnostic};
use ringwall_ir::words::{CtState, Direction, Family, IcmpClass, Protocol, TcpFlags, icmp};
use ringwall_ir::{InterfacePattern, IntervalSet};
use ringwall_runtime::compare::region::{Region, is_named};
use ringwall_runtime::packet::build::{Build, Segment};

use super::question::Question;
use crate::policy::{Effect, Policy, Sentence};
use crate::probe;

/// An interface that stands for any, where a sentence does not name one.
const ANY_INTERFACE: &str = "eth-any";

pub(super) fn lint(policy: &Policy) -> Vec<Diagnostic> {
    let opening = policy.sentences.iter().filter(|sentence| sentence.effect == Effect::Accept);
    opening.filter_map(|sentence| finding(policy, sentence)).collect()
}

fn finding(policy: &Policy, sentence: &Sentence) -> Option<Diagnostic> {
    let found = sentence.directions.iter().find_map(|&direction| {
        let back = answered_by(direction);
        let regions: Vec<_> = probe::of_scope(&sentence.scope, direction, true).into_iter().filter(opens).collect();
        if regions.iter().any(|region| !is_accepted(policy, region, back, answer(region))) {
            return Some((
                format!("{direction} conversations may be opened, but their answers are dropped {back}"),
                back,
            ));
        }
        let cut = regions.iter().any(|region| !is_accepted(policy, region, direction, following(region)));
        cut.then(|| {
            (format!("{direction} conversations may be opened, but what follows is dropped {direction}"), direction)
        })
    });
    let (message, missing) = found?;
    let help = format!("add `permit established {missing}`");
    Some(Diagnostic::new(Code::HalfOpen, sentence.span, message).help(help))
}

/// Whether the region has packets that open a conversation. Loopback is its own answer.
fn opens(region: &Region) -> bool {
    region.opens && !region.is_loopback()
}

/// Whether the policy accepts a packet of an open conversation of the region. Without such a packet nothing is cut off.
fn is_accepted(policy: &Policy, region: &Region, direction: Direction, bytes: Option<Vec<u8>>) -> bool {
    let Some(bytes) = bytes else { return true };
    let names = if region.direction == Direction::Outbound { &region.oif } else { &region.iif };
    let named = names.as_ref().filter(|names| !is_named(names, ANY_INTERFACE)).map(InterfacePattern::of_values);
    let interface = named.iter().flatten().next().map_or(ANY_INTERFACE, InterfacePattern::stem);
    Question { direction, interface, state: CtState::Established, bytes: &bytes }.is_accepted(policy)
}

/// What follows the first packet on its own way, in a protocol that cannot do without.
fn following(region: &Region) -> Option<Vec<u8>> {
    if !region.protocol.contains(u128::from(Protocol::TCP.0)) {
        return None;
    }
    let build = Build::from_bits(region.family, some(&region.source)?, some(&region.destination)?);
    let (source_port, destination_port) = (port(&region.from_port)?, port(&region.port)?);
    Some(build.tcp(&Segment { source_port, destination_port, flags: TcpFlags::ACK, ..Segment::default() }))
}

/// The answer to some packet of the region, or none if its kind has no answer.
fn answer(region: &Region) -> Option<Vec<u8>> {
    let some =
        |set: &ringwall_ir::IntervalSet| set.intervals().first().map(|&(first, last)| first + (last - first) / 2);
    let build = Build::from_bits(region.family, some(&region.destination)?, some(&region.source)?);
    let port = |set| some(set).and_then(|port| u16::try_from(port).ok());
    let (from, to) = (port(&region.port)?, port(&region.from_port)?);
    let protocol =
        region.protocol.single().and_then(|number| u8::try_from(number).ok()).map_or(Protocol::UDP, Protocol);
    match protocol {
        Protocol::TCP => {
            let flags = TcpFlags::SYN.with(TcpFlags::ACK);
            Some(build.tcp(&Segment { source_port: from, destination_port: to, flags, ..Segment::default() }))
        }
        Protocol::UDP => Some(build.udp(from, to, b"")),
        Protocol::ICMP | Protocol::ICMPV6 => {
            let queries = (0..=u8::MAX).filter(|&kind| region.icmp_type.contains(u128::from(kind)));
            let query = queries.into_iter().find(|&kind| icmp::class(region.family, kind) == IcmpClass::Query)?;
            let reply = match region.family {
                Family::Ipv4 if query == 8 => 0,
                _ => query + 1,
            };
            Some(build.icmp(reply, 0, 0, b""))
        }
        other => Some(build.protocol(other, b"")),
    }
}

/// Some number of a set.
fn some(set: &IntervalSet) -> Option<u128> {
    set.intervals().first().map(|&(first, last)| first + (last - first) / 2)
}

/// Some port of a set.
fn port(set: &IntervalSet) -> Option<u16> {
    some(set).and_then(|port| u16::try_from(port).ok())
}

/// Which way the answers to packets of a direction go.
const fn answered_by(direction: Direction) -> Direction {
    match direction {
        Direction::Inbound => Direction::Outbound,
        Direction::Outbound => Direction::Inbound,
        Direction::Forwarded => Direction::Forwarded,
    }
}
