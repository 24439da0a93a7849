// SPDX-License-Identifier: GPL-3.0-or-later
//! Base chains of type `filter`.

use ringwall_ir::words::{ChainPolicy, Hook, Priority};
use rustables::{ChainType, HookClass, sys};

use super::Unknown;
use super::expression::only;
use super::rule::{self, Rule};
use crate::netlink::Attributes;

/// `NF_DROP` and `NF_ACCEPT` of `include/uapi/linux/netfilter.h`.
const POLICIES: [(u32, ChainPolicy); 2] = [(0, ChainPolicy::Drop), (1, ChainPolicy::Accept)];

/// A base chain and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// The hook it is bound to.
    pub hook: Hook,
    /// Its place among the chains of the hook.
    pub priority: Priority,
    /// What happens to a packet that no rule decided.
    pub policy: ChainPolicy,
    /// Its rules, with the closing one.
    pub rules: Vec<Rule>,
}

impl Chain {
    /// Appends the rule that closes a closed chain.
    pub(super) fn close(&mut self) {
        if self.policy == ChainPolicy::Drop {
            self.rules.push(rule::closing());
        }
    }

    /// The rules without the closing one.
    ///
    /// # Errors
    /// [`Unknown`] where a closed chain has none: it would let packets through while it is replaced.
    pub(super) fn opened(&self) -> Result<&[Rule], Unknown> {
        match (self.policy, self.rules.as_slice()) {
            (ChainPolicy::Accept, rules) => Ok(rules),
            (ChainPolicy::Drop, [rules @ .., last]) if *last == rule::closing() => Ok(rules),
            (ChainPolicy::Drop, _) => Err(Unknown::Shape("a chain policy of drop without a closing rule")),
        }
    }

    /// Whether the kernel can turn the other into this one without binding it anew.
    #[must_use]
    pub fn stands_where(&self, other: &Self) -> bool {
        (self.hook, self.priority) == (other.hook, other.priority)
    }

    /// The chain without its rules, as rustables takes it.
    #[must_use]
    pub fn declaration(&self, table: &rustables::Table) -> rustables::Chain {
        let class = match self.hook {
            Hook::Prerouting => HookClass::PreRouting,
            Hook::Input => HookClass::In,
            Hook::Forward => HookClass::Forward,
            Hook::Output => HookClass::Out,
            Hook::Postrouting => HookClass::PostRouting,
        };
        rustables::Chain::new(table)
            .with_name(&self.name)
            .with_hook(rustables::Hook::new(class, self.priority.0))
            .with_type(ChainType::Filter)
            .with_policy(match self.policy {
                ChainPolicy::Accept => rustables::ChainPolicy::Accept,
                ChainPolicy::Drop => rustables::ChainPolicy::Drop,
            })
    }

    /// Reads a dumped chain, without its rules.
    ///
    /// # Errors
    /// [`Unknown`] where it is not a base chain of type `filter`.
    pub(super) fn decode(attributes: Attributes<'_>) -> Result<Self, Unknown> {
        let known = [
            sys::NFTA_CHAIN_TABLE,
            sys::NFTA_CHAIN_HANDLE,
            sys::NFTA_CHAIN_NAME,
            sys::NFTA_CHAIN_HOOK,
            sys::NFTA_CHAIN_POLICY,
            sys::NFTA_CHAIN_USE,
            sys::NFTA_CHAIN_TYPE,
            sys::NFTA_CHAIN_FLAGS,
        ];
        only("chain", attributes, &known)?;
        let hook = attributes.get(sys::NFTA_CHAIN_HOOK).ok_or(Unknown::Shape("a regular chain"))?.nested()?;
        only("hook", hook, &[sys::NFTA_HOOK_HOOKNUM, sys::NFTA_HOOK_PRIORITY])?;
        let kind = attributes.need(sys::NFTA_CHAIN_TYPE)?.text()?;
        if kind != "filter" {
            return Err(Unknown::value("chain type", kind));
        }
        let flags = attributes.need(sys::NFTA_CHAIN_FLAGS)?.be32()?;
        if flags != sys::NFT_CHAIN_BASE {
            return Err(Unknown::value("chain flags", flags));
        }
        let number = hook.need(sys::NFTA_HOOK_HOOKNUM)?.be32()?;
        let policy = attributes.need(sys::NFTA_CHAIN_POLICY)?.be32()?;
        let named = |(code, named): (u32, ChainPolicy)| (code == policy).then_some(named);
        Ok(Self {
            name: attributes.need(sys::NFTA_CHAIN_NAME)?.text()?.to_owned(),
            hook: Hook::ALL
                .into_iter()
                .find(|hook| hook.number() == number)
                .ok_or_else(|| Unknown::value("hook", number))?,
            priority: Priority(hook.need(sys::NFTA_HOOK_PRIORITY)?.be32()?.cast_signed()),
            policy: POLICIES.into_iter().find_map(named).ok_or_else(|| Unknown::value("chain policy", policy))?,
            rules: Vec::new(),
        })
    }
}
