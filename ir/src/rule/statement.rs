// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule does on the way, whatever its verdict.

use super::{ConnLimit, Limit, MapRef, Quota, Selector};
use crate::fields::{Field, Word};
use crate::legal::{Gives, Illegal};
use crate::milliseconds::Milliseconds;
use crate::set::SetFlags;
use crate::words::{CtDirection, LogFlags, LogLevel};

/// Something that a rule does on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// Writes a mark, the ct zone or the traffic class.
    Assign(Assignment),
    /// Counts packets and bytes.
    Counter(Counts),
    /// Gives the entry that is being made a helper, an object of the table.
    CtHelper(String),
    /// Gives the entry that is being made timeouts, an object of the table.
    CtTimeout(String),
    /// Records the packet.
    Log(Log),
    /// Bounds the maximum segment size that a SYN offers.
    Mss(Mss),
    /// Keeps the packet from connection tracking.
    Notrack,
    /// Counts in a named counter.
    Object(ObjectRef),
    /// Adds an element to a set, or takes one away.
    SetUpdate(Box<SetUpdate>),
}

impl Statement {
    /// The statement's row.
    #[must_use]
    pub const fn word(&self) -> Word {
        match self {
            Self::Assign(Assignment { target, .. }) => match target {
                Target::Mark => Word::MarkSet,
                Target::CtMark => Word::CtMarkSet,
                Target::CtZone(_) => Word::CtZoneSet,
                Target::Priority => Word::PrioritySet,
            },
            Self::Counter(_) => Word::Counter,
            Self::CtHelper(_) => Word::CtHelper,
            Self::CtTimeout(_) => Word::CtTimeout,
            Self::Log(Log { target: LogTarget::Group { .. }, .. }) => Word::LogGroup,
            Self::Log(_) => Word::Log,
            Self::Mss(_) => Word::MssSet,
            Self::Notrack => Word::Notrack,
            Self::Object(_) => Word::Object,
            Self::SetUpdate(_) => Word::SetUpdate,
        }
    }

    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Assign(assignment) => assignment.check(),
            Self::Log(log) => log.check(),
            Self::Object(object) => object.check(),
            Self::SetUpdate(update) => update.check(),
            Self::Counter(_) | Self::CtHelper(_) | Self::CtTimeout(_) | Self::Mss(_) | Self::Notrack => Ok(()),
        }
    }
}

/// What a counter has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A named object, or the object that a map gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectRef {
    /// By what a map of objects says.
    Map {
        /// What is looked up.
        key: Vec<Selector>,
        /// The name of the map.
        map: String,
    },
    /// By its name.
    Named(String),
}

impl ObjectRef {
    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Map { key, map } if key.is_empty() => Err(Illegal::Name(map.clone())),
            Self::Map { key, .. } => key.iter().try_for_each(|selector| selector.check()),
            Self::Named(_) => Ok(()),
        }
    }
}

/// Where and how a packet is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// Stands before the record, as it is: an ending space is part of it.
    pub prefix: Option<String>,
    /// The record's destination.
    pub target: LogTarget,
}

/// The destination of a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogTarget {
    /// A group of nfnetlink_log.
    Group {
        /// The group.
        group: u16,
        /// How many bytes of the packet are sent; none: all.
        snaplen: Option<u32>,
        /// How many packets are collected before they are sent; none: the kernel's choice.
        threshold: Option<u16>,
    },
    /// The kernel's ring buffer.
    Kernel {
        /// How loud.
        level: LogLevel,
        /// What is told beside addresses and ports.
        flags: LogFlags,
    },
}

impl LogTarget {
    /// A group, with whole packets, each at once.
    #[must_use]
    pub const fn group(group: u16) -> Self {
        Self::Group { group, snaplen: None, threshold: None }
    }

    /// The kernel's ring buffer, with nothing beside addresses and ports.
    #[must_use]
    pub const fn kernel(level: LogLevel) -> Self {
        Self::Kernel { level, flags: LogFlags::NONE }
    }
}

impl Default for LogTarget {
    fn default() -> Self {
        Self::kernel(LogLevel::Warn)
    }
}

impl Log {
    /// The longest prefix, in bytes (`NF_LOG_PREFIXLEN` less the final NUL).
    pub const PREFIX_MAX: usize = 127;

