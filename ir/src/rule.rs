// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules: matches, then statements, then perhaps a verdict. Only legal ones can be built.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::fields::{Field, Kind, Needs};
use crate::interval::IntervalSet;
use crate::ruleset::OriginId;
use crate::words::{Hook, LogLevel, Protocol, Refusal};

/// Why a rule cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Illegal {
    /// A packet at the hook never has the field.
    #[error("a packet at hook {} has no `{field}`", hook.name())]
    Hook {
        /// The field.
        field: Field,
        /// The hook.
        hook: Hook,
    },
    /// The field does not take this kind of test.
    #[error("`{0}` cannot be tested this way")]
    Test(Field),
    /// A value is too wide for the field.
    #[error("a value is too large for `{0}`")]
    Width(Field),
    /// Nothing to test against: the rule would match never or always.
    #[error("the test of `{0}` has no values")]
    Empty(Field),
    /// A TCP reset answers TCP only.
    #[error("a tcp reset needs a rule that matches tcp alone")]
    ResetWithoutTcp,
    /// The name of an interface is empty, too long or has a character that no interface has.
    #[error("`{0}` is not a name of an interface")]
    InterfaceName(String),
    /// A rule without matches, statements and verdict does nothing.
    #[error("the rule does nothing")]
    Nothing,
    /// A log prefix is longer than the kernel's 127 bytes or holds a quote or a control character.
    #[error("`{0}` cannot be a log prefix")]
    LogPrefix(String),
    /// The name of a set or chain is not one that nft can write.
    #[error("`{0}` cannot be a name")]
    Name(String),
}

/// The name of an interface, or all names that start alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfacePattern {
    stem: String,
    open: bool,
}

impl InterfacePattern {
    /// The longest name, in bytes (`IFNAMSIZ` less the final NUL).
    pub const MAX: usize = 15;

    /// Reads `eth0` or `wlan*`. A lone `*` is not a pattern: it tests nothing.
    ///
    /// # Errors
    /// [`Illegal::InterfaceName`] where no interface can have the name (`dev_valid_name` in `net/core/dev.c`).
    pub fn new(text: &str) -> Result<Self, Illegal> {
        let (stem, open) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'*' | b'"' | b'\\');
        if stem.is_empty() || stem.len() > Self::MAX || !stem.bytes().all(legal) || matches!(stem, "." | "..") {
            return Err(Illegal::InterfaceName(text.to_owned()));
        }
        Ok(Self { stem: stem.to_owned(), open })
    }

    /// The name, or what the names start with.
    #[must_use]
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// Whether any ending may follow, the empty one too.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Whether an interface of this name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if self.open { name.starts_with(&self.stem) } else { name == self.stem }
    }
}

impl fmt::Display for InterfacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.stem, if self.open { "*" } else { "" })
    }
}

impl TryFrom<String> for InterfacePattern {
    type Error = Illegal;

    fn try_from(text: String) -> Result<Self, Illegal> {
        Self::new(&text)
    }
}

impl From<InterfacePattern> for String {
    fn from(pattern: InterfacePattern) -> Self {
        pattern.to_string()
    }
}

/// The values that a test compares with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Values {
    /// Written in the rule.
    Inline(IntervalSet),
    /// A named set of the same table.
    Set(String),
}

/// One test of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// The field has at least one of the bits: `ct state new,established`.
    AnyOf {
        /// The field.
        field: Field,
        /// The bits, never none.
        bits: u32,
    },
    /// The field's value is one of the values, or none of them if negated: `tcp dport { 80, 443 }`.
    In {
        /// The field.
        field: Field,
        /// The values.
        values: Values,
        /// None of them.
        negated: bool,
    },
    /// One of the names, or none of them if negated: `iifname { "eth0", "wlan*" }`.
    Interface {
        /// `iifname` or `oifname`.
        field: Field,
        /// The names, never none.
        names: Vec<InterfacePattern>,
        /// None of them.
        negated: bool,
    },
    /// Not more often than the rate: `limit rate 5/second burst 10 packets`.
    Limit(Limit),
    /// Of the bits in the mask exactly those of the value are set: `tcp flags syn / syn,ack`.
    Masked {
        /// The field.
        field: Field,
        /// The bits that are looked at, never none.
        mask: u32,
        /// The bits that must be set.
        value: u32,
    },
}

