// SPDX-License-Identifier: GPL-3.0-or-later
//! Which rows of the table, and which forms, a ruleset makes use of.

use std::collections::BTreeMap;

use crate::fields::{FIELDS, WORDS};
use crate::object::{ObjectBody, ObjectKind};
use crate::rule::{
    Assignment, MapRef, Match, Nat, NatEnd, ObjectRef, OwnPorts, Rule, Selector, SetUpdate, Source, Statement, Step,
    Tuples, Values, Verdict,
};
use crate::ruleset::Ruleset;
use crate::set::{DataType, Elements, KeyType, Set};

/// Forms of the IR that are not rows.
const FORMS: [&str; 40] = [
    "chain regular",
    "chain type filter",
    "chain type nat",
    "chain type route",
    "end by map",
    "end by range",
    "end netmap",
    "end of ports alone",
    "key like a field",
    "map inline",
    "map named",
    "map of objects",
    "map of values",
    "map of verdicts",
    "mask",
    "meter",
    "object counter",
    "object ct helper",
    "object ct timeout",
    "object limit",
    "object quota",
    "own ports by map",
    "rule that does nothing",
    "set constant",
    "set dynamic",
    "set interval",
    "set of elements",
    "set of several parts",
    "set of values",
    "set timeout",
    "source field",
    "source map",
    "source value",
    "test in",
    "test in named set",
    "test in tuples",
    "test named tuples",
    "test not in",
    "test symbols",
    "unknown",
];

/// How often each row of the table is used, by its name, and each form. What is not used is listed with 0.
#[must_use]
pub fn coverage(ruleset: &Ruleset) -> BTreeMap<&'static str, usize> {
    let mut uses = Uses::default();
    uses.ruleset(ruleset);
    uses.0
}

