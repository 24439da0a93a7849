// SPDX-License-Identifier: GPL-3.0-or-later
//! A whole table in the kernel's terms: written from the IR to be installed, or read from the kernel to become IR.

use std::collections::BTreeMap;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Origin, OriginId, Ruleset, SetKind};

use thiserror::Error;

use super::chain::Chain;
use super::rule;
use super::set::{Key, Set, SetIds, SetName};
use super::{CLOSING, Unknown};

/// A table with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Which packets its chains see.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
    /// Its named sets.
    pub sets: Vec<Set>,
    /// Its chains.
    pub chains: Vec<Chain>,
}

/// The part of a table that the IR has no word for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place} cannot be read: {what}")]
pub struct UnknownPart {
    /// Where it is.
    pub place: String,
    /// What it is.
    #[source]
    pub what: Unknown,
}

impl Table {
    /// Writes a table of the ruleset. `ids` numbers the anonymous sets of all tables of one transaction.
    #[must_use]
    pub fn write(ruleset: &Ruleset, table: &ringwall_ir::Table, ids: &mut SetIds) -> Self {
        let comment = |id| ruleset.origin(id).map(Origin::comment).unwrap_or_default();
        let sets = table.sets().iter().map(|set| Set::named(set.name(), set.kind(), set.elements().clone()));
        let mut chains = Vec::new();
        for chain in table.chains() {
            let rules = chain.rules().iter().map(|rule| rule::write(table.family(), rule, comment(rule.origin()), ids));
            let mut written = Chain {
                name: chain.name().to_owned(),
                hook: chain.hook(),
                priority: chain.priority(),
                policy: chain.policy(),
                rules: rules.collect(),
            };
            written.close();
            chains.push(written);
        }
        Self { family: table.family(), name: table.name().to_owned(), sets: sets.collect(), chains }
    }

    /// How many rules it has.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.chains.iter().map(|chain| chain.rules.len()).sum()
    }

    /// Reads the table into a ruleset of its own, in its normal form: sets and chains by name, and of the sentences
    /// what the kernel holds, which is their comments.
    ///
    /// # Errors
    /// The first part that the IR has no word for.
    pub fn read(&self) -> Result<Ruleset, UnknownPart> {
        let mut origins = Origins::default();
        let mut sets: Vec<_> = self.sets.iter().collect();
        sets.sort_by_key(|set| set.name.text());
        let sets = sets.into_iter().map(|set| read_set(set, &mut origins)).collect::<Result<_, _>>()?;
        let mut chains: Vec<_> = self.chains.iter().collect();
        chains.sort_by_key(|chain| &chain.name);
        let chains = chains.into_iter().map(|chain| self.read_chain(chain, &mut origins)).collect::<Result<_, _>>()?;
        let table = ringwall_ir::Table::new(self.family, &self.name, sets, chains)
            .map_err(|illegal| UnknownPart { place: format!("table `{}`", self.name), what: illegal.into() })?;
        Ok(Ruleset { title: String::new(), origins: origins.list, tables: vec![table] })
    }

    fn read_chain(&self, chain: &Chain, origins: &mut Origins) -> Result<ringwall_ir::Chain, UnknownPart> {
        let place = || format!("chain `{}`", chain.name);
        let rules = chain.opened().map_err(|what| UnknownPart { place: place(), what })?;
        let closing = origins.of(CLOSING);
        let mut read = ringwall_ir::Chain::new(&chain.name, chain.hook, chain.priority, chain.policy, closing)
            .map_err(|illegal| UnknownPart { place: place(), what: illegal.into() })?;
        for (i, rule) in rules.iter().enumerate() {
            let place = || format!("rule {} of chain `{}`", i + 1, chain.name);
            let found = |name: &SetName| self.sets.iter().chain(&rule.sets).find(|set| set.name == *name);
            let (matches, statements, verdict) = rule::read(self.family, &rule.expressions, &found)
                .map_err(|what| UnknownPart { place: place(), what })?;
            read.push(origins.of(&rule.comment), matches, statements, verdict)
                .map_err(|illegal| UnknownPart { place: place(), what: illegal.into() })?;
        }
        Ok(read)
    }
}

fn read_set(set: &Set, origins: &mut Origins) -> Result<ringwall_ir::Set, UnknownPart> {
    let place = || format!("set `{}`", set.name.text());
    let kind = [SetKind::Ipv4, SetKind::Ipv6].into_iter().find(|kind| Key::of_kind(*kind).holds_like(set.key));
    let kind = kind.filter(|_| set.interval).ok_or(UnknownPart {
        place: place(),
        what: Unknown::Shape("a set that does not hold intervals of addresses"),
    })?;
    ringwall_ir::Set::new(set.name.text(), kind, set.values.clone(), origins.of(""))
        .map_err(|illegal| UnknownPart { place: place(), what: illegal.into() })
}

/// The sentences of a ruleset that is being read, each once.
#[derive(Default)]
struct Origins {
    list: Vec<Origin>,
    known: BTreeMap<String, OriginId>,
}

impl Origins {
    /// The sentence with this comment.
    fn of(&mut self, comment: &str) -> OriginId {
        if let Some(id) = self.known.get(comment) {
            return *id;
        }
        let (id, because) = match comment.split_once(' ') {
            Some((id, because)) => (id, Some(because.to_owned())),
            None => (comment, None),
        };
        let place = OriginId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(Origin { id: id.to_owned(), text: String::new(), line: 0, because });
        self.known.insert(comment.to_owned(), place);
        place
    }
}
