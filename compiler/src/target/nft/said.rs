// SPDX-License-Identifier: GPL-3.0-or-later
//! What one rule says to nft, as text or as JSON: its steps in the order in which nft 1.0.6 takes them, kept away from what
//! it would take otherwise, and what it must be told beside them.

use ringwall_ir::words::{Family, Refusal, TableFamily};
use ringwall_ir::{Field, Match, Rule, Selector, Step, Table, Values, Verdict};

use super::merge;
use super::order::{self, decided_by, looked_at};
use super::sayable::{check_step, check_verdict};
use super::time::{self, Bound};
use super::told::{Asked, Told};
use crate::target::reach::Reach;

/// One part of a rule.
pub(in crate::target) enum Said<'a> {
    /// An answer to a packet that is refused.
    Answer(Answer),
    /// A test that nft must be told.
    Asked(Asked),
    /// A step.
    Step(&'a Step),
    /// A bound of the time.
    Time(Bound),
    /// A verdict that is no answer.
    Verdict(&'a Verdict),
}

/// What `reject with` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::target) struct Answer {
    /// The protocol that answers: `icmp`, `icmpv6`, `icmpx`, or `tcp reset`, which has no code.
    pub(in crate::target) kind: &'static str,
    /// The code in nft's words.
    pub(in crate::target) code: Option<&'static str>,
}

/// The parts of a rule without its comment, or why nft cannot take it.
pub(in crate::target) fn said<'a>(table: &Table, rule: &'a Rule) -> Result<Vec<Said<'a>>, String> {
    let reach = Reach::of(table, rule);
    if reach.is_empty() {
        return Err("its tests contradict each other: no packet passes them all".to_owned());
    }
    merge::check(table, rule)?;
    let mut parts = Vec::new();
    let mut told = Told::default();
    for place in order::places(table, rule)? {
        let Some(step) = rule.steps().get(place) else { continue };
        if let Step::Match(test) = step {
            if let Some(only) = family(table.family(), test) {
                let asked = only.and_then(|family| told.family(table.family(), family));
                parts.extend(asked.map(Said::Asked));
                continue;
            }
            if let Some(bounds) = time::bounds(test)? {
                parts.extend(bounds.into_iter().map(Said::Time));
                continue;
            }
        }
        check_step(table, step)?;
        parts.extend(told.headers(table.family(), &looked_at(step)).map(Said::Asked));
        parts.push(Said::Step(step));
        told.hear(step);
    }
    if let Some(verdict) = rule.verdict() {
        parts.extend(told.headers(table.family(), decided_by(verdict)).map(Said::Asked));
        decided(table, &reach, verdict, &mut told, &mut parts)?;
    }
    // Tests that say nothing leave nothing to write, and nft has no empty rules.
    if parts.is_empty() {
        parts.push(Said::Verdict(&Verdict::Continue));
    }
    Ok(parts)
}

/// A test of the family, where it is one: the only family that passes, or none where each does. nft has no word for both,
/// and takes the last of several for the family of what follows. A named set is asked as it is.
fn family(table: TableFamily, test: &Match) -> Option<Option<Family>> {
    let Match::In { selector, values: Values::Inline(set), negated } = test else { return None };
    if *selector != Selector::of(Field::Nfproto) {
        return None;
    }
    let seen = Family::ALL.into_iter().filter(|&family| table.sees(family));
    let (passing, others): (Vec<_>, Vec<_>) =
        seen.partition(|family| set.contains(u128::from(family.number())) != *negated);
    others.first().map_or(Some(None), |_| passing.first().copied().map(Some))
}

fn decided<'a>(
    table: &Table,
    reach: &Reach,
    verdict: &'a Verdict,
    told: &mut Told,
    parts: &mut Vec<Said<'a>>,
) -> Result<(), String> {
    match verdict {
        Verdict::Reject(refusal) => {
            let (asked, answer) = refused(table.family(), reach, *refusal, told)?;
            parts.extend(asked.map(Said::Asked));
            parts.push(Said::Answer(answer));
        }
        Verdict::Dnat(nat) | Verdict::Snat(nat)
            if nat.family.is_some_and(|family| !reach.families.contains(&family)) =>
        {
            return Err("no packet that passes its tests is of the family that it translates".to_owned());
        }
        verdict => {
            check_verdict(table, verdict)?;
            parts.push(Said::Verdict(verdict));
        }
    }
    Ok(())
}

/// `icmpx` answers either family. The kinds that IPv6 lacks are for rules that match IPv4 alone: nft would quietly narrow
/// any other rule to IPv4.
fn refused(
    table: TableFamily,
    reach: &Reach,
    refusal: Refusal,
    told: &mut Told,
) -> Result<(Option<Asked>, Answer), String> {
    if refusal == Refusal::TcpReset {
        return Ok((told.transport(), Answer { kind: "tcp reset", code: None }));
    }
    if let Some(family) = reach.families.iter().find(|&&family| refusal.icmp_code(family).is_none()) {
        return Err(format!("{} has no {}, and the rule matches it too", family.name(), refusal.name()));
    }
    let (kind, code, family) = match (table, refusal) {
        (TableFamily::Inet, _) if refusal.icmp_code(Family::Ipv6).is_some() => ("icmpx", icmpx(refusal), None),
        (TableFamily::Inet | TableFamily::Ip, _) => ("icmp", icmp(refusal), Some(Family::Ipv4)),
        (TableFamily::Ip6, _) => ("icmpv6", icmpv6(refusal), None),
    };
    let asked = family.and_then(|family| told.family(table, family));
    Ok((asked, Answer { kind, code: Some(code) }))
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
