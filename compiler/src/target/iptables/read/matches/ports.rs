// SPDX-License-Identifier: GPL-3.0-or-later
//! Ports and TCP flags.

use ringwall_ir::words::Protocol;
use ringwall_ir::{Field, IntervalSet, Match, Selector, Unknown, Values};

use super::super::block::{Block, Opt};
use super::super::steps::{Either, Piece};
use super::{span, within};
use crate::target::iptables::words::protocol::{Ports, ports_of};
use crate::target::iptables::words::tcp;

/// `-m tcp`, `-m udp`, `-m sctp`, `-m dccp`. The protocol itself is tested by `-p`, which must stand beside them.
pub(super) fn of_protocol(block: &Block<'_>) -> Option<Vec<Match>> {
    let protocol = Protocol::named(block.name)?;
    let ports = ports_of(protocol)?;
    let mut tests = Vec::new();
    for option in &block.options {
        match option.name {
            "--sport" | "--dport" => tests.extend(port(option, ports)?),
            "--tcp-flags" => {
                let [mask, value] = option.values else { return None };
                tests.push(flags(option, tcp::flag_bits(mask)?, tcp::flag_bits(value)?));
            }
            "--syn" => tests.push(flags(option, tcp::SYN.0, tcp::SYN.1)),
            _ => return None,
        }
    }
    Some(tests)
}

/// No test where all ports are meant.
fn port(option: &Opt<'_>, ports: Ports) -> Option<Option<Match>> {
    let (first, last) = span(option.value(), ':', u128::from(u16::MAX))?;
    let field = field(option, ports);
    let set = IntervalSet::range(first, last);
    let all = set == IntervalSet::full(16) && !option.negated;
    Some((!all).then(|| within(option, field, set)))
}

fn field(option: &Opt<'_>, ports: Ports) -> Field {
    if option.name.starts_with("--s") { ports.source } else { ports.destination }
}

fn flags(option: &Opt<'_>, mask: u8, value: u8) -> Match {
    let selector = Selector::masked(Field::TcpFlags, u128::from(mask));
    Match::In { selector, values: Values::one(u128::from(value)), negated: option.negated }
}

/// `-m multiport`, of the protocol that `-p` demands.
pub(super) fn multiport(block: &Block<'_>, protocol: Protocol) -> Option<Vec<Piece>> {
    let ports = ports_of(protocol)?;
    let mut pieces = Vec::new();
    for option in &block.options {
        let spans = option.value().split(',').map(|text| span(text, ':', u128::from(u16::MAX)));
        let set = spans.collect::<Option<IntervalSet>>()?;
        match option.name {
            "--sports" | "--dports" => pieces.push(within(option, field(option, ports), set).into()),
            // Neither of the two.
            "--ports" if option.negated => {
                pieces.push(within(option, ports.source, set.clone()).into());
                pieces.push(within(option, ports.destination, set).into());
            }
            "--ports" => {
                let (source, destination) =
                    (within(option, ports.source, set.clone()), within(option, ports.destination, set.clone()));
                let other = Match::outside(ports.source, Values::Inline(set));
                let unknown = Unknown { name: "match multiport".to_owned(), text: block.text() };
                pieces.push(Piece::Either(Either {
                    ways: vec![vec![source.clone()], vec![destination.clone()]],
                    disjoint: vec![vec![source], vec![other, destination]],
                    unknown,
                }));
            }
            _ => return None,
        }
    }
    Some(pieces).filter(|pieces| !pieces.is_empty())
}
