// SPDX-License-Identifier: GPL-3.0-or-later
//! A table with other names for some of its sets and objects.
//!
//! The kernel has no two sets of one name, and changes the elements of a set at another moment than the rules that look
//! into it. So what is to be another thing under the same name comes under a temporary name first.

use std::collections::BTreeMap;

use ringwall_ir::{
    Assignment, Chain, Data, DataType, Element, Elements, Illegal, MapRef, Match, Nat, NatEnd, Object, ObjectBody,
    ObjectKind, ObjectRef, OwnPorts, Rule, Set, SetUpdate, Source, Statement, Step, Table, TableParts, Tuples, Values,
    Verdict, VerdictMap,
};

/// The temporary names of sets and objects of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    sets: BTreeMap<String, String>,
    objects: BTreeMap<(ObjectKind, String), String>,
}

/// A name that is not taken, made of another one.
pub(super) fn free_name(name: &str, ending: &str, is_taken: impl Fn(&str) -> bool) -> String {
    // Names end before 128 bytes.
    let mut free = format!("{name:.100}/{ending}");
    for number in 2.. {
        if !is_taken(&free) {
            break;
        }
        free = format!("{name:.100}/{ending}-{number}");
    }
    free
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.objects.is_empty()
    }

    /// Gives a set a temporary name.
    pub(super) fn rename_set(&mut self, name: &str, is_taken: impl Fn(&str) -> bool) {
        self.sets.insert(name.to_owned(), free_name(name, "new", is_taken));
    }

    /// Gives an object a temporary name.
    pub(super) fn rename_object(&mut self, kind: ObjectKind, name: &str, is_taken: impl Fn(&str) -> bool) {
        self.objects.insert((kind, name.to_owned()), free_name(name, "new", is_taken));
    }

    /// The other name of a set: the temporary one of its own, or its own of the temporary one.
    pub(super) fn counterpart(&self, set: &str) -> Option<&str> {
        let own = || self.sets.iter().find(|(_, temporary)| *temporary == set).map(|(own, _)| own.as_str());
        self.sets.get(set).map(String::as_str).or_else(own)
    }

    /// Whether elements of a set give an object that has a temporary name.
    pub(super) fn concern(&self, set: &Set) -> bool {
        let (Some(DataType::Object(kind)), Elements::List(list)) = (&set.spec().data, set.elements()) else {
            return false;
        };
        let given = list.iter().filter_map(|element| match &element.data {
            Some(Data::Object(name)) => Some(name),
            _ => None,
        });
        given.into_iter().any(|name| self.objects.contains_key(&(*kind, name.clone())))
    }

    /// The table with the temporary names.
    ///
    /// # Errors
    /// [`Illegal`], which the table with its own names would be too.
    pub(super) fn table(&self, table: &Table) -> Result<Table, Illegal> {
        let objects = table.objects().iter().map(|object| {
            let name = self.object(object.body().kind(), object.name());
            let comment = object.comment().map(str::to_owned);
            Ok(Object::new(name, ObjectBody::clone(object.body()), object.origin())?.with_comment(comment))
        });
        let parts = TableParts {
            objects: objects.collect::<Result<_, _>>()?,
            sets: table.sets().iter().map(|set| self.whole_set(set)).collect::<Result<_, _>>()?,
            chains: table.chains().iter().map(|chain| self.chain(chain)).collect::<Result<_, _>>()?,
            unknowns: table.unknowns().to_vec(),
            comment: table.comment().map(str::to_owned),
        };
        Table::new(table.family(), table.name(), parts)
    }

    fn set<'n>(&'n self, name: &'n str) -> &'n str {
        self.sets.get(name).map_or(name, String::as_str)
    }

    fn object<'n>(&'n self, kind: ObjectKind, name: &'n str) -> &'n str {
        self.objects.get(&(kind, name.to_owned())).map_or(name, String::as_str)
    }

    fn whole_set(&self, set: &Set) -> Result<Set, Illegal> {
        let elements = match (&set.spec().data, set.elements()) {
            (Some(DataType::Object(kind)), Elements::List(list)) => {
                Elements::List(list.iter().map(|element| self.element(*kind, element)).collect())
            }
            (_, elements) => elements.clone(),
        };
        let renamed = Set::new(self.set(set.name()), set.spec().clone(), elements, set.origin())?;
        Ok(renamed.with_comment(set.comment().map(str::to_owned)))
    }

    fn element(&self, kind: ObjectKind, element: &Element) -> Element {
        let data = match &element.data {
            Some(Data::Object(name)) => Some(Data::Object(self.object(kind, name).to_owned())),
            data => data.clone(),
        };
        Element { data, ..element.clone() }
    }

    fn chain(&self, chain: &Chain) -> Result<Chain, Illegal> {
        let mut renamed = match chain.bound() {
            Some(base) => Chain::base(chain.name(), *base)?,
            None => Chain::regular(chain.name())?,
        }
        .with_comment(chain.comment().map(str::to_owned));
        for rule in chain.rules() {
            let steps = rule.steps().iter().map(|step| self.step(step)).collect();
            renamed.add(Rule::new(rule.origin(), steps, rule.verdict().map(|verdict| self.verdict(verdict)))?)?;
        }
        Ok(renamed)
    }

    fn step(&self, step: &Step) -> Step {
        match step {
            Step::Match(test) => Step::Match(self.test(test)),
            Step::Statement(statement) => Step::Statement(self.statement(statement)),
            Step::Unknown(unknown) => Step::Unknown(unknown.clone()),
        }
    }

    fn test(&self, test: &Match) -> Match {
        match test {
            Match::Concat { key, values: Tuples::Set(name), negated } => {
                Match::Concat { key: key.clone(), values: Tuples::Set(self.set(name).to_owned()), negated: *negated }
            }
            Match::In { selector, values: Values::Set(name), negated } => {
                Match::In { selector: *selector, values: Values::Set(self.set(name).to_owned()), negated: *negated }
            }
            Match::Object { kind, object } => Match::Object { kind: *kind, object: self.object_ref(*kind, object) },
            Match::Concat { .. } | Match::ConnLimit(_) | Match::In { .. } | Match::Limit(_) | Match::Quota(_) => {
                test.clone()
            }
        }
    }

    fn statement(&self, statement: &Statement) -> Statement {
        match statement {
            Statement::Assign(assignment) => {
                Statement::Assign(Assignment { source: self.source(&assignment.source), ..assignment.clone() })
            }
            Statement::CtHelper(name) => Statement::CtHelper(self.object(ObjectKind::CtHelper, name).to_owned()),
            Statement::CtTimeout(name) => Statement::CtTimeout(self.object(ObjectKind::CtTimeout, name).to_owned()),
            Statement::Object(object) => Statement::Object(self.object_ref(ObjectKind::Counter, object)),
            Statement::SetUpdate(update) => Statement::SetUpdate(Box::new(SetUpdate {
                set: self.set(&update.set).to_owned(),
                data: update.data.as_ref().map(|data| self.source(data)),
                ..update.as_ref().clone()
            })),
            Statement::Counter(_) | Statement::Log(_) | Statement::Mss(_) | Statement::Notrack => statement.clone(),
        }
    }

    fn object_ref(&self, kind: ObjectKind, object: &ObjectRef) -> ObjectRef {
        match object {
            ObjectRef::Map { key, map } => ObjectRef::Map { key: key.clone(), map: self.set(map).to_owned() },
            ObjectRef::Named(name) => ObjectRef::Named(self.object(kind, name).to_owned()),
        }
    }

    fn source(&self, source: &Source) -> Source {
        match source {
            Source::Map { key, map } => Source::Map { key: key.clone(), map: self.map(map) },
            Source::Field { .. } | Source::Value(_) => source.clone(),
        }
    }

    fn map(&self, map: &MapRef) -> MapRef {
        match map {
            MapRef::Inline(_) => map.clone(),
            MapRef::Named(name) => MapRef::Named(self.set(name).to_owned()),
        }
    }

    fn verdict(&self, verdict: &Verdict) -> Verdict {
        match verdict {
            Verdict::Dnat(nat) => Verdict::Dnat(self.nat(nat)),
            Verdict::Map(map) => Verdict::Map(Box::new(VerdictMap { key: map.key.clone(), map: self.map(&map.map) })),
            Verdict::Masquerade { ports, flags } => Verdict::Masquerade { ports: self.own_ports(ports), flags: *flags },
            Verdict::Redirect { ports, flags } => Verdict::Redirect { ports: self.own_ports(ports), flags: *flags },
            Verdict::Snat(nat) => Verdict::Snat(self.nat(nat)),
            other => other.clone(),
        }
    }

    fn own_ports(&self, ports: &Option<OwnPorts>) -> Option<OwnPorts> {
        match ports {
            Some(OwnPorts::Map { key, map }) => Some(OwnPorts::Map { key: key.clone(), map: self.map(map) }),
            other => other.clone(),
        }
    }

    fn nat(&self, nat: &Nat) -> Nat {
        let end = match &nat.end {
            NatEnd::Map { key, map, ports } => NatEnd::Map { key: key.clone(), map: self.map(map), ports: *ports },
            range @ NatEnd::Range { .. } => range.clone(),
        };
        Nat { end, ..nat.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ringwall_ir::arbitrary::{Options, ruleset};

    use super::*;

    /// New names for everything that can have one.
    fn all(table: &Table) -> Names {
        let mut names = Names::default();
        for object in table.objects() {
            let kind = object.body().kind();
            if kind != ObjectKind::Counter && kind != ObjectKind::Quota {
                names.rename_object(kind, object.name(), |name| table.object(kind, name).is_some());
            }
        }
        table.sets().iter().for_each(|set| names.rename_set(set.name(), |name| table.set(name).is_some()));
        names
    }

    /// The names that lead back.
    fn back(names: &Names) -> Names {
        Names {
            sets: names.sets.iter().map(|(own, temporary)| (temporary.clone(), own.clone())).collect(),
            objects: names
                .objects
                .iter()
                .map(|((kind, own), temporary)| ((*kind, temporary.clone()), own.clone()))
                .collect(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// A table in which something spoke of a name that is no more would be illegal.
        #[test]
        fn everything_that_speaks_of_a_set_or_object_knows_its_new_name(ruleset in ruleset(Options::loadable())) {
            for table in &ruleset.tables {
                let names = all(table);
                let renamed = names.table(table).unwrap();
                prop_assert!(table.sets().iter().all(|set| renamed.set(set.name()).is_none()));
                prop_assert_eq!(&back(&names).table(&renamed).unwrap(), table);
            }
        }
    }

    #[test]
    fn names_are_free_and_short_enough() {
        assert_eq!(free_name("lan", "new", |_| false), "lan/new");
        assert_eq!(free_name("lan", "new", |name| name == "lan/new"), "lan/new-2");
        assert!(free_name(&"n".repeat(127), "new", |name| !name.ends_with("-300")).len() < 128);
    }
}
