// SPDX-License-Identifier: GPL-3.0-or-later
//! The transaction that puts a table in the place of what is there.
//!
//! In this order: the table; its rules go; chains and sets go that are not wanted or must be made anew; sets, then
//! chains are declared; sets are emptied and filled; rules come. An unchanged chain keeps its place at the hook, and
//! packets meet the old rules until the kernel turns to the new ones all at once.

use ringwall_ir::{Origin, Ruleset};
use rustables::MsgType::{Add, Del};
use rustables::set::SetElementList;

use super::error::{InstallError, Part};
use crate::netlink::{Splice, Transaction};
use crate::nft::{Chain, Encoded, Inventory, Rule, Set, Table, comment, family_number};

/// `NFT_RULE_MAXEXPRS` of `include/net/netfilter/nf_tables.h`.
pub(super) const MAX_EXPRESSIONS: usize = 128;

/// A transaction in the making, and what each of its messages is about.
pub(super) struct Replacement<'a> {
    ruleset: &'a Ruleset,
    transaction: Transaction,
    parts: Vec<Part>,
}

/// The table that messages are about.
struct Target<'t> {
    table: &'t Table,
    family: u8,
    encoded: rustables::Table,
}

impl<'a> Replacement<'a> {
    pub(super) fn new(ruleset: &'a Ruleset) -> Self {
        Self { ruleset, transaction: Transaction::new(), parts: Vec::new() }
    }

    pub(super) fn finish(self) -> (Transaction, Vec<Part>) {
        (self.transaction, self.parts)
    }

    /// Adds one table. `source` is what it was written from; `found` is what is in the kernel.
    pub(super) fn table(
        &mut self,
        table: &Table,
        source: &ringwall_ir::Table,
        found: &Inventory,
    ) -> Result<(), InstallError> {
        let family = family_number(table.family);
        let encoded = rustables::Table::default().with_name(&table.name);
        let target = Target { table, family, encoded };
        self.transaction.table(family, Add, &target.encoded, Splice::default());
        self.parts.push(Part::Table(table.name.clone()));
        self.clear(&target, found);
        self.declare(&target, found);
        for set in &table.sets {
            self.fill(&target, set, &Part::Set(set.name.text().to_owned()));
        }
        for (chain, source) in table.chains.iter().zip(source.chains()) {
            for (i, rule) in chain.rules.iter().enumerate() {
                let origin = source.rules().get(i).map_or(source.closing(), ringwall_ir::Rule::origin);
                let sentence = self.ruleset.origin(origin).map(|Origin { text, .. }| text.clone()).unwrap_or_default();
                let part = Part::Rule { chain: chain.name.clone(), id: rule.comment.clone(), sentence };
                self.rule(&target, chain, rule, part)?;
            }
        }
        Ok(())
    }

    /// Switches a dormant table on.
    pub(super) fn wake(&mut self, table: &Table) {
        let awake = rustables::Table::default().with_name(&table.name).with_flags(0u32);
        self.transaction.table(family_number(table.family), Add, &awake, Splice::default());
        self.parts.push(Part::Table(table.name.clone()));
    }

    /// Takes away all rules, and the chains and sets that cannot stay.
    fn clear(&mut self, target: &Target<'_>, found: &Inventory) {
        let rules = rustables::Rule::default().with_table(&target.table.name);
        self.transaction.rule(target.family, Del, &rules, Splice::default());
        self.parts.push(Part::Table(target.table.name.clone()));
        for (name, chain) in &found.chains {
            let stays =
                chain.as_ref().is_ok_and(|found| target.chain(name).is_some_and(|chain| chain.stands_where(found)));
            if !stays {
                let gone = rustables::Chain::new(&target.encoded).with_name(name);
                self.transaction.chain(target.family, Del, &gone, Splice::default());
                self.parts.push(Part::Chain(name.clone()));
            }
        }
        for (name, set) in &found.sets {
            let stays = set.as_ref().is_ok_and(|found| target.set(name).is_some_and(|set| set.can_refill(found)));
            if !stays {
                let gone = rustables::Set::default().with_table(&target.table.name).with_name(name);
                self.transaction.set(target.family, Del, &gone, Splice::default());
                self.parts.push(Part::Set(name.clone()));
            }
        }
    }

    /// Declares sets and chains, and empties the sets that were there.
    fn declare(&mut self, target: &Target<'_>, found: &Inventory) {
        for set in &target.table.sets {
            let (declared, splice) = set.declaration(&target.table.name);
            self.transaction.set(target.family, Add, &declared, splice);
            self.parts.push(Part::Set(set.name.text().to_owned()));
            if found.sets.iter().any(|(name, _)| name == set.name.text()) {
                let all = SetElementList::default().with_table(&target.table.name).with_set(set.name.text());
                self.transaction.elements(target.family, Del, &all, Splice::default());
                self.parts.push(Part::Set(set.name.text().to_owned()));
            }
        }
        for chain in &target.table.chains {
            self.transaction.chain(target.family, Add, &chain.declaration(&target.encoded), Splice::default());
            self.parts.push(Part::Chain(chain.name.clone()));
        }
    }

    fn fill(&mut self, target: &Target<'_>, set: &Set, part: &Part) {
        for (elements, splice) in set.fillings(&target.table.name) {
            self.transaction.elements(target.family, Add, &elements, splice);
            self.parts.push(part.clone());
        }
    }

    /// Appends a rule, behind the anonymous sets that it needs.
    fn rule(&mut self, target: &Target<'_>, chain: &Chain, rule: &Rule, part: Part) -> Result<(), InstallError> {
        if rule.expressions.len() > MAX_EXPRESSIONS {
            return Err(InstallError::TooLong(part));
        }
        for set in &rule.sets {
            let (declared, splice) = set.declaration(&target.table.name);
            self.transaction.set(target.family, Add, &declared, splice);
            self.parts.push(part.clone());
            self.fill(target, set, &part);
        }
        let mut encoded = rustables::Rule::default().with_table(&target.table.name).with_chain(&chain.name);
        let mut splice = Splice::default();
        for (place, expression) in rule.expressions.iter().enumerate() {
            match expression.encode() {
                Encoded::Typed(typed) => encoded.add_expr(typed),
                Encoded::Spliced(name, data) => {
                    encoded.add_expr(rustables::expr::RawExpression::default().with_name(name));
                    splice.expressions.insert(place, data);
                }
            }
        }
        if !rule.comment.is_empty() {
            encoded.set_userdata(comment(&rule.comment));
        }
        self.transaction.rule(target.family, Add, &encoded, splice);
        self.parts.push(part);
        Ok(())
    }
}

impl Target<'_> {
    fn chain(&self, name: &str) -> Option<&Chain> {
        self.table.chains.iter().find(|chain| chain.name == name)
    }

    fn set(&self, name: &str) -> Option<&Set> {
        self.table.sets.iter().find(|set| set.name.text() == name)
    }
}
