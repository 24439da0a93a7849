// SPDX-License-Identifier: GPL-3.0-or-later
//! What connection tracking says of a packet and of an entry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The ct state of one packet (`ct state` in nft(8), `--ctstate` in iptables-extensions(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CtState {
    /// Opens a conversation.
    New,
    /// Belongs to a conversation that has been answered.
    Established,
    /// Opens a conversation that another one announced, or is an error about one.
    Related,
    /// Cannot be given to any conversation.
    Invalid,
    /// Was never shown to connection tracking.
    Untracked,
}

impl CtState {
    /// All of them, in the order in which the language lists them.
    pub const ALL: [Self; 5] = [Self::New, Self::Established, Self::Related, Self::Invalid, Self::Untracked];

    /// The state in nft's and the language's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Related => "related",
            Self::Invalid => "invalid",
            Self::Untracked => "untracked",
        }
    }

    /// The bit that nf_tables tests (`NF_CT_STATE_BIT` and its neighbours in
    /// `include/uapi/linux/netfilter/nf_conntrack_common.h`).
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::Invalid => 1,
            Self::Established => 2,
            Self::Related => 4,
            Self::New => 8,
            Self::Untracked => 64,
        }
    }
}

impl fmt::Display for CtState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of ct states.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CtStates(u8);

impl CtStates {
    /// No state.
    pub const NONE: Self = Self(0);
    /// All five.
    pub const ALL: Self = Self(1 | 2 | 4 | 8 | 64);

    /// The states of a list.
    #[must_use]
    pub fn of(states: &[CtState]) -> Self {
        states.iter().copied().collect()
    }

    /// The states of nf_tables' bits; unknown bits are an error.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// nf_tables' bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `state` is one of them.
    #[must_use]
    pub const fn contains(self, state: CtState) -> bool {
        self.0 & state.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of these that are also in `other`.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each of them, in the order of [`CtState::ALL`].
    pub fn iter(self) -> impl Iterator<Item = CtState> {
        CtState::ALL.into_iter().filter(move |&state| self.contains(state))
    }
}

impl FromIterator<CtState> for CtStates {
    fn from_iter<I: IntoIterator<Item = CtState>>(states: I) -> Self {
        Self(states.into_iter().fold(0, |bits, state| bits | state.bit()))
    }
}

impl fmt::Display for CtStates {
    /// `new,established`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, state) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(state.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for CtStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl Serialize for CtStates {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for CtStates {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<CtState>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Which way a packet goes, seen from the first packet of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CtDirection {
    /// The way of the first packet.
    Original,
    /// The other way.
    Reply,
}

impl CtDirection {
    /// The direction in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Reply => "reply",
        }
    }

    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Original => Self::Reply,
            Self::Reply => Self::Original,
        }
    }
}

/// The status bits of a conntrack entry: `enum ip_conntrack_status` in
/// `include/uapi/linux/netfilter/nf_conntrack_common.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CtStatus(pub u32);

impl CtStatus {
    /// The entry was expected by another.
    pub const EXPECTED: Self = Self(1);
    /// Packets were seen both ways.
    pub const SEEN_REPLY: Self = Self(1 << 1);
    /// The entry is never dropped early.
    pub const ASSURED: Self = Self(1 << 2);
    /// The entry is in the table.
    pub const CONFIRMED: Self = Self(1 << 3);
    /// The source is translated.
    pub const SRC_NAT: Self = Self(1 << 4);
    /// The destination is translated.
    pub const DST_NAT: Self = Self(1 << 5);
    /// A helper changed the length of what was sent.
    pub const SEQ_ADJUST: Self = Self(1 << 6);
    /// It was decided whether the source is translated.
    pub const SRC_NAT_DONE: Self = Self(1 << 7);
    /// It was decided whether the destination is translated.
    pub const DST_NAT_DONE: Self = Self(1 << 8);
    /// The entry is on its way out.
    pub const DYING: Self = Self(1 << 9);
    /// A rule gave the entry its helper.
    pub const HELPER: Self = Self(1 << 13);

    /// The bits that nft(8) has a word for.
    pub const NFT_NAMES: [(&'static str, Self); 7] = [
        ("expected", Self::EXPECTED),
        ("seen-reply", Self::SEEN_REPLY),
        ("assured", Self::ASSURED),
        ("confirmed", Self::CONFIRMED),
        ("snat", Self::SRC_NAT),
        ("dnat", Self::DST_NAT),
        ("dying", Self::DYING),
    ];

    /// The names of the bits, from bit 0 on, as conntrack(8) prints them in capitals.
    pub const NAMES: [&'static str; 16] = [
        "EXPECTED",
        "SEEN_REPLY",
        "ASSURED",
        "CONFIRMED",
        "SRC_NAT",
        "DST_NAT",
        "SEQ_ADJUST",
        "SRC_NAT_DONE",
        "DST_NAT_DONE",
        "DYING",
        "FIXED_TIMEOUT",
        "TEMPLATE",
        "NAT_CLASH",
        "HELPER",
        "OFFLOAD",
        "HW_OFFLOAD",
    ];

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// With the bits of `other` set too.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of the bits that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name)
    }
}
