// SPDX-License-Identifier: GPL-3.0-or-later
//! The matches: what each says in the IR. One whose options say what the IR cannot is none of these, and becomes an
//! unknown that tells why.

mod conntrack;
mod counting;
mod host;
mod packet;
mod ports;
mod set;
mod time;

use ringwall_ir::fields::Needs;
use ringwall_ir::words::Family;
use ringwall_ir::{Field, IntervalSet, Match, Selector, Step, Values};

pub(in crate::target::iptables) use self::counting::DRAWN;
pub(super) use self::packet::asks_for_size;
pub(super) use self::ports::port_number;
pub(super) use self::set::key;
use super::Known;
use super::block::{Block, NO_OPTION, NOT_MODELLED, Opt};
use super::rule::Reading;
use super::steps::Piece;

/// What a match says.
///
/// # Errors
/// Why the IR has no words for it.
pub(super) fn lift(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<Vec<Piece>> {
    let pieces = pieces(reading, block)?;
    let judged = pieces.into_iter().map(|piece| match piece {
        Piece::Step(Step::Match(test)) => judged(test),
        piece => Ok(Some(piece)),
    });
    Ok(judged.collect::<Known<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What a test says that may pass all values, or none: the IR has no test for either.
pub(super) fn judged(test: Match) -> Known<Option<Piece>> {
    let Match::In { selector, values: Values::Inline(set), negated } = &test else { return Ok(Some(test.into())) };
    let (field, bits) = (selector.field(), selector.bits());
    let outside = selector.mask().is_some() && set.single().is_some_and(|value| value & !bits != 0);
    let all = match bits {
        0 => set.contains(0),
        _ => set.contains_all(&IntervalSet::range(0, field.max())),
    };
    if set.is_empty() && !negated {
        return Err("no packet passes it, for it ends before it begins: leave the rule out".to_owned());
    }
    match (outside, all) {
        (false, false) => Ok(Some(test.into())),
        (true, _) if !negated => Err("no packet passes it, for its value has bits that its mask leaves out: mend the \
                                      value or the mask, or leave the rule out"
            .to_owned()),
        (false, true) if *negated => {
            Err("no packet passes it, for it excepts every value: leave the rule out".to_owned())
        }
        _ => match field.row().needs {
            Needs::Nothing | Needs::Family(_) => Ok(None),
            Needs::Protocol(_) if field != Field::TcpMaxseg => Ok(Some(Piece::Header(field))),
            _ => Err(format!("it passes every packet that has `{field}`, for which there is no test")),
        },
    }
}

fn pieces(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<Vec<Piece>> {
    let family = reading.family;
    let tests = match block.name {
        "addrtype" => host::address_type(block, family)?,
        "cgroup" => vec![host::cgroup(block)?],
        "connbytes" => vec![conntrack::bytes(block)?],
        "connmark" => each(block, |option| marked(option, Field::CtMark))?,
        "conntrack" => return conntrack::conntrack(block, family),
        "cpu" => each(block, |option| Ok(one(option, Field::MetaCpu, number_of(option)?)))?,
        "devgroup" => each(block, host::device_group)?,
        "dscp" => each(block, |option| packet::code_point(option, family))?,
        "dst" | "frag" | "hbh" | "rt" => vec![packet::extension(block, family)?],
        "helper" => each(block, conntrack::helper)?,
        "hl" | "ttl" => each(block, |option| packet::hops(option, family))?,
        "icmp" | "icmp6" | "icmpv6" | "ipv6-icmp" => return packet::icmp(reading, block),
        "iprange" => each(block, |option| packet::range(option, family))?,
        "ipv6header" => vec![packet::extension_headers(block, family)?],
        "length" => each(block, |option| packet::length(option, family))?,
        "mac" => each(block, packet::hardware_address)?,
        "mark" => each(block, |option| marked(option, Field::MetaMark))?,
        "multiport" => return ports::multiport(block, reading.protocol),
        "owner" => each(block, host::owner)?,
        "pkttype" => each(block, packet::kind)?,
        "policy" => vec![host::policy(block)?],
        "realm" => each(block, host::realm)?,
        "rpfilter" => vec![host::reverse_path(block)?],
        "set" => return set::set(reading, block),
        "socket" => host::socket(block)?,
        "state" => return conntrack::state(block).map(|test| vec![test.into()]),
        "dccp" | "sctp" | "tcp" | "udp" => return ports::of_protocol(block, reading.protocol),
        "tcpmss" => each(block, packet::segment_size)?,
        "time" => time::time(block)?,
        "tos" => each(block, |option| packet::service(option, family))?,
        "connlimit" | "limit" | "quota" | "statistic" => counting::lift(block)?.into_iter().collect(),
        _ => return Err(NOT_MODELLED.to_owned()),
    };
    Ok(tests.into_iter().map(Piece::from).collect())
}

/// A test for each option. A match without any is not known: what it says is in its name.
fn each(block: &Block<'_>, test: impl Fn(&Opt<'_>) -> Known<Match>) -> Known<Vec<Match>> {
    some(block.options.iter().map(test).collect::<Known<_>>()?)
}

/// These, of which there must be some.
fn some<T>(tests: Vec<T>) -> Known<Vec<T>> {
    if tests.is_empty() { Err(NO_OPTION.to_owned()) } else { Ok(tests) }
}

/// The field is one value, or it is not.
fn one(option: &Opt<'_>, field: Field, value: u128) -> Match {
    within(option, field, IntervalSet::one(value))
}

/// The field is one of these values, or none of them.
fn within(option: &Opt<'_>, field: Field, set: IntervalSet) -> Match {
    Match::In { selector: Selector::of(field), values: Values::Inline(set), negated: option.negated }
}

/// `VALUE/MASK`
fn marked(option: &Opt<'_>, field: Field) -> Known<Match> {
    with_mask(option).map(|numbers| under_mask(option, field, numbers))
}

/// What is left of the field under the mask is the value, or it is not.
fn under_mask(option: &Opt<'_>, field: Field, (value, mask): (u128, u128)) -> Match {
    Match::In { selector: Selector::masked(field, mask), values: Values::one(value), negated: option.negated }
}

/// `VALUE/MASK` of 32 bits; without a mask all bits count.
pub(super) fn with_mask(option: &Opt<'_>) -> Known<(u128, u128)> {
    masked(option.value()).ok_or_else(|| option.is_no("number of 32 bits, with a mask behind `/` or without"))
}

fn masked(text: &str) -> Option<(u128, u128)> {
    let (value, mask) = text.split_once('/').map_or((text, None), |(value, mask)| (value, Some(mask)));
    let mask = mask.map_or(Some(u128::from(u32::MAX)), number)?;
    Some((number(value)?, mask)).filter(|(value, mask)| value.max(mask) <= &u128::from(u32::MAX))
}

/// A number as strtoul(3) reads it with base 0.
pub(in crate::target::iptables) fn number(text: &str) -> Option<u128> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => match text.strip_prefix('0') {
            Some(digits) if !digits.is_empty() => u128::from_str_radix(digits, 8).ok(),
            _ => text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?,
        },
    }
}

/// The number behind an option.
pub(super) fn number_of(option: &Opt<'_>) -> Known<u128> {
    number(option.value()).ok_or_else(|| option.is_no("number"))
}

/// The same where there is room for a number of few bits alone.
pub(super) fn narrow<T: TryFrom<u128>>(option: &Opt<'_>) -> Known<T> {
    let bits = 8 * size_of::<T>();
    T::try_from(number_of(option)?).map_err(|_| option.is_no(&format!("number of {bits} bits")))
}

/// `FIRST:LAST` of numbers behind an option, of which either may be left out; `joint` is what stands between them.
fn span(option: &Opt<'_>, joint: char, largest: u128) -> Known<(u128, u128)> {
    span_of(option.value(), joint, largest)
        .ok_or_else(|| option.is_no(&format!("number of 0 to {largest}, and no range `FIRST{joint}LAST` of them")))
}

fn span_of(text: &str, joint: char, largest: u128) -> Option<(u128, u128)> {
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
