// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a ruleset cannot be installed or read, in the words of the policy.

use std::fmt;

use nix::errno::Errno;
use thiserror::Error;

use crate::netlink::{NetlinkError, Refused};
use crate::nft::UnknownPart;

/// What one message of a transaction is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A chain, with its chain policy.
    Chain(String),
    /// A rule of a chain.
    Rule {
        /// The chain.
        chain: String,
        /// The comment of the rule.
        id: String,
        /// The sentence that it comes from, empty if there is none.
        sentence: String,
    },
    /// A named set.
    Set(String),
    /// A table.
    Table(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(name) => write!(f, "chain `{name}`"),
            Self::Rule { chain, id, sentence } if sentence.is_empty() => write!(f, "rule `{id}` of chain `{chain}`"),
            Self::Rule { chain, sentence, .. } => write!(f, "`{sentence}` (in chain `{chain}`)"),
            Self::Set(name) => write!(f, "set `{name}`"),
            Self::Table(name) => write!(f, "table `{name}`"),
        }
    }
}

/// The kernel's refusal, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part}: {refused}")]
pub struct RefusedPart {
    /// What is refused.
    pub part: Part,
    /// Why.
    pub refused: Refused,
}

/// Why a ruleset cannot be installed. What was in the kernel is still in force.
#[derive(Debug, Error)]
pub enum InstallError {
    /// The socket fails, or the kernel answers what cannot be read.
    #[error(transparent)]
    Netlink(NetlinkError),
    /// The caller may not change the ruleset.
    #[error("not permitted to change the ruleset: this needs CAP_NET_ADMIN in the network namespace")]
    NotPermitted,
    /// Other programs change the ruleset all the time.
    #[error("other programs change the ruleset at the same time, again and again")]
    Overtaken,
    /// The kernel refuses a part.
    #[error("the kernel refuses {first}{}", also(.rest))]
    Refused {
        /// The first part that it refuses.
        first: Box<RefusedPart>,
        /// The parts after it; many are refused only because of the first.
        rest: Vec<RefusedPart>,
    },
    /// A rule has more expressions than the kernel takes.
    #[error("{0} is too long: it needs more than {max} steps in the kernel", max = super::replace::MAX_EXPRESSIONS)]
    TooLong(Part),
    /// An ordinary user may send so much and no more.
    #[error("the ruleset is larger than this user may send to the kernel at once")]
    TooLarge,
}

fn also(rest: &[RefusedPart]) -> String {
    match rest.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}

impl From<NetlinkError> for InstallError {
    fn from(error: NetlinkError) -> Self {
        match error {
            error if error.is(Errno::EPERM) => Self::NotPermitted,
            NetlinkError::Socket(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => Self::TooLarge,
            error => Self::Netlink(error),
        }
    }
}

impl InstallError {
    /// What the kernel refused, told by the sequence numbers of messages; none if it refused nothing.
    pub(super) fn refused(refused: &[Refused], parts: &[Part]) -> Option<Self> {
        let named = |refused: &Refused| {
            let index = usize::try_from(refused.sequence).ok()?.checked_sub(1)?;
            Some(RefusedPart { part: parts.get(index)?.clone(), refused: refused.clone() })
        };
        let mut named_parts = refused.iter().filter_map(named);
        match (named_parts.next(), refused.first()) {
            (Some(first), _) => Some(Self::Refused { first: Box::new(first), rest: named_parts.collect() }),
            (None, Some(whole)) => Some(NetlinkError::Refused(whole.clone()).into()),
            (None, None) => None,
        }
    }
}

/// Why a table cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The socket fails, or the kernel answers what cannot be read.
    #[error(transparent)]
    Netlink(NetlinkError),
    /// The caller may not read the ruleset.
    #[error("not permitted to read the ruleset: this needs CAP_NET_ADMIN in the network namespace")]
    NotPermitted,
    /// The table holds something that is not of ours.
    #[error(transparent)]
    Unknown(UnknownPart),
}

impl From<NetlinkError> for ReadError {
    fn from(error: NetlinkError) -> Self {
        if error.is(Errno::EPERM) { Self::NotPermitted } else { Self::Netlink(error) }
    }
}
