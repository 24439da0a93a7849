// SPDX-License-Identifier: GPL-3.0-or-later
//! What stands in the packet beside ports.

use ringwall_ir::fields::Exthdr;
use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Values};

use super::super::Known;
use super::super::address::{no_address, short};
use super::super::block::{Block, Opt};
use super::super::rule::Reading;
use super::super::steps::Piece;
use super::{by_family, number, number_of, one, some, span, with_mask, within};
use crate::target::iptables::words::{hops, icmp};

/// `-m icmp`, `-m icmp6`. A code belongs to its type, so "not this code" says something only beside that type.
pub(super) fn icmp(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<Vec<Piece>> {
    let family = reading.family;
    let words = icmp::words(family);
    match (block.name == "icmp", family) {
        (true, Family::Ipv6) => return Err("it tests ICMP of IPv4: write `-m icmp6`".to_owned()),
        (false, Family::Ipv4) => return Err("it tests ICMP of IPv6: write `-m icmp`".to_owned()),
        _ => {}
    }
    if reading.protocol != Protocol::named(if family == Family::Ipv4 { "icmp" } else { "icmpv6" }) {
        return Err(format!("it needs `-p {}` beside it", if family == Family::Ipv4 { "icmp" } else { "ipv6-icmp" }));
    }
    let demanded = &mut reading.icmp_types;
    let mut tests = Vec::new();
    for option in &block.options {
        let named = icmp::kind(family, option.value());
        let (kind, code) = named.ok_or_else(|| option.is_no("type of ICMP, or not of one alone"))?;
        if family == Family::Ipv4 && u128::from(kind) == icmp::ANY_TYPE {
            option.plain("of any type passes no packet: leave the rule out")?;
            return Ok(vec![Piece::Header(words.kind)]);
        }
        let kind = u128::from(kind);
        let of_kind = Match::within(words.kind, Values::one(kind));
        match code.map(|code| Values::one(u128::from(code))) {
            Some(code) if option.negated && demanded.contains(&of_kind) => tests.push(Match::outside(words.code, code)),
            Some(_) if option.negated => {
                return Err(format!("`{}` of a type and a code passes all other types too", option.spelled()));
            }
            Some(code) => {
                demanded.push(of_kind.clone());
                tests.extend([of_kind, Match::within(words.code, code)]);
            }
            None => {
                tests.push(one(option, words.kind, kind));
                if !option.negated {
                    demanded.push(of_kind);
                }
            }
        }
    }
    some(tests.into_iter().map(Piece::from).collect())
}

/// `-m iprange`
pub(super) fn range(option: &Opt<'_>, family: Family) -> Known<Match> {
    let (first, last) = option.value().split_once('-').unwrap_or((option.value(), option.value()));
    let end = |text| short(family, text).ok_or_else(|| no_address(family, text));
    let set = IntervalSet::range(end(first)?, end(last)?);
    let field = if option.name == "--src-range" { Field::source(family) } else { Field::destination(family) };
    if set.is_empty() {
        return Err(format!("`{}` ends before it begins", option.value()));
    }
    Ok(within(option, field, set))
}

/// `-m ttl`, `-m hl`
pub(super) fn hops(option: &Opt<'_>, family: Family) -> Known<Match> {
    let hops::HopWords { options: [equal, less, greater], field, .. } = hops::words(family);
    let number = number_of(option)?;
    if number > field.max() {
        return Err(option.is_no("hop limit: they are 0 to 255"));
    }
    let nobody = || format!("no packet passes `{} {}`", option.spelled(), option.value());
    let set = match option.name {
        name if name == equal => return Ok(one(option, field, number)),
        name if name == less => (number > 0).then(|| IntervalSet::range(0, number - 1)).ok_or_else(nobody)?,
        name if name == greater => {
            (number < field.max()).then(|| IntervalSet::range(number + 1, field.max())).ok_or_else(nobody)?
        }
        _ => return Err(format!("`{}` is of the other family", option.name)),
    };
    option.plain("cannot be: iptables refuses it")?;
    Ok(within(option, field, set))
}

/// `-m length`. Of IPv6 it counts the header too (`xt_length.c`), and the field does not.
pub(super) fn length(option: &Opt<'_>, family: Family) -> Known<Match> {
    let (first, last) = span(option, ':', u128::from(u16::MAX))?;
    match family {
        Family::Ipv4 => Ok(within(option, Field::IpLength, IntervalSet::range(first, last))),
        Family::Ipv6 => {
            let payload = last.checked_sub(HEADER).map(|last| IntervalSet::range(first.saturating_sub(HEADER), last));
            let payload = payload.ok_or("a packet of IPv6 has 40 bytes at least")?;
            Ok(within(option, Field::Ip6Length, payload))
        }
    }
}

/// The length of the IPv6 header, in bytes (RFC 8200 §3).
const HEADER: u128 = 40;

/// `-m dscp`
pub(super) fn code_point(option: &Opt<'_>, family: Family) -> Known<Match> {
    let field = by_family(family, Field::IpDscp, Field::Ip6Dscp);
    let value = match option.name {
        "--dscp" => number(option.value()).filter(|&value| value <= field.max()),
        // Those names of nft that iptables does not know.
        _ if ["df", "lephb", "va"].iter().any(|name| name.eq_ignore_ascii_case(option.value())) => None,
        _ => Datatype::Dscp.named_value(&option.value().to_lowercase()),
    };
    Ok(one(option, field, value.ok_or_else(|| option.is_no("code point: they are 0 to 63"))?))
}

/// `-m tos`. The two lowest bits belong to no field.
pub(super) fn service(option: &Opt<'_>, family: Family) -> Known<Match> {
    let text = option.value();
    if !text.contains('/') {
        return Err(format!("`{text}` looks at the two bits of ECN too: write a mask of the others, `0x10/0xfc`"));
    }
    let (value, mask) = with_mask(option)?;
    if mask & 0x03 != 0 || mask > 0xff || value & 0x03 != 0 {
        return Err(format!("`{text}` looks at the two bits of ECN too: a mask within 0xfc does not"));
    }
    let selector = Selector::masked(by_family(family, Field::IpDscp, Field::Ip6Dscp), mask >> 2);
    Ok(Match::In { selector, values: Values::one(value >> 2), negated: option.negated })
}

/// `-m mac`
pub(super) fn hardware_address(option: &Opt<'_>) -> Known<Match> {
    let octets: Option<Vec<u128>> = option
        .value()
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).ok().filter(|_| !octet.contains('+')).map(u128::from))
        .collect();
    let octets = octets.filter(|octets| octets.len() == 6).ok_or_else(|| option.is_no("address of Ethernet"))?;
    Ok(one(option, Field::EtherSaddr, octets.into_iter().fold(0, |address, octet| address << 8 | octet)))
}

