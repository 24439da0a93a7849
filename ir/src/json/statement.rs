// SPDX-License-Identifier: GPL-3.0-or-later
//! Statements of more than one part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count::Meter;
use super::element::LookUp;
use super::fault::Fault;
use super::text::Text;
use super::value::read_interval;
use super::words::{Bits, SetName};
use crate::datatype::Datatype;
use crate::legal::Gives;
use crate::milliseconds::Milliseconds;
use crate::rule::{self, LogTarget, Selector, SetOperation, Target};
use crate::ruleset::OriginId;
use crate::words::{LogFlags, LogLevel};

/// A value that is written: the bits of the old one that stay, turned over where the source has a bit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "what is written, an object")]
#[schemars(rename = "assign")]
pub(super) struct Assign {
    /// What is written.
    field: Text<Target>,
    /// The bits of the old value that stay; none if left out.
    #[serde(default = "no_bits", skip_serializing_if = "is_no_bits")]
    keep: Text<Bits>,
    /// What comes to them.
    source: Source,
}

/// Where a written value comes from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a source of values")]
#[schemars(rename = "source")]
pub(super) enum Source {
    /// A field.
    Field(FieldSource),
    /// Looked up in a map.
    Map(LookUp),
    /// A value, as text of the written field's type; for an element of a set, a number.
    Value(String),
}

/// A field that is written.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a field with its mask, an object")]
#[schemars(rename = "field-source")]
pub(super) struct FieldSource {
    /// The field, perhaps under a mask.
    field: Text<Selector>,
    /// The bits of it that are turned over; none if left out.
    #[serde(default = "no_bits", skip_serializing_if = "is_no_bits")]
    xor: Text<Bits>,
}

const fn no_bits() -> Text<Bits> {
    Text(Bits(0))
}

fn is_no_bits(bits: &Text<Bits>) -> bool {
    *bits == no_bits()
}

/// Where and how a packet is recorded.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a log record, an object")]
#[schemars(rename = "log")]
pub(super) struct Log {
    /// Stands before the record, as it is: an ending space is part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    /// The record's destination.
    to: Destination,
}

/// The destination of a log record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields,
    expecting = "a destination of log records"
)]
#[schemars(rename = "log-destination")]
enum Destination {
    /// A group of nfnetlink_log.
    Group {
        /// The group.
        group: u16,
        /// How many bytes of the packet are sent; all if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snaplen: Option<u32>,
        /// How many packets are collected before they are sent; the kernel's choice if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue_threshold: Option<u16>,
    },
    /// The kernel's ring buffer.
    Kernel {
        /// How loud.
        level: Text<LogLevel>,
        /// What is told beside addresses and ports.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<Text<LogFlags>>,
    },
}

/// The maximum segment size that a SYN may offer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a maximum segment size")]
#[schemars(rename = "mss")]
pub(super) enum Mss {
    /// At most what the path takes.
    Path,
    /// This one.
    Bytes(u16),
}

/// A named object, or the object that a map gives.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an object of the table")]
#[schemars(rename = "object-ref")]
pub(super) enum ObjectRef {
    /// By its name.
    Name(String),
    /// By what a map of objects says.
    Map {
        /// What is looked up, part by part.
        key: Vec<Text<Selector>>,
        /// The map.
        map: Text<SetName>,
    },
}

/// An element that a packet adds to a set, or takes out of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a change of a set, an object")]
#[schemars(rename = "set-update")]
pub(super) struct SetUpdate {
    /// What is done.
    operation: Text<SetOperation>,
    /// The set.
    set: Text<SetName>,
    /// The element's key, part by part.
    key: Vec<Text<Selector>>,
    /// What the element gives, where the set is a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Source>,
    /// How long the element stays; as the set says if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Text<Milliseconds>>,
    /// What each element counts for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    meters: Vec<Meter>,
}

impl Source {
    fn of(source: &rule::Source, datatype: Datatype, gives: Gives, origin: OriginId) -> Self {
        match source {
            rule::Source::Field { selector, xor } => {
                Self::Field(FieldSource { field: Text(*selector), xor: Text(Bits(*xor)) })
            }
            rule::Source::Map { key, map } => Self::Map(LookUp::of(key, map, gives, origin)),
            rule::Source::Value(value) => Self::Value(datatype.value_text(u128::from(*value))),
        }
    }

