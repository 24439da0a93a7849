// SPDX-License-Identifier: GPL-3.0-or-later
//! Named sets and maps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::Meter;
use super::element::{Around, Element};
use super::fault::{Fault, each};
use super::is_default;
use super::text::Text;
use super::value::{read_set, set_text};
use crate::milliseconds::Milliseconds;
use crate::object::ObjectKind;
use crate::rule;
use crate::ruleset::OriginId;
use crate::set::{self, Elements, KeyType, SetFlags, SetSpec};

/// A named set or map.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a set, an object")]
#[schemars(rename = "set", extend("not" = { "required": ["values", "elements"] }))]
pub(super) struct Set {
    /// Its name.
    pub(super) name: String,
    /// What somebody wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// What its keys are, part by part.
    key: Vec<Text<KeyType>>,
    /// What its elements give; left out for a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<DataType>,
    /// What it can do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<SetFlag>,
    /// How long elements stay that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Text<Milliseconds>>,
    /// How often the kernel sweeps out those that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gc_interval: Option<Text<Milliseconds>>,
    /// The most elements that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    /// Overlapping intervals that are added become one.
    #[serde(default, skip_serializing_if = "is_default")]
    auto_merge: bool,
    /// What each element counts for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    meters: Vec<Meter>,
    /// Why it is there: its place in `origins`, from 0.
    origin: u32,
    /// The elements of a set whose keys have one part, where there is no more to say of them: values, prefixes and ranges
    /// as text of the part's type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
    /// The elements with all that there is to say of them, in the place of `values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elements: Option<Vec<Element>>,
}

/// What the elements of a map give.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a type of data")]
#[schemars(rename = "data-type")]
enum DataType {
    /// Verdicts.
    Verdict,
    /// Objects of a kind.
    Object(Text<ObjectKind>),
    /// Values, part by part.
    Values(Vec<Text<KeyType>>),
}

/// What a set can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a flag of a set")]
#[schemars(rename = "set-flag")]
enum SetFlag {
    /// It never changes.
    Constant,
    /// Packets add to it.
    Dynamic,
    /// Its elements are intervals.
    Interval,
    /// Its elements may end by themselves.
    Timeout,
}

impl Set {
    pub(super) fn of(set: &set::Set) -> Self {
        let SetSpec { key, data, flags, timeout, gc_interval, size, auto_merge, meters } = set.spec();
        let (values, elements) = match (set.elements(), key.as_slice()) {
            (Elements::Intervals(values), [part]) => (set_text(part.datatype(), values), None),
            (Elements::Intervals(_), _) => (Vec::new(), None),
            (Elements::List(list), _) => {
                let around = Around::set(set.spec(), set.origin());
                (Vec::new(), Some(list.iter().map(|element| Element::of(element, &around)).collect()))
            }
        };
        Self {
            name: set.name().to_owned(),
            comment: set.comment().map(str::to_owned),
            key: key.iter().copied().map(Text).collect(),
            data: data.as_ref().map(DataType::from),
            flags: flag_list(*flags),
            timeout: timeout.map(Text),
            gc_interval: gc_interval.map(Text),
            size: *size,
            auto_merge: *auto_merge,
            meters: meters.iter().map(Meter::from).collect(),
            origin: set.origin().0,
            values,
            elements,
        }
    }

    pub(super) fn read(self) -> Result<set::Set, Fault> {
        let origin = OriginId(self.origin);
        let spec = SetSpec {
            key: self.key.into_iter().map(|text| text.0).collect(),
            data: self.data.map(set::DataType::from),
            flags: flags(&self.flags),
            timeout: self.timeout.map(|text| text.0),
            gc_interval: self.gc_interval.map(|text| text.0),
            size: self.size,
            auto_merge: self.auto_merge,
            meters: self.meters.into_iter().map(rule::Meter::from).collect(),
        };
        let elements = match (self.elements, spec.key.as_slice()) {
            (None, [part]) => Elements::Intervals(read_set(part.datatype(), &self.values)?),
            (None, _) if self.values.is_empty() => Elements::NONE,
            (Some(list), _) if self.values.is_empty() => {
                let around = Around::set(&spec, origin);
                Elements::List(each("element", list, |element| element.read(&around))?)
            }
            (None, _) => return Err("a set whose keys have several parts has `elements`, not `values`".into()),
            (Some(_), _) => return Err("a set has `values` or `elements`, not both".into()),
        };
        Ok(set::Set::new(&self.name, spec, elements, origin)?.with_comment(self.comment))
    }
}

impl From<&set::DataType> for DataType {
    fn from(data: &set::DataType) -> Self {
        match data {
            set::DataType::Object(kind) => Self::Object(Text(*kind)),
            set::DataType::Values(parts) => Self::Values(parts.iter().copied().map(Text).collect()),
            set::DataType::Verdict => Self::Verdict,
        }
    }
}

impl From<DataType> for set::DataType {
    fn from(data: DataType) -> Self {
        match data {
            DataType::Object(kind) => Self::Object(kind.0),
            DataType::Values(parts) => Self::Values(parts.into_iter().map(|text| text.0).collect()),
            DataType::Verdict => Self::Verdict,
        }
    }
}

fn flag_list(flags: SetFlags) -> Vec<SetFlag> {
    let SetFlags { constant, dynamic, interval, timeout } = flags;
    [
        (constant, SetFlag::Constant),
        (dynamic, SetFlag::Dynamic),
        (interval, SetFlag::Interval),
        (timeout, SetFlag::Timeout),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .collect()
}

fn flags(list: &[SetFlag]) -> SetFlags {
    SetFlags {
        constant: list.contains(&SetFlag::Constant),
        dynamic: list.contains(&SetFlag::Dynamic),
        interval: list.contains(&SetFlag::Interval),
        timeout: list.contains(&SetFlag::Timeout),
    }
}
