// SPDX-License-Identifier: GPL-3.0-or-later
//! Why a ruleset cannot be installed or read, in the words of the policy.

use nix::errno::Errno;
use ringwall_ir::{Illegal, Ruleset, Unknown};
use thiserror::Error;

use super::part::{About, Part};
use crate::netlink::{Malformed, NetlinkError, Refused};

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
    /// A table of the kernel holds rules that only iptables can read.
    #[error("{0} belongs to iptables: the kernel holds rules in it that only iptables writes")]
    Iptables(Part),
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
    /// A part holds something that was read and is not known.
    #[error("the ruleset holds something that is not known: {} `{}`{}", .0.name, .0.text, because(.0))]
    Unknown(Box<Unknown>),
    /// The kernel cannot be told of a part.
    #[error("{part} cannot be put into the kernel: {reason}")]
    Unsayable {
        /// The part.
        part: Part,
        /// Why not.
        reason: String,
    },
}

impl InstallError {
    /// The parts that it is about, each with its reason, the first one first; none where it is about the whole.
    #[must_use]
    pub fn parts(&self) -> Vec<(&Part, String)> {
        match self {
            Self::Refused { first, rest } => {
                let parts = std::iter::once(&**first).chain(rest);
                parts.map(|refused| (&refused.part, format!("the kernel refuses {refused}"))).collect()
            }
            Self::TooLong(part) | Self::Iptables(part) | Self::Unsayable { part, .. } => vec![(part, self.to_string())],
            Self::Netlink(_) | Self::NotPermitted | Self::Overtaken | Self::TooLarge | Self::Unknown(_) => Vec::new(),
        }
    }
}

/// The reason, where there is one.
fn because(unknown: &Unknown) -> String {
    if unknown.reason.is_empty() { String::new() } else { format!(": {}", unknown.reason) }
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

impl From<Malformed> for InstallError {
    fn from(error: Malformed) -> Self {
        NetlinkError::from(error).into()
    }
}

/// What the kernel refused, in the order of the messages, told by their sequence numbers.
pub(super) fn refused_parts<'r>(
    refused: &'r [Refused],
    about: &'r [About],
    gone: &'r [Part],
    ruleset: &'r Ruleset,
) -> impl Iterator<Item = RefusedPart> + 'r {
    refused.iter().filter_map(|refused| {
        let index = usize::try_from(refused.sequence).ok()?.checked_sub(1)?;
        Some(RefusedPart { part: about.get(index)?.part(ruleset, gone)?, refused: refused.clone() })
    })
}

impl InstallError {
    /// The refusal of parts, or else of the whole transaction; none if nothing was refused.
    pub(super) fn refused(refused: &[Refused], mut parts: impl Iterator<Item = RefusedPart>) -> Option<Self> {
        match (parts.next(), refused.first()) {
            (Some(first), _) => Some(Self::Refused { first: Box::new(first), rest: parts.collect() }),
            (None, Some(whole)) => Some(NetlinkError::Refused(whole.clone()).into()),
            (None, None) => None,
        }
    }
}

/// Why a ruleset cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The IR does not allow what is left of a table when all is named that it has no word for.
    #[error("table `{table}` cannot be read: {illegal}")]
    Illegal {
        /// The table.
        table: String,
        /// Why not.
        illegal: Illegal,
    },
    /// The socket fails, or the kernel answers what cannot be read.
    #[error(transparent)]
    Netlink(NetlinkError),
    /// The caller may not read the ruleset.
    #[error("not permitted to read the ruleset: this needs CAP_NET_ADMIN in the network namespace")]
    NotPermitted,
}

impl From<NetlinkError> for ReadError {
    fn from(error: NetlinkError) -> Self {
        if error.is(Errno::EPERM) { Self::NotPermitted } else { Self::Netlink(error) }
    }
}

impl From<Malformed> for ReadError {
    fn from(error: Malformed) -> Self {
        Self::Netlink(error.into())
    }
}
