// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules, as nft prints them in JSON.

use std::collections::BTreeSet;

use ringwall_ir::words::{Family, Protocol, Refusal, TableFamily};
use ringwall_ir::{Field, Match, OriginId, Rule, Selector, Step, Unknown, Values, Verdict};
use serde_json::Value;

use super::statement::statement;
use super::test::{both_ports, test};
use super::verdict::verdict;
use super::{NoWord, Read};
use crate::target::nft::weakened;

/// What one statement of a rule is.
enum Part {
    /// A test that every packet passes.
    Nothing,
    Steps(Vec<Step>),
    Verdict(Verdict),
}

/// A rule. What the IR has no word for stands in its place as an unknown, and so does a whole rule that the IR refuses.
///
/// # Errors
/// An unknown that has no place in a chain: there is none, for an unknown alone is a rule.
pub(super) fn rule(family: TableFamily, json: &Value, origin: OriginId) -> Result<Rule, Unknown> {
    let parts = json.get("expr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut steps = Vec::new();
    let mut decided = None;
    for part in parts {
        // What stands behind a verdict is never met; the verdict is not the rule's whole end.
        if let Some((before, _)) = decided.take() {
            steps.push(Step::Unknown(unknown(NoWord::of("verdict before a statement"), before)));
        }
        match read(family, part) {
            Ok(Part::Nothing) => {}
            Ok(Part::Steps(read)) => steps.extend(read),
            Ok(Part::Verdict(verdict)) => decided = Some((part, verdict)),
            Err(no_word) => steps.push(Step::Unknown(unknown(no_word, part))),
        }
    }
    while let Some((places, why)) = weakened(family, &steps) {
        steps = merged(steps, &places, why);
    }
    if let Some((_, Verdict::Reject(refusal))) = &decided {
        steps.extend(guard_of_refusal(family, *refusal, parts, &steps));
    }
    // A rule of nothing, or of tests that every packet passes, lets every packet go on.
    let verdict = decided.map(|(_, verdict)| verdict).or_else(|| steps.is_empty().then_some(Verdict::Continue));
    match Rule::new(origin, steps, verdict) {
        Ok(rule) => Ok(rule),
        Err(illegal) => refused(json, &illegal.to_string(), origin),
    }
}

/// nft lists the parts of a test that it merged as if they were several, and merges them when it loads such JSON: an
/// unknown stands where the first of them stood.
fn merged(steps: Vec<Step>, places: &BTreeSet<usize>, reason: String) -> Vec<Step> {
    let tests = places.iter().filter_map(|&place| steps.get(place)?.test());
    let text = tests.map(Match::to_string).collect::<Vec<_>>().join(" ");
    let mut whole = Some(Unknown { name: "two `!=` that nft merges".to_owned(), text, reason });
    let places_and_steps = steps.into_iter().enumerate();
    places_and_steps
        .filter_map(|(place, step)| if places.contains(&place) { whole.take().map(Step::Unknown) } else { Some(step) })
        .collect()
}

/// `reject with icmp` is for IPv4 alone, and a reset for TCP. nft, which asks for both, may not say so.
fn guard_of_refusal(family: TableFamily, refusal: Refusal, parts: &[Value], steps: &[Step]) -> Option<Step> {
    if refusal == Refusal::TcpReset {
        let told = steps.iter().filter_map(Step::test).any(|test| test.demands(Protocol::TCP));
        return (!told).then(|| Match::within(Field::L4proto, Values::one(u128::from(Protocol::TCP.0))).into());
    }
    let kind = parts.last()?.get("reject")?.get("type")?.as_str()?;
    let only = match kind {
        "icmp" => Family::Ipv4,
        "icmpv6" => Family::Ipv6,
        _ => return None,
    };
    let number = u128::from(only.number());
    let tells = |step: &Step| match step.test() {
        Some(Match::In { selector, values: Values::Inline(set), negated: false })
            if *selector == Selector::of(Field::Nfproto) =>
        {
            set.single() == Some(number)
        }
        Some(test) => test.selectors().iter().any(|selector| selector.field().row().needs.family() == Some(only)),
        None => false,
    };
    let told = family != TableFamily::Inet || steps.iter().any(tells);
    (!told).then(|| Match::within(Field::Nfproto, Values::one(number)).into())
}

/// A rule of which nothing is known but that the IR refuses it.
///
/// # Errors
/// As [`rule`].
pub(super) fn refused(json: &Value, why: &str, origin: OriginId) -> Result<Rule, Unknown> {
    let whole = unknown(NoWord(format!("rule that cannot be: {why}")), json.get("expr").unwrap_or(json));
    Rule::new(origin, vec![Step::Unknown(whole.clone())], None).map_err(|_| whole)
}

/// An unknown part, with its JSON.
pub(super) fn unknown(NoWord(name): NoWord, json: &Value) -> Unknown {
    // Some names end in what the IR found wrong.
    let (name, reason) = match name.split_once(": ") {
        Some((name, reason)) => (name.to_owned(), reason.to_owned()),
        None => (name, Unknown::NO_WORD.to_owned()),
    };
    Unknown { name, text: json.to_string(), reason }
}

fn read(family: TableFamily, json: &Value) -> Read<Part> {
    // What nft has no JSON for, it prints as text.
    if let Some(text) = json.as_str() {
        let words: Vec<_> = text.split_whitespace().take(2).collect();
        return Err(match words.as_slice() {
            ["jump" | "goto", "{"] => NoWord::of("anonymous chain"),
            [first, set] if set.starts_with('@') => NoWord(format!("statement {first} of a map")),
            [first, ..] => NoWord(format!("statement {first}")),
            [] => NoWord::of("statement"),
        });
    }
    let Some((kind, body)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Err(NoWord::of("statement"));
    };
    if kind.starts_with("jump {") || kind.starts_with("goto {") {
        return Err(NoWord::of("anonymous chain"));
    }
    if kind == "match" {
        if let Some(ports) = both_ports(body) {
            return Ok(Part::Steps(ports));
        }
        return Ok(test(family, body)?.map_or(Part::Nothing, |step| Part::Steps(vec![step])));
    }
    if kind == "xt" {
        let words = ["type", "name"].map(|key| body.get(key).and_then(Value::as_str).unwrap_or_default());
        return Err(NoWord(format!("xt {}", words.join(" "))));
    }
    match verdict(family, kind, body) {
        Some(verdict) => verdict.map(Part::Verdict),
        None => statement(family, kind, body).map(|step| Part::Steps(vec![step])),
    }
}
