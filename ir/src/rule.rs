// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules: steps in order, tests and statements, then perhaps a verdict. Only legal ones can be built.

mod limit;
mod nat;
mod statement;
mod step;
mod test;
mod verdict;

pub use limit::{ConnLimit, Limit, LimitUnit, Per, Quota};
pub use nat::{Nat, NatEnd, OwnPorts};
pub use statement::{
    Assignment, Counts, Log, LogTarget, Meter, Mss, ObjectRef, SetOperation, SetUpdate, Source, Statement, Target,
};
pub use step::{Match, Step, Unknown};
pub use test::{Selector, Symbol, Tuples, Values};
pub use verdict::{MapRef, Queue, Verdict, VerdictMap};

use crate::legal::Illegal;
use crate::ruleset::OriginId;
use crate::words::{Protocol, Refusal};

/// One rule of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    steps: Box<[Step]>,
    verdict: Option<Verdict>,
    origin: OriginId,
}

impl Rule {
    /// A rule, written because of `origin`. Without a verdict, packets that pass all steps go on: a rule of tests alone does
    /// nothing, and is as legal as in the kernel. What depends on the chain and its table is checked where the table is made.
    ///
    /// # Errors
    /// What makes the rule illegal wherever it stands.
    pub fn new(origin: OriginId, steps: Vec<Step>, verdict: Option<Verdict>) -> Result<Self, Illegal> {
        for step in &steps {
            step.check()?;
        }
        if let Some(verdict) = &verdict {
            verdict.check()?;
        }
        if verdict.is_none() && steps.is_empty() {
            return Err(Illegal::Nothing);
        }
        let reset = matches!(verdict, Some(Verdict::Reject(Refusal::TcpReset)));
        if reset && !steps.iter().filter_map(Step::test).any(|test| test.demands(Protocol::TCP)) {
            return Err(Illegal::ResetWithoutTcp);
        }
        Ok(Self { steps: steps.into_boxed_slice(), verdict, origin })
    }

    /// What a packet meets, in order. A test that it does not pass ends its way through the rule.
    #[must_use]
    pub const fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The tests among the steps, all of which a packet must pass.
    pub fn matches(&self) -> impl DoubleEndedIterator<Item = &Match> {
        self.steps.iter().filter_map(Step::test)
    }

    /// The statements among the steps.
    pub fn statements(&self) -> impl DoubleEndedIterator<Item = &Statement> {
        self.steps.iter().filter_map(Step::statement)
    }

    /// The verdict; none: the packet goes on.
    #[must_use]
    pub const fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Whether anything comes of the rule: it has a verdict, or a step with an effect.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.verdict.is_some() || self.steps.iter().any(Step::has_effect)
    }

    /// Why the rule is there.
    #[must_use]
    pub const fn origin(&self) -> OriginId {
        self.origin
    }

    /// What the IR has no word for, in order.
    pub fn unknowns(&self) -> impl Iterator<Item = &Unknown> {
        self.steps.iter().filter_map(|step| match step {
            Step::Unknown(unknown) => Some(unknown),
            Step::Match(_) | Step::Statement(_) => None,
        })
    }

    /// The names of the chains that the rule leads to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let verdicts: Vec<&Verdict> = match &self.verdict {
            Some(Verdict::Map(map)) => map.verdicts().collect(),
            Some(verdict) => vec![verdict],
            None => Vec::new(),
        };
        verdicts.into_iter().filter_map(Verdict::target)
    }
}
