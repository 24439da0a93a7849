// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains and their rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{self, At, Fault, each};
use super::step::Step;
use super::text::Text;
use super::verdict::Verdict;
use crate::chain::{self, BaseChain};
use crate::rule;
use crate::ruleset::OriginId;
use crate::words::{ChainPolicy, ChainType, Hook, Priority};

/// A chain and its rules.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a chain, an object")]
#[schemars(rename = "chain")]
pub(super) struct Chain {
    /// Its name.
    pub(super) name: String,
    /// What somebody wrote beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    /// What it is bound to; left out for a chain that only rules lead to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Base>,
    /// Its rules, in order.
    rules: Vec<Rule>,
}

/// What a base chain is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "what a chain is bound to, an object")]
#[schemars(rename = "base")]
struct Base {
    /// What it is for.
    r#type: Text<ChainType>,
    /// The hook that it is bound to.
    hook: Text<Hook>,
    /// Its place among the chains of the hook: lower is earlier.
    priority: i32,
    /// What happens to a packet that no rule decided.
    policy: Text<ChainPolicy>,
    /// Why the chain policy is what it is: its place in `origins`, from 0.
    closing: u32,
}

/// A rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a rule, an object")]
#[schemars(rename = "rule")]
struct Rule {
    /// What a packet meets, in order. A test that it does not pass ends its way through the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Step>,
    /// What becomes of a packet that passed all steps; it goes on if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// Why the rule is there: its place in `origins`, from 0.
    origin: u32,
}

impl Chain {
    pub(super) fn of(chain: &chain::Chain) -> Self {
        Self {
            name: chain.name().to_owned(),
            comment: chain.comment().map(str::to_owned),
            base: chain.bound().map(Base::of),
            rules: chain.rules().iter().map(Rule::of).collect(),
        }
    }

    pub(super) fn read(self) -> Result<chain::Chain, Fault> {
        let mut chain = match self.base {
            Some(base) => chain::Chain::base(&self.name, base.read())?,
            None => chain::Chain::regular(&self.name)?,
        }
        .with_comment(self.comment);
        for (place, rule) in self.rules.into_iter().enumerate() {
            let added = rule.read().and_then(|rule| Ok(chain.add(rule)?));
            added.at(|| fault::rule(place + 1))?;
        }
        Ok(chain)
    }
}

impl Base {
    const fn of(base: &BaseChain) -> Self {
        let BaseChain { kind, hook, priority, policy, closing } = *base;
        Self { r#type: Text(kind), hook: Text(hook), priority: priority.0, policy: Text(policy), closing: closing.0 }
    }

    const fn read(self) -> BaseChain {
        let Self { r#type: Text(kind), hook: Text(hook), priority, policy: Text(policy), closing } = self;
        BaseChain { kind, hook, priority: Priority(priority), policy, closing: OriginId(closing) }
    }
}

impl Rule {
    fn of(rule: &rule::Rule) -> Self {
        let origin = rule.origin();
        Self {
            steps: rule.steps().iter().map(|step| Step::of(step, origin)).collect(),
            verdict: rule.verdict().map(|verdict| Verdict::of(verdict, origin)),
            origin: origin.0,
        }
    }

    fn read(self) -> Result<rule::Rule, Fault> {
        let origin = OriginId(self.origin);
        let steps = each("step", self.steps, |step| step.read(origin))?;
        let verdict = self.verdict.map(|verdict| verdict.read(origin)).transpose().at(|| "verdict".to_owned())?;
        Ok(rule::Rule::new(origin, steps, verdict)?)
    }
}
