// SPDX-License-Identifier: GPL-3.0-or-later
//! Policy to chain IR, and the IR to and from text. Pure: no IO, no clock.

pub mod audit;
pub mod expectations;
mod lint;
mod lower;
pub mod meaning;
pub mod policy;
pub mod probe;
mod resolve;
pub mod target;
pub mod verify;

use ringwall_grammar::{Diagnostic, any_error};
use ringwall_ir::Ruleset;

pub use lower::TABLE;
pub use policy::Policy;
pub use resolve::{SERVICES, Service};

/// A policy and what it was compiled to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What the author meant.
    pub policy: Policy,
    /// The chain IR.
    pub ruleset: Ruleset,
}

/// Compiles the text of a policy, with all findings at once. `name` is what the policy is called if its header does not
/// say. There is no result where one of the findings is an error.
#[must_use]
pub fn compile(name: &str, text: &str) -> (Option<Compiled>, Vec<Diagnostic>) {
    let (tree, mut diagnostics) = ringwall_grammar::parse(text);
    let has_holes = any_error(&diagnostics);
    let (policy, findings) = resolve::resolve(name, text, &tree, has_holes);
    diagnostics.extend(findings);
    if !any_error(&diagnostics) {
        diagnostics.extend(lint::lint(&policy));
    }
    diagnostics.sort_by_key(|finding| finding.span);
    if any_error(&diagnostics) {
        return (None, diagnostics);
    }
    match lower::lower(&policy) {
        Ok(ruleset) => (Some(Compiled { policy, ruleset }), diagnostics),
        Err(illegal) => {
            diagnostics.push(internal(&illegal));
            (None, diagnostics)
        }
    }
}

/// A rule that the IR refuses is a defect of the compiler. It is told, never worked around.
fn internal(illegal: &ringwall_ir::Illegal) -> Diagnostic {
    let message = format!("the compiler made a rule that cannot be: {illegal}");
    Diagnostic::new(ringwall_grammar::Code::Internal, ringwall_grammar::Span::default(), message)
        .help("this is a defect of Ringwall; please report it with the policy")
}
