// SPDX-License-Identifier: GPL-3.0-or-later
//! Addresses: of `-s` and `-d`, and of the matches and targets that have some.

use std::net::{Ipv4Addr, Ipv6Addr};

use ringwall_ir::words::Family;
use ringwall_ir::{Field, IntervalSet, Match, Selector, Step, Values};

use super::Known;
use super::block::Opt;
use super::matches::number;

/// How an address is read: all options know it in full, and some know it cut short.
type Parse = fn(Family, &str) -> Option<u128>;

/// What each address or prefix of a list tests; nothing for all addresses. Each makes a rule of its own.
pub(super) fn addresses(option: &Opt<'_>, family: Family, field: Field) -> Known<Vec<Option<Step>>> {
    let list: Vec<_> = option.value().split(',').collect();
    // A list of exceptions would be a rule for each, which passes nearly everything; iptables refuses it.
    if list.len() > 1 {
        option.plain("takes one address: each of several would be a rule that passes nearly everything")?;
    }
    list.into_iter().map(|text| Ok(address_test(family, field, text, option.negated, short)?.map(Step::from))).collect()
}

/// The test of an address, a prefix or a mask; no test where all are meant.
///
/// # Errors
/// What is no address or mask.
pub(super) fn address_test(
    family: Family,
    field: Field,
    text: &str,
    negated: bool,
    parse: Parse,
) -> Known<Option<Match>> {
    let (start, mask) = text.split_once('/').map_or((text, None), |(start, mask)| (start, Some(mask)));
    let start = parse(family, start).ok_or_else(|| no_address(family, start))?;
    let full = field.max();
    let mask = match mask {
        None => full,
        Some(mask) => mask_of(family, mask).ok_or_else(|| {
            format!("`{mask}` is no mask: write the length of the prefix, 0 to {}", family.address_bits())
        })?,
    };
    let host = full ^ mask;
    if mask == 0 && !negated {
        return Ok(None);
    }
    if mask == 0 {
        return Err("no packet passes an address that is none of all".to_owned());
    }
    if host & host.wrapping_add(1) == 0 {
        let values = Values::Inline(IntervalSet::range(start & mask, start & mask | host));
        return Ok(Some(Match::In { selector: Selector::of(field), values, negated }));
    }
    Ok(Some(Match::In { selector: Selector::masked(field, mask), values: Values::one(start & mask), negated }))
}

/// The bits behind `/`: the length of a prefix, or a mask in full.
fn mask_of(family: Family, text: &str) -> Option<u128> {
    let bits = family.address_bits();
    let full = u128::MAX.checked_shr(128 - u32::from(bits)).unwrap_or(0);
    match number(text).filter(|_| !text.is_empty()) {
        Some(length) => {
            let length = u8::try_from(length).ok().filter(|&length| length <= bits)?;
            Some(full ^ full.checked_shr(u32::from(length)).unwrap_or(0))
        }
        None => strict(family, text),
    }
}

/// Why something is no address.
pub(super) fn no_address(family: Family, text: &str) -> String {
    let other = match family {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    };
    match strict(other, text) {
        Some(_) => format!("`{text}` is an address of {}, and this text is of {}", other.name(), family.name()),
        None if text.contains(|c: char| c.is_ascii_alphabetic()) && !text.contains(':') => {
            format!("`{text}` is a name that the host would look up: write its address")
        }
        None => format!("`{text}` is no address of {}", family.name()),
    }
}

/// An address of the family in full.
pub(super) fn strict(family: Family, text: &str) -> Option<u128> {
    match family {
        Family::Ipv4 => text.parse().ok().map(|address: Ipv4Addr| u128::from(address.to_bits())),
        Family::Ipv6 => text.parse().ok().map(Ipv6Addr::to_bits),
    }
}

/// An address of the family, of IPv4 perhaps cut short: `10.1` is 10.1.0.0, and its parts are numbers as strtoul(3) reads
/// them (`numeric_to_ipaddr` in `libxtables/xtables.c`).
pub(super) fn short(family: Family, text: &str) -> Option<u128> {
    if family == Family::Ipv6 {
        return strict(family, text);
    }
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for (place, octet) in octets.iter_mut().enumerate() {
        match parts.next() {
            Some("") => return None,
            Some(part) => *octet = u8::try_from(number(part)?).ok()?,
            None if place == 0 => return None,
            None => {}
        }
    }
    parts.next().is_none().then(|| u128::from(u32::from_be_bytes(octets)))
}
