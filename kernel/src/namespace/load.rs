// SPDX-License-Identifier: GPL-3.0-or-later
//! A ruleset in one of its forms, with what is needed to find the sentence behind each rule of the kernel.

use ringwall_ir::words::{ChainPolicy, TableFamily};
use ringwall_ir::{Chain, OriginId, Rule, Ruleset};
use serde::{Deserialize, Serialize};

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
    /// iptables-save text a family, through iptables-nft-restore(8) and ip6tables-nft-restore(8). Empty text is not loaded.
    Iptables {
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

/// iptables-save text of one family: the text itself, and for each of its chains the origins of the rules it holds.
pub type IptablesText = (String, Vec<(String, Vec<OriginId>)>);

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
    pub fn iptables(v4: IptablesText, v6: IptablesText, ruleset: &Ruleset) -> Self {
        let chains = [(TableFamily::Ip, v4.1), (TableFamily::Ip6, v6.1)]
            .into_iter()
            .flat_map(|(family, chains)| chains.into_iter().map(move |(chain, rules)| (family, chain, rules)))
            .map(|(family, chain, rules)| ChainOrigins {
                policy: closing(ruleset, &chain),
                table: "filter".to_owned(),
                family,
                chain,
                rules,
            })
            .collect();
        Self { form: Form::Iptables { v4: v4.0, v6: v6.0 }, chains }
    }
}

/// Why the chain policy of one of iptables' chains is what it is. A chain of one's own has none.
fn closing(ruleset: &Ruleset, chain: &str) -> OriginId {
    let built_in = |own: &&Chain| own.hook().name().eq_ignore_ascii_case(chain);
    let found = ruleset.chains().map(|(_, own)| own).find(built_in);
    found.map_or(OriginId(0), Chain::closing)
}

/// The chains as nft text and netlink put them into the kernel.
fn origins(ruleset: &Ruleset) -> Vec<ChainOrigins> {
    let of = |chain: &Chain| {
        let closing = (chain.policy() == ChainPolicy::Drop).then_some(chain.closing());
        chain.rules().iter().map(Rule::origin).chain(closing).collect()
    };
    ruleset
        .chains()
        .map(|(table, chain)| ChainOrigins {
            family: table.family(),
            table: table.name().to_owned(),
            chain: chain.name().to_owned(),
            rules: of(chain),
            policy: chain.closing(),
        })
        .collect()
}
