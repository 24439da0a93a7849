// SPDX-License-Identifier: GPL-3.0-or-later
//! What statements change.

use ringwall_ir::{Assignment, Data, ObjectBody, ObjectKind, Source, Statement, Table, Target};

use super::{lookup, read};
use crate::conntrack::{Helper, Zone};
use crate::engine::View;

/// Does what a statement says. What it records and counts is not kept.
pub(super) fn execute(statement: &Statement, table: &Table, view: &mut View<'_>) {
    match statement {
        Statement::Assign(assignment) => assign(assignment, table, view),
        Statement::CtHelper(name) => help(name, table, view),
        Statement::Notrack => notrack(view),
        _ => {}
    }
}

/// A packet that is tracked already stays so, and one that was given a zone will be (`nft_notrack_eval`).
fn notrack(view: &mut View<'_>) {
    if view.tracked.is_none() && view.carried.zone.is_none() {
        view.carried.untracked = true;
    }
}

/// Gives the conversation that a packet opens its helper, where the object is for its family and protocol
/// (`nft_ct_helper_obj_eval`).
fn help(name: &str, table: &Table, view: &mut View<'_>) {
    let Some(ObjectBody::CtHelper { helper, family, protocol }) =
        table.object(ObjectKind::CtHelper, name).map(ringwall_ir::Object::body)
    else {
        return;
    };
    let fits = *protocol == view.packet.protocol() && family.is_none_or(|family| family == view.packet.family());
    if let (true, Some(helper), Some(tracked)) = (fits, Helper::named(helper), view.tracked) {
        view.conntrack.assign_helper(tracked, helper);
    }
}

fn assign(assignment: &Assignment, table: &Table, view: &mut View<'_>) {
    let source = match &assignment.source {
        Source::Value(value) => Some(*value),
        Source::Field { selector, xor } => read::value(selector.field(), view)
            .and_then(|value| u32::try_from(value & selector.bits()).ok())
            .map(|value| value ^ xor),
        Source::Map { key, map } => match lookup::data(table, key, map, view) {
            Some(Data::Values(parts)) => parts.0.first().and_then(|&(value, _)| u32::try_from(value).ok()),
            _ => None,
        },
    };
    let Some(source) = source else { return };
    match assignment.target {
        Target::Mark => view.carried.mark = view.carried.mark & assignment.keep ^ source,
        Target::Priority => view.carried.priority = view.carried.priority & assignment.keep ^ source,
        Target::CtMark => {
            let Some(tracked) = view.tracked else { return };
            let old = view.conntrack.entry(tracked).map_or(0, |entry| entry.mark);
            view.conntrack.set_mark(tracked, old & assignment.keep ^ source);
        }
        // The first zone stays, and a packet that has one is tracked, whatever was said before (`nft_ct_set_zone_eval`).
        Target::CtZone(direction) if view.tracked.is_none() && view.carried.zone.is_none() => {
            view.carried.zone = Some(Zone::new(u16::try_from(source).unwrap_or_default(), direction));
            view.carried.untracked = false;
        }
        Target::CtZone(_) => {}
    }
}
