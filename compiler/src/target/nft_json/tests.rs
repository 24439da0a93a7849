// SPDX-License-Identifier: GPL-3.0-or-later
//! nft JSON as nft itself takes and prints it.

mod commands;
mod listed;
mod random;
mod rows;
mod sets;
mod strange;

use ringwall_ir::{ObjectBody, OriginId, Rule, Ruleset, Statement, Table};

use super::write;
use crate::target::testing::{assert_snapshot, laptop, without};

/// The ruleset without what nft JSON cannot say.
fn sayable(ruleset: Ruleset) -> Ruleset {
    let timeout = |rule: &Rule| rule.statements().any(|statement| matches!(statement, Statement::CtTimeout(_)));
    let rules = ruleset.chains().flat_map(|(_, chain)| chain.rules());
    let origins: Vec<OriginId> = rules.filter(|rule| timeout(rule)).map(Rule::origin).collect();
    let mut ruleset = without(&ruleset, &origins);
    for table in &mut ruleset.tables {
        let mut parts = table.clone().into_parts();
        parts.objects.retain(|object| !matches!(object.body(), ObjectBody::CtTimeout { .. }));
        *table = Table::new(table.family(), table.name(), parts).unwrap();
    }
    crate::target::testing::sayable(ruleset, |ruleset| write(ruleset).err().unwrap_or_default())
}

#[test]
fn laptop_policy() {
    assert_snapshot("nft-json-laptop", &write(&laptop()).unwrap());
}
