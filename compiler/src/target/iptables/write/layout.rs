// SPDX-License-Identifier: GPL-3.0-or-later
//! Which chain of the IR becomes which chain of which table of iptables.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::{ChainPolicy, Family, TableFamily};
use ringwall_ir::{Chain, OriginId, Ruleset, Table};

use super::{Options, map};
use crate::target::iptables::name::{self, from_ir};
use crate::target::iptables::table::{Hooks, XtTable, built_in};

/// What one table of iptables holds.
pub(super) struct XtText<'a> {
    pub(super) kind: XtTable,
    /// Its chains: the built-in ones first.
    pub(super) chains: Vec<Planned<'a>>,
    /// The names of these.
    names: BTreeSet<String>,
}

/// A chain that is written.
pub(super) struct Planned<'a> {
    /// What iptables calls it.
    pub(super) name: String,
    /// The chain of the IR, with its table and that one's place; none where it is only there because the table has it.
    pub(super) source: Option<(usize, &'a Table, &'a Chain)>,
    /// The hooks from which packets come to it.
    pub(super) hooks: Hooks,
    /// What happens at its end: none where packets go back to where they came from.
    pub(super) policy: Option<ChainPolicy>,
}

/// A part of the ruleset that has no place.
pub(super) type Misplaced = (OriginId, String);

/// The plan of a whole text.
#[derive(Default)]
pub(super) struct Layout<'a> {
    pub(super) tables: Vec<XtText<'a>>,
    /// The tables of the IR that are iptables' own, by their places: their names are kept.
    pub(super) kept: BTreeSet<usize>,
}

impl<'a> Layout<'a> {
    /// Finds a place for every chain whose packets are of the family.
    pub(super) fn of(ruleset: &'a Ruleset, family: Family, options: &Options) -> (Self, Vec<Misplaced>) {
        let mut layout = Self::default();
        let mut misplaced = Vec::new();
        for (place, table) in ruleset.tables.iter().enumerate().filter(|(_, table)| table.family().sees(family)) {
            match own_table(table).filter(|_| !options.own_chains) {
                Some(kind) => {
                    layout.kept.insert(place);
                    layout.keep((place, table), kind, &mut misplaced);
                }
                None => layout.place((place, table), options, &mut misplaced),
            }
        }
        layout.complete(options);
        (layout, misplaced)
    }

