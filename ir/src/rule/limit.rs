// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests that count.

use std::num::{NonZeroU32, NonZeroU64};

use crate::legal::Illegal;

/// A token bucket: `limit rate AMOUNT/PER burst BURST` (`net/netfilter/nft_limit.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Packets or bytes for each unit of time.
    pub amount: NonZeroU64,
    /// The unit of time.
    pub per: Per,
    /// What is counted.
    pub unit: LimitUnit,
    /// How many packets, or bytes beyond the rate, may come at once.
    pub burst: u32,
    /// It passes what exceeds the rate, instead of what is within it.
    pub over: bool,
}

impl Limit {
    /// The packets that are within a rate.
    #[must_use]
    pub const fn packets(amount: NonZeroU32, per: Per, burst: NonZeroU32) -> Self {
        let amount = match NonZeroU64::new(amount.get() as u64) {
            Some(amount) => amount,
            None => NonZeroU64::MIN,
        };
        Self { amount, per, unit: LimitUnit::Packets, burst: burst.get(), over: false }
    }

    /// What the bucket holds when full, in nanoseconds, as the kernel counts it: 64 bits (`nft_limit_init`).
    #[must_use]
    pub fn capacity(&self) -> Option<u64> {
        let second = u64::from(self.per.seconds()).checked_mul(1_000_000_000)?;
        match self.unit {
            // The price of a packet is rounded down first.
            LimitUnit::Packets => second.checked_div(self.amount.get())?.checked_mul(u64::from(self.burst)),
            LimitUnit::Bytes => {
                let bytes = self.amount.get().checked_add(u64::from(self.burst))?;
                second.checked_mul(bytes)?.checked_div(self.amount.get())
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), Illegal> {
        match self.unit {
            LimitUnit::Packets if self.burst == 0 => Err(Illegal::Limit),
            _ if self.capacity().is_none() => Err(Illegal::Limit),
            _ => Ok(()),
        }
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LimitUnit {
    /// Packets.
    #[default]
    Packets,
    /// Bytes of packets, from the IP header on.
    Bytes,
}

impl LimitUnit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Packets, Self::Bytes];

    /// The unit in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Bytes => "bytes",
        }
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// 1 s
    Second,
    /// 60 s
    Minute,
    /// 3,600 s
    Hour,
    /// 86,400 s
    Day,
    /// 604,800 s
    Week,
}

impl Per {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week];

    /// The unit in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// The unit of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|per| per.name() == name)
    }

    /// Its length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86400,
            Self::Week => 604_800,
        }
    }
}

/// An amount of bytes: `quota BYTES` (`net/netfilter/nft_quota.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// The amount.
    pub bytes: u64,
    /// How much of it is used up.
    pub used: u64,
    /// It passes what exceeds the amount, instead of what is within it.
    pub over: bool,
}

/// A number of open conversations: `ct count NUMBER` (`net/netfilter/nft_connlimit.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnLimit {
    /// The number.
    pub count: u32,
    /// It passes what exceeds the number, instead of what is within it.
    pub over: bool,
}
