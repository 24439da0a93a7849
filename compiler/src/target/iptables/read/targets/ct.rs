// SPDX-License-Identifier: GPL-3.0-or-later
//! `CT`.

use ringwall_ir::words::CtDirection;
use ringwall_ir::{Assignment, Statement, Step, Target, Verdict};

use super::super::block::Block;
use super::super::matches::number;
use super::super::rule::Reading;

/// What it does to a packet that conntrack has not seen yet. Timeouts are made by nfct(8), and events by nobody else.
pub(super) fn ct(reading: &mut Reading<'_>, block: &Block<'_>) -> Option<(Vec<Step>, Option<Verdict>)> {
    let mut steps: Vec<Step> = Vec::new();
    for option in &block.options {
        match option.name {
            "--notrack" => steps.push(Statement::Notrack.into()),
            "--zone" => steps.push(zone(option.value(), None)?),
            "--zone-orig" => steps.push(zone(option.value(), Some(CtDirection::Original))?),
            "--zone-reply" => steps.push(zone(option.value(), Some(CtDirection::Reply))?),
            "--helper" => {
                let name = reading.helper(option.value(), reading.protocol?);
                steps.push(Statement::CtHelper(name).into());
            }
            _ => return None,
        }
    }
    // iptables-save prints no zone 0.
    if block.is_bare() {
        steps.extend(zone("0", None));
    }
    let zones = block.options.iter().filter(|option| option.name.starts_with("--zone")).count();
    if zones > 1 || (block.has("--notrack") && steps.len() > 1) {
        return None;
    }
    // The zone is that of the entry that gets the helper.
    steps.sort_by_key(|step| matches!(step, Step::Statement(Statement::CtHelper(_))));
    Some((steps, None)).filter(|(steps, _)| !steps.is_empty())
}

fn zone(value: &str, direction: Option<CtDirection>) -> Option<Step> {
    let zone = u16::try_from(number(value)?).ok()?;
    Some(Statement::Assign(Assignment::value(Target::CtZone(direction), u32::from(zone))).into())
}
