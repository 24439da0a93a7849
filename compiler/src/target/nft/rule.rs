// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule in nft's words: what the printed form of the IR says.

use ringwall_ir::{Rule, Table, Words};

use super::name::name;
use super::said::{Answer, Said, said};
use super::time::Bound;
use super::told::Asked;

/// nft's words, with names kept apart from its own.
pub(super) const WORDS: Words = Words::nft(name);

/// The rule without its comment, or why nft text cannot say it.
pub(super) fn rule(table: &Table, rule: &Rule) -> Result<String, String> {
    let words = |part: &Said<'_>| match part {
        Said::Answer(Answer { kind, code: Some(code) }) => format!("reject with {kind} {code}"),
        Said::Answer(Answer { kind, code: None }) => format!("reject with {kind}"),
        Said::Asked(Asked { field, value }) => format!("{field} {}", field.datatype().value_text(*value)),
        Said::Step(step) => WORDS.step(step),
        Said::Time(Bound { field, operator, time }) => {
            format!("{field} {operator} {}", field.datatype().value_text(*time))
        }
        Said::Verdict(verdict) => WORDS.verdict(verdict),
    };
    Ok(said(table, rule)?.iter().map(words).collect::<Vec<_>>().join(" "))
}
