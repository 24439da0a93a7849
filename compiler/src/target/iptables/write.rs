// SPDX-License-Identifier: GPL-3.0-or-later
//! Writing the text of one family, and that of the sets that it speaks of.
//!
//! Each table is one transaction of iptables-restore, and the sets are others: not all of it takes effect at once.

mod action;
mod chains;
mod clauses;
mod count;
mod field;
mod layout;
mod line;
mod map;
mod place;
mod program;
mod reach;
mod rule;
mod sets;
mod stage;
mod verdict;

use std::collections::BTreeMap;

use ringwall_ir::words::{ChainPolicy, Family};
use ringwall_ir::{OriginId, Rule, Ruleset, Verdict};

use self::chains::Chains;
pub use self::chains::WrittenChain;
use self::layout::{Layout, Planned, XtText, own_chain, regular};
use self::place::Place;
use self::program::{Cannot, comment, program};
use self::rule::{Lines, Source};
use self::sets::Sets;
use super::name::from_ir;
use super::table::built_in;
use super::words::CtMatch;
use crate::target::{Target, Unsayable, header, sentence};

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How ct states are spelled.
    pub ct: CtMatch,
    /// Chains of one's own beside other people's rules, for `--noflush`, instead of whole tables.
    pub own_chains: bool,
}

/// A text, and what its lines come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// For iptables-restore or ip6tables-restore; with chains of one's own, behind `--noflush`.
    pub text: String,
    /// The sets that the text speaks of, for `ipset restore`, to be loaded before it. Empty where there are none.
    pub sets: String,
    /// Each chain, table by table, the built-in ones first.
    pub chains: Vec<WrittenChain>,
}

/// Whether a ruleset has a base chain that packets of a family meet. Of one that has none there is no text: a whole table
/// would let everything pass that others keep out of it.
#[must_use]
pub fn speaks_of(ruleset: &Ruleset, family: Family) -> bool {
    let tables = ruleset.tables.iter().filter(|table| table.family().sees(family));
    tables.flat_map(|table| table.chains()).any(|chain| chain.bound().is_some())
}

/// The sets that the texts of both families speak of, for `ipset restore`.
///
/// # Errors
/// Each part that iptables cannot say.
pub fn write_sets(ruleset: &Ruleset, options: Options) -> Result<String, Vec<Unsayable>> {
    let families = Family::ALL.into_iter().filter(|&family| speaks_of(ruleset, family));
    families.map(|family| write(ruleset, family, options).map(|written| written.sets)).collect()
}

/// Writes what a ruleset says of a family. Tables that it has a chain in are written whole: hooks that it does not govern
/// get an empty chain that accepts. A rule that no packet of the family passes gets no line. The priority of chains is
/// that of iptables' own.
///
/// # Errors
/// Each part that iptables cannot say.
pub fn write(ruleset: &Ruleset, family: Family, options: Options) -> Result<Written, Vec<Unsayable>> {
    let target = match family {
        Family::Ipv4 => Target::Iptables,
        Family::Ipv6 => Target::Ip6tables,
    };
    let (layout, misplaced) = Layout::of(ruleset, family, &options);
    let mut writer = Writer { ruleset, family, options, target, unsayable: Vec::new() };
    if !options.own_chains && !speaks_of(ruleset, family) {
        writer.refuse(OriginId(0), Cannot::open(family));
    }
    misplaced.into_iter().for_each(|(origin, reason)| writer.refuse(origin, reason));
    writer.refuse_unknowns();
    let sets = writer.sets(&layout);
    let mut texts = Vec::new();
    let mut chains = Vec::new();
    for text in &layout.tables {
        let lines = writer.table(text, &sets);
        texts.push((text, lines));
    }
    let sets = writer.set_texts(&sets);
    if !writer.unsayable.is_empty() {
        return Err(writer.unsayable);
    }
    let mut text = writer.head(&layout, !sets.is_empty());
    for (table, lines) in texts {
        writer.print(&mut text, table, &lines);
        chains.extend(lines.chains.list);
    }
    Ok(Written { text, sets, chains })
}

