// SPDX-License-Identifier: GPL-3.0-or-later
//! From the handle of a rule, which the trace names, to the sentence behind it.
//!
//! The kernel numbers rules as it likes. After the ruleset is loaded its rules are dumped; in each chain the n-th rule
//! comes from the n-th origin. The dump also tells which rules refuse: a trace shows those as drops, and whether an answer
//! was made does not tell either, for some packets are refused and never answered.

use ringwall_ir::OriginId;
use ringwall_ir::words::TableFamily;

use super::harness;
use super::job::Failure;
use super::load::ChainOrigins;
use crate::netlink::{Attributes, Malformed, NetlinkError, Query, Socket, dump};

/// `NFT_MSG_GETRULE`
const GET_RULE: u32 = 7;

/// What is known of the rules in the kernel.
#[derive(Debug, Default)]
pub(super) struct Provenance {
    chains: Vec<KnownChain>,
}

#[derive(Debug)]
struct KnownChain {
    family: u8,
    table: String,
    chain: String,
    policy: Option<OriginId>,
    /// In the kernel's order while origins are put to them, then by handle.
    rules: Vec<KnownRule>,
}

/// What is known of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KnownRule {
    handle: u64,
    /// Where it comes from.
    pub origin: Option<OriginId>,
    /// Whether it refuses what it drops.
    pub refuses: bool,
}

impl Provenance {
    /// Reads the rules of this namespace and puts their origins to them.
    ///
    /// # Errors
    /// A chain that does not have as many rules as origins; a ruleset that removed the harness.
    pub(super) fn read(origins: &[ChainOrigins]) -> Result<Self, Failure> {
        let mut known = Self::dump().map_err(Failure::at("reading the rules back"))?;
        for harness in [harness::OBSERVERS, harness::SINK] {
            if !known.chains.iter().any(|chain| chain.table == harness) {
                return Err(Failure::Broken("the ruleset removes other tables (`flush ruleset`)".to_owned()));
            }
        }
        origins.iter().try_for_each(|chain| known.attribute(chain))?;
        for chain in &mut known.chains {
            chain.rules.sort_by_key(|rule| rule.handle);
        }
        Ok(known)
    }

    fn dump() -> Result<Self, NetlinkError> {
        let mut known = Self::default();
        let mut socket = Socket::open()?;
        for message in dump(&mut socket, Query::nf_tables(GET_RULE, 0, &[]))?.messages() {
            let (family, attributes) = message?.netfilter()?;
            let rule = read_rule(attributes)?;
            known.chain(family, attributes.need(1)?.text()?, attributes.need(2)?.text()?).rules.push(rule);
        }
        Ok(known)
    }

    /// The chain of a name, which is added if it is not there.
    fn chain(&mut self, family: u8, table: &str, chain: &str) -> &mut KnownChain {
        let is = |known: &KnownChain| known.is(family, table.as_bytes(), chain.as_bytes());
        let place = self.chains.iter().position(is).unwrap_or(self.chains.len());
        if place == self.chains.len() {
            let (table, chain) = (table.to_owned(), chain.to_owned());
            self.chains.push(KnownChain { family, table, chain, policy: None, rules: Vec::new() });
        }
        #[expect(clippy::indexing_slicing, reason = "the place was found or has just been filled")]
        &mut self.chains[place]
    }

    fn attribute(&mut self, origins: &ChainOrigins) -> Result<(), Failure> {
        let chain = self.chain(number(origins.family), &origins.table, &origins.chain);
        if chain.rules.len() != origins.rules.len() {
            return Err(Failure::Broken(format!(
                "chain {} {} {} has {} rules in the kernel and {} origins",
                origins.family.name(),
                origins.table,
                origins.chain,
                chain.rules.len(),
                origins.rules.len(),
            )));
        }
        chain.policy = Some(origins.policy);
        for (rule, &origin) in chain.rules.iter_mut().zip(&origins.rules) {
            rule.origin = Some(origin);
        }
        Ok(())
    }

    /// The rule of a handle.
    pub(super) fn rule(&self, family: u8, table: &[u8], chain: &[u8], handle: u64) -> Option<KnownRule> {
        let chain = self.chains.iter().find(|known| known.is(family, table, chain))?;
        let place = chain.rules.binary_search_by_key(&handle, |rule| rule.handle).ok()?;
        chain.rules.get(place).copied()
    }

    /// The origin of a chain policy.
    pub(super) fn policy(&self, family: u8, table: &[u8], chain: &[u8]) -> Option<OriginId> {
        self.chains.iter().find(|known| known.is(family, table, chain))?.policy
    }
}

impl KnownChain {
    fn is(&self, family: u8, table: &[u8], chain: &[u8]) -> bool {
        self.family == family && self.table.as_bytes() == table && self.chain.as_bytes() == chain
    }
}

/// `NFPROTO_*`
const fn number(family: TableFamily) -> u8 {
    match family {
        TableFamily::Inet => 1,
        TableFamily::Ip => 2,
        TableFamily::Ip6 => 10,
    }
}

/// Handle and expressions of a rule (`enum nft_rule_attributes`). iptables refuses by an expression of its own, or by the
/// `target` of xtables.
fn read_rule(attributes: Attributes<'_>) -> Result<KnownRule, Malformed> {
    let mut rule = KnownRule { handle: attributes.need(3)?.be64()?, origin: None, refuses: false };
    let expressions = attributes.get(4).map(|list| list.nested()).transpose()?;
    for expression in expressions.iter().flat_map(|list| list.iter()) {
        let expression = expression.value.nested()?;
        rule.refuses |= match expression.need(1)?.text()? {
            "reject" => true,
            "target" => expression.need(2)?.nested()?.need(1)?.text()? == "REJECT",
            _ => false,
        };
    }
    Ok(rule)
}
