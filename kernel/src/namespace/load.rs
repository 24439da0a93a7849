// SPDX-License-Identifier: GPL-3.0-or-later
//! A ruleset in one of its forms, with what is needed to find the sentence behind each rule of the kernel.

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Chain, OriginId, Rule, Ruleset, Table};
use serde::{Deserialize, Serialize};

use crate::nft::closes;

/// A ruleset to load, and where its rules come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// The ruleset.
    pub form: Form,
    /// Its chains. Decisions of chains that are not listed have no origin.
    pub chains: Vec<ChainOrigins>,
}

/// A ruleset in one of its forms.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// nft text, through nft(8). It must leave other tables alone: no `flush ruleset`.
    Nft(String),
    /// iptables-save text a family, through iptables-nft-restore(8) and ip6tables-nft-restore(8), behind the sets that it
    /// speaks of, through ipset(8). Empty text is not loaded.
    Iptables {
        /// The sets of both families.
        sets: String,
        /// IPv4.
        v4: String,
        /// IPv6.
        v6: String,
    },
    /// The IR itself, over netlink, as [`crate::install`] installs it.
    Netlink(Ruleset),
    /// No ruleset: everything passes.
    Empty,
}

/// The origin of each rule of one chain of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainOrigins {
    /// The family of the table.
    pub family: TableFamily,
    /// The table.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// An origin for each rule that the kernel holds, in order; a final drop that closes the chain counts as a rule.
    pub rules: Vec<OriginId>,
    /// The origin of the chain policy.
    pub policy: OriginId,
}

/// What iptables-restore is given for one family.
#[derive(Clone, Debug, Default)]
pub struct IptablesText {
    /// The sets, for `ipset restore`.
    pub sets: String,
    /// The rules.
    pub rules: String,
    /// The chains of the rules.
    pub chains: Vec<ChainOrigins>,
}

impl Load {
    /// Nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self { form: Form::Empty, chains: Vec::new() }
    }

    /// The ruleset over netlink.
    #[must_use]
    pub fn netlink(ruleset: &Ruleset) -> Self {
        Self { form: Form::Netlink(ruleset.clone()), chains: origins(ruleset) }
    }

    /// The ruleset as the nft text that was written from it.
    #[must_use]
    pub fn nft(text: &str, ruleset: &Ruleset) -> Self {
        Self { form: Form::Nft(text.to_owned()), chains: origins(ruleset) }
    }

    /// The ruleset as the iptables texts that were written from it.
    #[must_use]
    pub fn iptables(v4: IptablesText, v6: IptablesText) -> Self {
        let form = Form::Iptables { sets: v4.sets + &v6.sets, v4: v4.rules, v6: v6.rules };
        Self { form, chains: v4.chains.into_iter().chain(v6.chains).collect() }
    }
}

/// The chains as nft text and netlink put them into the kernel.
fn origins(ruleset: &Ruleset) -> Vec<ChainOrigins> {
    let of = |table: &Table, chain: &Chain| {
        let bound = chain.bound();
        let closing = bound.filter(|base| closes(base)).map(|base| base.closing);
        ChainOrigins {
            family: table.family(),
            table: table.name().to_owned(),
            chain: chain.name().to_owned(),
            rules: chain.rules().iter().map(Rule::origin).chain(closing).collect(),
            policy: bound.map_or(OriginId(0), |base| base.closing),
        }
    };
    ruleset.chains().map(|(table, chain)| of(table, chain)).collect()
}
