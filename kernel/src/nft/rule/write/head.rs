// SPDX-License-Identifier: GPL-3.0-or-later
//! Guards that nft puts at the head of a rule: those of IPv6 extension headers (`expr_evaluate_exthdr` of nft 1.0.6) and of
//! answers that one family has (`stmt_evaluate_reject`).
//!
//! nft does so even where the rule counts or does something before, and so counts other packets than the rule says. Such
//! a rule has the guard where it is needed.

use ringwall_ir::words::{Family, TableFamily};
use ringwall_ir::{Field, Match, Rule, Selector, Step, Verdict};

use super::RuleWriter;
use crate::nft::expression::Reject;
use crate::nft::known::{Guard, guards};
use crate::nft::rule::looked_at;

/// The guard of an answer that only one family has.
pub(super) fn guard_of(family: TableFamily, reject: Reject) -> Option<Guard> {
    reject.family().filter(|_| family == TableFamily::Inet).map(Guard::Family)
}

impl RuleWriter<'_> {
    /// The guard that comes before all else, if there is one.
    pub(super) fn guard_at_head(&self, rule: &Rule) -> Option<Guard> {
        let mut known = self.known;
        for step in rule.steps() {
            let selectors = looked_at::by_step(step);
            if let Some(guard) = selectors.into_iter().find_map(of_header) {
                return (!known.holds(guard)).then_some(guard);
            }
            let Step::Match(test @ (Match::In { .. } | Match::Concat { .. })) = step else { return None };
            selectors.into_iter().flatten().flat_map(|selector| guards(selector.field())).for_each(|guard| {
                known.learn(guard);
            });
            if let Some(told) = Guard::told_by(test) {
                known.learn(told);
            }
        }
        let guard = match rule.verdict()? {
            Verdict::Reject(refusal) => guard_of(self.table.family(), Reject::of(self.table.family(), *refusal)),
            verdict => of_header(looked_at::by_verdict(verdict)),
        };
        guard.filter(|guard| !known.holds(*guard))
    }
}

/// The guard of an extension header among what is looked at.
fn of_header(selectors: &[Selector]) -> Option<Guard> {
    let is_header = |selector: &Selector| matches!(selector.field(), Field::Exthdr(_));
    selectors.iter().any(is_header).then_some(Guard::Family(Family::Ipv6))
}
