// SPDX-License-Identifier: GPL-3.0-or-later
//! Ports and TCP flags.

use ringwall_ir::words::Protocol;
use ringwall_ir::{Field, IntervalSet, Match, Selector, Unknown, Values};

use super::super::Known;
use super::super::block::{Block, Opt};
use super::super::steps::{Either, Piece};
use super::{number, some, within};
use crate::target::iptables::words::protocol::{Ports, ports_of};
use crate::target::iptables::words::tcp;

/// `-m tcp`, `-m udp`, `-m sctp`, `-m dccp`. The protocol itself is tested by `-p`, which must stand beside them. Without
/// a test of their own they still pass no later fragment, for they read the header (`tcp_mt` in `xt_tcpudp.c`).
pub(super) fn of_protocol(block: &Block<'_>, demanded: Option<Protocol>) -> Known<Vec<Piece>> {
    let ports = Protocol::named(block.name).filter(|own| demanded.as_ref() == Some(own)).and_then(ports_of);
    let ports = ports.ok_or_else(|| format!("it needs `-p {}` beside it", block.name))?;
    let mut tests: Vec<Piece> = Vec::new();
    for option in &block.options {
        match option.name {
            "--sport" | "--dport" => tests.push(port(option, ports)?.into()),
            "--tcp-flags" => tests.extend(tcp_flags(option)?.map(Piece::from)),
            "--syn" => tests.push(flags(option, tcp::SYN.0, tcp::SYN.1).into()),
            _ => return Err(option.not_modelled()),
        }
    }
    if tests.is_empty() {
        tests.push(Piece::Header(ports.destination));
    }
    Ok(tests)
}

/// One that excepts all ports is none of both variants: of TCP and UDP, iptables-nft makes a rule without a test of it.
fn port(option: &Opt<'_>, ports: Ports) -> Known<Match> {
    let text = option.value();
    let number = match ports.protocol {
        Protocol::DCCP | Protocol::UDP => decimal_port,
        _ => port_number,
    };
    let (first, last) = match text.split_once(':') {
        None => (number(text)?, number(text)?),
        Some((first, last)) => {
            (if first.is_empty() { 0 } else { number(first)? }, if last.is_empty() { u16::MAX } else { number(last)? })
        }
    };
    if first > last {
        return Err(format!("`{text}` ends before it begins"));
    }
    if option.negated && (first, last) == (0, u16::MAX) && matches!(ports.protocol, Protocol::TCP | Protocol::UDP) {
        return Err(format!("`{} {text}` {VARIANTS_DIFFER}", option.spelled()));
    }
    Ok(within(option, field(option, ports), IntervalSet::range(u128::from(first), u128::from(last))))
}

/// Why a test is not read that iptables-legacy takes for one that no packet passes, and iptables-nft for none.
const VARIANTS_DIFFER: &str =
    "passes no packet by iptables-legacy and every one by iptables-nft: leave it out, or leave the rule out";

/// The number of a port as strtoul(3) reads it with base 0. Its name would be looked up in `/etc/services`, which each host
/// has its own of.
///
/// # Errors
/// That it is a name, or no port.
pub(in crate::target::iptables::read) fn port_number(text: &str) -> Known<u16> {
    port_of(text, number(text))
}

/// The same where iptables asks getaddrinfo(3), which reads decimal numbers alone: of `-m udp`, `-m dccp` and
/// `-m conntrack` (`XTTYPE_PORTRC` in `libxtables/xtoptions.c`).
pub(super) fn decimal_port(text: &str) -> Known<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    port_of(text, digits.then(|| text.parse().ok()).flatten())
}

fn port_of(text: &str, number: Option<u128>) -> Known<u16> {
    match number.map(u16::try_from) {
        Some(Ok(port)) => Ok(port),
        None if text.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            Err(format!("`{text}` is a name of the host's /etc/services: write the number of the port"))
        }
        _ => Err(format!("`{text}` is no port: ports are 0 to 65535")),
    }
}

fn field(option: &Opt<'_>, ports: Ports) -> Field {
    if option.name.starts_with("--s") { ports.source } else { ports.destination }
}

/// Where no flag is looked at, every packet passes.
fn tcp_flags(option: &Opt<'_>) -> Known<Option<Match>> {
    let [mask, value] = option.values else { return Err(option.not_modelled()) };
    let bits = |list: &str| tcp::flag_bits(list).ok_or_else(|| format!("`{list}` is no list of TCP flags: SYN,ACK"));
    match (bits(mask)?, bits(value)?) {
        (0, 0) if !option.negated => Ok(None),
        (0, 0) => Err(format!("`{}` of no flag {VARIANTS_DIFFER}", option.spelled())),
        (0, _) if !option.negated => Err(format!("`{}` of no flag {VARIANTS_DIFFER}", option.spelled())),
        (mask, value) => Ok(Some(flags(option, mask, value))),
    }
}

fn flags(option: &Opt<'_>, mask: u8, value: u8) -> Match {
    let selector = Selector::masked(Field::TcpFlags, u128::from(mask));
    Match::In { selector, values: Values::one(u128::from(value)), negated: option.negated }
}

/// How many ports there are in a list at most.
const PORTS_MAX: usize = 15;

/// `-m multiport`, of the protocol that `-p` demands.
pub(super) fn multiport(block: &Block<'_>, protocol: Option<Protocol>) -> Known<Vec<Piece>> {
    let ports = protocol.and_then(ports_of);
    let ports = ports.ok_or("it needs `-p` with tcp, udp, udplite, sctp or dccp beside it")?;
    let mut pieces = Vec::new();
    for option in &block.options {
        let set: IntervalSet = option.value().split(',').map(listed).collect::<Known<_>>()?;
        // A range takes the room of two (`XT_MULTI_PORTS`).
        let count = option.value().split(',').map(|text| 1 + usize::from(text.contains(':'))).sum::<usize>();
        if count > PORTS_MAX {
            return Err(format!(
                "iptables takes {PORTS_MAX} ports, a range for two, and these are {count}: write \
                                several rules"
            ));
        }
        match option.name {
            // All of them: what is left is that there is a header.
            "--ports" if !option.negated && set == IntervalSet::full(16) => pieces.push(Piece::Header(ports.source)),
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
                pieces.push(Piece::Either(Either {
                    ways: vec![vec![source.clone()], vec![destination.clone()]],
                    disjoint: vec![vec![source], vec![other, destination]],
                    unknown: Unknown {
                        name: "match multiport".to_owned(),
                        text: block.text(),
                        reason: "`--ports` is several rules, which would count apart or be too many: write \
                                 `--sports` and `--dports` in lines of their own"
                            .to_owned(),
                    },
                }));
            }
            _ => return Err(option.not_modelled()),
        }
    }
    some(pieces)
}

/// A port, or `FIRST:LAST`: here, neither may be left out, and they differ (`parse_multi_ports_v1` of
/// `extensions/libxt_multiport.c`).
fn listed(text: &str) -> Known<(u128, u128)> {
    let (first, last) = match text.split_once(':') {
        None => (port_number(text)?, port_number(text)?),
        Some((first, last)) => match (port_number(first)?, port_number(last)?) {
            (first, last) if first < last => (first, last),
            _ => return Err(format!("`{text}` is no range of ports")),
        },
    };
    Ok((u128::from(first), u128::from(last)))
}
