// SPDX-License-Identifier: GPL-3.0-or-later
//! What a policy probably was not meant to do. Each lint asks the reference meaning, or compares regions; none looks at text.

mod connectivity;
mod half_open;
mod question;
mod unreachable;

use ringwall_grammar::{Diagnostic, Span};
use ringwall_ir::words::Direction;

use crate::policy::Policy;

/// Every finding about a policy that resolved without an error.
#[must_use]
pub fn lint(policy: &Policy) -> Vec<Diagnostic> {
    let lints = [connectivity::lint, half_open::lint, unreachable::lint];
    lints.iter().flat_map(|lint| lint(policy)).collect()
}

/// Where a finding about a whole direction points to: the first sentence that speaks of it.
fn place(policy: &Policy, direction: Direction) -> Span {
    let first = policy.sentences.iter().find(|sentence| sentence.directions.contains(&direction));
    first.map(|sentence| sentence.span).unwrap_or_default()
}