    fn read(self, datatype: Datatype, gives: Gives, origin: OriginId) -> Result<rule::Source, Fault> {
        Ok(match self {
            Self::Field(FieldSource { field, xor }) => rule::Source::Field { selector: field.0, xor: xor.0.0 },
            Self::Map(map) => {
                let (key, map) = map.read(gives, origin)?;
                rule::Source::Map { key, map }
            }
            Self::Value(text) => {
                let (value, _) = read_interval(datatype, &text)?;
                let value = u32::try_from(value).map_err(|_| format!("`{text}` has more than 32 bits"))?;
                rule::Source::Value(value)
            }
        })
    }
}

impl Assign {
    pub(super) fn of(assignment: &rule::Assignment, origin: OriginId) -> Self {
        let rule::Assignment { target, keep, source } = assignment;
        let source = Source::of(source, target.field().datatype(), Gives::Value(*target), origin);
        Self { field: Text(*target), keep: Text(Bits(*keep)), source }
    }

    pub(super) fn read(self, origin: OriginId) -> Result<rule::Assignment, Fault> {
        let Self { field: Text(target), keep: Text(Bits(keep)), source } = self;
        let source = source.read(target.field().datatype(), Gives::Value(target), origin)?;
        Ok(rule::Assignment { target, keep, source })
    }
}

impl From<&rule::Log> for Log {
    fn from(rule::Log { prefix, target }: &rule::Log) -> Self {
        let to = match *target {
            LogTarget::Group { group, snaplen, threshold } => {
                Destination::Group { group, snaplen, queue_threshold: threshold }
            }
            LogTarget::Kernel { level, flags } => Destination::Kernel {
                level: Text(level),
                flags: flags.names().filter_map(LogFlags::named).map(Text).collect(),
            },
        };
        Self { prefix: prefix.clone(), to }
    }
}

impl From<Log> for rule::Log {
    fn from(Log { prefix, to }: Log) -> Self {
        let target = match to {
            Destination::Group { group, snaplen, queue_threshold } => {
                LogTarget::Group { group, snaplen, threshold: queue_threshold }
            }
            Destination::Kernel { level, flags } => LogTarget::Kernel {
                level: level.0,
                flags: flags.into_iter().fold(LogFlags::NONE, |all, flag| all.union(flag.0)),
            },
        };
        Self { prefix, target }
    }
}

impl From<rule::Mss> for Mss {
    fn from(mss: rule::Mss) -> Self {
        match mss {
            rule::Mss::Path => Self::Path,
            rule::Mss::Value(bytes) => Self::Bytes(bytes),
        }
    }
}

impl From<Mss> for rule::Mss {
    fn from(mss: Mss) -> Self {
        match mss {
            Mss::Path => Self::Path,
            Mss::Bytes(bytes) => Self::Value(bytes),
        }
    }
}

impl From<&rule::ObjectRef> for ObjectRef {
    fn from(object: &rule::ObjectRef) -> Self {
        match object {
            rule::ObjectRef::Map { key, map } => {
                Self::Map { key: key.iter().copied().map(Text).collect(), map: Text(SetName(map.clone())) }
            }
            rule::ObjectRef::Named(name) => Self::Name(name.clone()),
        }
    }
}

impl From<ObjectRef> for rule::ObjectRef {
    fn from(object: ObjectRef) -> Self {
        match object {
            ObjectRef::Map { key, map: Text(SetName(map)) } => {
                Self::Map { key: key.into_iter().map(|text| text.0).collect(), map }
            }
            ObjectRef::Name(name) => Self::Named(name),
        }
    }
}

impl SetUpdate {
    /// What the data of an element are, only its set knows: a value stands as a number.
    const DATA: (Datatype, Gives) = (Datatype::Integer, Gives::Value(Target::Mark));

    pub(super) fn of(update: &rule::SetUpdate, origin: OriginId) -> Self {
        let rule::SetUpdate { operation, set, key, data, timeout, meters } = update;
        let (datatype, gives) = Self::DATA;
        Self {
            operation: Text(*operation),
            set: Text(SetName(set.clone())),
            key: key.iter().copied().map(Text).collect(),
            data: data.as_ref().map(|data| Source::of(data, datatype, gives, origin)),
            timeout: timeout.map(Text),
            meters: meters.iter().map(Meter::from).collect(),
        }
    }

    pub(super) fn read(self, origin: OriginId) -> Result<rule::SetUpdate, Fault> {
        let (datatype, gives) = Self::DATA;
        Ok(rule::SetUpdate {
            operation: self.operation.0,
            set: self.set.0.0,
            key: self.key.into_iter().map(|text| text.0).collect(),
            data: self.data.map(|data| data.read(datatype, gives, origin)).transpose()?,
            timeout: self.timeout.map(|text| text.0),
            meters: self.meters.into_iter().map(rule::Meter::from).collect(),
        })
    }
}
