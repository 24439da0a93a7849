// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule in nft's words.

use ringwall_ir::words::{CtStates, Family, Hook, LogLevel, Refusal, TableFamily, TcpFlags};
use ringwall_ir::{Field, InterfacePattern, Limit, Log, LogTarget, Match, Rule, Statement, Table, Values, Verdict};

use super::name::name;
use super::value::{braced, values};
use crate::target::reach::{Reach, family_needed, protocol_needed};

/// The rule without its comment, or why nft text cannot say it.
pub(super) fn rule(table: &Table, hook: Hook, rule: &Rule) -> Result<String, String> {
    let reach = Reach::of(table, rule);
    if reach.is_empty() {
        return Err("its tests contradict each other: no packet passes them all".to_owned());
    }
    check_neighbours(rule.matches())?;
    let mut words = Vec::new();
    for (place, test) in rule.matches().iter().enumerate() {
        if !is_implied(rule.matches(), place)? {
            words.extend(matched(table, test)?);
        }
    }
    for Statement::Log(log) in rule.statements() {
        words.push(logged(log)?);
    }
    words.extend(rule.verdict().map(|verdict| decided(table, hook, &reach, verdict)).transpose()?);
    Ok(words.join(" "))
}

/// The fields that stand side by side in a header. nft 1.0.6 merges two `==`, or two `!=`, of single values of them into
/// one comparison, at the place of the first (`stmt_reduce` in `src/rule.c`).
const NEIGHBOURS: [(Field, Field); 5] = [
    (Field::IcmpType, Field::IcmpCode),
    (Field::Icmpv6Type, Field::Icmpv6Code),
    (Field::SctpSport, Field::SctpDport),
    (Field::TcpSport, Field::TcpDport),
    (Field::UdpSport, Field::UdpDport),
];

/// Refuses what nft merges into something else: two `!=` become one that excepts only packets with both values, and a
/// limit between two `==` comes to stand behind both.
fn check_neighbours(tests: &[Match]) -> Result<(), String> {
    let single = |wanted: Field, wanted_negated: bool| {
        tests.iter().position(|test| {
            matches!(test, Match::In { field, values: Values::Inline(set), negated }
                if (*field, *negated) == (wanted, wanted_negated) && set.single().is_some())
        })
    };
    for (one, other) in NEIGHBOURS {
        if single(one, true).and(single(other, true)).is_some() {
            return Err(format!("nft 1.0.6 merges the tests of `{one}` and `{other}` into one that means less"));
        }
        let both = single(one, false).zip(single(other, false));
        let between = both.and_then(|(place, other)| tests.get(place.min(other)..place.max(other)));
        if between.is_some_and(|tests| tests.iter().any(is_limit)) {
            return Err(format!("nft 1.0.6 moves a limit between `{one}` and `{other}` behind both"));
        }
    }
    Ok(())
}

const fn is_limit(test: &Match) -> bool {
    matches!(test, Match::Limit(_))
}

/// Whether a test of the protocol or family says no more than a field beside it. nft takes the last element of
/// `meta l4proto { tcp, udp }` for the protocol, and then refuses `tcp dport` behind it (`src/payload.c`, nft 1.0.6).
fn is_implied(tests: &[Match], place: usize) -> Result<bool, String> {
    let needs_it: fn(&Match) -> bool = match tests.get(place) {
        Some(Match::In { field: Field::L4proto, .. }) => |test| protocol_needed(test).is_some(),
        Some(Match::In { field: Field::Nfproto, .. }) => |test| family_needed(test).is_some(),
        _ => return Ok(false),
    };
    if !tests.iter().any(needs_it) {
        return Ok(false);
    }
    // Left out on the other side of a limit, it would change which packets the limit counts.
    if tests.iter().rev().skip_while(|test| is_limit(test)).any(is_limit) {
        return Err("a limit stands between tests of the protocol or family".to_owned());
    }
    Ok(true)
}

/// The words of a test; none where every packet passes it.
fn matched(table: &Table, test: &Match) -> Result<Option<String>, String> {
    Ok(Some(match test {
        Match::AnyOf { field, bits } => format!("{field} {}", bit_names(*field, *bits)?),
        Match::Masked { field, mask, value } => masked(*field, *mask, *value)?,
        Match::In { field: Field::Nfproto, values, negated: false } => {
            match Family::ALL.map(|family| table.values(values).contains(u128::from(family.number()))) {
                [true, true] => return Ok(None),
                [ipv4, _] => format!("{} {}", Field::Nfproto, if ipv4 { Family::Ipv4 } else { Family::Ipv6 }.name()),
            }
        }
        Match::In { field, values, negated } => {
            format!("{field} {}{}", not(*negated), compared(*field, values))
        }
        Match::Interface { field, names, negated } => {
            let names: Vec<_> = names.iter().map(interface).collect();
            format!("{field} {}{}", not(*negated), braced(&names))
        }
        Match::Limit(limit) => limited(*limit)?,
    }))
}

