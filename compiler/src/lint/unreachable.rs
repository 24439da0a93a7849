// SPDX-License-Identifier: GPL-3.0-or-later
//! Sentences that an earlier sentence covers: for each region of the later there is one of the earlier that holds it.
//!
//! Sound but not complete: a sentence that several earlier ones cover together is not found here.

use ringwall_grammar::{Code, Diagnostic};
use ringwall_ir::IntervalSet;
use ringwall_runtime::compare::region::Region;

use crate::policy::{Effect, Policy, Sentence};
use crate::probe;

pub(super) fn lint(policy: &Policy) -> Vec<Diagnostic> {
    let numbered = policy.sentences.iter().enumerate();
    numbered
        .filter_map(|(place, later)| {
            let mut before = policy.sentences.iter().take(place).filter(|earlier| earlier.effect != Effect::Record);
            before.find(|earlier| covers(earlier, later)).map(|earlier| finding(policy, earlier, later))
        })
        .collect()
}

fn covers(earlier: &Sentence, later: &Sentence) -> bool {
    later.directions.iter().all(|direction| {
        let ours = probe::of_scope(&earlier.scope, *direction, false);
        earlier.directions.contains(direction)
            && probe::of_scope(&later.scope, *direction, false)
                .iter()
                .all(|region| ours.iter().any(|wider| holds(wider, region)))
    })
}

/// Whether every packet of the narrower region is in the wider one.
fn holds(wider: &Region, narrower: &Region) -> bool {
    let sets = [
        (&wider.source, &narrower.source),
        (&wider.destination, &narrower.destination),
        (&wider.protocol, &narrower.protocol),
        (&wider.from_port, &narrower.from_port),
        (&wider.port, &narrower.port),
        (&wider.icmp_type, &narrower.icmp_type),
        (&wider.icmp_code, &narrower.icmp_code),
        (&wider.hop_limit, &narrower.hop_limit),
    ];
    wider.family == narrower.family
        && narrower.states.intersection(wider.states) == narrower.states
        && sets.iter().all(|(wide, narrow)| wide.contains_all(narrow))
        && holds_names(wider.iif.as_ref(), narrower.iif.as_ref())
        && holds_names(wider.oif.as_ref(), narrower.oif.as_ref())
        && holds_flags(wider, narrower)
}

fn holds_names(wider: Option<&IntervalSet>, narrower: Option<&IntervalSet>) -> bool {
    wider.is_none_or(|wide| narrower.is_some_and(|narrow| wide.contains_all(narrow)))
}

/// The flags that the wider region looks at, the narrower looks at too, and wants them the same.
fn holds_flags(wider: &Region, narrower: &Region) -> bool {
    let ((value, mask), (wanted, looked_at)) = (wider.flags, narrower.flags);
    looked_at.contains(mask) && wanted.0 & mask.0 == value.0
}

fn finding(policy: &Policy, earlier: &Sentence, later: &Sentence) -> Diagnostic {
    let words =
        |sentence: &Sentence| policy.origin(sentence.origin).map(|origin| origin.text.clone()).unwrap_or_default();
    let message = format!("no packet gets to this sentence: `{}` decides all of them before", words(earlier));
    Diagnostic::new(Code::Unreachable, later.span, message)
        .related(earlier.span, "this sentence decides them")
        .help("remove the sentence, or move it above the one that covers it")
}