/// The names of what several coverages together leave out.
#[must_use]
pub fn unused(coverages: &[BTreeMap<&'static str, usize>]) -> Vec<&'static str> {
    let all = Uses::default().0;
    all.into_keys()
        .filter(|name| !coverages.iter().any(|uses| uses.get(name).is_some_and(|count| *count > 0)))
        .collect()
}

struct Uses(BTreeMap<&'static str, usize>);

impl Default for Uses {
    fn default() -> Self {
        let rows = FIELDS.iter().map(|row| row.name).chain(WORDS.iter().map(|row| row.name));
        Self(rows.chain(FORMS).map(|name| (name, 0)).collect())
    }
}

impl Uses {
    fn count(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    fn count_if(&mut self, used: bool, name: &'static str) {
        if used {
            self.count(name);
        }
    }

    fn ruleset(&mut self, ruleset: &Ruleset) {
        for table in &ruleset.tables {
            for object in table.objects() {
                self.count(object_form(object.body()));
            }
            for set in table.sets() {
                self.set(set);
            }
            for chain in table.chains() {
                match chain.bound() {
                    Some(base) => self.count(match base.kind {
                        crate::words::ChainType::Filter => "chain type filter",
                        crate::words::ChainType::Nat => "chain type nat",
                        crate::words::ChainType::Route => "chain type route",
                    }),
                    None => self.count("chain regular"),
                }
                for rule in chain.rules() {
                    self.rule(rule);
                }
            }
        }
        for _ in ruleset.unknowns() {
            self.count("unknown");
        }
    }

    fn set(&mut self, set: &Set) {
        let spec = set.spec();
        let elements = matches!(set.elements(), Elements::List(list) if !list.is_empty());
        let values = matches!(set.elements(), Elements::Intervals(values) if !values.is_empty());
        for (used, name) in [
            (spec.flags.constant, "set constant"),
            (spec.flags.dynamic, "set dynamic"),
            (spec.flags.interval, "set interval"),
            (spec.flags.timeout, "set timeout"),
            (spec.key.len() > 1, "set of several parts"),
            (spec.key.iter().any(|part| matches!(part, KeyType::Like(_))), "key like a field"),
            (!spec.meters.is_empty(), "meter"),
            (elements, "set of elements"),
            (values, "set of values"),
            (matches!(spec.data, Some(DataType::Object(_))), "map of objects"),
            (matches!(spec.data, Some(DataType::Values(_))), "map of values"),
            (matches!(spec.data, Some(DataType::Verdict)), "map of verdicts"),
        ] {
            self.count_if(used, name);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.count_if(!rule.acts(), "rule that does nothing");
        for step in rule.steps() {
            match step {
                Step::Match(test) => self.test(test),
                Step::Statement(statement) => self.statement(statement),
                Step::Unknown(_) => {}
            }
        }
        let Some(verdict) = rule.verdict() else { return };
        if let Some(word) = verdict.word() {
            self.count(word.row().name);
        }
        match verdict {
            Verdict::Map(map) => self.map(&map.key, &map.map),
            Verdict::Dnat(nat) | Verdict::Snat(nat) => self.nat(nat),
            Verdict::Masquerade { ports: Some(OwnPorts::Map { key, map }), .. }
            | Verdict::Redirect { ports: Some(OwnPorts::Map { key, map }), .. } => {
                self.count("own ports by map");
                self.map(key, map);
            }
            _ => {}
        }
    }

    fn test(&mut self, test: &Match) {
        self.selectors(test.selectors());
        if let Some(word) = test.word() {
            self.count(word.row().name);
        }
        match test {
            Match::Concat { values: Tuples::Inline(_), .. } => self.count("test in tuples"),
            Match::Concat { values: Tuples::Set(_), .. } => self.count("test named tuples"),
            Match::In { values: Values::Set(_), .. } => self.count("test in named set"),
            Match::In { values: Values::Symbols(_), .. } => self.count("test symbols"),
            Match::In { negated, .. } => self.count(if *negated { "test not in" } else { "test in" }),
            Match::Object { object, .. } => self.object(object),
            Match::ConnLimit(_) | Match::Limit(_) | Match::Quota(_) => {}
        }
    }

    fn statement(&mut self, statement: &Statement) {
        self.count(statement.word().row().name);
        match statement {
            Statement::Assign(Assignment { source, .. }) => self.source(source),
            Statement::Object(object) => self.object(object),
            Statement::SetUpdate(update) => {
                let SetUpdate { key, data, meters, .. } = update.as_ref();
                self.selectors(key);
                self.count_if(!meters.is_empty(), "meter");
                if let Some(source) = data {
                    self.source(source);
                }
            }
            _ => {}
        }
    }

    fn source(&mut self, source: &Source) {
        match source {
            Source::Field { selector, .. } => {
                self.count("source field");
                self.selectors(std::slice::from_ref(selector));
            }
            Source::Map { key, map } => {
                self.count("source map");
                self.map(key, map);
            }
            Source::Value(_) => self.count("source value"),
        }
    }

    fn object(&mut self, object: &ObjectRef) {
        if let ObjectRef::Map { key, .. } = object {
            self.count("map named");
            self.selectors(key);
        }
    }

    fn nat(&mut self, nat: &Nat) {
        match &nat.end {
            NatEnd::Map { key, map, .. } => {
                self.count("end by map");
                self.map(key, map);
            }
            NatEnd::Range { addresses: Some(_), .. } => self.count("end by range"),
            NatEnd::Range { .. } => self.count("end of ports alone"),
        }
        self.count_if(nat.flags.netmap, "end netmap");
    }

    fn map(&mut self, key: &[Selector], map: &MapRef) {
        self.selectors(key);
        self.count(match map {
            MapRef::Inline(_) => "map inline",
            MapRef::Named(_) => "map named",
        });
    }

    fn selectors(&mut self, selectors: &[Selector]) {
        for selector in selectors {
            self.count(selector.field().row().name);
            self.count_if(selector.mask().is_some(), "mask");
        }
    }
}

const fn object_form(body: &ObjectBody) -> &'static str {
    match body.kind() {
        ObjectKind::Counter => "object counter",
        ObjectKind::CtHelper => "object ct helper",
        ObjectKind::CtTimeout => "object ct timeout",
        ObjectKind::Limit => "object limit",
        ObjectKind::Quota => "object quota",
    }
}
