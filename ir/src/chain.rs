// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains: those that are bound to a hook, and those that rules lead to.

use crate::legal::{Illegal, Place, check_name};
use crate::rule::{Rule, Step, Verdict};
use crate::ruleset::OriginId;
use crate::words::{ChainPolicy, ChainType, Direction, Hook, Priority};

/// What a base chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BaseChain {
    /// What it is for.
    pub kind: ChainType,
    /// The hook that it is bound to.
    pub hook: Hook,
    /// Its place among the chains of the hook.
    pub priority: Priority,
    /// What happens to a packet that no rule decided.
    pub policy: ChainPolicy,
    /// Why the chain policy is what it is.
    pub closing: OriginId,
}

impl BaseChain {
    /// A chain that filters.
    #[must_use]
    pub const fn filter(hook: Hook, priority: Priority, policy: ChainPolicy, closing: OriginId) -> Self {
        Self { kind: ChainType::Filter, hook, priority, policy, closing }
    }
}

/// A chain and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    name: String,
    base: Option<BaseChain>,
    comment: Option<String>,
    rules: Vec<Rule>,
}

impl Chain {
    /// An empty chain that is bound to a hook.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name, [`Illegal::Chain`] where the hook has no chains of the type, or
    /// none of the priority.
    pub fn base(name: &str, base: BaseChain) -> Result<Self, Illegal> {
        check_name(name)?;
        // There is nothing to translate before connection tracking (`nft_chain_parse_hook`).
        let nat = base.kind == ChainType::Nat;
        let closed = base.policy == ChainPolicy::Drop && nat;
        let early = base.priority <= Priority::CONNTRACK && nat;
        if !base.kind.at(base.hook) || closed || early {
            return Err(Illegal::Chain(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), base: Some(base), comment: None, rules: Vec::new() })
    }

    /// An empty chain that only rules lead to.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name.
    pub fn regular(name: &str) -> Result<Self, Illegal> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), base: None, comment: None, rules: Vec::new() })
    }

    /// The same with what somebody wrote beside it.
    #[must_use]
    pub fn with_comment(self, comment: Option<String>) -> Self {
        Self { comment, ..self }
    }

    /// The same, with another reason why its chain policy is what it is.
    #[must_use]
    pub fn with_closing(self, closing: OriginId) -> Self {
        Self { base: self.base.map(|base| BaseChain { closing, ..base }), ..self }
    }

    /// What somebody wrote beside it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Adds a rule at the end.
    ///
    /// # Errors
    /// What makes the rule illegal: see [`Rule::new`]; in a base chain also what its hook and type do not allow.
    pub fn push(&mut self, origin: OriginId, steps: Vec<Step>, verdict: Option<Verdict>) -> Result<(), Illegal> {
        self.add(Rule::new(origin, steps, verdict)?)
    }

    /// Adds a finished rule at the end.
    ///
    /// # Errors
    /// In a base chain, what its hook and type do not allow.
    pub fn add(&mut self, rule: Rule) -> Result<(), Illegal> {
        if let Some(base) = &self.base {
            Place::of(base).check(&rule)?;
        }
        self.rules.push(rule);
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is bound to; none: only rules lead to it.
    #[must_use]
    pub const fn bound(&self) -> Option<&BaseChain> {
        self.base.as_ref()
    }

    /// The hook that it is bound to.
    #[must_use]
    pub fn hook(&self) -> Option<Hook> {
        self.base.map(|base| base.hook)
    }

    /// Its rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The language's word for the packets it sees, where there is one.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        Direction::ALL.into_iter().find(|direction| Some(direction.hook()) == self.hook())
    }
}
