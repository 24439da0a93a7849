// SPDX-License-Identifier: GPL-3.0-or-later
//! The steps of a rule.

use std::fmt;

use super::{ConnLimit, Limit, ObjectRef, Quota, Selector, Statement, Tuples, Values};
use crate::datatype::Datatype;
use crate::fields::{Field, Needs, Word};
use crate::legal::Illegal;
use crate::object::ObjectKind;
use crate::words::Protocol;

/// What a packet meets in a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A test: who does not pass it leaves the rule.
    Match(Match),
    /// Something that happens on the way.
    Statement(Statement),
    /// A part of somebody else's rule that the IR has no word for. What it does is not known.
    Unknown(Unknown),
}

/// A thing that was read and that the IR has no word for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unknown {
    /// Its name, for counting: `match recent`, `expression tunnel`.
    pub name: String,
    /// All of it, as it was found.
    pub text: String,
    /// Why there is no word for it, and what to write instead where there is something: a part of a sentence, lower-case.
    /// Empty in documents from before there were reasons.
    pub reason: String,
}

impl Unknown {
    /// The reason where nothing more can be said.
    pub const NO_WORD: &str = "the IR has no word for it";
}

impl fmt::Display for Unknown {
    /// That it could not be read, and why, without its text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read", self.name)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

impl Step {
    /// The test that it is.
    #[must_use]
    pub const fn test(&self) -> Option<&Match> {
        match self {
            Self::Match(test) => Some(test),
            Self::Statement(_) | Self::Unknown(_) => None,
        }
    }

    /// The statement that it is.
    #[must_use]
    pub const fn statement(&self) -> Option<&Statement> {
        match self {
            Self::Statement(statement) => Some(statement),
            Self::Match(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether something comes of it beside that packets go on or not. A limit or quota that counts has an effect of its own.
    pub(super) const fn has_effect(&self) -> bool {
        match self {
            Self::Match(test) => test.field().is_none() && !matches!(test, Match::Concat { .. }),
            Self::Statement(_) | Self::Unknown(_) => true,
        }
    }

    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Match(test) => test.check(),
            Self::Statement(statement) => statement.check(),
            Self::Unknown(_) => Ok(()),
        }
    }
}

impl From<Match> for Step {
    fn from(test: Match) -> Self {
        Self::Match(test)
    }
}

impl From<Statement> for Step {
    fn from(statement: Statement) -> Self {
        Self::Statement(statement)
    }
}

/// One test of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// Several fields at once are one of the tuples, or none of them if negated: `ip saddr . tcp dport @pairs`.
    Concat {
        /// The fields, at least two.
        key: Vec<Selector>,
        /// The tuples.
        values: Tuples,
        /// None of them.
        negated: bool,
    },
    /// The number of conversations that are open is within the limit. Each such test of a rule counts for itself.
    ConnLimit(ConnLimit),
    /// The field's value is one of the values, or none of them if negated: `tcp dport { 80, 443 }`, `ct state new`.
    In {
        /// The field, perhaps under a mask.
        selector: Selector,
        /// The values.
        values: Values,
        /// None of them.
        negated: bool,
    },
    /// Within a rate: `limit rate 5/second`. Each such test of a rule has a bucket of its own.
    Limit(Limit),
    /// Within a named limit or quota.
    Object {
        /// The kind of the object: a limit and a quota may have one name.
        kind: ObjectKind,
        /// The object.
        object: ObjectRef,
    },
    /// Within an amount of bytes. Each such test of a rule counts for itself.
    Quota(Quota),
}

impl Match {
    /// The field is one of these values.
    #[must_use]
    pub const fn within(field: Field, values: Values) -> Self {
        Self::In { selector: Selector::of(field), values, negated: false }
    }

    /// The field is none of these values.
    #[must_use]
    pub const fn outside(field: Field, values: Values) -> Self {
        Self::In { selector: Selector::of(field), values, negated: true }
    }

    /// The field has at least one of the bits: `ct state new,established`.
    #[must_use]
    pub fn any_of(field: Field, bits: u128) -> Self {
        Self::In { selector: Selector::masked(field, bits), values: Values::one(0), negated: true }
    }

    /// Of the bits in the mask exactly those of the value are set: `tcp flags syn / syn,ack`.
    #[must_use]
    pub fn masked(field: Field, mask: u128, value: u128) -> Self {
        Self::In { selector: Selector::masked(field, mask), values: Values::one(value), negated: false }
    }

    /// The bits of which the field must have at least one, where it is such a test: the inverse of [`Self::any_of`].
    #[must_use]
    pub fn bits(&self) -> Option<(Field, u128)> {
        match self {
            Self::In { selector, values: Values::Inline(set), negated: true } if set.single() == Some(0) => {
                Some((selector.field(), selector.mask()?))
            }
            _ => None,
        }
    }

    /// The field that is tested, if it is a test of one field.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        match self {
            Self::In { selector, .. } => Some(selector.field()),
            Self::Concat { .. } | Self::ConnLimit(_) | Self::Limit(_) | Self::Object { .. } | Self::Quota(_) => None,
        }
    }

    /// Each field that is tested, with its mask.
    #[must_use]
    pub fn selectors(&self) -> &[Selector] {
        match self {
            Self::Concat { key, .. } => key,
            Self::In { selector, .. } => std::slice::from_ref(selector),
            Self::ConnLimit(_) | Self::Limit(_) | Self::Object { .. } | Self::Quota(_) => &[],
        }
    }

    /// The row of a test that is not of a field.
    #[must_use]
    pub const fn word(&self) -> Option<Word> {
        match self {
            Self::Concat { .. } | Self::In { .. } => None,
            Self::ConnLimit(_) => Some(Word::Connlimit),
            Self::Limit(_) => Some(Word::Limit),
            Self::Object { .. } => Some(Word::Object),
            Self::Quota(_) => Some(Word::Quota),
        }
    }

    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Concat { key, values, .. } => values.check(key),
            Self::Object { kind: ObjectKind::Limit | ObjectKind::Quota, object } => object.check(),
            Self::Object { kind, .. } => Err(Illegal::Object(*kind)),
            Self::In { selector, values, .. } => {
                selector.check()?;
                values.check(*selector)
            }
            Self::Limit(limit) => limit.check(),
            Self::ConnLimit(_) | Self::Quota(_) => Ok(()),
        }
    }

    /// Whether a packet must be of the protocol to match.
    #[must_use]
    pub fn demands(&self, protocol: Protocol) -> bool {
        let number = Some(u128::from(protocol.0));
        let named = |test: &Self| {
            matches!(test, Self::In { selector, values: Values::Inline(set), negated: false }
                if selector.mask().is_none() && selector.field().datatype() == Datatype::InetProto
                    && matches!(selector.field(), Field::L4proto | Field::IpProtocol | Field::Ip6Nexthdr)
                    && set.single() == number)
        };
        let needed = |selector: &Selector| selector.field().row().needs == Needs::Protocol(protocol);
        named(self) || self.selectors().iter().any(needed)
    }
}
