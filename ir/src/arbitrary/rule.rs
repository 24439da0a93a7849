// SPDX-License-Identifier: GPL-3.0-or-later
//! Whole rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::scope::{Offer, Scope, Subject, Transport, group, tells_ports};
use super::{Row, legal, one_of, origin_id, statement, test, unknown, verdict};
use crate::fields::Field;
use crate::rule::{Match, Nat, NatEnd, ObjectRef, Rule, Selector, Source, Statement, Step, Verdict};
use crate::ruleset::OriginId;
use crate::words::{Refusal, TableFamily};

/// Rules that have a meaning where the scope says.
pub(super) fn rule(scope: Arc<Scope>) -> BoxedStrategy<Rule> {
    Subject::strategy(scope.family)
        .prop_flat_map(move |subject| {
            let offer = Offer::new(&scope, subject);
            let tests = one_of(test::tests(&offer)).map(|tests| (5, tests.prop_map(Step::Match).boxed()));
            let statements = one_of(statement::statements(&offer));
            let statements = statements.map(|statements| (2, statements.prop_map(Step::Statement).boxed()));
            let unknowns = scope.options.unknowns.then(|| (1, unknown().prop_map(Step::Unknown).boxed()));
            let steps = one_of([tests, statements, unknowns].into_iter().flatten().collect());
            let steps = steps.map_or_else(|| Just(Vec::new()).boxed(), |step| vec(step, 0..6).boxed());
            let verdict = one_of(verdict::verdicts(&offer)).unwrap_or_else(|| Just(Verdict::Accept).boxed());
            let parts = (steps, proptest::option::weighted(0.7, verdict), any::<(bool, bool)>(), origin_id());
            parts.prop_map(move |parts| assemble(&offer, parts))
        })
        .boxed()
}

type Parts = (Vec<Step>, Option<Verdict>, (bool, bool), OriginId);

fn assemble(offer: &Offer, (steps, verdict, (says_protocol, says_family), origin): Parts) -> Rule {
    let mut told = BTreeSet::new();
    let mut steps: Vec<_> = steps.into_iter().filter(|step| tells_new(step, &mut told)).collect();
    let told_ports = steps.iter().any(looks_at_ports) || verdict.as_ref().is_some_and(needs_protocol);
    let wants = |field: Field| (offer.scope.options.wanted)(&Row::Field(field.row()));
    if let Transport::Of(protocol) = offer.subject.transport
        && (says_protocol && wants(Field::L4proto) || told_ports)
    {
        steps.insert(0, test::is(Field::L4proto, protocol.0.into()).into());
    }
    if let Some(family) = offer.subject.family
        && says_family
        && offer.scope.family == TableFamily::Inet
        && wants(Field::Nfproto)
    {
        steps.insert(0, test::is(Field::Nfproto, family.number().into()).into());
    }
    let verdict = verdict.or_else(|| steps.is_empty().then_some(Verdict::Accept));
    legal(Rule::new(origin, steps, verdict))
}

/// Whether a step tests only what no other one has tested before.
fn tells_new(step: &Step, told: &mut BTreeSet<&'static str>) -> bool {
    let Step::Match(test) = step else { return true };
    let groups: BTreeSet<_> = test.selectors().iter().map(|selector| group(selector.field())).collect();
    // The kernel keeps one table of conversations for each `ct count`, and nft 1.0.6 merges nothing of them.
    let new = groups.is_disjoint(told);
    told.extend(groups);
    new
}

/// Whether nft wants to know the protocol before the step.
fn looks_at_ports(step: &Step) -> bool {
    let key = match step {
        Step::Match(Match::Object { object: ObjectRef::Map { key, .. }, .. })
        | Step::Statement(Statement::Object(ObjectRef::Map { key, .. })) => key,
        Step::Match(test) => test.selectors(),
        Step::Statement(Statement::SetUpdate(update)) => {
            return update.key.iter().chain(update.data.iter().flat_map(sources)).any(is_port);
        }
        Step::Statement(Statement::Assign(assignment)) => sources(&assignment.source),
        Step::Statement(_) | Step::Unknown(_) => &[],
    };
    key.iter().any(is_port)
}

const fn is_port(selector: &Selector) -> bool {
    tells_ports(selector.field())
}

fn sources(source: &Source) -> &[Selector] {
    match source {
        Source::Field { selector, .. } => std::slice::from_ref(selector),
        Source::Map { key, .. } => key,
        Source::Value(_) => &[],
    }
}

/// Whether nft or the kernel wants to know the protocol beside the verdict.
fn needs_protocol(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Reject(refusal) => matches!(refusal, Refusal::TcpReset),
        Verdict::Dnat(Nat { end, .. }) | Verdict::Snat(Nat { end, .. }) => {
            matches!(end, NatEnd::Map { .. } | NatEnd::Range { ports: Some(_), .. })
        }
        Verdict::Map(map) => map.key.iter().any(is_port),
        Verdict::Masquerade { ports, .. } | Verdict::Redirect { ports, .. } => ports.is_some(),
        _ => false,
    }
}
