// SPDX-License-Identifier: GPL-3.0-or-later
//! The transactions that put a ruleset in the place of what is there, one after the other.
//!
//! Each is made for one generation of the ruleset, which the kernel checks: a change by another program in between is
//! noticed, and everything is looked at again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use nix::errno::Errno;
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Early, ObjectKind, Ruleset, Table};

use super::difference::Difference;
use super::error::{InstallError, RefusedPart, refused_parts};
use super::keep::Counted;
use super::late::{Host, LeftOut};
use super::names::Names;
use super::part::Part;
use super::replace::{Finished, Replacement};
use super::stage::Begun;
use super::target::Target;
use super::way::{Moved, Plan, Way, plan};
use super::{TRIES, encoded, read, read_encoded, told};
use crate::netlink::{NetlinkError, Refused, Socket, commit, generation};
use crate::nft::{Depth, Dumps, Found, FoundRule, FoundTable, dump_rules, dump_tables, family_number};

/// A ruleset that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// How many rules the kernel has of it, closing ones included.
    pub rules: usize,
    /// How often it was tried: more than once where another program changed its ruleset at the same moment, or where the
    /// kernel lacks a helper or timeout of connection tracking.
    pub tries: u32,
    /// What is missing on this host, and so was left out.
    pub left_out: Vec<LeftOut>,
}

/// Puts the tables of a ruleset into the network namespace of the calling thread, in the place of what is in them.
///
/// At each hook, packets meet either all old rules or all new ones, with all that their sets hold; a packet that is between
/// two hooks at that moment may meet old rules at the one and new ones at the other. That takes one transaction where no
/// set has intervals, and up to ten where the kernel shows changes at different moments: most where rules change along
/// with the contents of named sets that they look into.
///
/// A table that is not there, or that somebody switched off, is filled first and switched on then, in a transaction of its
/// own: the kernel does not do both at once.
///
/// A table that holds rules of iptables is left alone ([`InstallError::Iptables`]).
///
/// # Errors
/// [`InstallError`]; packets meet the same rules as before then, and nothing has changed, but for
/// [`NetlinkError::Silent`], which leaves it open, and for what the kernel refuses when the new rules are in force already:
/// to take away the old ones, or to give a set its own name again.
pub fn apply(ruleset: &Ruleset) -> Result<Applied, InstallError> {
    if let Some((_, unknown)) = ruleset.unknowns().next() {
        return Err(InstallError::Unknown(Box::new(unknown.clone())));
    }
    if let Some(early) = ruleset.tables.iter().flat_map(Table::early).next() {
        let sentence = ruleset.origin(early.origin).map(|origin| origin.text.clone()).unwrap_or_default();
        let reason = format!("{}: {}", early.reason(), Early::HELP);
        let part = Part::Rule { chain: early.chain, id: String::new(), sentence, origin: Some(early.origin) };
        return Err(InstallError::Unsayable { part, reason });
    }
    let socket = Socket::open().map_err(NetlinkError::Socket)?;
    let mut installer = Installer {
        socket,
        ruleset,
        host: Host::of(ruleset),
        names: Vec::new(),
        begun: BTreeMap::new(),
        moved: BTreeMap::new(),
    };
    let applied = installer.run();
    if applied.is_err() {
        installer.give_up();
    }
    applied
}

/// Puts a ruleset into the kernel, step by step.
struct Installer<'r> {
    socket: Socket,
    ruleset: &'r Ruleset,
    host: Host,
    /// The temporary names that sets and objects of each table have, or had just now.
    names: Vec<Names>,
    /// What is in tables, by their place, and not yet in force.
    begun: BTreeMap<usize, Begun>,
    /// The chains of tables that have other names while they are in force.
    moved: BTreeMap<usize, Vec<Moved>>,
}

/// How far it came.
enum Progress {
    /// Another program's change came in between, or something is to be left out: it begins again.
    Again,
    /// The ruleset is in force, with so many rules.
    Done(usize),
    /// A step is done, and what is there now is to be looked at.
    Further,
}

/// What is in the kernel, and what is to be done.
struct View {
    dumps: Vec<Dumps>,
    plans: Vec<Plan>,
    counted: Counted,
}

