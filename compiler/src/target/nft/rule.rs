// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule in nft's words: what the printed form of the IR says, kept away from what nft 1.0.6 would take otherwise.

use ringwall_ir::words::{Family, Refusal, TableFamily};
use ringwall_ir::{Field, Match, Rule, Selector, Step, Table, Verdict, Words};

use super::merge;
use super::name::name;
use super::sayable::{check_step, check_verdict};
use super::{order, time};
use crate::target::reach::Reach;

/// nft's words, with names kept apart from its own.
pub(super) const WORDS: Words = Words::nft(name);

/// The rule without its comment, or why nft text cannot say it.
pub(super) fn rule(table: &Table, rule: &Rule) -> Result<String, String> {
    let reach = Reach::of(table, rule);
    if reach.is_empty() {
        return Err("its tests contradict each other: no packet passes them all".to_owned());
    }
    merge::check(rule)?;
    let mut words = Vec::new();
    for place in order::places(table, rule)? {
        let Some(step) = rule.steps().get(place) else { continue };
        if let Step::Match(test) = step {
            if let Some(only) = family(table, test) {
                words.extend(only.map(|family| format!("{} {}", Field::Nfproto, family.name())));
                continue;
            }
            if let Some(words_of_time) = time::test(test)? {
                words.push(words_of_time);
                continue;
            }
        }
        check_step(table, step)?;
        words.push(WORDS.step(step));
    }
    words.extend(rule.verdict().map(|verdict| decided(table, &reach, verdict)).transpose()?);
    Ok(words.join(" "))
}

/// A test of the family, where it is one: the only family that passes, or none where each does. nft has no word for both,
/// and takes the last of several for the family of what follows.
fn family(table: &Table, test: &Match) -> Option<Option<Family>> {
    let Match::In { selector, values, negated } = test else { return None };
    if *selector != Selector::of(Field::Nfproto) {
        return None;
    }
    let set = table.values(values);
    let seen = Family::ALL.into_iter().filter(|&family| table.family().sees(family));
    let (passing, others): (Vec<_>, Vec<_>) =
        seen.partition(|family| set.contains(u128::from(family.number())) != *negated);
    others.first().map_or(Some(None), |_| passing.first().copied().map(Some))
}

fn decided(table: &Table, reach: &Reach, verdict: &Verdict) -> Result<String, String> {
    match verdict {
        Verdict::Reject(refusal) => refused(table.family(), reach, *refusal),
        Verdict::Dnat(nat) | Verdict::Snat(nat)
            if nat.family.is_some_and(|family| !reach.families.contains(&family)) =>
        {
            Err("no packet that passes its tests is of the family that it translates".to_owned())
        }
        verdict => check_verdict(table, verdict).map(|()| WORDS.verdict(verdict)),
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
