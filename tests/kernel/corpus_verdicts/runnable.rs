// SPDX-License-Identifier: GPL-3.0-or-later
//! The part of a ruleset that machine and kernel can be compared on.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use libtest_mimic::Failed;
use ringwall_ir::{
    Chain, Limit, LimitUnit, Match, Meter, Object, ObjectBody, OriginId, Per, Rule, Ruleset, Statement, Step, Table,
    TableParts, Values,
};
use ringwall_runtime::engine::unsupported;

/// The ruleset without what the machine cannot run, and without what the kernel does by its own clock; what was left out is
/// counted by name. Rates become so slow that nothing comes back while the packets go through: their bursts stay.
pub fn runnable(ruleset: Ruleset, left_out: &mut BTreeMap<String, usize>) -> Result<Ruleset, Failed> {
    let cannot = unsupported(&ruleset);
    for part in &cannot {
        *left_out.entry(part.name.clone()).or_default() += 1;
    }
    let mut cannot: BTreeSet<_> = cannot.into_iter().map(|part| part.origin).collect();
    for rule in ruleset.chains().flat_map(|(_, chain)| chain.rules()) {
        let reason = match rule {
            rule if rule.steps().iter().any(forgets_by_ticks) => "ct count, for the kernel forgets by its ticks",
            rule if rule.steps().iter().any(limits_bytes) => "limit of bytes, for it counts in real time",
            rule if rule.matches().any(names_devices) => "device that the host does not have",
            _ => continue,
        };
        *left_out.entry(reason.to_owned()).or_default() += 1;
        cannot.insert(rule.origin());
    }
    let Ruleset { title, origins, tables, .. } = ruleset;
    let tables = tables.into_iter().map(|table| without(table, &cannot)).collect::<Result<_, _>>()?;
    Ok(Ruleset { title, origins, tables, unknowns: Vec::new() })
}

/// Of conversations that are over the kernel forgets those that ended before its clock ticked (`nf_conncount.c`).
fn forgets_by_ticks(step: &Step) -> bool {
    match step {
        Step::Match(Match::ConnLimit(_)) => true,
        Step::Statement(Statement::SetUpdate(update)) => {
            update.meters.iter().any(|meter| matches!(meter, Meter::ConnLimit(_)))
        }
        _ => false,
    }
}

fn limits_bytes(step: &Step) -> bool {
    let bytes = |limit: &Limit| limit.unit != LimitUnit::Packets;
    match step {
        Step::Match(Match::Limit(limit)) => bytes(limit),
        Step::Statement(Statement::SetUpdate(update)) => {
            update.meters.iter().any(|meter| matches!(meter, Meter::Limit(limit) if bytes(limit)))
        }
        _ => false,
    }
}

fn names_devices(test: &Match) -> bool {
    matches!(test, Match::In { values: Values::Symbols(_), .. })
}

fn without(table: Table, origins: &BTreeSet<OriginId>) -> Result<Table, Failed> {
    let (family, name) = (table.family(), table.name().to_owned());
    let parts = table.into_parts();
    let mut chains = Vec::new();
    for chain in &parts.chains {
        if chain.bound().is_some_and(|base| origins.contains(&base.closing)) {
            continue;
        }
        let mut left = match chain.bound() {
            Some(base) => Chain::base(chain.name(), *base),
            None => Chain::regular(chain.name()),
        }
        .map_err(|illegal| illegal.to_string())?;
        let can_run = |step: &Step| !matches!(step, Step::Unknown(_));
        for rule in
            chain.rules().iter().filter(|rule| !origins.contains(&rule.origin()) && rule.steps().iter().all(can_run))
        {
            let steps = rule.steps().iter().cloned().map(slow).collect();
            let rule =
                Rule::new(rule.origin(), steps, rule.verdict().cloned()).map_err(|illegal| illegal.to_string())?;
            left.add(rule).map_err(|illegal| illegal.to_string())?;
        }
        chains.push(left);
    }
    let objects = parts.objects.into_iter().map(slow_object).collect::<Result<_, _>>()?;
    let parts = TableParts { chains, objects, unknowns: Vec::new(), ..parts };
    Table::new(family, &name, parts).map_err(|illegal| illegal.to_string().into())
}

fn slow(step: Step) -> Step {
    match step {
        Step::Match(Match::Limit(limit)) => Step::Match(Match::Limit(slowed(limit))),
        Step::Statement(Statement::SetUpdate(mut update)) => {
            for meter in &mut update.meters {
                if let Meter::Limit(limit) = meter {
                    *limit = slowed(*limit);
                }
            }
            Step::Statement(Statement::SetUpdate(update))
        }
        step => step,
    }
}

fn slow_object(object: Object) -> Result<Object, Failed> {
    match object.body() {
        ObjectBody::Limit(limit) if limit.unit == LimitUnit::Packets => {
            let body = ObjectBody::Limit(slowed(*limit));
            Object::new(object.name(), body, object.origin()).map_err(|illegal| illegal.to_string().into())
        }
        _ => Ok(object),
    }
}

const fn slowed(limit: Limit) -> Limit {
    Limit { amount: NonZeroU64::MIN, per: Per::Week, ..limit }
}