impl Installer<'_> {
    fn run(&mut self) -> Result<Applied, InstallError> {
        let mut tries = 1;
        for _ in 0..2 * TRIES {
            match self.step()? {
                Progress::Done(rules) => {
                    return Ok(Applied { rules, tries, left_out: self.host.left_out(self.ruleset) });
                }
                Progress::Again if tries == TRIES => break,
                Progress::Again => tries += 1,
                Progress::Further => {}
            }
        }
        Err(InstallError::Overtaken)
    }

    fn step(&mut self) -> Result<Progress, InstallError> {
        let generation = generation(&mut self.socket)?;
        let view = self.look()?;
        if view.plans.iter().any(|plan| !plan.moved.is_empty()) {
            return self.move_aside(&view, generation);
        }
        let names: Vec<_> = view.plans.iter().map(|plan| plan.names.clone()).collect();
        let is_last = names.iter().all(Names::is_empty);
        let ruleset = if is_last { Cow::Borrowed(self.ruleset) } else { Cow::Owned(renamed(self.ruleset, &names)?) };
        if !is_last {
            self.names = names;
        }
        let Some((generation, begun_rules)) = self.begin(&ruleset, &view, generation)? else {
            return Ok(Progress::Again);
        };
        let Some(rules) = self.turn(&ruleset, &view, generation)? else {
            self.take_back();
            return Ok(Progress::Again);
        };
        self.begun.clear();
        self.moved.clear();
        self.end(&ruleset, &view)?;
        Ok(if is_last { Progress::Done(begun_rules + rules) } else { Progress::Further })
    }

    /// Looks at what is there, and decides what is to be done.
    fn look(&mut self) -> Result<View, InstallError> {
        let mut view = View { dumps: Vec::new(), plans: Vec::new(), counted: Counted::default() };
        for (place, table) in self.ruleset.tables.iter().enumerate() {
            let only = Some((family_number(table.family()), table.name()));
            let mut dumps = dump_tables(&mut self.socket, only, Depth::Declarations)?;
            if there(&dumps.found()?.tables, self.ruleset, place).is_none() {
                view.plans.push(Way::Asleep.into());
                view.dumps.push(dumps);
                continue;
            }
            let encoded = encoded(self.ruleset, place, &self.host)?;
            let has_intervals =
                told(&encoded)?.tables.iter().flat_map(|table| &table.sets).any(|set| set.is_interval());
            let counts = Counted::concerns(table);
            let compares = counts || has_intervals || !table.sets().is_empty();
            if compares || is_named_by_iptables(table) {
                dumps.fill(&mut self.socket, only)?;
            }
            let found = dumps.found()?;
            let found = there(&found.tables, self.ruleset, place);
            if found.is_some_and(|found| found.rules.iter().any(FoundRule::is_of_xtables)) {
                return Err(InstallError::Iptables(Part::Table(table.name().to_owned())));
            }
            // What cannot be read is different, and has counted nothing.
            let old = found.filter(|_| compares).and_then(|found| read(found, table.family()).ok());
            let difference = match &old {
                None => Difference::whole(table),
                Some(old) => {
                    let now = read_encoded(self.ruleset, place, &encoded)?;
                    if counts {
                        view.counted.take(&self.host, place, table, &now, old);
                        self.take_renamed(&mut view.counted, place, old)?;
                    }
                    Difference::between(&now, old)
                }
            };
            let target = Target::new(place, table, &self.host, found).known_as(self.names.get(place));
            view.plans.push(plan(&target, has_intervals, difference));
            view.dumps.push(dumps);
        }
        Ok(view)
    }

    /// Takes over what rules have counted that look into sets with temporary names.
    fn take_renamed(&self, counted: &mut Counted, place: usize, old: &Ruleset) -> Result<(), InstallError> {
        if self.names.get(place).is_none_or(Names::is_empty) {
            return Ok(());
        }
        let renamed = renamed(self.ruleset, &self.names)?;
        let (Some(table), encoded) = (renamed.tables.get(place), encoded(&renamed, place, &self.host)?) else {
            return Ok(());
        };
        counted.take(&self.host, place, table, &read_encoded(&renamed, place, &encoded)?, old);
        Ok(())
    }

    /// Gives chains other names, which goes before everything that is to have theirs.
    fn move_aside(&mut self, view: &View, generation: u32) -> Result<Progress, InstallError> {
        let mut replacement = Replacement::new(self.ruleset, &self.host, &self.names, generation);
        for (place, plan) in view.plans.iter().enumerate() {
            if let Some(target) = replacement.target(place, None) {
                plan.moved.iter().for_each(|moved| replacement.move_aside(&target, moved));
            }
        }
        if !self.send(replacement.finish())? {
            return Ok(Progress::Again);
        }
        for (place, plan) in view.plans.iter().enumerate() {
            self.moved.entry(place).or_default().extend(plan.moved.iter().cloned());
        }
        Ok(Progress::Further)
    }

    /// The first stage of the tables that have any. The generation after it, and how many rules came.
    fn begin(&mut self, ruleset: &Ruleset, view: &View, generation: u32) -> Result<Option<(u32, usize)>, InstallError> {
        let mut begun = BTreeMap::new();
        let mut replacement = Replacement::new(ruleset, &self.host, &self.names, generation);
        for (place, (plan, dumps)) in view.plans.iter().zip(&view.dumps).enumerate() {
            let found = dumps.found()?;
            let Some(target) = replacement.target(place, there(&found.tables, ruleset, place)) else { continue };
            match plan.way {
                Way::Asleep => {
                    replacement.asleep(&target, &view.counted)?;
                    begun.insert(place, Begun { table: true, ..Begun::default() });
                }
                Way::Staged => {
                    begun.insert(place, replacement.begin(&target, &view.counted)?);
                }
                Way::Dormant(_) | Way::Refresh(_) | Way::Whole => {}
            }
        }
        if begun.is_empty() {
            return Ok(Some((generation, 0)));
        }
        let finished = replacement.finish();
        let rules = finished.rules;
        if !self.send(finished)? {
            return Ok(None);
        }
        self.begun = begun;
        Ok(Some((next(generation), rules)))
    }

    /// The transaction that puts the new rules in force. How many rules came along with it; none if it must begin again.
    fn turn(&mut self, ruleset: &Ruleset, view: &View, generation: u32) -> Result<Option<usize>, InstallError> {
        let mut replacement = Replacement::new(ruleset, &self.host, &self.names, generation);
        let mut same = 0;
        for (place, (plan, dumps)) in view.plans.iter().zip(&view.dumps).enumerate() {
            let found = dumps.found()?;
            let Some(target) = replacement.target(place, there(&found.tables, ruleset, place)) else { continue };
            match &plan.way {
                Way::Asleep => replacement.wake(&target),
                Way::Dormant(contents) => replacement.table(&target, contents, &view.counted)?,
                Way::Whole => replacement.table(&target, &BTreeSet::new(), &view.counted)?,
                Way::Refresh(contents) => {
                    replacement.refresh(&target, contents);
                    same += target.found.map_or(0, |found| found.rules.len());
                }
                Way::Staged => {
                    let rules = dump_rules(&mut self.socket, target.family, target.table.name())?;
                    let found = rules.found()?;
                    let rules = rules_in(&found);
                    let begun = self.begun.get(&place).cloned().unwrap_or_default();
                    replacement.turn(&target, &begun, rules)?;
                }
            }
        }
        let finished = replacement.finish();
        let rules = finished.rules + same;
        Ok(self.send(finished)?.then_some(rules))
    }

    /// Takes away what is left of the old ruleset, and switches tables on that somebody switched off.
    fn end(&mut self, ruleset: &Ruleset, view: &View) -> Result<(), InstallError> {
        for last in [Last::Chains, Last::Rest] {
            self.end_with(ruleset, view, last)?;
        }
        Ok(())
    }

    fn end_with(&mut self, ruleset: &Ruleset, view: &View, last: Last) -> Result<(), InstallError> {
        for _ in 0..TRIES {
            let mut replacement = Replacement::new(ruleset, &self.host, &[], generation(&mut self.socket)?);
            for (place, plan) in view.plans.iter().enumerate() {
                let Some(target) = replacement.target(place, None) else { continue };
                match (&plan.way, last) {
                    (Way::Dormant(_), Last::Chains) => replacement.wake(&target),
                    (Way::Staged, _) => {
                        let only = Some((target.family, target.table.name()));
                        let dumps = dump_tables(&mut self.socket, only, Depth::Declarations)?;
                        let found = dumps.found()?;
                        match (replacement.target(place, there(&found.tables, ruleset, place)), last) {
                            (Some(target), Last::Chains) => replacement.unbind(&target),
                            (Some(target), Last::Rest) => replacement.take_away(&target),
                            (None, _) => {}
                        }
                    }
                    _ => {}
                }
            }
            if self.send(replacement.finish())? {
                return Ok(());
            }
        }
        Err(InstallError::Overtaken)
    }

    /// Sends a transaction. Whether it is in force; if not, it is to be made anew.
    fn send(&mut self, finished: Finished) -> Result<bool, InstallError> {
        let Finished { transaction, about, gone, .. } = finished;
        if about.is_empty() {
            return Ok(true);
        }
        let refused = commit(&mut self.socket, &transaction.finish()?)?;
        if refused.iter().any(is_stale) {
            return Ok(false);
        }
        let parts = || refused_parts(&refused, &about, &gone, self.ruleset);
        if refuse_absent(&mut self.host, self.ruleset, parts()) {
            return Ok(false);
        }
        InstallError::refused(&refused, parts()).map_or(Ok(true), Err)
    }

    /// Takes back what is not in force, as far as that can be: packets do not meet it.
    fn take_back(&mut self) {
        let begun = std::mem::take(&mut self.begun);
        if !begun.is_empty() && self.take_back_with(&begun, Undo::Rules).is_ok() {
            // What the kernel refuses here stays, and goes with the next ruleset.
            let _ = self.take_back_with(&begun, Undo::Rest);
        }
    }

    fn take_back_with(&mut self, begun: &BTreeMap<usize, Begun>, undo: Undo) -> Result<(), InstallError> {
        for _ in 0..TRIES {
            let mut replacement = Replacement::new(self.ruleset, &self.host, &[], generation(&mut self.socket)?);
            for (place, begun) in begun {
                let Some(target) = replacement.target(*place, None) else { continue };
                let rules = dump_rules(&mut self.socket, target.family, target.table.name())?;
                let found = rules.found()?;
                let rules = rules_in(&found);
                match undo {
                    Undo::Rules => replacement.take_back_rules(&target, begun, rules),
                    Undo::Rest => replacement.take_back_rest(&target, begun, rules),
                }
            }
            if self.send(replacement.finish())? {
                return Ok(());
            }
        }
        Err(InstallError::Overtaken)
    }

    /// Takes back everything.
    fn give_up(&mut self) {
        self.take_back();
        let moved = std::mem::take(&mut self.moved);
        for _ in 0..TRIES {
            let Ok(generation) = generation(&mut self.socket) else { return };
            let mut replacement = Replacement::new(self.ruleset, &self.host, &[], generation);
            for (place, moved) in &moved {
                if let Some(target) = replacement.target(*place, None) {
                    moved.iter().for_each(|moved| replacement.move_back(&target, moved));
                }
            }
            if !matches!(self.send(replacement.finish()), Ok(false)) {
                return;
            }
        }
    }
}

