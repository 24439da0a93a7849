// SPDX-License-Identifier: GPL-3.0-or-later
//! What a base chain is for.

use super::Hook;

/// The type of a base chain (`chain type` in nft(8); `nf_tables_api.c` refuses it at other hooks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChainType {
    /// Lets packets pass, or not.
    #[default]
    Filter,
    /// Translates addresses. Only the packet that opens a conversation walks it.
    Nat,
    /// Filters what the host sends, and has it routed anew where a rule changed its mark.
    Route,
}

impl ChainType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Filter, Self::Nat, Self::Route];

    /// The type in nft's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
            Self::Route => "route",
        }
    }

    /// The type of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a chain of the type can be bound to the hook (`hook_mask` in `nft_chain_filter.c`, `nft_chain_nat.c` and
    /// `nft_chain_route.c`).
    #[must_use]
    pub const fn at(self, hook: Hook) -> bool {
        match self {
            Self::Filter => true,
            Self::Nat => !matches!(hook, Hook::Forward),
            Self::Route => matches!(hook, Hook::Output),
        }
    }
}
