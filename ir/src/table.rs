// SPDX-License-Identifier: GPL-3.0-or-later
//! Tables: name spaces for chains, sets and objects.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::chain::Chain;
use crate::interval::IntervalSet;
use crate::legal::{self, Illegal, check_name};
use crate::object::{Object, ObjectKind};
use crate::rule::{Unknown, Values};
use crate::ruleset::OriginId;
use crate::set::Set;
use crate::words::TableFamily;

/// What a table is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TableParts {
    /// Its objects.
    pub objects: Vec<Object>,
    /// Its named sets and maps.
    pub sets: Vec<Set>,
    /// Its chains.
    pub chains: Vec<Chain>,
    /// What else is in it and the IR has no word for, with the place where it was found.
    pub unknowns: Vec<(OriginId, Unknown)>,
    /// What somebody wrote beside it.
    pub comment: Option<String>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    family: TableFamily,
    name: String,
    parts: TableParts,
}

impl Table {
    /// A table of these parts.
    ///
    /// # Errors
    /// [`Illegal::Name`] where a name is taken twice, cannot be written, or names a part that is not there or is not of
    /// the kind; [`Illegal::Loop`] where chains lead in a circle, and [`Illegal::Deep`] where too deep; what a rule may not do where its chain is met.
    pub fn new(family: TableFamily, name: &str, parts: TableParts) -> Result<Self, Illegal> {
        Self::of_parts(family, name, parts).map_err(|refused| refused.0)
    }

    /// As [`Self::new`], but gives the parts back where they do not make a table.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_parts(family: TableFamily, name: &str, parts: TableParts) -> Result<Self, Box<(Illegal, TableParts)>> {
        let table = Self { family, name: name.to_owned(), parts };
        match table.check() {
            Ok(()) => Ok(table),
            Err(illegal) => Err(Box::new((illegal, table.parts))),
        }
    }

    fn check(&self) -> Result<(), Illegal> {
        check_name(&self.name)?;
        distinct(self.parts.objects.iter().map(|object| (object.name(), object.body().kind().name())))?;
        distinct(self.parts.sets.iter().map(|set| (set.name(), "")))?;
        distinct(self.parts.chains.iter().map(|chain| (chain.name(), "")))?;
        legal::check_table(self)
    }

    /// Which packets its chains see.
    #[must_use]
    pub const fn family(&self) -> TableFamily {
        self.family
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its objects.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.parts.objects
    }

    /// The object of a kind and name.
    #[must_use]
    pub fn object(&self, kind: ObjectKind, name: &str) -> Option<&Object> {
        self.parts.objects.iter().find(|object| object.body().kind() == kind && object.name() == name)
    }

    /// Its sets and maps.
    #[must_use]
    pub fn sets(&self) -> &[Set] {
        &self.parts.sets
    }

    /// The set or map of a name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.parts.sets.iter().find(|set| set.name() == name)
    }

    /// Its chains.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.parts.chains
    }

    /// The chain of a name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.parts.chains.iter().find(|chain| chain.name() == name)
    }

    /// What is in it beside rules and the IR has no word for.
    #[must_use]
    pub fn unknowns(&self) -> &[(OriginId, Unknown)] {
        &self.parts.unknowns
    }

    /// What somebody wrote beside it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.parts.comment.as_deref()
    }

    /// What it is made of, to make another of it.
    #[must_use]
    pub fn into_parts(self) -> TableParts {
        self.parts
    }

    /// The values that a test compares with, wherever they are written. A symbol without a number is no value.
    #[must_use]
    pub fn values<'a>(&'a self, values: &'a Values) -> Cow<'a, IntervalSet> {
        match values {
            Values::Inline(set) => Cow::Borrowed(set),
            Values::Set(name) => self.set(name).and_then(Set::values).unwrap_or_default(),
            Values::Symbols(symbols) => {
                let numbers = symbols.iter().filter_map(|symbol| symbol.number).map(u128::from);
                Cow::Owned(numbers.map(|number| (number, number)).collect())
            }
        }
    }

    /// Its chains by name, with the place of each.
    pub(crate) fn places(&self) -> BTreeMap<&str, usize> {
        self.chains().iter().enumerate().map(|(place, chain)| (chain.name(), place)).collect()
    }
}

fn distinct<'a>(names: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Illegal> {
    let mut seen = BTreeSet::new();
    for (name, kind) in names {
        if !seen.insert((kind, name)) {
            return Err(Illegal::Name(name.to_owned()));
        }
    }
    Ok(())
}
