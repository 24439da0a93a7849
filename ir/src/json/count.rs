// SPDX-License-Identifier: GPL-3.0-or-later
//! What counts: counters, rates, amounts, numbers of conversations.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;
use super::text::Text;
use crate::rule::{self, LimitUnit, Per};

/// What was counted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "what was counted, an object")]
#[schemars(rename = "counts")]
pub(super) struct Counts {
    /// Packets; none if left out.
    #[serde(default, skip_serializing_if = "is_default")]
    packets: u64,
    /// Bytes; none if left out.
    #[serde(default, skip_serializing_if = "is_default")]
    bytes: u64,
}

impl From<rule::Counts> for Counts {
    fn from(rule::Counts { packets, bytes }: rule::Counts) -> Self {
        Self { packets, bytes }
    }
}

impl From<Counts> for rule::Counts {
    fn from(Counts { packets, bytes }: Counts) -> Self {
        Self { packets, bytes }
    }
}

/// A rate: `limit rate` of nft.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a rate, an object")]
#[schemars(rename = "limit")]
pub(super) struct Limit {
    /// How many in a unit of time.
    rate: NonZeroU64,
    /// The unit of time.
    per: Text<Per>,
    /// What is counted; packets if left out.
    #[serde(default = "packets", skip_serializing_if = "is_packets")]
    unit: Text<LimitUnit>,
    /// How many packets, or bytes beyond the rate, may come at once.
    burst: u32,
    /// It passes what exceeds the rate, instead of what is within it.
    #[serde(default, skip_serializing_if = "is_default")]
    over: bool,
}

const fn packets() -> Text<LimitUnit> {
    Text(LimitUnit::Packets)
}

fn is_packets(unit: &Text<LimitUnit>) -> bool {
    *unit == packets()
}

impl From<rule::Limit> for Limit {
    fn from(rule::Limit { amount, per, unit, burst, over }: rule::Limit) -> Self {
        Self { rate: amount, per: Text(per), unit: Text(unit), burst, over }
    }
}

impl From<Limit> for rule::Limit {
    fn from(Limit { rate, per, unit, burst, over }: Limit) -> Self {
        Self { amount: rate, per: per.0, unit: unit.0, burst, over }
    }
}

/// An amount of bytes: `quota` of nft.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "an amount of bytes, an object")]
#[schemars(rename = "quota")]
pub(super) struct Quota {
    /// The amount.
    bytes: u64,
    /// How many of them are used up; none if left out.
    #[serde(default, skip_serializing_if = "is_default")]
    used: u64,
    /// It passes what exceeds the amount, instead of what is within it.
    #[serde(default, skip_serializing_if = "is_default")]
    over: bool,
}

impl From<rule::Quota> for Quota {
    fn from(rule::Quota { bytes, used, over }: rule::Quota) -> Self {
        Self { bytes, used, over }
    }
}

impl From<Quota> for rule::Quota {
    fn from(Quota { bytes, used, over }: Quota) -> Self {
        Self { bytes, used, over }
    }
}

/// A number of open conversations: `ct count` of nft.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a number of conversations, an object")]
#[schemars(rename = "ct-count")]
pub(super) struct ConnLimit {
    /// The number.
    count: u32,
    /// It passes what exceeds the number, instead of what is within it.
    #[serde(default, skip_serializing_if = "is_default")]
    over: bool,
}

impl From<rule::ConnLimit> for ConnLimit {
    fn from(rule::ConnLimit { count, over }: rule::ConnLimit) -> Self {
        Self { count, over }
    }
}

impl From<ConnLimit> for rule::ConnLimit {
    fn from(ConnLimit { count, over }: ConnLimit) -> Self {
        Self { count, over }
    }
}

/// Something that each element of a set counts for itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "something that counts")]
#[schemars(rename = "meter")]
pub(super) enum Meter {
    /// Packets and bytes.
    Counter(Counts),
    /// Open conversations.
    CtCount(ConnLimit),
    /// A rate.
    Limit(Limit),
    /// Bytes.
    Quota(Quota),
}

impl From<&rule::Meter> for Meter {
    fn from(meter: &rule::Meter) -> Self {
        match *meter {
            rule::Meter::ConnLimit(limit) => Self::CtCount(limit.into()),
            rule::Meter::Counter(counts) => Self::Counter(counts.into()),
            rule::Meter::Limit(limit) => Self::Limit(limit.into()),
            rule::Meter::Quota(quota) => Self::Quota(quota.into()),
        }
    }
}

impl From<Meter> for rule::Meter {
    fn from(meter: Meter) -> Self {
        match meter {
            Meter::Counter(counts) => Self::Counter(counts.into()),
            Meter::CtCount(limit) => Self::ConnLimit(limit.into()),
            Meter::Limit(limit) => Self::Limit(limit.into()),
            Meter::Quota(quota) => Self::Quota(quota.into()),
        }
    }
}