/// `-m pkttype`
pub(super) fn kind(option: &Opt<'_>) -> Known<Match> {
    let value = match option.value().to_lowercase().as_str() {
        "unicast" | "host" => 0,
        "broadcast" | "bcast" => 1,
        "multicast" | "mcast" => 2,
        "otherhost" => 3,
        _ => return Err(option.is_no("kind of packet: there are unicast, broadcast, multicast and otherhost")),
    };
    Ok(one(option, Field::Pkttype, value))
}

/// `-m tcpmss`. What it says when negated passes packets without the option too (`xt_tcpmss.c`).
pub(super) fn segment_size(option: &Opt<'_>) -> Known<Match> {
    option.plain("passes packets without the TCP option too, for which there is no test")?;
    let (first, last) = span(option, ':', u128::from(u16::MAX))?;
    Ok(within(option, Field::TcpMaxseg, IntervalSet::range(first, last)))
}

/// Whether all that it asks is that the packet offers a segment size.
pub(in crate::target::iptables::read) fn asks_for_size(block: &Block<'_>) -> bool {
    block.name == "tcpmss"
        && block.known().is_ok()
        && block.only().is_ok_and(|option| {
            !option.negated && span(option, ':', u16::MAX.into()).is_ok_and(|all| all == (0, u16::MAX.into()))
        })
}

/// `-m frag`, `-m rt`, `-m hbh`, `-m dst`, without a word about what is in the header.
pub(super) fn extension(block: &Block<'_>, family: Family) -> Known<Match> {
    if let Some(option) = block.options.first() {
        return Err(option.not_modelled());
    }
    let header = Exthdr::ALL.into_iter().find(|header| header.name().0 == block.name && family == Family::Ipv6);
    let header = header.ok_or("extension headers are of IPv6, and this text is of ipv4")?;
    Ok(Match::within(Field::Exthdr(header), Values::one(1)))
}

/// `-m ipv6header --soft`, of one header: all that are named must be there, or none.
pub(super) fn extension_headers(block: &Block<'_>, family: Family) -> Known<Match> {
    if family == Family::Ipv4 {
        return Err("extension headers are of IPv6, and this text is of ipv4".to_owned());
    }
    if !block.has("--soft") {
        return Err("it asks for no other headers, which is not modelled: with `--soft` it does not".to_owned());
    }
    let option = block.need("--header")?;
    let header = match option.value() {
        "dst" | "ipv6-opts" | "60" => Exthdr::Dst,
        "frag" | "ipv6-frag" | "44" => Exthdr::Frag,
        "hop" | "hop-by-hop" | "0" => Exthdr::Hbh,
        "route" | "ipv6-route" | "43" => Exthdr::Rt,
        other => return Err(format!("`{other}` is not modelled: one of hop, dst, route and frag is")),
    };
    Ok(Match::within(Field::Exthdr(header), Values::one(u128::from(!option.negated))))
}
