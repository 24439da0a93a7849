// SPDX-License-Identifier: GPL-3.0-or-later
//! What steps and verdicts look at of a packet, beside tests.

use ringwall_ir::{Match, ObjectRef, Selector, Source, Statement, Step, Verdict};

/// What a step looks at.
pub(super) fn by_step(step: &Step) -> [&[Selector]; 2] {
    match step {
        Step::Match(Match::Object { object, .. }) | Step::Statement(Statement::Object(object)) => match object {
            ObjectRef::Map { key, .. } => [key, &[]],
            ObjectRef::Named(_) => [&[], &[]],
        },
        Step::Match(test) => [test.selectors(), &[]],
        Step::Statement(Statement::SetUpdate(update)) => [&update.key, update.data.as_ref().map_or(&[], by_source)],
        Step::Statement(Statement::Assign(assignment)) => [by_source(&assignment.source), &[]],
        Step::Statement(_) | Step::Unknown(_) => [&[], &[]],
    }
}

/// What a verdict looks at.
pub(super) fn by_verdict(verdict: &Verdict) -> &[Selector] {
    verdict.looked_up().map(|(key, _)| key).unwrap_or_default()
}

/// What the source of a value looks at.
pub(super) fn by_source(source: &Source) -> &[Selector] {
    match source {
        Source::Field { selector, .. } => std::slice::from_ref(selector),
        Source::Map { key, .. } => key,
        Source::Value(_) => &[],
    }
}