/// What goes at once when new rules are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Base chains.
    Chains,
    /// All else.
    Rest,
}

/// What of a first stage is taken back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undo {
    /// The rules that no packet reaches, and the chain policies.
    Rules,
    /// All else.
    Rest,
}

/// The ruleset with temporary names.
fn renamed(ruleset: &Ruleset, names: &[Names]) -> Result<Ruleset, InstallError> {
    let table = |(table, names): (&Table, &Names)| {
        names.table(table).map_err(|illegal| InstallError::Unsayable {
            part: Part::Table(table.name().to_owned()),
            reason: illegal.to_string(),
        })
    };
    let tables = ruleset.tables.iter().zip(names).map(table).collect::<Result<_, _>>()?;
    Ok(Ruleset { tables, ..ruleset.clone() })
}

/// What is there of a table at a place of a ruleset.
fn there<'t, 'f>(tables: &'t [FoundTable<'f>], ruleset: &Ruleset, place: usize) -> Option<&'t FoundTable<'f>> {
    let table = ruleset.tables.get(place)?;
    let family = family_number(table.family());
    tables.iter().find(|found| found.family == family && found.name == table.name())
}

/// Whether iptables-nft has a table of this family and name.
fn is_named_by_iptables(table: &Table) -> bool {
    let names = ["filter", "mangle", "nat", "raw", "security"];
    table.family() != TableFamily::Inet && names.contains(&table.name())
}

