// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains: those that are bound to a hook, and those that rules lead to (`nf_tables_addchain`).

use ringwall_ir::words::{ChainPolicy, ChainType, Hook, Priority};
use ringwall_ir::{BaseChain, Chain};
use rustables::{HookClass, sys};

use super::Unknown;
use super::expression::only;
use super::userdata::comment_in;
use super::verdict::Code;
use crate::netlink::{Attributes, Malformed, Value};

/// `NF_DROP` and `NF_ACCEPT` of `include/uapi/linux/netfilter.h`.
const POLICIES: [(u32, ChainPolicy); 2] = [(0, ChainPolicy::Drop), (1, ChainPolicy::Accept)];

/// A chain, as it was told of.
#[derive(Clone, Copy, Debug)]
pub struct FoundChain<'a> {
    /// Its name.
    pub name: &'a str,
    attributes: Attributes<'a>,
}

/// What a base chain is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What it is for.
    pub kind: ChainType,
    /// The hook.
    pub hook: Hook,
    /// Its place among the chains of the hook.
    pub priority: Priority,
}

impl Binding {
    /// The binding of a base chain.
    #[must_use]
    pub const fn of(base: &BaseChain) -> Self {
        Self { kind: base.kind, hook: base.hook, priority: base.priority }
    }
}

/// The chain without its rules, as rustables takes it.
#[must_use]
pub fn declaration(chain: &Chain, table: &rustables::Table) -> rustables::Chain {
    let declared = rustables::Chain::new(table).with_name(chain.name());
    let Some(base) = chain.bound() else { return declared };
    declared
        .with_hook(rustables::Hook::new(hook_class(base.hook), base.priority.0))
        .with_type(match base.kind {
            ChainType::Filter => rustables::ChainType::Filter,
            ChainType::Nat => rustables::ChainType::Nat,
            ChainType::Route => rustables::ChainType::Route,
        })
        .with_policy(match base.policy {
            ChainPolicy::Accept => rustables::ChainPolicy::Accept,
            ChainPolicy::Drop => rustables::ChainPolicy::Drop,
        })
}

const fn hook_class(hook: Hook) -> HookClass {
    match hook {
        Hook::Prerouting => HookClass::PreRouting,
        Hook::Input => HookClass::In,
        Hook::Forward => HookClass::Forward,
        Hook::Output => HookClass::Out,
        Hook::Postrouting => HookClass::PostRouting,
    }
}

impl<'a> FoundChain<'a> {
    /// A chain without its rules.
    ///
    /// # Errors
    /// [`Malformed`]
    pub(super) fn read(attributes: Attributes<'a>) -> Result<Self, Malformed> {
        Ok(Self { name: attributes.need(sys::NFTA_CHAIN_NAME)?.text()?, attributes })
    }

    /// What somebody wrote beside it; empty where nobody did.
    #[must_use]
    pub fn comment(&self) -> &'a str {
        comment_in(self.attributes, sys::NFTA_CHAIN_USERDATA)
    }

    fn flags(&self) -> u32 {
        self.attributes.get(sys::NFTA_CHAIN_FLAGS).and_then(|flags| flags.be32().ok()).unwrap_or_default()
    }

    /// The kernel's number of it.
    pub fn handle(&self) -> Option<u64> {
        self.attributes.get(sys::NFTA_CHAIN_HANDLE)?.be64().ok()
    }

    /// Whether it is bound to a hook.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.attributes.get(sys::NFTA_CHAIN_HOOK).is_some()
    }

    /// What becomes of a packet that no rule of it decided.
    #[must_use]
    pub fn at_end(&self) -> Code<'static> {
        let policy = self.attributes.get(sys::NFTA_CHAIN_POLICY).and_then(|policy| policy.be32().ok());
        match policy {
            _ if !self.is_base() => Code::Return,
            Some(0) => Code::Drop,
            _ => Code::Accept,
        }
    }

    /// Whether it belongs to one rule, which wrote it in braces.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.flags() & sys::NFT_CHAIN_BINDING != 0
    }

    /// What it is bound to and its chain policy; none: only rules lead to it. What the kernel counted at its end is left
    /// aside.
    ///
    /// # Errors
    /// [`Unknown`] where the IR has no word for it.
    pub fn bound(&self) -> Result<Option<(Binding, ChainPolicy)>, Unknown> {
        let known = [
            sys::NFTA_CHAIN_TABLE,
            sys::NFTA_CHAIN_HANDLE,
            sys::NFTA_CHAIN_NAME,
            sys::NFTA_CHAIN_HOOK,
            sys::NFTA_CHAIN_POLICY,
            sys::NFTA_CHAIN_USE,
            sys::NFTA_CHAIN_TYPE,
            sys::NFTA_CHAIN_COUNTERS,
            sys::NFTA_CHAIN_FLAGS,
            sys::NFTA_CHAIN_ID,
            sys::NFTA_CHAIN_USERDATA,
        ];
        only("chain", self.attributes, &known)?;
        if self.flags() & !sys::NFT_CHAIN_BASE != 0 {
            return Err(Unknown::value("chain flags", self.flags()));
        }
        let Some(hook) = self.attributes.get(sys::NFTA_CHAIN_HOOK) else { return Ok(None) };
        let hook = hook.nested()?;
        only("hook", hook, &[sys::NFTA_HOOK_HOOKNUM, sys::NFTA_HOOK_PRIORITY])?;
        let kind = self.attributes.get(sys::NFTA_CHAIN_TYPE).map_or(Ok("filter"), Value::text)?;
        let number = hook.need(sys::NFTA_HOOK_HOOKNUM)?.be32()?;
        let policy = self.attributes.get(sys::NFTA_CHAIN_POLICY).map_or(Ok(libc::NF_ACCEPT as u32), Value::be32)?;
        let binding = Binding {
            kind: ChainType::named(kind).ok_or_else(|| Unknown::value("chain type", kind))?,
            hook: Hook::ALL
                .into_iter()
                .find(|hook| hook.number() == number)
                .ok_or_else(|| Unknown::value("hook", number))?,
            priority: Priority(hook.need(sys::NFTA_HOOK_PRIORITY)?.be32()?.cast_signed()),
        };
        let known = POLICIES.into_iter().find(|(code, _)| *code == policy);
        Ok(Some((binding, known.ok_or_else(|| Unknown::value("chain policy", policy))?.1)))
    }

    /// Whether the kernel can take the other for a declaration of this one, without binding it anew.
    #[must_use]
    pub fn stands_where(&self, chain: &Chain) -> bool {
        let wanted = chain.bound().map(Binding::of);
        self.bound().is_ok_and(|bound| bound.map(|(binding, _)| binding) == wanted)
    }
}
