// SPDX-License-Identifier: GPL-3.0-or-later
//! The matches: what each says in the IR. One whose options say what the IR cannot is none of these, and becomes an
//! unknown.

mod conntrack;
mod counting;
mod host;
mod packet;
mod ports;
mod set;
mod time;

use ringwall_ir::words::Family;
use ringwall_ir::{Field, IntervalSet, Match, Selector, Values};

pub(in crate::target::iptables) use self::counting::DRAWN;
pub(super) use self::set::key;
use super::block::{Block, Opt};
use super::rule::Reading;
use super::steps::Piece;

/// What a match says; none where the IR has no words for it.
pub(super) fn lift(reading: &mut Reading<'_>, block: &Block<'_>) -> Option<Vec<Piece>> {
    let family = reading.family;
    let tests = match block.name {
        "addrtype" => host::address_type(block, family)?,
        "cgroup" => host::cgroup(block)?,
        "connbytes" => conntrack::bytes(block)?,
        "connmark" => each(block, |option| marked(option, Field::CtMark))?,
        "conntrack" => return conntrack::conntrack(block, family),
        "cpu" => each(block, |option| one(option, Field::MetaCpu, number(option.value())?))?,
        "devgroup" => each(block, host::device_group)?,
        "dscp" => each(block, |option| packet::code_point(option, family))?,
        "dst" | "frag" | "hbh" | "rt" => packet::extension(block, family)?,
        "helper" => each(block, conntrack::helper)?,
        "hl" | "ttl" => each(block, |option| packet::hops(option, family))?,
        "icmp" | "icmp6" | "icmpv6" | "ipv6-icmp" => packet::icmp(block, family, &mut reading.icmp_types)?,
        "iprange" => each(block, |option| packet::range(option, family))?,
        "ipv6header" => packet::extension_headers(block, family)?,
        "length" => each(block, |option| packet::length(option, family))?,
        "mac" => each(block, |option| {
            one(option, Field::EtherSaddr, Field::EtherSaddr.datatype().parse_value(option.value())?)
        })?,
        "mark" => each(block, |option| marked(option, Field::MetaMark))?,
        "multiport" => return ports::multiport(block, reading.protocol?),
        "owner" => each(block, host::owner)?,
        "pkttype" => each(block, packet::kind)?,
        "policy" => host::policy(block)?,
        "realm" => each(block, host::realm)?,
        "rpfilter" => host::reverse_path(block)?,
        "set" => return set::set(reading, block),
        "socket" => host::socket(block)?,
        "state" => return conntrack::state(block),
        "dccp" | "sctp" | "tcp" | "udp" => ports::of_protocol(block)?,
        "tcpmss" => each(block, packet::segment_size)?,
        "time" => time::time(block)?,
        "tos" => each(block, |option| packet::service(option, family))?,
        "connlimit" | "limit" | "quota" | "statistic" => {
            return counting::lift(block).map(|step| vec![Piece::Step(step)]);
        }
        _ => return None,
    };
    Some(tests.into_iter().map(Piece::from).collect())
}

/// A test for each option. A match without any is not known: what it says is in its name.
fn each(block: &Block<'_>, test: impl Fn(&Opt<'_>) -> Option<Match>) -> Option<Vec<Match>> {
    let tests: Option<Vec<_>> = block.options.iter().map(test).collect();
    tests.filter(|tests| !tests.is_empty())
}

/// The field is one value, or it is not.
fn one(option: &Opt<'_>, field: Field, value: u128) -> Option<Match> {
    Some(within(option, field, IntervalSet::one(value)))
}

/// The field is one of these values, or none of them.
fn within(option: &Opt<'_>, field: Field, set: IntervalSet) -> Match {
    Match::In { selector: Selector::of(field), values: Values::Inline(set), negated: option.negated }
}

/// `VALUE/MASK`
fn marked(option: &Opt<'_>, field: Field) -> Option<Match> {
    let (value, mask) = with_mask(option.value())?;
    let selector = Selector::masked(field, mask);
    Some(Match::In { selector, values: Values::one(value), negated: option.negated })
}

/// `VALUE/MASK` of 32 bits; without a mask all bits count.
pub(super) fn with_mask(text: &str) -> Option<(u128, u128)> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
    let mask = mask.map_or(Some(u128::from(u32::MAX)), number)?;
    Some((number(value)?, mask)).filter(|(value, mask)| value.max(mask) <= &u128::from(u32::MAX))
}

/// A number as strtoul(3) reads it with base 0.
pub(super) fn number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => u128::from_str_radix(digits, 8).ok(),
            _ => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?,
        },
    }
}

/// `FIRST:LAST` of numbers, of which either may be left out; `joint` is what stands between them.
pub(super) fn span(text: &str, joint: char, largest: u128) -> Option<(u128, u128)> {
    let Some((first, last)) = text.split_once(joint) else {
        let only = number(text)?;
        return (only <= largest).then_some((only, only));
    };
    let first = if first.is_empty() { 0 } else { number(first)? };
    let last = if last.is_empty() { largest } else { number(last)? };
    (first <= last && last <= largest).then_some((first, last))
}

/// The field of the family.
const fn by_family(family: Family, v4: Field, v6: Field) -> Field {
    match family {
        Family::Ipv4 => v4,
        Family::Ipv6 => v6,
    }
}
