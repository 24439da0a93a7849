// SPDX-License-Identifier: GPL-3.0-or-later
//! What a ruleset names and only the host has: users, groups, devices, control groups, and what connection tracking can
//! do. One that is missing is left out by itself, and told; it does not take the ruleset down with it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::net::if_::if_nametoindex;
use nix::unistd::{Group, User};
use ringwall_ir::{
    Data, DataType, Datatype, Element, IntervalSet, Match, ObjectKind, Rule, Ruleset, Statement, Step, Symbol, Table,
    Values,
};

/// Where control groups of version 2 are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Something that is missing on this host, and the sentence that speaks of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What it is: `user`, `ct helper`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The sentence, empty if there is none.
    pub sentence: String,
}

/// What is known of the host.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    numbers: BTreeMap<(Datatype, String), Option<u64>>,
    /// Objects that the kernel cannot make: of a table, by its place.
    refused: BTreeSet<(usize, ObjectKind, String)>,
}

impl Host {
    /// Asks the host for every name of a ruleset.
    pub(super) fn of(ruleset: &Ruleset) -> Self {
        let mut host = Self::default();
        let steps = ruleset.chains().flat_map(|(_, chain)| chain.rules()).flat_map(|rule| rule.steps());
        for (datatype, symbols) in steps.filter_map(symbols) {
            for symbol in symbols {
                host.numbers.entry((datatype, symbol.name.clone())).or_insert_with(|| number(datatype, &symbol.name));
            }
        }
        host
    }

    /// Notes that the kernel cannot make an object. Whether that is new.
    pub(super) fn refuse(&mut self, table: usize, kind: ObjectKind, name: &str) -> bool {
        self.refused.insert((table, kind, name.to_owned()))
    }

    /// Whether the kernel cannot make an object.
    pub(super) fn is_refused(&self, table: usize, kind: ObjectKind, name: &str) -> bool {
        self.refused.contains(&(table, kind, name.to_owned()))
    }

    fn found(&self, datatype: Datatype, symbols: &[Symbol]) -> IntervalSet {
        let numbers = symbols.iter().filter_map(|symbol| *self.numbers.get(&(datatype, symbol.name.clone()))?);
        numbers.map(|number| (number.into(), number.into())).collect()
    }

    /// A rule for this host; none if no packet of this host can match it, and it does nothing before that shows.
    pub(super) fn rule<'r>(&self, table: usize, rule: &'r Rule) -> Option<Cow<'r, Rule>> {
        let touched = |step: &Step| symbols(step).is_some() || self.names_refused(table, step);
        if !rule.steps().iter().any(touched) {
            return Some(Cow::Borrowed(rule));
        }
        let mut steps = Vec::with_capacity(rule.steps().len());
        let mut verdict = rule.verdict().cloned();
        for step in rule.steps() {
            if self.names_refused(table, step) {
                continue;
            }
            let Some((datatype, symbols)) = symbols(step) else {
                steps.push(step.clone());
                continue;
            };
            let Step::Match(Match::In { selector, negated, .. }) = step else { continue };
            let numbers = self.found(datatype, symbols);
            match (numbers.is_empty(), negated) {
                (false, _) => {
                    let (selector, negated) = (*selector, *negated);
                    steps.push(Match::In { selector, values: Values::Inline(numbers), negated }.into());
                }
                // Everybody is not nobody.
                (true, true) => {}
                // Nobody is one of nobody: no packet comes further.
                (true, false) => {
                    verdict = None;
                    break;
                }
            }
        }
        Rule::new(rule.origin(), steps, verdict).ok().filter(Rule::acts).map(Cow::Owned)
    }

    /// The elements of a map of objects that give objects which the kernel can make.
    pub(super) fn gives_refused(&self, table: usize, data: Option<&DataType>, element: &Element) -> bool {
        match (data, &element.data) {
            (Some(DataType::Object(kind)), Some(Data::Object(name))) => self.is_refused(table, *kind, name),
            _ => false,
        }
    }

    fn names_refused(&self, table: usize, step: &Step) -> bool {
        match step {
            Step::Statement(Statement::CtHelper(name)) => self.is_refused(table, ObjectKind::CtHelper, name),
            Step::Statement(Statement::CtTimeout(name)) => self.is_refused(table, ObjectKind::CtTimeout, name),
            _ => false,
        }
    }

    /// Everything of a ruleset that is missing here.
    pub(super) fn left_out(&self, ruleset: &Ruleset) -> Vec<LeftOut> {
        let sentence = |origin| ruleset.origin(origin).map(|origin| origin.text.clone()).unwrap_or_default();
        let mut left_out = BTreeSet::new();
        for (place, table) in ruleset.tables.iter().enumerate() {
            for object in table.objects() {
                let kind = object.body().kind();
                if self.is_refused(place, kind, object.name()) {
                    let name = object.name().to_owned();
                    left_out.insert(LeftOut { kind: kind.name(), name, sentence: sentence(object.origin()) });
                }
            }
            for rule in rules(table) {
                for (datatype, symbols) in rule.steps().iter().filter_map(symbols) {
                    for symbol in symbols {
                        if self.found(datatype, std::slice::from_ref(symbol)).is_empty() {
                            left_out.insert(LeftOut {
                                kind: kind(datatype),
                                name: symbol.name.clone(),
                                sentence: sentence(rule.origin()),
                            });
                        }
                    }
                }
                for step in rule.steps().iter().filter(|step| self.names_refused(place, step)) {
                    let (kind, name) = match step {
                        Step::Statement(Statement::CtHelper(name)) => (ObjectKind::CtHelper, name),
                        Step::Statement(Statement::CtTimeout(name)) => (ObjectKind::CtTimeout, name),
                        _ => continue,
                    };
                    let sentence = sentence(rule.origin());
                    left_out.insert(LeftOut { kind: kind.name(), name: name.clone(), sentence });
                }
            }
        }
        left_out.into_iter().collect()
    }
}

fn rules(table: &Table) -> impl Iterator<Item = &Rule> {
    table.chains().iter().flat_map(|chain| chain.rules())
}

/// The names of the host that a step tests for, and what they are names of.
fn symbols(step: &Step) -> Option<(Datatype, &[Symbol])> {
    match step {
        Step::Match(Match::In { selector, values: Values::Symbols(symbols), .. }) => {
            Some((selector.field().datatype(), symbols))
        }
        _ => None,
    }
}

const fn kind(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::Cgroupsv2 => "control group",
        Datatype::Gid => "group",
        Datatype::IfaceIndex => "device",
        Datatype::Uid => "user",
        _ => "name",
    }
}

/// What the host says to a name. A user or group may go by its number.
fn number(datatype: Datatype, name: &str) -> Option<u64> {
    match datatype {
        Datatype::Uid => {
            let user = User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
            user.or_else(|| name.parse().ok()).map(u64::from)
        }
        Datatype::Gid => {
            let group = Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
            group.or_else(|| name.parse().ok()).map(u64::from)
        }
        Datatype::IfaceIndex => if_nametoindex(name).ok().map(u64::from),
        Datatype::Cgroupsv2 => {
            let path = name.trim_start_matches('/');
            // A path that leads out of the hierarchy names no control group.
            let inside = path.split('/').all(|part| part != "..");
            let found = inside.then(|| fs::metadata(format!("{CGROUPS}/{path}")).ok()).flatten();
            found.filter(fs::Metadata::is_dir).map(|metadata| metadata.ino())
        }
        _ => None,
    }
}