impl Match {
    /// The field that is tested, if it is a test of a field.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        match self {
            Self::AnyOf { field, .. }
            | Self::In { field, .. }
            | Self::Interface { field, .. }
            | Self::Masked { field, .. } => Some(*field),
            Self::Limit(_) => None,
        }
    }

    fn check(&self, hook: Hook) -> Result<(), Illegal> {
        let Some(field) = self.field() else { return Ok(()) };
        let row = field.row();
        if !row.at(hook) {
            return Err(Illegal::Hook { field, hook });
        }
        match self {
            Self::AnyOf { bits, .. } => match row.kind {
                Kind::Bits if *bits == 0 => Err(Illegal::Empty(field)),
                Kind::Bits if u128::from(*bits) <= field.max() => Ok(()),
                Kind::Bits => Err(Illegal::Width(field)),
                _ => Err(Illegal::Test(field)),
            },
            Self::Masked { mask, value, .. } => match row.kind {
                Kind::Bits if *mask == 0 => Err(Illegal::Empty(field)),
                Kind::Bits if u128::from(*mask) <= field.max() && value & !mask == 0 => Ok(()),
                Kind::Bits => Err(Illegal::Width(field)),
                _ => Err(Illegal::Test(field)),
            },
            Self::Interface { names, .. } => match row.kind {
                Kind::InterfaceName if names.is_empty() => Err(Illegal::Empty(field)),
                Kind::InterfaceName => Ok(()),
                _ => Err(Illegal::Test(field)),
            },
            Self::In { values, .. } => match (row.kind, values) {
                (Kind::Bits | Kind::InterfaceName, _) => Err(Illegal::Test(field)),
                (_, Values::Set(_)) => Ok(()),
                (_, Values::Inline(set)) if set.is_empty() => Err(Illegal::Empty(field)),
                (_, Values::Inline(set)) if set.contains_all(&IntervalSet::range(0, field.max())) => {
                    Err(Illegal::Empty(field))
                }
                (_, Values::Inline(set)) if set.intervals().iter().any(|&(_, last)| last > field.max()) => {
                    Err(Illegal::Width(field))
                }
                _ => Ok(()),
            },
            Self::Limit(_) => Ok(()),
        }
    }

    /// Whether a packet must be of the protocol to match.
    fn demands(&self, protocol: Protocol) -> bool {
        let named = matches!(self, Self::In { field: Field::L4proto, values: Values::Inline(set), negated: false }
            if set.single() == Some(u128::from(protocol.0)));
        named || self.field().is_some_and(|field| field.row().needs == Needs::Protocol(protocol))
    }
}

/// A token bucket: `limit rate AMOUNT/UNIT burst BURST packets` (`net/netfilter/nft_limit.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Packets for each unit of time.
    pub amount: NonZeroU32,
    /// The unit of time.
    pub per: Per,
    /// Packets that may come at once.
    pub burst: NonZeroU32,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// 1 s
    Second,
    /// 60 s
    Minute,
    /// 3,600 s
    Hour,
    /// 86,400 s
    Day,
}

impl Per {
    /// The unit in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Its length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86400,
        }
    }
}

/// Something that a rule does on the way, whatever its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statement {
    /// Records the packet.
    Log(Log),
}

/// Where and how a packet is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Log {
    /// Stands before the record, as it is: an ending space is part of it.
    pub prefix: Option<String>,
    /// The record's destination.
    pub target: LogTarget,
}

/// The destination of a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogTarget {
    /// A group of nfnetlink_log.
    Group(u16),
    /// The kernel's ring buffer.
    Kernel(LogLevel),
}

impl Default for LogTarget {
    fn default() -> Self {
        Self::Kernel(LogLevel::Warn)
    }
}

impl Log {
    /// The longest prefix, in bytes (`NF_LOG_PREFIXLEN` less the final NUL).
    pub const PREFIX_MAX: usize = 127;

    fn check(&self) -> Result<(), Illegal> {
        let legal = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
        match &self.prefix {
            Some(prefix) if prefix.is_empty() || prefix.len() > Self::PREFIX_MAX || !prefix.bytes().all(legal) => {
                Err(Illegal::LogPrefix(prefix.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// What becomes of a packet that a rule matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It leaves the chain and goes on to the next.
    Accept,
    /// It is gone.
    Drop,
    /// It is gone, and its sender gets an answer.
    Reject(Refusal),
}

/// One rule of a base chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    matches: Vec<Match>,
    statements: Vec<Statement>,
    verdict: Option<Verdict>,
    origin: OriginId,
}

impl Rule {
    /// A rule for a chain at `hook`, written because of `origin`. Without a verdict, matched packets go on.
    ///
    /// # Errors
    /// What makes the rule illegal at that hook.
    pub fn new(
        hook: Hook,
        origin: OriginId,
        matches: Vec<Match>,
        statements: Vec<Statement>,
        verdict: Option<Verdict>,
    ) -> Result<Self, Illegal> {
        for test in &matches {
            test.check(hook)?;
        }
        for statement in &statements {
            let Statement::Log(log) = statement;
            log.check()?;
        }
        if statements.is_empty() && verdict.is_none() {
            return Err(Illegal::Nothing);
        }
        let reset = verdict == Some(Verdict::Reject(Refusal::TcpReset));
        if reset && !matches.iter().any(|test| test.demands(Protocol::TCP)) {
            return Err(Illegal::ResetWithoutTcp);
        }
        Ok(Self { matches, statements, verdict, origin })
    }

    /// The tests, all of which a packet must pass, in order.
    #[must_use]
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// What happens to a matched packet before the verdict.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The verdict; none: the packet goes on.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Why the rule is there.
    #[must_use]
    pub const fn origin(&self) -> OriginId {
        self.origin
    }
}
