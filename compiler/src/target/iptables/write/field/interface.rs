// SPDX-License-Identifier: GPL-3.0-or-later
//! Names of interfaces: one a line.

use std::borrow::Cow;

use ringwall_ir::words::Hook;
use ringwall_ir::{Field, InterfacePattern, IntervalSet};

use super::super::clauses::Clauses;
use super::super::line::Test;
use super::super::place::Place;
use crate::target::iptables::table::built_in;

/// Tests the name of an interface. A line can except one; several need a chain of their own. Whether one is left at all.
pub(super) fn names(
    place: &Place<'_>,
    field: Field,
    tests: &[(Cow<'_, IntervalSet>, bool)],
    clauses: &mut Clauses,
) -> Result<bool, String> {
    let arrives = field == Field::Iifname;
    match place.hook() {
        // The name of no interface is empty, and no name of a rule is.
        Some(Hook::Output) if arrives => return Ok(tests.iter().all(|(_, negated)| *negated)),
        Some(Hook::Prerouting | Hook::Input) if !arrives => return Ok(tests.iter().all(|(_, negated)| *negated)),
        Some(Hook::Postrouting) if arrives => {
            return Err(format!("iptables takes no `-i` in {}", built_in(Hook::Postrouting)));
        }
        _ => {}
    }
    let option = if arrives { "-i" } else { "-o" };
    let mut within: Option<IntervalSet> = None;
    let mut without = IntervalSet::EMPTY;
    for (set, negated) in tests {
        if *negated {
            without = without.union(set);
        } else {
            within = Some(within.map_or_else(|| set.as_ref().clone(), |before| before.intersection(set)));
        }
    }
    let test = |pattern: &InterfacePattern, negated| Ok::<_, String>(Test::own(option, negated, word(pattern)?));
    let patterns = |set: &IntervalSet| InterfacePattern::of_values(set);
    match (within.as_ref().map(patterns), patterns(&without).as_slice()) {
        (None, []) => {}
        (None, [only]) => clauses.all_of([test(only, true)?]),
        (within, without) => {
            if let Some(within) = within {
                if within.is_empty() {
                    return Ok(false);
                }
                let tests = within.iter().map(|name| test(name, false)).collect::<Result<Vec<_>, _>>()?;
                clauses.one_of(tests);
            }
            let excepted =
                without.iter().map(|name| Ok(vec![test(name, false)?])).collect::<Result<Vec<_>, String>>()?;
            clauses.exceptions.extend(excepted);
        }
    }
    Ok(true)
}

/// iptables marks a pattern by a `+` at its end, and has 15 bytes for it. A pattern as long as a name can be matches that
/// name alone.
fn word(pattern: &InterfacePattern) -> Result<String, String> {
    let stem = pattern.stem();
    if pattern.is_open() && stem.len() < InterfacePattern::MAX {
        return Ok(format!("{stem}+"));
    }
    if stem.ends_with('+') {
        return Err(format!("iptables takes the `+` of the interface `{stem}` for any ending"));
    }
    Ok(stem.to_owned())
}