/// The rules of a table that only its rules were dumped of.
fn rules_in<'t, 'f>(found: &'t Found<'f>) -> &'t [FoundRule<'f>] {
    found.tables.first().map(|table| table.rules.as_slice()).unwrap_or_default()
}

/// The generation after one: the kernel passes over zero (`nf_tables_commit`).
const fn next(generation: u32) -> u32 {
    match generation.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// The kernel's refusal of a whole transaction that was made for an older generation.
fn is_stale(refused: &Refused) -> bool {
    refused.errno == Errno::ERESTART
}

/// Notes helpers and timeouts of connection tracking that the kernel does not have. Whether there are new ones.
fn refuse_absent(host: &mut Host, ruleset: &Ruleset, parts: impl Iterator<Item = RefusedPart>) -> bool {
    let mut any = false;
    for RefusedPart { part, refused } in parts {
        let absent = matches!(refused.errno, Errno::ENOENT | Errno::EOPNOTSUPP);
        if let Part::Object { kind: kind @ (ObjectKind::CtHelper | ObjectKind::CtTimeout), name, .. } = part
            && absent
        {
            let has = |table: &Table| table.object(kind, &name).is_some();
            for (place, _) in ruleset.tables.iter().enumerate().filter(|(_, table)| has(table)) {
                any |= host.refuse(place, kind, &name);
            }
        }
    }
    any
}
