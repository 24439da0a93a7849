// SPDX-License-Identifier: GPL-3.0-or-later
//! What conntrack says.

use ringwall_ir::words::{CtDirection, CtStates, Family, Protocol};
use ringwall_ir::{Datatype, Field, IntervalSet, Selector};

use super::super::clauses::Clauses;
use super::super::line::Test;
use super::super::place::Place;
use super::address;
use super::packet::prefix;
use super::port::text;
use super::spelling::{Each, Spelling, Write};
use crate::target::iptables::words::{quoted, state, tcp};

/// A test of a whole field of bits. Whether some bits pass.
pub(super) fn whole_bits<'a>(
    place: &Place<'_>,
    field: Field,
    tests: impl Iterator<Item = (&'a IntervalSet, bool)>,
    clauses: &mut Clauses,
) -> Result<bool, String> {
    for (set, negated) in tests {
        let values: Vec<u128> = set.values().into_iter().map(|(value, _)| value).collect();
        if !bits(place, Selector::of(field), &values, negated, clauses)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A test of bits under a mask: they are one of the values, or none of them. Whether some bits pass.
pub(super) fn bits(
    place: &Place<'_>,
    selector: Selector,
    values: &[u128],
    negated: bool,
    clauses: &mut Clauses,
) -> Result<bool, String> {
    match selector.field() {
        Field::TcpFlags => flags(selector.bits(), values, negated, clauses),
        Field::CtState => states(place, selector, values, negated, clauses),
        _ => status(selector.bits(), values, negated, clauses),
    }
}

fn flags(mask: u128, values: &[u128], negated: bool, clauses: &mut Clauses) -> Result<bool, String> {
    let unnamed = || "iptables has no word for the tcp flags ecn and cwr".to_owned();
    let words = |bits| tcp::flags(bits).ok_or_else(unnamed);
    let tests = values.iter().map(|&value| {
        let value = format!("{} {}", words(mask)?, words(value)?);
        Ok::<_, String>(Test::of("tcp", "--tcp-flags", negated, value).beside(Some(Protocol::TCP)))
    });
    let tests = tests.collect::<Result<Vec<_>, _>>()?;
    if negated {
        clauses.all_of(tests);
        return Ok(true);
    }
    let alive = !tests.is_empty();
    clauses.one_of(tests);
    Ok(alive)
}

/// A packet is in one ct state, so a test of the bits passes some of the states.
fn states(
    place: &Place<'_>,
    selector: Selector,
    values: &[u128],
    negated: bool,
    clauses: &mut Clauses,
) -> Result<bool, String> {
    let known = |bits: u128| u8::try_from(bits).ok().and_then(CtStates::from_bits);
    let unnamed = |bits: u128| format!("no name for the bits {bits:#x} of `ct state`");
    let mask = match selector.mask() {
        Some(mask) => known(mask).ok_or_else(|| unnamed(mask))?,
        None => CtStates::ALL,
    };
    for &value in values {
        let states = known(value).ok_or_else(|| unnamed(value))?;
        if states.iter().count() > 1 {
            return Err("a packet is in one ct state, not in two at once".to_owned());
        }
    }
    let passes = |bit: u8| values.contains(&u128::from(bit & mask.bits())) != negated;
    let passing: CtStates = CtStates::ALL.iter().filter(|state| passes(state.bit())).collect();
    if passing.is_empty() || passing == CtStates::ALL {
        return Ok(!passing.is_empty());
    }
    let (module, option) = place.ct.words();
    // "None of these" stays what it is.
    let test = match (values, negated) {
        ([0], false) => Test::of(module, option, true, state::states(mask)),
        _ => Test::of(module, option, false, state::states(passing)),
    };
    clauses.all_of([test]);
    Ok(true)
}

/// A test of the entry's status. `--ctstate` knows of translations, `--ctstatus` of the rest, and both ask whether one of
/// the bits is set.
fn status(mask: u128, values: &[u128], negated: bool, clauses: &mut Clauses) -> Result<bool, String> {
    let narrow = |bits: u128| u32::try_from(bits).unwrap_or(u32::MAX);
    let [value] = values else { return Err("iptables compares `ct status` with one set of bits".to_owned()) };
    let (mask, value) = (narrow(mask), narrow(*value));
    match (value, negated) {
        (0, true) => clauses.alternatives(any_of(mask)?),
        (_, true) if mask.is_power_of_two() => clauses.all_of(none_of(mask)?),
        (_, true) => return Err("iptables cannot say that several bits of `ct status` are not just these".to_owned()),
        (_, false) => {
            for bit in (0..32).map(|place| 1 << place).filter(|bit| value & bit != 0) {
                clauses.alternatives(any_of(bit)?);
            }
            if mask & !value != 0 {
                clauses.all_of(none_of(mask & !value)?);
            }
        }
    }
    Ok(true)
}

/// The bits of translations, and the rest; their names.
fn named(bits: u32) -> Result<(u32, String, String), String> {
    let translated = state::TRANSLATED.iter().fold(0, |known, (_, status)| known | status.0);
    let rest = state::names(&state::STATUS, bits & !translated)
        .ok_or_else(|| format!("iptables has no name for all of the bits {bits:#x} of `ct status`"))?;
    Ok((bits & translated, state::names(&state::TRANSLATED, bits & translated).unwrap_or_default(), rest))
}

fn any_of(bits: u32) -> Result<Vec<Vec<Test>>, String> {
    let (translated, translations, rest) = named(bits)?;
    let by_state = |negated, names| Test::of("conntrack", "--ctstate", negated, names);
    let by_status = |names| Test::of("conntrack", "--ctstatus", false, names);
    Ok(match (translated, rest.is_empty()) {
        (0, _) => vec![vec![by_status(rest)]],
        (_, true) => vec![vec![by_state(false, translations)]],
        (_, false) => {
            vec![vec![by_state(false, translations.clone())], vec![untranslated(&translations), by_status(rest)]]
        }
    })
}

/// Without the states of packets that have no entry it would pass those too.
fn untranslated(translations: &str) -> Test {
    let names = format!("{},{translations}", state::states(state::without_entry()));
    Test::of("conntrack", "--ctstate", true, names)
}

fn none_of(bits: u32) -> Result<Vec<Test>, String> {
    let (translated, translations, rest) = named(bits)?;
    let mut tests = Vec::new();
    if translated != 0 {
        tests.push(untranslated(&translations));
    }
    if !rest.is_empty() {
        tests.push(Test::of("conntrack", "--ctstatus", true, rest));
    }
    Ok(tests)
}

/// `-m conntrack` has an option for each of the entry's addresses and ports.
const fn option(field: Field) -> Option<&'static str> {
    use CtDirection::{Original, Reply};
    Some(match field {
        Field::CtIpSaddr(Original) | Field::CtIp6Saddr(Original) => "--ctorigsrc",
        Field::CtIpDaddr(Original) | Field::CtIp6Daddr(Original) => "--ctorigdst",
        Field::CtIpSaddr(Reply) | Field::CtIp6Saddr(Reply) => "--ctreplsrc",
        Field::CtIpDaddr(Reply) | Field::CtIp6Daddr(Reply) => "--ctrepldst",
        Field::CtProtoSrc(Original) => "--ctorigsrcport",
        Field::CtProtoDst(Original) => "--ctorigdstport",
        Field::CtProtoSrc(Reply) => "--ctreplsrcport",
        Field::CtProtoDst(Reply) => "--ctrepldstport",
        _ => return None,
    })
}

/// How a field of the entry is tested that has one option.
pub(super) fn spelling<'a>(field: Field) -> Spelling<'a> {
    let all = IntervalSet::range(0, field.max());
    let of = |negatable, write: Write<'a>| Spelling { negatable, domain: all.clone(), write };
    match field {
        Field::CtAvgpkt(direction) => of(false, Write::Ranges(counted(field, "avgpkt", direction))),
        Field::CtBytes(direction) => of(false, Write::Ranges(counted(field, "bytes", direction))),
        Field::CtPackets(direction) => of(false, Write::Ranges(counted(field, "packets", direction))),
        Field::CtDirection => {
            let test = |(value, _): (u128, u128), _| {
                let name = Datatype::CtDir.value_name(value).ok_or("iptables knows of two directions")?;
                Ok(Test::of("conntrack", "--ctdir", false, name.to_uppercase()))
            };
            // iptables takes no `!` there.
            let domain = IntervalSet::range(0, 1);
            Spelling { negatable: false, domain, write: Write::Values(Box::new(test)) }
        }
        Field::CtExpiration => of(true, Write::Ranges(Box::new(expiry))),
        Field::CtHelper => of(false, Write::Values(Box::new(helper))),
        Field::CtMark => {
            let test = |span, negated| Ok(Test::of("connmark", "--mark", negated, prefix(span)));
            of(true, Write::Prefixes(Box::new(test)))
        }
        Field::CtProtocol(_) => {
            let test = |(value, _): (u128, u128), negated| match value {
                0 => Err("iptables has no entries of protocol 0".to_owned()),
                _ => Ok(Test::of("conntrack", "--ctproto", negated, value.to_string())),
            };
            of(true, Write::Values(Box::new(test)))
        }
        Field::CtProtoSrc(_) | Field::CtProtoDst(_) => {
            let option = option(field).unwrap_or_default();
            let test = move |span, negated| Ok(Test::of("conntrack", option, negated, text(span)));
            of(true, Write::Ranges(Box::new(test)))
        }
        _ => {
            let option = option(field).unwrap_or_default();
            let family = field.datatype().address_family().unwrap_or(Family::Ipv4);
            let test = move |span, negated| {
                let prefix = address::prefix(family, span).unwrap_or_default();
                Ok(Test::of("conntrack", option, negated, prefix))
            };
            of(true, Write::Prefixes(Box::new(test)))
        }
    }
}

/// What is left of the entry's time, in whole seconds.
fn expiry((first, last): (u128, u128), negated: bool) -> Result<Test, String> {
    let most = Field::CtExpiration.max();
    if first % 1000 != 0 || (last % 1000 != 999 && last != most) {
        return Err("iptables tests `ct expiration` in whole seconds".to_owned());
    }
    Ok(Test::of("conntrack", "--ctexpire", negated, text((first / 1000, last / 1000))))
}

/// The name of the helper that watches the entry's master.
fn helper((value, _): (u128, u128), _: bool) -> Result<Test, String> {
    let name = Datatype::String.value_text(value);
    let with_port = name.rsplit_once('-').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if with_port {
        return Err(format!("iptables takes the helper `{name}` for the one without a number too"));
    }
    Ok(Test::of("helper", "--helper", false, quoted(&name)))
}

/// `-m connbytes`
fn counted<'a>(field: Field, mode: &'static str, direction: Option<CtDirection>) -> Each<'a> {
    let direction = direction.map_or("both", CtDirection::name);
    Box::new(move |(first, last), _| {
        // iptables-save prints `0:0` as it prints what has no end.
        let (negated, span) = match (first, last) {
            (0, 0) => (true, "1".to_owned()),
            (_, last) if last == field.max() => (false, first.to_string()),
            _ => (false, format!("{first}:{last}")),
        };
        let value = format!("{span} --connbytes-mode {mode} --connbytes-dir {direction}");
        Ok(Test::of("connbytes", "--connbytes", negated, value))
    })
}
