// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of each thing that is in the kernel when a table comes in its place.

use std::collections::BTreeSet;

use ringwall_ir::words::ChainType;
use ringwall_ir::{Chain, Data, DataType, ObjectBody, ObjectKind, Role, Rule, Statement, Step, Table};

use super::late::Host;
use super::names::Names;
use crate::nft::{FoundChain, FoundObject, FoundSet, FoundTable, Named, SetName, family_number, normal_body, refers};

/// The table that messages are about.
pub(super) struct Target<'a, 'f> {
    /// Its place in the ruleset.
    pub place: usize,
    pub table: &'a Table,
    /// `NFPROTO_*`
    pub family: u8,
    pub encoded: rustables::Table,
    /// What is in the kernel.
    pub found: Option<&'f FoundTable<'f>>,
    pub sets: Vec<Named<'a>>,
    host: &'a Host,
    /// Other names of sets, which may have elements that are to be kept.
    names: Option<&'a Names>,
}

/// What becomes of something that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is made anew; a set that packets fill, with the elements that it has.
    Anew,
    /// It goes.
    Goes,
    /// It stays.
    Stays,
}

impl<'a, 'f> Target<'a, 'f> {
    pub(super) fn new(place: usize, table: &'a Table, host: &'a Host, found: Option<&'f FoundTable<'f>>) -> Self {
        let updated: BTreeSet<_> = table.chains().iter().flat_map(Chain::rules).flat_map(updated_sets).collect();
        let sets = table.sets().iter().map(|set| {
            let data = set.spec().data.as_ref();
            Named::of(table.family(), set, updated.contains(set.name()), |element| {
                !host.gives_refused(place, data, element)
            })
        });
        Self {
            place,
            table,
            family: family_number(table.family()),
            encoded: rustables::Table::default().with_name(table.name()),
            found,
            sets: sets.collect(),
            host,
            names: None,
        }
    }

    /// The same, where sets may be there under other names.
    pub(super) fn known_as(mut self, names: Option<&'a Names>) -> Self {
        self.names = names;
        self
    }

    /// The set whose elements outlive the replacement and become those of a set.
    pub(super) fn source(&self, set: &Named<'_>) -> Option<&'f FoundSet<'f>> {
        let found = self.found?;
        let under = |name| found.set(SetName::Named(name));
        let other = || self.names.and_then(|names| names.counterpart(set.name())).and_then(under);
        let source = under(set.name()).or_else(other);
        source.filter(|found| found.is_dynamic() && set.spec().role() == Role::Dynamic)
    }

    /// Whether a set is there as it is to be, apart from its elements.
    pub(super) fn stays(&self, set: &Named<'_>) -> bool {
        let found = self.found.and_then(|found| found.set(SetName::Named(set.name())));
        found.is_some_and(|found| self.fate_of_set(found) == Fate::Stays)
    }

    pub(super) fn set(&self, name: &str) -> Option<&Named<'a>> {
        self.sets.iter().find(|set| set.name() == name)
    }

    /// What becomes of a set. One whose elements are kept and speak of something that goes is made anew, without those.
    pub(super) fn fate_of_set(&self, found: &FoundSet<'_>) -> Fate {
        let Some(set) = self.set(found.name.text()) else { return Fate::Goes };
        let dangling = || self.keeps_elements(found) && !self.dangling(found, set).is_empty();
        if !found.is_declared(set) || dangling() { Fate::Anew } else { Fate::Stays }
    }

    /// Whether the elements that packets or other programs put into a set outlive its replacement.
    pub(super) fn keeps_elements(&self, found: &FoundSet<'_>) -> bool {
        let wanted = self.set(found.name.text());
        found.is_dynamic() && wanted.is_some_and(|set| set.spec().role() == Role::Dynamic)
    }

    /// The places of elements of a set that speak of a chain or an object that does not stay.
    pub(super) fn dangling(&self, found: &FoundSet<'_>, set: &Named<'_>) -> BTreeSet<usize> {
        let Some(data) = set.spec().data.as_ref().filter(|data| refers(data)) else { return BTreeSet::new() };
        let lost = |place: &usize| match (data, found.data_of(*place)) {
            (DataType::Verdict, Some(Data::Verdict(verdict))) => {
                verdict.target().is_some_and(|target| !self.keeps_chain(target))
            }
            (DataType::Object(kind), Some(Data::Object(name))) => !self.keeps_object(*kind, &name),
            // What cannot be read cannot be kept.
            _ => true,
        };
        (0..found.elements.iter().count()).filter(lost).collect()
    }

    fn keeps_chain(&self, name: &str) -> bool {
        self.found.and_then(|found| found.chain(name)).is_some_and(|chain| !self.loses_chain(chain))
    }

    fn keeps_object(&self, kind: ObjectKind, name: &str) -> bool {
        let objects = self.found.map(|found| found.objects.as_slice()).unwrap_or_default();
        let found = objects.iter().find(|object| object.kind == kind.number() && object.name == name);
        found.is_some_and(|found| self.fate_of_object(found) == Fate::Stays)
    }

    /// Whether a chain goes, perhaps to be made anew: one that is not wanted, or not there.
    ///
    /// A chain of type nat that is not wanted stays, and is empty, while the table has no other at its hook: with the last
    /// such chain the kernel stops translating, and packets of conversations that are translated already would leave with
    /// their private source at once (`nf_nat_unregister_fn`).
    pub(super) fn loses_chain(&self, found: &FoundChain<'_>) -> bool {
        if found.is_anonymous() {
            return false;
        }
        if let Some(chain) = self.table.chain(found.name) {
            return !found.stands_where(chain);
        }
        match found.bound() {
            Ok(Some((binding, _))) if binding.kind == ChainType::Nat => self.table.chains().iter().any(|chain| {
                chain.bound().is_some_and(|base| base.kind == ChainType::Nat && base.hook == binding.hook)
            }),
            _ => true,
        }
    }

    /// What becomes of an object. A counter keeps its counts, a quota is changed in its place; the kernel changes no
    /// other object (`nft_obj_ops.update`).
    pub(super) fn fate_of_object(&self, found: &FoundObject<'_>) -> Fate {
        let Some(kind) = ObjectKind::numbered(found.kind) else { return Fate::Goes };
        let Some(object) = self.table.object(kind, found.name) else { return Fate::Goes };
        if self.host.is_refused(self.place, kind, found.name) {
            return Fate::Goes;
        }
        let family = self.table.family();
        let same = || found.body(family).is_ok_and(|body| body == *normal_body(object.body(), family));
        match object.body() {
            ObjectBody::Counter(_) | ObjectBody::Quota(_) => Fate::Stays,
            _ if same() => Fate::Stays,
            _ => Fate::Anew,
        }
    }
}

/// The sets that a rule adds to, updates or takes from.
fn updated_sets(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.steps().iter().filter_map(|step| match step {
        Step::Statement(Statement::SetUpdate(update)) => Some(update.set.as_str()),
        _ => None,
    })
}
