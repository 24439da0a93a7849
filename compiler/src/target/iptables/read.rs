// SPDX-License-Identifier: GPL-3.0-or-later
//! iptables-save and ip6tables-save to IR: each table becomes one of the family, with the built-in chains as base chains of
//! xtables' own type, hook and priority.
//!
//! What has no place in the IR becomes a named unknown in its position, and the rest of its rule is still read. Errors are
//! only for what is no text of iptables-save.
//!
//! A table has all of its built-in chains, declared or not, and they come first. A table that comes a second time replaces
//! the first, as iptables-restore has it.
//!
//! The rules have a normal form, so that the same ruleset is read alike however it was spelled. Between two things that
//! count, the tests stand in one order: addresses, interfaces and protocol as iptables itself makes them, then the header of
//! the protocol, then the rest by their fields. Several tests of one field become one, and `-p tcp` is left out beside a test
//! of TCP.

mod address;
mod block;
mod matches;
mod options;
mod place;
mod rule;
mod spec;
mod split;
mod steps;
mod table;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::Family;
use ringwall_ir::{Illegal, Origin, OriginId, Ruleset};

pub(super) use self::matches::{DRAWN, number};
pub(in crate::target) use self::split::split;
use self::table::{Line, RawTable};
use super::table::XtTable;
use crate::target::ipset;

/// One of the texts that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// That of iptables-save.
    Rules,
    /// That of `ipset save`.
    Sets,
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The text that it is in.
    pub text: Text,
    /// Its line, from 1.
    pub line: u32,
    /// What is wrong: lower-case, without a full stop, user text in back-ticks.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
}

/// What is wrong with a line.
pub(in crate::target) struct Problem {
    pub(in crate::target) message: String,
    pub(in crate::target) help: Option<String>,
}

impl Problem {
    pub(in crate::target) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub(in crate::target) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a part of a rule says in the IR; or why the IR has no word for it, and what to write instead where there is
/// something: a part of a sentence, lower-case.
type Known<T> = Result<T, String>;

impl From<Illegal> for Problem {
    fn from(illegal: Illegal) -> Self {
        Self::new(illegal.to_string())
    }
}

/// Reads the text of iptables-save, or of ip6tables-save if the family is IPv6. Each rule comes from its line, each
/// chain policy from its declaration. With errors, the ruleset lacks what could not be read. Sets of ipset that rules
/// speak of are unknowns.
#[must_use]
pub fn read(text: &str, family: Family) -> (Ruleset, Vec<ReadError>) {
    read_with_sets(text, family, "")
}

/// The same, with the text of `ipset save` beside it: the sets that rules of a table speak of become sets of the table.
/// Errors of that text come first.
#[must_use]
pub fn read_with_sets(text: &str, family: Family, sets: &str) -> (Ruleset, Vec<ReadError>) {
    let (sets, mut errors) = ipset::read(sets);
    let mut reader = Reader { family, open: None, tables: Vec::new(), ruleset: Ruleset::default() };
    let mut last = 1;
    for (number, line) in (1..).zip(text.lines()) {
        last = number;
        if let Err(problem) = reader.line(line.trim(), number) {
            errors.push(problem.at(Text::Rules, number));
        }
    }
    if reader.open.is_some() {
        errors.push(Problem::new("the last table has no end").help("end it with `COMMIT`").at(Text::Rules, last));
    } else if reader.tables.is_empty() && errors.is_empty() {
        errors.push(Problem::new("there is no table").help("a table begins with `*filter`").at(Text::Rules, last));
    }
    let (mut ruleset, tables) = (reader.ruleset, reader.tables);
    let names: Vec<_> = tables.iter().map(|table| table.kind.name()).collect();
    let program = if family == Family::Ipv4 { "iptables-save" } else { "ip6tables-save" };
    ruleset.title = format!("{program}, {} {}", if names.len() == 1 { "table" } else { "tables" }, names.join(", "));
    let shared = shared(&tables);
    for table in tables {
        let line = table.line;
        match table.read(family, (&sets, &shared), &mut ruleset, &mut errors) {
            Ok(table) => ruleset.tables.push(table),
            Err(problem) => errors.push(problem.at(Text::Rules, line)),
        }
    }
    (ruleset, errors)
}

/// The sets of ipset that rules of several tables speak of and that packets add to.
fn shared(tables: &[RawTable<'_>]) -> BTreeSet<String> {
    let mut places: BTreeMap<&str, (BTreeSet<XtTable>, bool)> = BTreeMap::new();
    for table in tables {
        for (name, dynamic) in table.sets() {
            let (tables, any) = places.entry(name).or_default();
            tables.insert(table.kind);
            *any |= dynamic;
        }
    }
    let shared = places.into_iter().filter(|(_, (tables, dynamic))| *dynamic && tables.len() > 1);
    shared.map(|(name, _)| name.to_owned()).collect()
}

impl Problem {
    pub(in crate::target) fn at(self, text: Text, line: u32) -> ReadError {
        ReadError { text, line, message: self.message, help: self.help }
    }
}

struct Reader<'a> {
    family: Family,
    /// The table that has begun and not ended; without a name where it is none that is known.
    open: Option<Option<RawTable<'a>>>,
    /// Those that have ended.
    tables: Vec<RawTable<'a>>,
    ruleset: Ruleset,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str, number: u32) -> Result<(), Problem> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(name) = line.strip_prefix('*') {
            return self.begin(name, number);
        }
        let Some(open) = &mut self.open else {
            return Err(Problem::new(format!("`{line}` stands outside a table"))
                .help("a table begins with `*filter` and ends with `COMMIT`"));
        };
        if line == "COMMIT" {
            if let Some(ended) = self.open.take().flatten() {
                self.end(ended)?;
            }
            return Ok(());
        }
        match open {
            Some(table) => table.line(Line { text: line, number }, self.family, &mut self.ruleset.origins),
            None => Ok(()),
        }
    }

    fn begin(&mut self, name: &str, number: u32) -> Result<(), Problem> {
        let before = self.open.take().is_some();
        let kind = XtTable::named(name);
        self.open = Some(kind.map(|kind| RawTable::new(kind, number)));
        match kind {
            _ if before => {
                Err(Problem::new(format!("the table before `*{name}` has no end")).help("end it with `COMMIT`"))
            }
            None => Err(Problem::new(format!("`{name}` is no table of iptables"))
                .help("there are raw, mangle, nat, filter and security")),
            Some(_) => Ok(()),
        }
    }

    /// The one variant of iptables keeps chain policies that the second text of a table does not name, the other does not.
    fn end(&mut self, mut table: RawTable<'a>) -> Result<(), Problem> {
        let before =
            self.tables.iter().position(|known| known.kind == table.kind).map(|place| self.tables.remove(place));
        let forgotten = before.and_then(|before| table.forgets(&before));
        table.complete(&mut self.ruleset.origins)?;
        let name = table.kind.name();
        self.tables.push(table);
        match forgotten {
            Some(chain) => {
                Err(Problem::new(format!("the table `{name}` comes a second time, without chain `{chain}`"))
                    .help(format!("declare the chain there too: `:{chain} DROP`")))
            }
            None => Ok(()),
        }
    }
}

/// Adds what something comes from.
fn origin(origins: &mut Vec<Origin>, text: &str, line: u32, because: Option<String>) -> Result<OriginId, Problem> {
    let place = u32::try_from(origins.len()).map_err(|_| Problem::new("there are too many lines"))?;
    origins.push(Origin { id: String::new(), text: text.to_owned(), line, because, spot: None });
    Ok(OriginId(place))
}

#[cfg(test)]
mod tests;
