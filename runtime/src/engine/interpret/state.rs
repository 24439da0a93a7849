// SPDX-License-Identifier: GPL-3.0-or-later
//! What packets change in a ruleset, by the identity of the thing: a set or an object by the name that it has in its
//! table, a test that counts by its place.

use std::collections::HashMap;

use ringwall_ir::{ConnLimit, Limit, ObjectBody, ObjectKind, Quota, Role, Ruleset};

use super::meter::Meter;
use super::set::Live;

/// Where a step is: its table, chain and rule and itself, each by its number. Behind the steps of a rule is its verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub table: usize,
    pub chain: usize,
    pub rule: usize,
    pub step: usize,
}

/// What has become of a ruleset.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State<'a> {
    sets: HashMap<usize, HashMap<&'a str, Live>>,
    objects: HashMap<(usize, ObjectKind), HashMap<&'a str, Meter>>,
    tests: HashMap<Place, Meter>,
    /// The last number of each generator, by the place of its step and its own among the fields there.
    numbers: HashMap<(Place, usize), u32>,
}

impl<'a> State<'a> {
    /// The ruleset as it was declared.
    pub(super) fn new(ruleset: &'a Ruleset) -> Self {
        let mut state = Self::default();
        for (number, table) in ruleset.tables.iter().enumerate() {
            for set in table.sets() {
                if set.spec().role() == Role::Dynamic || !set.spec().meters.is_empty() {
                    state.sets.entry(number).or_default().insert(set.name(), Live::new(set));
                }
            }
            for object in table.objects() {
                let meter = match *object.body() {
                    ObjectBody::Limit(limit) => Meter::limit(limit),
                    ObjectBody::Quota(quota) => Meter::quota(quota),
                    _ => continue,
                };
                let kind = object.body().kind();
                state.objects.entry((number, kind)).or_default().insert(object.name(), meter);
            }
        }
        state
    }

    /// A set that changes; none: it stays as it is declared.
    pub(super) fn set(&mut self, table: usize, name: &str) -> Option<&mut Live> {
        self.sets.get_mut(&table)?.get_mut(name)
    }

    /// A limit or a quota that has a name.
    pub(super) fn object(&mut self, table: usize, kind: ObjectKind, name: &str) -> Option<&mut Meter> {
        self.objects.get_mut(&(table, kind))?.get_mut(name)
    }

    /// A limit that is written in a rule.
    pub(super) fn limit(&mut self, place: Place, limit: &Limit) -> &mut Meter {
        self.tests.entry(place).or_insert_with(|| Meter::limit(*limit))
    }

    /// A quota that is written in a rule.
    pub(super) fn quota(&mut self, place: Place, quota: &Quota) -> &mut Meter {
        self.tests.entry(place).or_insert_with(|| Meter::quota(*quota))
    }

    /// A number of conversations that is written in a rule.
    pub(super) fn connections(&mut self, place: Place, limit: &ConnLimit) -> &mut Meter {
        self.tests.entry(place).or_insert_with(|| Meter::connections(*limit))
    }

    /// The next number of a generator that counts up from zero (`nft_ng_inc_gen`).
    pub(super) fn next_number(&mut self, place: Place, part: usize, modulus: u32) -> u32 {
        let next = self.numbers.entry((place, part)).and_modify(|last| *last += 1).or_default();
        if *next >= modulus {
            *next = 0;
        }
        *next
    }
}
