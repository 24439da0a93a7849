// SPDX-License-Identifier: GPL-3.0-or-later
//! `CT`.

use ringwall_ir::words::CtDirection;
use ringwall_ir::{Assignment, Statement, Step, Target, Verdict};

use super::super::Known;
use super::super::block::{Block, Opt};
use super::super::matches::narrow;
use super::super::rule::Reading;

/// What it does to a packet that conntrack has not seen yet. Timeouts are made by nfct(8), and events by nobody else.
pub(super) fn ct(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<(Vec<Step>, Option<Verdict>)> {
    let mut steps: Vec<Step> = Vec::new();
    for option in &block.options {
        match option.name {
            "--notrack" => steps.push(Statement::Notrack.into()),
            "--zone" => steps.push(zone(option, None)?),
            "--zone-orig" => steps.push(zone(option, Some(CtDirection::Original))?),
            "--zone-reply" => steps.push(zone(option, Some(CtDirection::Reply))?),
            "--helper" => {
                let protocol = reading.protocol.ok_or("a helper is of one protocol: write `-p` beside it")?;
                let name = reading.helper(option.value(), protocol);
                steps.push(Statement::CtHelper(name).into());
            }
            _ => return Err(option.not_modelled()),
        }
    }
    // iptables-save prints no zone 0.
    if block.is_bare() {
        steps.push(of_zone(0, None));
    }
    let zones = block.options.iter().filter(|option| option.name.starts_with("--zone")).count();
    if zones > 1 {
        return Err("it gives several ct zones".to_owned());
    }
    if block.has("--notrack") && steps.len() > 1 {
        return Err("`--notrack` leaves no entry for the rest".to_owned());
    }
    // The zone is that of the entry that gets the helper.
    steps.sort_by_key(|step| matches!(step, Step::Statement(Statement::CtHelper(_))));
    Ok((steps, None))
}

fn zone(option: &Opt<'_>, direction: Option<CtDirection>) -> Known<Step> {
    if option.value() == "mark" {
        return Err("a ct zone from the mark of the packet is not modelled".to_owned());
    }
    Ok(of_zone(narrow(option)?, direction))
}

fn of_zone(zone: u16, direction: Option<CtDirection>) -> Step {
    Statement::Assign(Assignment::value(Target::CtZone(direction), u32::from(zone))).into()
}
