// SPDX-License-Identifier: GPL-3.0-or-later
//! What the messages of a transaction are about, in the words of the policy.

use std::fmt;

use ringwall_ir::{ObjectKind, Origin, OriginId, Ruleset};

/// What one message of a transaction is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A chain, with its chain policy.
    Chain(String),
    /// The elements of a set or map.
    Elements {
        /// The set.
        set: String,
        /// The sentence that the set comes from, empty if there is none.
        sentence: String,
        /// Its place in the ruleset, where it has one.
        origin: Option<OriginId>,
    },
    /// A named object.
    Object {
        /// Its kind.
        kind: ObjectKind,
        /// Its name.
        name: String,
        /// The sentence that it comes from, empty if there is none.
        sentence: String,
        /// Its place in the ruleset, where it has one.
        origin: Option<OriginId>,
    },
    /// A rule of a chain.
    Rule {
        /// The chain.
        chain: String,
        /// The comment of the rule.
        id: String,
        /// The sentence that it comes from, empty if there is none.
        sentence: String,
        /// Its place in the ruleset, where it has one.
        origin: Option<OriginId>,
    },
    /// A named set or map.
    Set {
        /// Its name.
        name: String,
        /// The sentence that it comes from, empty if there is none.
        sentence: String,
        /// Its place in the ruleset, where it has one.
        origin: Option<OriginId>,
    },
    /// A table.
    Table(String),
}

impl Part {
    /// Where the ruleset says it. None for what only the kernel has, for tables, and for chains.
    #[must_use]
    pub const fn origin(&self) -> Option<OriginId> {
        match self {
            Self::Elements { origin, .. }
            | Self::Object { origin, .. }
            | Self::Rule { origin, .. }
            | Self::Set { origin, .. } => *origin,
            Self::Chain(_) | Self::Table(_) => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter<'_>, sentence: &str| {
            if sentence.is_empty() { Ok(()) } else { write!(f, " of `{sentence}`") }
        };
        match self {
            Self::Chain(name) => write!(f, "chain `{name}`"),
            Self::Elements { set, sentence, .. } => {
                write!(f, "the elements of set `{set}`")?;
                of(f, sentence)
            }
            Self::Object { kind, name, sentence, .. } => {
                write!(f, "{} `{name}`", kind.name())?;
                of(f, sentence)
            }
            Self::Rule { chain, id, sentence, .. } if sentence.is_empty() => {
                write!(f, "rule `{id}` of chain `{chain}`")
            }
            Self::Rule { chain, sentence, .. } => write!(f, "`{sentence}` (in chain `{chain}`)"),
            Self::Set { name, sentence, .. } => {
                write!(f, "set `{name}`")?;
                of(f, sentence)
            }
            Self::Table(name) => write!(f, "table `{name}`"),
        }
    }
}

/// What a message is about, in so few bytes that a hundred thousand of them do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    /// The place of the table in the ruleset.
    pub table: u32,
    pub what: What,
}

/// What of a table a message is about, by its place in the IR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Chain(u32),
    /// The rule that closes a chain.
    Closing(u32),
    Elements(u32),
    /// Something that the ruleset does not have, by its place in a list of such things.
    Gone(u32),
    Object(u32),
    Rule(u32, u32),
    Set(u32),
    Table,
}

/// The number of a place.
pub(super) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn at<T>(list: &[T], place: u32) -> Option<&T> {
    list.get(usize::try_from(place).ok()?)
}

impl About {
    /// What it is, told in full.
    pub(super) fn part(self, ruleset: &Ruleset, gone: &[Part]) -> Option<Part> {
        let sentence = |origin: OriginId| ruleset.origin(origin).map(|origin| origin.text.clone()).unwrap_or_default();
        let table = at(&ruleset.tables, self.table)?;
        Some(match self.what {
            What::Chain(place) => Part::Chain(at(table.chains(), place)?.name().to_owned()),
            What::Closing(place) => {
                let chain = at(table.chains(), place)?;
                let closing = chain.bound().map(|base| base.closing);
                Part::Rule {
                    chain: chain.name().to_owned(),
                    id: crate::nft::CLOSING.to_owned(),
                    sentence: closing.map(sentence).unwrap_or_default(),
                    origin: closing,
                }
            }
            What::Elements(place) => {
                let set = at(table.sets(), place)?;
                Part::Elements {
                    set: set.name().to_owned(),
                    sentence: sentence(set.origin()),
                    origin: Some(set.origin()),
                }
            }
            What::Gone(place) => at(gone, place)?.clone(),
            What::Object(place) => {
                let object = at(table.objects(), place)?;
                Part::Object {
                    kind: object.body().kind(),
                    name: object.name().to_owned(),
                    sentence: sentence(object.origin()),
                    origin: Some(object.origin()),
                }
            }
            What::Rule(chain, place) => {
                let chain = at(table.chains(), chain)?;
                let origin = at(chain.rules(), place)?.origin();
                Part::Rule {
                    chain: chain.name().to_owned(),
                    id: ruleset.origin(origin).map(Origin::comment).unwrap_or_default(),
                    sentence: sentence(origin),
                    origin: Some(origin),
                }
            }
            What::Set(place) => {
                let set = at(table.sets(), place)?;
                Part::Set { name: set.name().to_owned(), sentence: sentence(set.origin()), origin: Some(set.origin()) }
            }
            What::Table => Part::Table(table.name().to_owned()),
        })
    }
}