struct Writer<'a> {
    ruleset: &'a Ruleset,
    family: Family,
    options: Options,
    target: Target,
    unsayable: Vec<Unsayable>,
}

/// The sets of each table of the IR that are ipset's.
type AllSets = BTreeMap<usize, Sets>;

impl<'a> Writer<'a> {
    fn refuse(&mut self, origin: OriginId, cannot: impl Into<Cannot>) {
        let Cannot { reason, help } = cannot.into();
        self.unsayable.push(Unsayable { origin, target: self.target, reason, help });
    }

    /// What stands beside the rules and is not known.
    fn refuse_unknowns(&mut self) {
        let family = self.family;
        let tables = self.ruleset.tables.iter().filter(|table| table.family().sees(family));
        let unknowns = self.ruleset.unknowns.iter().chain(tables.flat_map(|table| table.unknowns()));
        let unknowns: Vec<_> = unknowns.map(|(origin, unknown)| (*origin, unknown.to_string())).collect();
        unknowns.into_iter().for_each(|(origin, reason)| self.refuse(origin, reason));
    }

    fn sets(&self, layout: &Layout<'_>) -> AllSets {
        let tables = self.ruleset.tables.iter().enumerate();
        tables.map(|(place, table)| (place, Sets::of(table, self.family, layout.kept.contains(&place)))).collect()
    }