    fn check(&self) -> Result<(), Illegal> {
        match &self.prefix {
            Some(prefix) if prefix.is_empty() || prefix.len() > Self::PREFIX_MAX || prefix.contains('\0') => {
                Err(Illegal::LogPrefix(prefix.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// The maximum segment size that a SYN may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mss {
    /// At most what the path takes (`tcp option maxseg size set rt mtu`).
    Path,
    /// This one, in bytes. The kernel never raises an offer.
    Value(u16),
}

/// A value that is written: `new = (old & keep) ^ source`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assignment {
    /// What is written.
    pub target: Target,
    /// The bits of the old value that stay.
    pub keep: u32,
    /// What comes to them.
    pub source: Source,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The entry's mark.
    CtMark,
    /// The ct zone of the packet that is about to be tracked, for one direction or for both.
    CtZone(Option<CtDirection>),
    /// The packet mark.
    Mark,
    /// The traffic class.
    Priority,
}

impl Target {
    /// The field that reads what is written.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::CtMark => Field::CtMark,
            Self::CtZone(direction) => Field::CtZone(direction),
            Self::Mark => Field::MetaMark,
            Self::Priority => Field::MetaPriority,
        }
    }
}

/// Where a written value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A field under its mask, with these bits turned over.
    Field {
        /// The field.
        selector: Selector,
        /// The bits.
        xor: u32,
    },
    /// Looked up in a map.
    Map {
        /// What is looked up.
        key: Vec<Selector>,
        /// In which map.
        map: MapRef,
    },
    /// Written in the rule.
    Value(u32),
}

impl Assignment {
    /// A value that is written over the old one.
    #[must_use]
    pub const fn value(target: Target, value: u32) -> Self {
        Self { target, keep: 0, source: Source::Value(value) }
    }

    fn check(&self) -> Result<(), Illegal> {
        let field = self.target.field();
        let keeps = self.keep != 0 && matches!(self.target, Target::CtZone(_));
        match &self.source {
            _ if keeps => Err(Illegal::Test(field)),
            Source::Value(value) if u128::from(*value) > field.max() => Err(Illegal::Width(field)),
            Source::Value(_) => Ok(()),
            Source::Field { selector, .. } if selector.field().row().bits > field.row().bits => {
                Err(Illegal::Width(selector.field()))
            }
            Source::Field { selector, .. } => selector.check(),
            Source::Map { key, map } => Gives::Value(self.target).check(key, map),
        }
    }
}

/// An element that a packet adds to a set, or takes out of it. Where the set is full, or the meter says no, the packet
/// leaves the rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetUpdate {
    /// What is done.
    pub operation: SetOperation,
    /// The name of the set.
    pub set: String,
    /// The element's key.
    pub key: Vec<Selector>,
    /// What the element gives, where the set is a map: values of one part, and not from a map that is written here.
    pub data: Option<Source>,
    /// How long the element stays; none: as the set says.
    pub timeout: Option<Milliseconds>,
    /// What each element counts for itself.
    pub meters: Vec<Meter>,
}

/// What is done to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SetOperation {
    /// Adds the element; one that is there stays as it is.
    Add,
    /// Takes the element away.
    Delete,
    /// Adds the element; one that is there stays for its whole time from now on.
    Update,
}

impl SetOperation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Add, Self::Delete, Self::Update];

    /// The operation in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Delete => "delete",
            Self::Update => "update",
        }
    }
}

/// Something that each element of a set counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meter {
    /// Open conversations.
    ConnLimit(ConnLimit),
    /// Packets and bytes.
    Counter(Counts),
    /// A rate.
    Limit(Limit),
    /// Bytes.
    Quota(Quota),
}

impl Meter {
    /// The same with nothing counted.
    #[must_use]
    pub fn uncounted(self) -> Self {
        match self {
            Self::Counter(_) => Self::Counter(Counts::default()),
            Self::Quota(quota) => Self::Quota(Quota { used: 0, ..quota }),
            Self::ConnLimit(_) | Self::Limit(_) => self,
        }
    }

    /// Whether elements of a set with the flags can count it: the kernel sweeps out conversations in a way of its own, and
    /// not where elements end by themselves (`nft_set_elem_expr_alloc`).
    pub(crate) const fn fits(&self, flags: SetFlags) -> bool {
        !(flags.timeout && matches!(self, Self::ConnLimit(_)))
    }

    pub(crate) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Limit(limit) => limit.check(),
            Self::ConnLimit(_) | Self::Counter(_) | Self::Quota(_) => Ok(()),
        }
    }
}

impl SetUpdate {
    fn check(&self) -> Result<(), Illegal> {
        if self.key.is_empty() {
            return Err(Illegal::Name(self.set.clone()));
        }
        self.meters.iter().try_for_each(Meter::check)?;
        match &self.data {
            Some(Source::Field { selector, .. }) => selector.check()?,
            Some(Source::Map { key, .. }) => key.iter().try_for_each(|selector| selector.check())?,
            Some(Source::Value(_)) | None => {}
        }
        self.key.iter().try_for_each(|selector| selector.check())
    }
}