const fn not(negated: bool) -> &'static str {
    if negated { "!= " } else { "" }
}

fn compared(field: Field, against: &Values) -> String {
    match against {
        Values::Inline(set) => values(field, set),
        Values::Set(set) => format!("@{}", name(set)),
    }
}

/// `FIELD VALUE / MASK` needs two bits in its mask, and has no form for no bits in its value (`src/parser_bison.y`).
fn masked(field: Field, mask: u32, value: u32) -> Result<String, String> {
    let names = bit_names(field, mask)?;
    Ok(match value {
        0 => format!("{field} ! {names}"),
        _ if mask.count_ones() == 1 => format!("{field} & {names} == {names}"),
        _ => format!("{field} {} / {names}", bit_names(field, value)?),
    })
}

fn bit_names(field: Field, bits: u32) -> Result<String, String> {
    let unknown = || format!("no name for the bits {bits:#x} of `{field}`");
    let narrow = u8::try_from(bits).map_err(|_| unknown())?;
    match field {
        Field::CtState => CtStates::from_bits(narrow).map(|states| states.to_string()).ok_or_else(unknown),
        Field::TcpFlags => Ok(TcpFlags(narrow).names().collect::<Vec<_>>().join(",")),
        _ => Err(unknown()),
    }
}

/// nft has 16 bytes for a name with its `*`. A pattern as long as a name can be matches that name alone.
fn interface(pattern: &InterfacePattern) -> String {
    if pattern.is_open() && pattern.stem().len() == InterfacePattern::MAX {
        return format!("\"{}\"", pattern.stem());
    }
    format!("\"{pattern}\"")
}

/// The kernel keeps the whole bucket in nanoseconds of 64 bits (`nft_limit_init` in `net/netfilter/nft_limit.c`).
fn limited(limit: Limit) -> Result<String, String> {
    let Limit { amount, per, burst } = limit;
    let cost = u64::from(per.seconds()) * 1_000_000_000 / u64::from(amount.get());
    if cost.checked_mul(u64::from(burst.get())).is_none() {
        return Err(format!("a burst of {burst} at {amount}/{} is more than the kernel can count", per.name()));
    }
    Ok(format!("limit rate {amount}/{} burst {burst} packets", per.name()))
}

fn logged(log: &Log) -> Result<String, String> {
    let mut words = String::from("log");
    if let Some(prefix) = &log.prefix {
        if prefix.contains('$') {
            return Err(format!("nft takes the `$` of the log prefix `{prefix}` for a variable"));
        }
        words.push_str(&format!(" prefix \"{prefix}\""));
    }
    match log.target {
        LogTarget::Group(group) => words.push_str(&format!(" group {group}")),
        LogTarget::Kernel(LogLevel::Warn) => {}
        LogTarget::Kernel(level) => words.push_str(&format!(" level {}", level.name())),
    }
    Ok(words)
}

fn decided(table: &Table, hook: Hook, reach: &Reach, verdict: Verdict) -> Result<String, String> {
    match verdict {
        Verdict::Accept => Ok("accept".to_owned()),
        Verdict::Drop => Ok("drop".to_owned()),
        Verdict::Reject(_) if hook == Hook::Postrouting => {
            Err("the kernel does not reject at hook postrouting".to_owned())
        }
        Verdict::Reject(refusal) => refused(table.family(), reach, refusal),
    }
}

/// `icmpx` answers either family. The kinds that IPv6 lacks are for rules that match IPv4 alone: nft would quietly narrow
/// any other rule to IPv4.
fn refused(table: TableFamily, reach: &Reach, refusal: Refusal) -> Result<String, String> {
    if refusal == Refusal::TcpReset {
        return Ok("reject with tcp reset".to_owned());
    }
    if let Some(family) = reach.families.iter().find(|&&family| refusal.icmp_code(family).is_none()) {
        return Err(format!("{} has no {}, and the rule matches it too", family.name(), refusal.name()));
    }
    let (word, kind) = match (table, refusal) {
        (TableFamily::Inet, _) if refusal.icmp_code(Family::Ipv6).is_some() => ("icmpx", icmpx(refusal)),
        (TableFamily::Inet | TableFamily::Ip, _) => ("icmp", icmp(refusal)),
        (TableFamily::Ip6, _) => ("icmpv6", icmpv6(refusal)),
    };
    Ok(format!("reject with {word} {kind}"))
}

/// Words of `reject with icmp` (nft(8)).
const fn icmp(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::ProtocolUnreachable => "prot-unreachable",
        _ => refusal.name(),
    }
}

/// Words of `reject with icmpx`.
const fn icmpx(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NetUnreachable => "no-route",
        _ => refusal.name(),
    }
}

/// Words of `reject with icmpv6`.
const fn icmpv6(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NetUnreachable => "no-route",
        Refusal::HostUnreachable => "addr-unreachable",
        _ => refusal.name(),
    }
}
