// SPDX-License-Identifier: GPL-3.0-or-later
//! Guards that nft puts at the head of a rule: those of IPv6 extension headers (`expr_evaluate_exthdr` of nft 1.0.6) and of
//! answers that one family has (`stmt_evaluate_reject`).
//!
//! A rule that ends with such an answer is one for that family as a whole, unless something in it has that guard anyway. But
//! the guard of an extension header nft puts there also where the rule counts or does something before it looks, and so
//! counts other packets than the rule says. Such a rule has the guard where it is needed.

use ringwall_ir::words::{Family, TableFamily};
use ringwall_ir::{Field, Match, Rule, Selector, Step, Verdict};

use super::RuleWriter;
use crate::nft::expression::Reject;
use crate::nft::known::{Guard, guards};
use crate::nft::rule::looked_at;

impl RuleWriter<'_> {
    /// The guard that comes before all else, if there is one.
    pub(super) fn guard_at_head(&self, rule: &Rule) -> Option<Guard> {
        self.of_refusal(rule).or_else(|| self.of_headers(rule))
    }

    /// The guard of an answer that one family has, unless a test or a statement has it anyway: what comes before that is for
    /// both families.
    fn of_refusal(&self, rule: &Rule) -> Option<Guard> {
        let Some(Verdict::Reject(refusal)) = rule.verdict() else { return None };
        let reject = Reject::of(self.table.family(), *refusal);
        if self.table.family() != TableFamily::Inet || !reject.is_of_one_family() {
            return None;
        }
        // IPv6 has no code that is not one of either family.
        let guard = Guard::Family(Family::Ipv4);
        let needs = |selectors: &[Selector]| {
            selectors.iter().flat_map(|selector| guards(selector.field())).any(|needed| needed == guard)
        };
        let tells = |step: &Step| {
            let told = step.test().and_then(Guard::told_by);
            told == Some(guard) || looked_at::by_step(step).into_iter().any(needs)
        };
        (!rule.steps().iter().any(tells)).then_some(guard)
    }

    /// The guard of the first extension header that is looked for, where only tests come before.
    fn of_headers(&self, rule: &Rule) -> Option<Guard> {
        let mut known = self.known;
        for step in rule.steps() {
            let selectors = looked_at::by_step(step);
            if let Some(guard) = selectors.into_iter().find_map(of_header) {
                return (!known.holds(guard)).then_some(guard);
            }
            let Step::Match(test @ (Match::In { .. } | Match::Concat { .. })) = step else { return None };
            for guard in test.selectors().iter().flat_map(|selector| guards(selector.field())) {
                known.learn(guard);
            }
            if let Some(told) = Guard::told_by(test) {
                known.learn(told);
            }
        }
        of_header(looked_at::by_verdict(rule.verdict()?)).filter(|guard| !known.holds(*guard))
    }
}

/// The guard of an extension header among what is looked at.
fn of_header(selectors: &[Selector]) -> Option<Guard> {
    let is_header = |selector: &Selector| matches!(selector.field(), Field::Exthdr(_));
    selectors.iter().any(is_header).then_some(Guard::Family(Family::Ipv6))
}
