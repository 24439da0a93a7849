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
