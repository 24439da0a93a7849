// SPDX-License-Identifier: GPL-3.0-or-later
//! The document as a whole.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::chain::Chain;
use super::fault::{At, Fault};
use super::object::Object;
use super::set::Set;
use super::step::Unknown;
use super::text::Text;
use super::{ReadError, VERSION, is_default};
use crate::ruleset::{self, OriginId, Ruleset};
use crate::table::{self, TableParts};
use crate::words::TableFamily;

/// Everything that one policy, or somebody else's ruleset, puts into the kernel.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a ruleset, an object")]
#[schemars(title = "Ringwall's chain IR", rename = "ruleset")]
pub(super) struct Document {
    /// The version of this form.
    #[serde(rename = "ringwall-ir")]
    version: Version,
    /// A line about the whole: name and edition of the policy.
    #[serde(default, skip_serializing_if = "is_default")]
    title: String,
    /// The sentences that all below comes from, in order. The others name them by their place, from 0.
    #[serde(default)]
    origins: Vec<Origin>,
    /// The tables.
    #[serde(default)]
    tables: Vec<Table>,
    /// What stands beside the tables and the IR has no word for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknowns: Vec<Found>,
}

/// The version of the form.
#[derive(Clone, Copy, Debug)]
struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            VERSION => Ok(Self),
            found => Err(D::Error::custom(ReadError::Version { found })),
        }
    }
}

impl JsonSchema for Version {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": VERSION })
    }
}

/// A sentence of a policy, or a line of somebody else's ruleset.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an origin, an object")]
#[schemars(rename = "origin")]
struct Origin {
    /// The sentence's label or the hash of its words. Left out for a line of somebody else's ruleset.
    #[serde(default, skip_serializing_if = "is_default")]
    id: String,
    /// The sentence as it was written.
    #[serde(default, skip_serializing_if = "is_default")]
    text: String,
    /// The line on which it starts, from 1; left out where it has none.
    #[serde(default, skip_serializing_if = "is_default")]
    line: u32,
    /// Its reason, or the comment of somebody else's rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// Where it stands in somebody else's ruleset that has no lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spot: Option<Spot>,
}

/// The place of a part of a ruleset that has no lines.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a place, an object")]
#[schemars(rename = "spot")]
struct Spot {
    /// A name that stays when other parts come and go.
    id: String,
    /// The place in nft's words: `inet filter input #3`, the third rule of the chain.
    place: String,
}

/// A table.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a table, an object")]
#[schemars(rename = "table")]
struct Table {
    /// Which packets its chains see.
    family: Text<TableFamily>,
    /// Its name.
    name: String,
    /// What somebody wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Its named objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Object>,
    /// Its named sets and maps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sets: Vec<Set>,
    /// Its chains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    chains: Vec<Chain>,
    /// What else is in it and the IR has no word for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknowns: Vec<Found>,
}

/// A thing beside the rules that the IR has no word for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an unknown thing, an object")]
#[schemars(rename = "found")]
struct Found {
    /// What it is.
    unknown: Unknown,
    /// Where it was found: its place in `origins`, from 0.
    origin: u32,
}

impl Document {
    pub(super) fn of(ruleset: &Ruleset) -> Self {
        Self {
            version: Version,
            title: ruleset.title.clone(),
            origins: ruleset.origins.iter().map(Origin::of).collect(),
            tables: ruleset.tables.iter().map(Table::of).collect(),
            unknowns: found(&ruleset.unknowns),
        }
    }

    pub(super) fn read(self) -> Result<Ruleset, ReadError> {
        let tables = self.tables.into_iter().map(|table| {
            let place = format!("table `{} {}`", table.family.0.name(), table.name);
            table.read().at(|| place)
        });
        let tables = tables.collect::<Result<_, _>>()?;
        let origins = self.origins.into_iter().map(Origin::read).collect();
        Ok(Ruleset { title: self.title, origins, tables, unknowns: unknowns(self.unknowns) })
    }
}

impl Origin {
    fn of(ruleset::Origin { id, text, line, because, spot }: &ruleset::Origin) -> Self {
        let spot = spot.as_ref().map(|spot| Spot { id: spot.id.clone(), place: spot.place.clone() });
        Self { id: id.clone(), text: text.clone(), line: *line, because: because.clone(), spot }
    }

    fn read(self) -> ruleset::Origin {
        let Self { id, text, line, because, spot } = self;
        let spot = spot.map(|Spot { id, place }| crate::spot::Spot { id, place });
        ruleset::Origin { id, text, line, because, spot }
    }
}

impl Table {
    fn of(table: &table::Table) -> Self {
        Self {
            family: Text(table.family()),
            name: table.name().to_owned(),
            comment: table.comment().map(str::to_owned),
            objects: table.objects().iter().map(Object::of).collect(),
            sets: table.sets().iter().map(Set::of).collect(),
            chains: table.chains().iter().map(Chain::of).collect(),
            unknowns: found(table.unknowns()),
        }
    }

    fn read(self) -> Result<table::Table, Fault> {
        let objects = self.objects.into_iter().map(|object| {
            let place = format!("object `{}`", object.name);
            object.read().at(|| place)
        });
        let sets = self.sets.into_iter().map(|set| {
            let place = format!("set `{}`", set.name);
            set.read().at(|| place)
        });
        let chains = self.chains.into_iter().map(|chain| {
            let place = format!("chain `{}`", chain.name);
            chain.read().at(|| place)
        });
        let objects = objects.collect::<Result<_, _>>()?;
        let sets = sets.collect::<Result<_, _>>()?;
        let chains = chains.collect::<Result<_, _>>()?;
        let parts = TableParts { objects, sets, chains, unknowns: unknowns(self.unknowns), comment: self.comment };
        Ok(table::Table::new(self.family.0, &self.name, parts)?)
    }
}

fn found(unknowns: &[(OriginId, crate::rule::Unknown)]) -> Vec<Found> {
    unknowns.iter().map(|(origin, unknown)| Found { unknown: unknown.into(), origin: origin.0 }).collect()
}

fn unknowns(found: Vec<Found>) -> Vec<(OriginId, crate::rule::Unknown)> {
    found.into_iter().map(|Found { unknown, origin }| (OriginId(origin), unknown.into())).collect()
}
