// SPDX-License-Identifier: GPL-3.0-or-later
//! Helpers and timeouts that are given before connection tracking has seen the packet.
//!
//! Such a rule is legal, and xtables' `CT` gives the entry what it says as soon as there is one. nf_tables looks for the
//! entry, finds none, and goes on (`nft_ct_helper_obj_eval` and `nft_ct_timeout_obj_eval` in `net/netfilter/nft_ct.c`). So
//! the IR means the former, and who speaks nf_tables must ask here.

use std::collections::BTreeSet;

use crate::chain::Chain;
use crate::legal::targets;
use crate::rule::{Rule, Statement, Unknown};
use crate::ruleset::OriginId;
use crate::table::Table;
use crate::words::{Hook, Priority};

/// A rule that nf_tables would make without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Early {
    /// The chain that the rule stands in.
    pub chain: String,
    /// What the rule comes from.
    pub origin: OriginId,
    /// What it gives, in nft's words.
    pub word: &'static str,
}

impl Early {
    /// Why nf_tables has no such rule: a part of a sentence, lower-case.
    #[must_use]
    pub fn reason(&self) -> String {
        format!("`{}` has no effect in nf_tables before connection tracking, at priority -200 or lower", self.word)
    }

    /// It as somebody's ruleset of nf_tables has it: without the effect that the IR means.
    #[must_use]
    pub fn unknown(self) -> (OriginId, Unknown) {
        let reason = format!("{}: leave it out, or {}", self.reason(), Self::HELP);
        (self.origin, Unknown { name: format!("statement {}", self.word), text: self.word.to_owned(), reason })
    }

    /// What can be done about it.
    pub const HELP: &str = "put the rule into a chain of priority -150 (mangle), where the packet has an entry that is \
                            not confirmed yet";
}

impl Table {
    /// The rules that give a helper or timeouts to packets that connection tracking has not seen: in chains to which
    /// packets come from a base chain at hook prerouting or output before it.
    #[must_use]
    pub fn early(&self) -> Vec<Early> {
        let gives = |chain: &Chain, rule: &Rule| {
            let early = |statement: &Statement| Early {
                chain: chain.name().to_owned(),
                origin: rule.origin(),
                word: statement.word().row().name,
            };
            let gives = |statement: &&Statement| matches!(statement, Statement::CtHelper(_) | Statement::CtTimeout(_));
            rule.statements().filter(gives).map(early).collect::<Vec<_>>()
        };
        let of_chain = |chain: &Chain| chain.rules().iter().flat_map(|rule| gives(chain, rule)).collect::<Vec<_>>();
        if self.objects().is_empty() {
            return Vec::new();
        }
        let led_to = targets(self, &self.places()).unwrap_or_default();
        let is_early = |chain: &Chain| {
            chain.bound().is_some_and(|base| {
                base.priority <= Priority::CONNTRACK && matches!(base.hook, Hook::Prerouting | Hook::Output)
            })
        };
        let chains = self.chains().iter().enumerate();
        let mut waiting: Vec<usize> = chains.filter(|(_, chain)| is_early(chain)).map(|(place, _)| place).collect();
        let mut met = BTreeSet::new();
        while let Some(place) = waiting.pop() {
            if met.insert(place) {
                waiting.extend(led_to.get(place).into_iter().flatten());
            }
        }
        let met = met.into_iter().filter_map(|place| self.chains().get(place));
        met.flat_map(of_chain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::BaseChain;
    use crate::object::{Object, ObjectBody};
    use crate::rule::Verdict;
    use crate::table::TableParts;
    use crate::words::{ChainPolicy, Protocol, TableFamily};

    fn table(hook: Hook, priority: Priority) -> Table {
        let base = BaseChain::filter(hook, priority, ChainPolicy::Accept, OriginId(0));
        let mut first = Chain::base("first", base).unwrap();
        first.push(OriginId(1), Vec::new(), Some(Verdict::Jump("own".to_owned()))).unwrap();
        let mut own = Chain::regular("own").unwrap();
        own.push(OriginId(2), vec![Statement::CtHelper("ftp".to_owned()).into()], None).unwrap();
        let body = ObjectBody::CtHelper { helper: "ftp".to_owned(), family: None, protocol: Protocol::TCP };
        let objects = vec![Object::new("ftp", body, OriginId(0)).unwrap()];
        let parts = TableParts { chains: vec![first, own], objects, ..TableParts::default() };
        Table::new(TableFamily::Inet, "t", parts).unwrap()
    }

    #[test]
    fn a_helper_is_early_where_its_packets_come_from_before_conntrack() {
        let early = [Early { chain: "own".to_owned(), origin: OriginId(2), word: "ct helper set" }];
        assert_eq!(table(Hook::Prerouting, Priority::RAW).early(), early);
        assert_eq!(table(Hook::Output, Priority::CONNTRACK).early(), early);
        assert_eq!(table(Hook::Prerouting, Priority::MANGLE).early(), []);
        assert_eq!(table(Hook::Forward, Priority::RAW).early(), []);
    }
}
