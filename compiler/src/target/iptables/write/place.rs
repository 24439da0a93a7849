// SPDX-License-Identifier: GPL-3.0-or-later
//! Where a rule is written.

use ringwall_ir::words::{Family, Hook};
use ringwall_ir::{BaseChain, Table};

use super::sets::Sets;
use crate::target::iptables::table::{Hooks, XtTable, built_in};
use crate::target::iptables::words::CtMatch;

/// Where a rule is written.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The IR's table that it is of.
    pub(super) table: &'a Table,
    /// The table that it is written into.
    pub(super) xt: XtTable,
    /// The family of the text.
    pub(super) family: Family,
    /// The hooks from which packets come to it.
    pub(super) hooks: Hooks,
    /// What the chain is bound to.
    pub(super) base: Option<&'a BaseChain>,
    /// How ct states are spelled.
    pub(super) ct: CtMatch,
    /// The sets that are ipset's.
    pub(super) sets: &'a Sets,
}

impl Place<'_> {
    /// Whether packets come from these hooks alone.
    ///
    /// # Errors
    /// The hooks that it is not for, in a sentence about `what`.
    pub(super) fn only_at(&self, hooks: &[Hook], what: &str) -> Result<(), String> {
        if self.hooks.within(Hooks::of(hooks)) {
            return Ok(());
        }
        let names: Vec<_> = hooks.iter().map(|&hook| built_in(hook)).collect();
        Err(format!("iptables has {what} in {} alone", names.join(", ")))
    }

    /// Whether the rule is in a table.
    ///
    /// # Errors
    /// That it is not, in a sentence about `what`.
    pub(super) fn only_in(&self, table: XtTable, what: &str) -> Result<(), String> {
        if self.xt == table {
            return Ok(());
        }
        Err(format!("iptables has {what} in the table {} alone", table.name()))
    }

    /// The hook of the base chain.
    pub(super) fn hook(&self) -> Option<Hook> {
        self.base.map(|base| base.hook)
    }
}
