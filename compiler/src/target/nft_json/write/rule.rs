// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule: its statements in order.

use ringwall_ir::{Rule, Step, Table};
use serde_json::{Value, json};

use super::{field, statement, test, value, verdict};
use crate::target::nft::{Answer, Asked, Bound, Said, said};

/// The statements of a rule, or why nft JSON cannot say it.
pub(super) fn rule(table: &Table, rule: &Rule) -> Result<Vec<Value>, String> {
    said(table, rule)?.iter().map(statement).collect()
}

fn statement(part: &Said<'_>) -> super::Said {
    match part {
        Said::Answer(Answer { kind, code: Some(code) }) => Ok(json!({ "reject": { "type": kind, "expr": code } })),
        Said::Answer(Answer { kind, code: None }) => Ok(json!({ "reject": { "type": kind } })),
        Said::Asked(Asked { field, value }) => {
            Ok(test::compared("==", field::field(*field)?, value::one(field.datatype(), *value)?))
        }
        Said::Step(Step::Match(test)) => test::test(test),
        Said::Step(Step::Statement(statement)) => statement::statement(statement),
        Said::Step(Step::Unknown(unknown)) => Err(unknown.to_string()),
        Said::Time(Bound { field, operator, time }) => {
            Ok(test::compared(operator, field::field(*field)?, value::one(field.datatype(), *time)?))
        }
        Said::Verdict(verdict) => verdict::verdict(verdict),
    }
}