    /// The text of all sets. A set that two tables have is one of ipset's.
    fn set_texts(&mut self, sets: &AllSets) -> String {
        let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, text) in sets.values().flat_map(Sets::texts) {
            if texts.insert(name, text).is_some_and(|before| before != text) {
                self.refuse(OriginId(0), format!("two sets of ipset would be called `{name}`"));
            }
        }
        if texts.is_empty() {
            return String::new();
        }
        texts.into_values().fold(header(self.ruleset, "ipset restore"), |all, text| all + text)
    }

    fn table(&mut self, text: &XtText<'a>, sets: &AllSets) -> Lines {
        let chains = Chains::new(text.kind.name());
        let mut lines = Lines { family: self.family, chains, lines: Vec::new() };
        for planned in &text.chains {
            let closing = planned.source.and_then(|(_, _, chain)| chain.bound()).map(|base| base.closing);
            lines.chains.insert(planned.name.clone(), closing);
        }
        for planned in &text.chains {
            self.chain(text, planned, sets, &mut lines);
        }
        lines
    }

    fn chain(&mut self, text: &XtText<'a>, planned: &Planned<'a>, sets: &AllSets, lines: &mut Lines) {
        let Some((table_place, table, chain)) = planned.source else { return };
        let Some(number) = lines.chains.place(&planned.name) else { return };
        let Some(sets) = sets.get(&table_place) else { return };
        let (xt, family, ct) = (text.kind, self.family, self.options.ct);
        let place = Place { table, xt, family, hooks: planned.hooks, base: chain.bound(), ct, sets };
        let mut before = None;
        for rule in chain.rules() {
            let origin = rule.origin();
            let first = lines.lines.len();
            if let Err(cannot) = self.rule(&place, rule, number, lines) {
                self.refuse(origin, cannot);
            } else if lines.lines.len() > first
                && before.replace(origin) != Some(origin)
                && let Some(comment) = self.sentence(origin)
            {
                lines.lines.insert(first, comment);
            }
        }
        if let (true, Some(ChainPolicy::Drop), Some(base)) = (self.options.own_chains, planned.policy, chain.bound()) {
            lines.lines.extend(self.sentence(base.closing).filter(|_| before != Some(base.closing)));
            lines.lines.push(format!("-A {} -j DROP", planned.name));
            lines.chains.hold(number, base.closing);
        }
    }

    /// The sentence above its lines.
    fn sentence(&self, origin: OriginId) -> Option<String> {
        sentence(self.ruleset.origin(origin))
    }

    fn rule(&self, place: &Place<'_>, rule: &Rule, chain: usize, lines: &mut Lines) -> Result<(), Cannot> {
        match rule.verdict() {
            Some(Verdict::Map(map)) => {
                let rules = map::rules(place.table, rule, map)?;
                rules.iter().try_for_each(|each| self.lines(place, each, chain, lines))
            }
            _ => self.lines(place, rule, chain, lines),
        }
    }

    fn lines(&self, place: &Place<'_>, rule: &Rule, chain: usize, lines: &mut Lines) -> Result<(), Cannot> {
        let keeps = |name: &str| lines.chains.place(&from_ir(name)).is_some();
        let kept = super::table::XtTable::named(place.table.name()).is_some() && !self.options.own_chains;
        let named = |name: &str| match kept && keeps(name) {
            true => Ok(from_ir(name).into_owned()),
            false => regular(name, &self.options),
        };
        let closes = self.options.own_chains && place.base.is_some();
        let Some(program) = program(place, rule, closes, named)? else { return Ok(()) };
        let origin = self.ruleset.origin(rule.origin());
        let id = origin.map_or("", |origin| origin.id.as_str());
        let because = origin.filter(|origin| origin.id.is_empty()).and_then(|origin| origin.because.as_deref());
        let comment = because.map(comment).transpose()?;
        Ok(lines.rule(chain, &Source { origin: rule.origin(), id, comment }, &program)?)
    }

    /// The head of the text, with what the loader must know.
    fn head(&self, layout: &Layout<'_>, has_sets: bool) -> String {
        let program = if self.family == Family::Ipv4 { "iptables" } else { "ip6tables" };
        let noflush = if self.options.own_chains { " --noflush" } else { "" };
        let mut head = header(self.ruleset, &format!("{program}-restore{noflush}"));
        if has_sets {
            head.push_str("# its sets must be there before: load them with ipset restore\n");
        }
        match self.options.own_chains {
            true => head.push_str(&jumps(layout, program)),
            false => head.push_str(&replaced(layout)),
        }
        head
    }

    fn print(&self, text: &mut String, table: &XtText<'_>, lines: &Lines) {
        let mut push = |line: &str| {
            text.push_str(line);
            text.push('\n');
        };
        push(&format!("*{}", table.kind.name()));
        for (place, chain) in lines.chains.list.iter().enumerate() {
            let policy =
                table.chains.get(place).and_then(|planned| planned.policy).filter(|_| !self.options.own_chains);
            let counters = if self.options.own_chains { " [0:0]" } else { "" };
            let policy = policy.map_or_else(|| "-".to_owned(), |policy| policy.name().to_uppercase());
            push(&format!(":{} {policy}{counters}", chain.name));
        }
        lines.lines.iter().for_each(|line| push(line));
        push("COMMIT");
    }
}

/// What the loader of whole tables must know.
fn replaced(layout: &Layout<'_>) -> String {
    let names: Vec<_> = layout.tables.iter().map(|text| text.kind.name()).collect();
    let tables = if names.len() == 1 { "table" } else { "tables" };
    format!("# it replaces the whole {tables} {}: what others put there is gone\n", names.join(", "))
}

/// The commands that make the jumps into the chains of one's own; no packet needs to come to those that are empty.
fn jumps(layout: &Layout<'_>, program: &str) -> String {
    let mut head =
        "# what these chains accept is accepted for the whole table; the jumps to them are not part of it:\n"
            .to_owned();
    for text in &layout.tables {
        let governs = |name: &str| text.chains.iter().any(|chain| chain.name == name && chain.source.is_some());
        for hook in text.kind.hooks().iter().filter(|&&hook| governs(own_chain(hook))) {
            let rule = format!("{} -j {}", built_in(*hook), own_chain(*hook));
            let program = format!("{program} -t {}", text.kind.name());
            head.push_str(&format!("#   {program} -C {rule} || {program} -I {rule}\n"));
        }
    }
    head
}
