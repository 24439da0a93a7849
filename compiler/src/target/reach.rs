// SPDX-License-Identifier: GPL-3.0-or-later
//! Which families and protocols a rule can match at all. Both writers need it: nft refuses rules whose tests contradict
//! each other, and iptables has one text a family and one `-p` a rule.

use ringwall_ir::fields::Needs;
use ringwall_ir::words::{Family, Protocol, Refusal};
use ringwall_ir::{Field, IntervalSet, Match, Rule, Table, Verdict};

/// What is left after every test that speaks of families and protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// The families.
    pub(super) families: Vec<Family>,
    /// The numbers of the protocols.
    pub(super) protocols: IntervalSet,
}

impl Reach {
    /// The reach of a rule of `table`.
    pub(super) fn of(table: &Table, rule: &Rule) -> Self {
        let families = Family::ALL.into_iter().filter(|&family| table.family().sees(family)).collect();
        let mut reach = Self { families, protocols: IntervalSet::full(8) };
        for test in rule.matches() {
            reach.narrow(table, test);
        }
        if rule.verdict() == Some(&Verdict::Reject(Refusal::TcpReset)) {
            reach.only_protocol(Protocol::TCP);
        }
        reach
    }

    /// Whether no packet can pass all tests.
    pub(super) fn is_empty(&self) -> bool {
        self.families.is_empty() || self.protocols.is_empty()
    }

    fn narrow(&mut self, table: &Table, test: &Match) {
        for needs in needed(test) {
            if let Some(protocol) = needs.protocol() {
                self.only_protocol(protocol);
            }
            if let Some(family) = needs.family() {
                self.families.retain(|&other| other == family);
            }
        }
        if let Match::In { selector, values, negated } = test
            && selector.mask().is_none()
        {
            let set = table.values(values);
            match selector.field() {
                Field::Nfproto => {
                    self.families.retain(|family| set.contains(u128::from(family.number())) != *negated);
                }
                Field::L4proto if *negated => self.protocols = self.protocols.difference(&set),
                Field::L4proto => self.protocols = self.protocols.intersection(&set),
                _ => {}
            }
        }
    }

    fn only_protocol(&mut self, protocol: Protocol) {
        self.protocols = self.protocols.intersection(&IntervalSet::one(u128::from(protocol.0)));
    }
}

/// What a packet must be to have the fields of the test.
pub(super) fn needed(test: &Match) -> impl Iterator<Item = Needs> {
    test.selectors().iter().map(|selector| selector.field().row().needs)
}
