// SPDX-License-Identifier: GPL-3.0-or-later
//! The form in which two rulesets are compared that went through nft: what nft 1.0.6 does not tell, or tells in its own
//! order, is left out or put in order.
//!
//! - The title, and what things come from, but for the comments of rules.
//! - The order of tables, objects, sets and chains, and of tests between which nothing counts.
//! - Tests of the protocol and family, of the frame too: one each where no field says it, none where one does.
//! - Tests of the family before an answer of tcp, which nft does not list.
//! - Tests of one field between which nothing counts: one test of the values that pass them all.
//! - Neighbouring values of a set: one interval. What is left of an element's time, and what its set says of it anyway.
//! - Parts of a second. How numbers of one width and byte order are called as keys of sets.
//! - Whether packets add to a set, but by the rules that do; whether its intervals are merged; the size of a constant set.
//!   No packet notices, but loading a text over another does: a lift compares that by loading.
//! - What meters of sets and of their elements had counted.
//! - Comments of tables, chains, sets and objects, which nft 1.0.6 does not all take and list in JSON.

mod rule;
mod set;

use ringwall_ir::{Chain, Illegal, Origin, OriginId, Ruleset, Table, TableParts, Unknown};

/// What everything comes from that has no comment.
const NOWHERE: OriginId = OriginId(0);

/// The ruleset in the form in which it is compared.
///
/// # Errors
/// A part that is legal as it stands and not in this form: there is none that could be read or written.
pub fn normal(ruleset: &Ruleset) -> Result<Ruleset, Illegal> {
    let mut origins = vec![Origin::default()];
    let mut tables =
        ruleset.tables.iter().map(|table| of_table(ruleset, table, &mut origins)).collect::<Result<Vec<_>, _>>()?;
    tables.sort_by_key(|table| (table.family(), table.name().to_owned()));
    Ok(Ruleset { title: String::new(), origins, tables, unknowns: unknowns(&ruleset.unknowns) })
}

fn unknowns(unknowns: &[(OriginId, Unknown)]) -> Vec<(OriginId, Unknown)> {
    let mut unknowns: Vec<_> = unknowns.iter().map(|(_, unknown)| (NOWHERE, unknown.clone())).collect();
    unknowns.sort();
    unknowns
}

fn of_table(ruleset: &Ruleset, table: &Table, origins: &mut Vec<Origin>) -> Result<Table, Illegal> {
    let objects = table.objects().iter().map(|object| set::of_object(table.family(), object));
    let mut objects = objects.collect::<Result<Vec<_>, _>>()?;
    objects.sort_by_key(|object| (object.body().kind(), object.name().to_owned()));
    let mut sets = table.sets().iter().map(|set| set::of_set(table, set)).collect::<Result<Vec<_>, _>>()?;
    sets.sort_by_key(|set| set.name().to_owned());
    let mut chains: Vec<&Chain> = table.chains().iter().collect();
    chains.sort_by_key(|chain| chain.name());
    let chains = chains.into_iter().map(|chain| of_chain(ruleset, table, chain, origins)).collect::<Result<_, _>>()?;
    let parts = TableParts { objects, sets, chains, unknowns: unknowns(table.unknowns()), comment: None };
    Table::new(table.family(), table.name(), parts)
}

fn of_chain(ruleset: &Ruleset, table: &Table, chain: &Chain, origins: &mut Vec<Origin>) -> Result<Chain, Illegal> {
    let mut normal = match chain.bound() {
        Some(base) => Chain::base(chain.name(), ringwall_ir::BaseChain { closing: NOWHERE, ..*base })?,
        None => Chain::regular(chain.name())?,
    };
    for rule in chain.rules() {
        let comment = ruleset.origin(rule.origin()).map(Origin::comment).filter(|comment| !comment.is_empty());
        let origin = comment.map_or(NOWHERE, |comment| {
            origins.push(Origin { because: Some(comment), ..Origin::default() });
            OriginId(u32::try_from(origins.len() - 1).unwrap_or_default())
        });
        normal.add(rule::of_rule(table, rule, origin)?)?;
    }
    Ok(normal)
}