    fn text(&mut self, kind: XtTable) -> &mut XtText<'a> {
        let place = self.tables.iter().position(|text| text.kind == kind).unwrap_or(self.tables.len());
        if place == self.tables.len() {
            self.tables.push(XtText { kind, chains: Vec::new(), names: BTreeSet::new() });
        }
        #[expect(clippy::indexing_slicing, reason = "the place was found or has just been filled")]
        &mut self.tables[place]
    }

    /// A table that is iptables' own, chain by chain.
    fn keep(&mut self, (place, table): (usize, &'a Table), kind: XtTable, misplaced: &mut Vec<Misplaced>) {
        let hooks = hooks(table, |_| true);
        for chain in table.chains() {
            let name = from_ir(chain.name()).into_owned();
            let policy = chain.bound().map(|base| base.policy);
            let hooks = hooks.get(chain.name()).copied().unwrap_or_default();
            if name.len() > name::CHAIN_MAX {
                let reason = format!("the name of the chain `{name}` is longer than {} bytes", name::CHAIN_MAX);
                misplaced.push((origin(chain), reason));
            }
            let planned = Planned { name, source: Some((place, table, chain)), hooks, policy };
            self.add(kind, planned, misplaced);
        }
    }

    /// A table of one's own: each base chain becomes what iptables has in its place, and the regular chains come along.
    fn place(&mut self, (place, table): (usize, &'a Table), options: &Options, misplaced: &mut Vec<Misplaced>) {
        for chain in table.chains() {
            let Some(base) = chain.bound() else { continue };
            let Some(kind) = XtTable::of(base) else {
                misplaced.push((base.closing, no_table(chain)));
                continue;
            };
            let name = if options.own_chains { own_chain(base.hook) } else { built_in(base.hook) };
            let (hooks, policy) = (Hooks::of(&[base.hook]), Some(base.policy));
            self.add(
                kind,
                Planned { name: name.to_owned(), source: Some((place, table, chain)), hooks, policy },
                misplaced,
            );
        }
        for kind in XtTable::ALL {
            let reached = hooks(table, |chain| chain.bound().and_then(XtTable::of) == Some(kind));
            for chain in table.chains().iter().filter(|chain| chain.bound().is_none()) {
                let hooks = reached.get(chain.name()).copied().unwrap_or_default();
                // No packet of this table comes to it.
                if hooks.is_empty() {
                    continue;
                }
                match regular(chain.name(), options) {
                    Ok(name) => {
                        let source = Some((place, table, chain));
                        self.add(kind, Planned { name, source, hooks, policy: None }, misplaced);
                    }
                    Err(reason) => misplaced.push((origin(chain), reason)),
                }
            }
        }
    }

    fn add(&mut self, kind: XtTable, planned: Planned<'a>, misplaced: &mut Vec<Misplaced>) {
        let text = self.text(kind);
        if !text.names.insert(planned.name.clone()) {
            let (chain, at) = match planned.source {
                Some((_, _, chain)) => (chain.name(), origin(chain)),
                None => ("", OriginId(0)),
            };
            let reason = format!(
                "iptables has one chain {} in the table {}, and `{chain}` is another",
                planned.name,
                kind.name()
            );
            misplaced.push((at, reason));
            return;
        }
        text.chains.push(planned);
    }

    /// Adds the chains that a table has anyway, and puts all in iptables' order: the built-in ones, or in their place one's
    /// own. Those that nothing is said of are empty, so that none keeps what an earlier text put there.
    fn complete(&mut self, options: &Options) {
        if options.own_chains {
            self.text(XtTable::Filter);
        }
        self.tables.sort_by_key(|text| text.kind);
        let name = if options.own_chains { own_chain } else { built_in };
        for text in &mut self.tables {
            let names: Vec<&str> = text.kind.hooks().iter().map(|&hook| name(hook)).collect();
            for (&hook, &name) in text.kind.hooks().iter().zip(&names) {
                if text.names.insert(name.to_owned()) {
                    let (hooks, policy) = (Hooks::of(&[hook]), Some(ChainPolicy::Accept));
                    text.chains.push(Planned { name: name.to_owned(), source: None, hooks, policy });
                }
            }
            let is_base = |chain: &Planned<'_>, name: &str| chain.policy.is_some() && chain.name == name;
            text.chains.sort_by_key(|chain| names.iter().position(|name| is_base(chain, name)).unwrap_or(usize::MAX));
        }
    }
}

/// Where a chain comes from, as near as can be told.
fn origin(chain: &Chain) -> OriginId {
    let closing = chain.bound().map(|base| base.closing);
    closing.or_else(|| chain.rules().first().map(|rule| rule.origin())).unwrap_or(OriginId(0))
}

/// The table of iptables that a table of the IR is: one family's, with built-in chains by their names.
fn own_table(table: &Table) -> Option<XtTable> {
    let kind = XtTable::named(table.name()).filter(|_| table.family() != TableFamily::Inet)?;
    let fits = |chain: &Chain| chain.bound().is_none_or(|base| kind.is(base) && chain.name() == built_in(base.hook));
    table.chains().iter().all(fits).then_some(kind)
}

/// The hooks from which packets come to each chain, starting at some of the base chains.
fn hooks(table: &Table, starts: impl Fn(&Chain) -> bool) -> BTreeMap<&str, Hooks> {
    let mut hooks: BTreeMap<&str, Hooks> = BTreeMap::new();
    let mut waiting: Vec<&Chain> = Vec::new();
    let by_name: BTreeMap<&str, &Chain> = table.chains().iter().map(|chain| (chain.name(), chain)).collect();
    for chain in table.chains().iter().filter(|chain| starts(chain)) {
        if let Some(base) = chain.bound() {
            hooks.insert(chain.name(), Hooks::of(&[base.hook]));
            waiting.push(chain);
        }
    }
    while let Some(chain) = waiting.pop() {
        let from = hooks.get(chain.name()).copied().unwrap_or_default();
        for target in chain.rules().iter().flat_map(|rule| map::targets(table, rule)) {
            let Some((&name, &chain)) = by_name.get_key_value(target) else { continue };
            let known = hooks.entry(name).or_default();
            if !from.within(*known) {
                *known = known.union(from);
                waiting.push(chain);
            }
        }
    }
    hooks
}

fn no_table(chain: &Chain) -> String {
    let Some(base) = chain.bound() else { return String::new() };
    format!(
        "iptables has no table for chain `{}`, of type {} at hook {} with priority {}",
        chain.name(),
        base.kind.name(),
        base.hook.name(),
        base.priority.0
    )
}

/// The chain of one's own beside others' rules at a hook.
pub(super) const fn own_chain(hook: ringwall_ir::words::Hook) -> &'static str {
    use ringwall_ir::words::Hook;
    match hook {
        Hook::Prerouting => "RINGWALL-PRE",
        Hook::Input => "RINGWALL-IN",
        Hook::Forward => "RINGWALL-FORWARD",
        Hook::Output => "RINGWALL-OUT",
        Hook::Postrouting => "RINGWALL-POST",
    }
}

/// What a regular chain is called there.
///
/// # Errors
/// Where the name is too long.
pub(super) fn regular(name: &str, options: &Options) -> Result<String, String> {
    match options.own_chains {
        true => name::regular(&format!("RINGWALL.{}", from_ir(name))).map(|name| name.into_owned()),
        false => name::regular(name).map(|name| name.into_owned()),
    }
}
