// SPDX-License-Identifier: GPL-3.0-or-later
//! `SET`.

use ringwall_ir::{Milliseconds, SetOperation, SetUpdate, Statement, Step, Verdict};

use super::super::block::Block;
use super::super::matches::{key, number};
use super::super::rule::Reading;
use crate::target::iptables::to_ir;

/// Adds to a set, or takes away. With `--exist` an element that is there stays for its whole time from now on.
pub(super) fn set(reading: &mut Reading<'_>, block: &Block<'_>) -> Option<(Vec<Step>, Option<Verdict>)> {
    let mut steps = Vec::new();
    for option in &block.options {
        let operation = match option.name {
            "--add-set" if block.has("--exist") => SetOperation::Update,
            "--add-set" => SetOperation::Add,
            "--del-set" => SetOperation::Delete,
            "--exist" | "--timeout" => continue,
            _ => return None,
        };
        let [name, directions] = option.values else { return None };
        let key = key(reading, name, directions)?;
        if !reading.sets.get(name).is_some_and(|set| set.takes_elements(block.has("--timeout"))) {
            return None;
        }
        reading.use_set(name, true);
        let timeout = match block.option("--timeout").filter(|_| operation != SetOperation::Delete) {
            Some(option) => Some(Milliseconds(u64::try_from(number(option.value())?).ok()?.checked_mul(1000)?)),
            None => None,
        };
        let set = to_ir(name).into_owned();
        let update = SetUpdate { operation, set, key, data: None, timeout, meters: Vec::new() };
        steps.push(Statement::SetUpdate(Box::new(update)).into());
    }
    Some((steps, None)).filter(|(steps, _)| !steps.is_empty())
}
