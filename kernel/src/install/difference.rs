// SPDX-License-Identifier: GPL-3.0-or-later
//! What of a table is different from the one that is there.

use std::collections::BTreeSet;

use ringwall_ir::{
    BaseChain, Chain, Counts, Datatype, Element, Elements, KeyType, Object, ObjectBody, Role, Ruleset, Set, Table,
};

use super::keep::same;

/// How a table differs from the one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The named sets that only the ruleset fills, and that hold something else.
    pub contents: BTreeSet<String>,
    /// Whether anything else is different; what was counted, and what packets put into sets, is not.
    pub others: bool,
}

impl Difference {
    /// Everything is different.
    pub(super) fn whole(table: &Table) -> Self {
        let sets = table.sets().iter().filter(|set| set.spec().role() == Role::Static);
        Self { contents: sets.map(|set| set.name().to_owned()).collect(), others: true }
    }

    /// Compares two rulesets of one table, both as they were read.
    pub(super) fn between(now: &Ruleset, old: &Ruleset) -> Self {
        let (Some(table), Some(before)) = (now.tables.first(), old.tables.first()) else {
            return now.tables.first().map_or(Self { contents: BTreeSet::new(), others: true }, Self::whole);
        };
        let is_same =
            |set: &Set| before.set(set.name()).is_some_and(|before| same_elements(set.elements(), before.elements()));
        let sets = table.sets().iter().filter(|set| set.spec().role() == Role::Static && !is_same(set));
        Self { contents: sets.map(|set| set.name().to_owned()).collect(), others: !is_alike(now, table, old, before) }
    }

    /// Whether the sets can change while rules look into them, and no packet sees some changed and others not: one set at
    /// most changes for packets of each family. The kernel changes one after the other, and none that is constant.
    pub(super) fn is_seen_at_once(&self, table: &Table) -> bool {
        let sets = table.sets().iter().filter(|set| self.contents.contains(set.name()));
        if sets.clone().any(|set| set.spec().flags.constant) {
            return false;
        }
        let mut families = BTreeSet::new();
        let mut keys = sets.map(|set| set.spec().key.as_slice());
        let of_families = keys.all(|key| match key {
            [KeyType::Of(of @ (Datatype::Ipv4Addr | Datatype::Ipv6Addr))] => families.insert(*of),
            _ => false,
        });
        self.contents.len() <= 1 || of_families
    }
}

/// Whether two tables differ in nothing but the contents of sets.
fn is_alike(now: &Ruleset, table: &Table, old: &Ruleset, before: &Table) -> bool {
    let alike_sets = |(set, before): (&Set, &Set)| {
        set.name() == before.name() && set.spec() == before.spec() && has_all(set, before)
    };
    before.unknowns().is_empty()
        && table.objects().len() == before.objects().len()
        && table.objects().iter().zip(before.objects()).all(|(object, before)| same_object(object, before))
        && table.sets().len() == before.sets().len()
        && table.sets().iter().zip(before.sets()).all(alike_sets)
        && table.chains().len() == before.chains().len()
        && table.chains().iter().zip(before.chains()).all(|(chain, other)| same_chain(now, chain, old, other))
}

/// Whether a set that packets fill has all that the ruleset puts into it.
fn has_all(set: &Set, before: &Set) -> bool {
    if set.spec().role() == Role::Static || set.elements().is_empty() {
        return true;
    }
    match (set.elements(), before.elements()) {
        (Elements::List(own), Elements::List(before)) => {
            let keys: BTreeSet<_> = before.iter().map(|element| &element.key).collect();
            own.iter().all(|element| keys.contains(&element.key))
        }
        // What is told without more is a list of values, and what has time left is not.
        _ => match (set.values(), before.values()) {
            (Some(own), Some(before)) => before.contains_all(&own),
            _ => false,
        },
    }
}

fn same_elements(one: &Elements, other: &Elements) -> bool {
    let unsaid =
        |element: &Element| Element { origin: ringwall_ir::OriginId(0), meters: Vec::new(), ..element.clone() };
    match (one, other) {
        (Elements::List(one), Elements::List(other)) => one.iter().map(unsaid).eq(other.iter().map(unsaid)),
        (one, other) => one == other || (one.is_empty() && other.is_empty()),
    }
}

fn same_object(one: &Object, other: &Object) -> bool {
    let uncounted = |object: &Object| match object.body() {
        ObjectBody::Counter(_) => ObjectBody::Counter(Counts::default()),
        ObjectBody::Quota(quota) => ObjectBody::Quota(ringwall_ir::Quota { used: 0, ..*quota }),
        body => body.clone(),
    };
    one.name() == other.name() && uncounted(one) == uncounted(other)
}

fn same_chain(now: &Ruleset, chain: &Chain, old: &Ruleset, before: &Chain) -> bool {
    let unsaid = |base: &BaseChain| BaseChain { closing: ringwall_ir::OriginId(0), ..*base };
    chain.name() == before.name()
        && chain.bound().map(unsaid) == before.bound().map(unsaid)
        && chain.rules().len() == before.rules().len()
        && chain.rules().iter().zip(before.rules()).all(|(rule, other)| same(now, rule) == same(old, other))
}
