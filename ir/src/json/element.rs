// SPDX-License-Identifier: GPL-3.0-or-later
//! Elements of sets and maps, named or written in a rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::Meter;
use super::fault::{Fault, each};
use super::text::{Either, Text};
use super::value::{read_tuple, tuple_text, types, types_of};
use super::verdict::Verdict;
use super::words::{SetName, Star};
use crate::datatype::Datatype;
use crate::legal::Gives;
use crate::milliseconds::Milliseconds;
use crate::rule::{self, Selector};
use crate::ruleset::OriginId;
use crate::set::{self, DataType, SetSpec, Tuple};

/// One element of a set or map.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an element, an object")]
#[schemars(rename = "element")]
pub(super) struct Element {
    /// Its key: a value, prefix or range for each part, as text of the part's type. Or `*`.
    key: Either<Star, String>,
    /// What it gives, in a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    /// How long it stays after it was added; as the set says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Text<Milliseconds>>,
    /// How long it stays from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Text<Milliseconds>>,
    /// What it counts and has counted; as the set says, with nothing counted, if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    meters: Vec<Meter>,
    /// What somebody wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// Why it is there: its place in `origins`, from 0. That of the set or rule it is in if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<u32>,
}

/// What an element of a map gives.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "what an element gives")]
#[schemars(rename = "data")]
pub(super) enum Data {
    /// The name of an object.
    Object(String),
    /// A value, prefix or range for each part, as text of the part's type.
    Values(Vec<String>),
    /// A verdict.
    Verdict(Verdict),
}

/// What is known about elements from where they stand.
pub(super) struct Around {
    key: Vec<Datatype>,
    data: DataParts,
    origin: OriginId,
}

enum DataParts {
    /// As the set declares them.
    Declared(Vec<Datatype>),
    /// As the statement or verdict needs them.
    Needed(Gives),
}

impl Around {
    /// Elements of a named set.
    pub(super) fn set(spec: &SetSpec, origin: OriginId) -> Self {
        let data = match &spec.data {
            Some(DataType::Values(parts)) => types(parts),
            _ => Vec::new(),
        };
        Self { key: types(&spec.key), data: DataParts::Declared(data), origin }
    }

    fn rule(key: &[Selector], gives: Gives, origin: OriginId) -> Self {
        Self { key: types_of(key), data: DataParts::Needed(gives), origin }
    }

    fn data(&self, count: usize) -> Vec<Datatype> {
        match &self.data {
            DataParts::Declared(parts) => parts.clone(),
            DataParts::Needed(gives) => types(&gives.parts(count)),
        }
    }

    fn tuple(&self, tuple: &Tuple) -> Vec<String> {
        tuple_text(&self.data(tuple.0.len()), tuple)
    }
}

impl Element {
    pub(super) fn of(element: &set::Element, around: &Around) -> Self {
        Self {
            key: match &element.key {
                set::Key::Any => Either::Text(Star),
                set::Key::Tuple(tuple) => Either::List(tuple_text(&around.key, tuple)),
            },
            data: element.data.as_ref().map(|data| match data {
                set::Data::Object(name) => Data::Object(name.clone()),
                set::Data::Values(tuple) => Data::Values(around.tuple(tuple)),
                set::Data::Verdict(verdict) => Data::Verdict(Verdict::of(verdict, element.origin)),
            }),
            timeout: element.timeout.map(Text),
            expires: element.expires.map(Text),
            meters: element.meters.iter().map(Meter::from).collect(),
            comment: element.comment.clone(),
            origin: (element.origin != around.origin).then_some(element.origin.0),
        }
    }

    pub(super) fn read(self, around: &Around) -> Result<set::Element, Fault> {
        let origin = self.origin.map_or(around.origin, OriginId);
        let key = match self.key {
            Either::Text(Star) => set::Key::Any,
            Either::List(texts) => set::Key::Tuple(read_tuple(&around.key, &texts)?),
        };
        let data = self.data.map(|data| match data {
            Data::Object(name) => Ok(set::Data::Object(name)),
            Data::Values(texts) => read_tuple(&around.data(texts.len()), &texts).map(set::Data::Values),
            Data::Verdict(verdict) => verdict.read(origin).map(set::Data::Verdict),
        });
        let (timeout, expires) = (self.timeout.map(|text| text.0), self.expires.map(|text| text.0));
        let meters = self.meters.into_iter().map(rule::Meter::from).collect();
        Ok(set::Element { key, data: data.transpose()?, timeout, expires, meters, comment: self.comment, origin })
    }
}

/// A look-up of fields in a map.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a look-up, an object")]
#[schemars(rename = "look-up")]
pub(super) struct LookUp {
    /// What is looked up, part by part.
    key: Vec<Text<Selector>>,
    /// The elements of the map, or its name behind `@`.
    map: Either<SetName, Element>,
}

impl LookUp {
    pub(super) fn of(key: &[Selector], map: &rule::MapRef, gives: Gives, origin: OriginId) -> Self {
        let map = match map {
            rule::MapRef::Named(name) => Either::Text(SetName(name.clone())),
            rule::MapRef::Inline(elements) => {
                let around = Around::rule(key, gives, origin);
                Either::List(elements.iter().map(|element| Element::of(element, &around)).collect())
            }
        };
        Self { key: key.iter().copied().map(Text).collect(), map }
    }

    pub(super) fn read(self, gives: Gives, origin: OriginId) -> Result<(Vec<Selector>, rule::MapRef), Fault> {
        let key: Vec<_> = self.key.into_iter().map(|text| text.0).collect();
        let map = match self.map {
            Either::Text(SetName(name)) => rule::MapRef::Named(name),
            Either::List(elements) => {
                let around = Around::rule(&key, gives, origin);
                rule::MapRef::Inline(each("element", elements, |element| element.read(&around))?)
            }
        };
        Ok((key, map))
    }
}
