// SPDX-License-Identifier: GPL-3.0-or-later
//! Named objects of a table, which rules speak of.

use crate::legal::{Illegal, check_name};
use crate::rule::{Counts, Limit, Quota};
use crate::ruleset::OriginId;
use crate::words::{Family, Protocol};

/// A named object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    name: String,
    body: ObjectBody,
    comment: Option<String>,
    origin: OriginId,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectBody {
    /// Counts packets and bytes.
    Counter(Counts),
    /// A helper of connection tracking.
    CtHelper {
        /// The kernel's name for it: `ftp`.
        helper: String,
        /// The family that it is for; none: that of the table.
        family: Option<Family>,
        /// The protocol that it is for.
        protocol: Protocol,
    },
    /// Timeouts of connection tracking.
    CtTimeout {
        /// The family that they are for; none: that of the table.
        family: Option<Family>,
        /// The protocol that they are for.
        protocol: Protocol,
        /// The timeouts, in seconds, by nft's word for the state; the others stay as they are.
        timeouts: Vec<(String, u32)>,
    },
    /// A rate that all rules that name it share.
    Limit(Limit),
    /// An amount of bytes that all rules that name it share.
    Quota(Quota),
}

/// The kinds of objects (`NFT_OBJECT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `counter`
    Counter,
    /// `ct helper`
    CtHelper,
    /// `ct timeout`
    CtTimeout,
    /// `limit`
    Limit,
    /// `quota`
    Quota,
}

impl ObjectKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Counter, Self::CtHelper, Self::CtTimeout, Self::Limit, Self::Quota];

    /// The kind in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::CtHelper => "ct helper",
            Self::CtTimeout => "ct timeout",
            Self::Limit => "limit",
            Self::Quota => "quota",
        }
    }

    /// The kernel's number (`NFT_OBJECT_*` in `include/uapi/linux/netfilter/nf_tables.h`).
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Counter => 1,
            Self::Quota => 2,
            Self::CtHelper => 3,
            Self::Limit => 4,
            Self::CtTimeout => 7,
        }
    }

    /// The kind of the kernel's number.
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl ObjectBody {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        match self {
            Self::Counter(_) => ObjectKind::Counter,
            Self::CtHelper { .. } => ObjectKind::CtHelper,
            Self::CtTimeout { .. } => ObjectKind::CtTimeout,
            Self::Limit(_) => ObjectKind::Limit,
            Self::Quota(_) => ObjectKind::Quota,
        }
    }
}

impl Object {
    /// An object, declared by `origin`.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name, [`Illegal::Limit`] where the kernel could not count.
    pub fn new(name: &str, body: ObjectBody, origin: OriginId) -> Result<Self, Illegal> {
        check_name(name)?;
        if let ObjectBody::Limit(limit) = &body {
            limit.check()?;
        }
        Ok(Self { name: name.to_owned(), body, comment: None, origin })
    }

    /// The same with what somebody wrote beside it.
    #[must_use]
    pub fn with_comment(self, comment: Option<String>) -> Self {
        Self { comment, ..self }
    }

    /// What somebody wrote beside it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Its name, of which a table may have one for each kind.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub const fn body(&self) -> &ObjectBody {
        &self.body
    }

    /// Why it is there.
    #[must_use]
    pub const fn origin(&self) -> OriginId {
        self.origin
    }
}
