// SPDX-License-Identifier: GPL-3.0-or-later
//! How loud a log record is.

use serde::{Deserialize, Serialize};

/// A level of syslog(3), from the loudest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// 0: the system is unusable.
    Emerg,
    /// 1: act at once.
    Alert,
    /// 2: critical.
    Crit,
    /// 3: errors.
    Err,
    /// 4: warnings; what the kernel takes when none is named.
    Warn,
    /// 5: normal but notable.
    Notice,
    /// 6: informational.
    Info,
    /// 7: debugging.
    Debug,
}

impl LogLevel {
    /// All of them, by number.
    pub const ALL: [Self; 8] =
        [Self::Emerg, Self::Alert, Self::Crit, Self::Err, Self::Warn, Self::Notice, Self::Info, Self::Debug];

    /// The level in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Err => "err",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The level of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The level of a number of syslog(3).
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }

    /// The number of syslog(3).
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}

/// What a log record to the kernel's ring buffer tells beside the addresses and ports (`NF_LOG_*` in
/// `include/uapi/linux/netfilter/nf_log.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogFlags(u8);

impl LogFlags {
    /// Each flag with nft's words and its bit.
    pub const NAMES: [(&'static str, u8); 5] =
        [("tcp sequence", 1), ("tcp options", 2), ("ip options", 4), ("skuid", 8), ("ether", 32)];
    /// All of them.
    pub const ALL: Self = Self(1 | 2 | 4 | 8 | 32);
    /// None.
    pub const NONE: Self = Self(0);

    /// The flags of the kernel's bits; unknown bits are an error.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// The kernel's bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flag of nft's words.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, bit)| Self(bit))
    }

    /// nft's words for each that is set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(_, bit)| self.0 & bit != 0).map(|(name, _)| name)
    }
}
