// SPDX-License-Identifier: GPL-3.0-or-later
//! `SET`.

use ringwall_ir::{Milliseconds, SetOperation, SetUpdate, Statement, Step, Verdict};

use super::super::Known;
use super::super::block::{Block, NO_OPTION};
use super::super::matches::{key, narrow};
use super::super::rule::Reading;
use crate::target::ipset::KnownSet;
use crate::target::iptables::to_ir;

/// Adds to a set, or takes away. With `--exist` an element that is there stays for its whole time from now on.
pub(super) fn set(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<(Vec<Step>, Option<Verdict>)> {
    let mut steps = Vec::new();
    for option in &block.options {
        let operation = match option.name {
            "--add-set" if block.has("--exist") => SetOperation::Update,
            "--add-set" => SetOperation::Add,
            "--del-set" => SetOperation::Delete,
            "--exist" | "--timeout" => continue,
            _ => return Err(option.not_modelled()),
        };
        let [name, directions] = option.values else { return Err(option.not_modelled()) };
        let key = key(reading, name, directions)?;
        if reading.sets.get(name).is_some_and(KnownSet::counts) {
            return Err(format!(
                "set `{name}` has counters, which count other packets in nf_tables where rules add to it: create it without"
            ));
        }
        let timeout = block.option("--timeout");
        if !reading.sets.get(name).is_some_and(|set| set.takes_elements(timeout.is_some())) {
            return Err(format!("set `{name}` takes no elements of packets, or none with a timeout"));
        }
        reading.use_set(name, true);
        let timeout = match timeout.filter(|_| operation != SetOperation::Delete) {
            Some(option) => Some(Milliseconds(u64::from(narrow::<u32>(option)?) * 1000)),
            None => None,
        };
        let set = to_ir(name).into_owned();
        let update = SetUpdate { operation, set, key, data: None, timeout, meters: Vec::new() };
        steps.push(Statement::SetUpdate(Box::new(update)).into());
    }
    if steps.is_empty() { Err(NO_OPTION.to_owned()) } else { Ok((steps, None)) }
}
