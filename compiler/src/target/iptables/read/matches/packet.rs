// SPDX-License-Identifier: GPL-3.0-or-later
//! What stands in the packet beside ports.

use ringwall_ir::fields::Exthdr;
use ringwall_ir::words::Family;
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Values};

use super::super::block::{Block, Opt};
use super::super::rule::address;
use super::{by_family, number, one, span, with_mask, within};
use crate::target::iptables::words::{hops, icmp};

/// `-m icmp`, `-m icmp6`. A code belongs to its type, so "not this code" says something only beside that type.
pub(super) fn icmp(block: &Block<'_>, family: Family, demanded: &mut Vec<Match>) -> Option<Vec<Match>> {
    let words = icmp::words(family);
    if block.name == "icmp" && family == Family::Ipv6 {
        return None;
    }
    let mut tests = Vec::new();
    for option in &block.options {
        let any = family == Family::Ipv4 && matches!(option.value(), "any" | "255");
        if any && !option.negated {
            continue;
        }
        let (kind, code) = icmp::kind(family, option.value()).filter(|_| !any)?;
        let kind = Match::within(words.kind, Values::one(u128::from(kind)));
        match code.map(|code| Values::one(u128::from(code))) {
            Some(code) if option.negated && demanded.contains(&kind) => tests.push(Match::outside(words.code, code)),
            Some(_) if option.negated => return None,
            Some(code) => {
                demanded.push(kind.clone());
                tests.extend([kind, Match::within(words.code, code)]);
            }
            None => {
                tests.push(one(option, words.kind, icmp_kind(&kind)?)?);
                if !option.negated {
                    demanded.push(kind);
                }
            }
        }
    }
    Some(tests)
}

fn icmp_kind(test: &Match) -> Option<u128> {
    match test {
        Match::In { values: Values::Inline(set), .. } => set.single(),
        _ => None,
    }
}

/// `-m iprange`
pub(super) fn range(option: &Opt<'_>, family: Family) -> Option<Match> {
    let (first, last) = option.value().split_once('-').unwrap_or((option.value(), option.value()));
    let set = IntervalSet::range(address(family, first)?, address(family, last)?);
    let field = if option.name == "--src-range" { Field::source(family) } else { Field::destination(family) };
    (!set.is_empty()).then(|| within(option, field, set))
}

/// `-m ttl`, `-m hl`
pub(super) fn hops(option: &Opt<'_>, family: Family) -> Option<Match> {
    let hops::HopWords { options: [equal, less, greater], field, .. } = hops::words(family);
    let number = number(option.value()).filter(|&number| number <= field.max())?;
    match option.name {
        name if name == equal => one(option, field, number),
        _ if option.negated => None,
        name if name == less => Some(within(option, field, IntervalSet::range(0, number.checked_sub(1)?))),
        name if name == greater => Some(within(option, field, IntervalSet::range(number + 1, field.max()))),
        _ => None,
    }
}

/// `-m length`. Of IPv6 it counts the header too (`xt_length.c`), and the field does not.
pub(super) fn length(option: &Opt<'_>, family: Family) -> Option<Match> {
    let (first, last) = span(option.value(), ':', u128::from(u16::MAX))?;
    match family {
        Family::Ipv4 => Some(within(option, Field::IpLength, IntervalSet::range(first, last))),
        Family::Ipv6 => {
            let payload = IntervalSet::range(first.saturating_sub(HEADER), last.checked_sub(HEADER)?);
            Some(within(option, Field::Ip6Length, payload))
        }
    }
}

/// The length of the IPv6 header, in bytes (RFC 8200 §3).
const HEADER: u128 = 40;

/// `-m dscp`
pub(super) fn code_point(option: &Opt<'_>, family: Family) -> Option<Match> {
    let field = by_family(family, Field::IpDscp, Field::Ip6Dscp);
    let value = match option.name {
        "--dscp" => number(option.value())?,
        _ => Datatype::Dscp.named_value(&option.value().to_lowercase())?,
    };
    one(option, field, value)
}

/// `-m tos`. The two lowest bits belong to no field.
pub(super) fn service(option: &Opt<'_>, family: Family) -> Option<Match> {
    let text = option.value();
    let (value, mask) = with_mask(text).filter(|_| text.contains('/'))?;
    if mask & 0x03 != 0 || mask > 0xff {
        return None;
    }
    let selector = Selector::masked(by_family(family, Field::IpDscp, Field::Ip6Dscp), mask >> 2);
    let known = value & 0x03 == 0;
    known.then(|| Match::In { selector, values: Values::one(value >> 2), negated: option.negated })
}

/// `-m pkttype`
pub(super) fn kind(option: &Opt<'_>) -> Option<Match> {
    let value = match option.value() {
        "unicast" | "host" => 0,
        "broadcast" | "bcast" => 1,
        "multicast" | "mcast" => 2,
        _ => return None,
    };
    one(option, Field::Pkttype, value)
}

/// `-m tcpmss`. What it says when negated passes packets without the option too (`xt_tcpmss.c`).
pub(super) fn segment_size(option: &Opt<'_>) -> Option<Match> {
    let (first, last) = span(option.value(), ':', u128::from(u16::MAX)).filter(|_| !option.negated)?;
    Some(within(option, Field::TcpMaxseg, IntervalSet::range(first, last)))
}

/// `-m frag`, `-m rt`, `-m hbh`, `-m dst`, without a word about what is in the header.
pub(super) fn extension(block: &Block<'_>, family: Family) -> Option<Vec<Match>> {
    if !block.options.is_empty() || family == Family::Ipv4 {
        return None;
    }
    let header = Exthdr::ALL.into_iter().find(|header| header.name().0 == block.name)?;
    Some(vec![Match::within(Field::Exthdr(header), Values::one(1))])
}

/// `-m ipv6header --soft`, of one header: all that are named must be there, or none.
pub(super) fn extension_headers(block: &Block<'_>, family: Family) -> Option<Vec<Match>> {
    let option = block.option("--header").filter(|_| block.has("--soft") && family == Family::Ipv6)?;
    let header = match option.value() {
        "dst" | "ipv6-opts" | "60" => Exthdr::Dst,
        "frag" | "ipv6-frag" | "44" => Exthdr::Frag,
        "hop" | "hop-by-hop" | "0" => Exthdr::Hbh,
        "route" | "ipv6-route" | "43" => Exthdr::Rt,
        _ => return None,
    };
    Some(vec![Match::within(Field::Exthdr(header), Values::one(u128::from(!option.negated)))])
}
