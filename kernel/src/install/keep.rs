// SPDX-License-Identifier: GPL-3.0-or-later
//! What outlives the replacement of a ruleset: elements of sets that packets fill, and what rules have counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ringwall_ir::{Counts, Rule, Ruleset, Statement, Step, Table, Verdict};
use rustables::sys;

use super::late::Host;
use super::target::Target;
use crate::netlink::Attribute;
use crate::nft::{ListWriter, Named, key_of};

/// Room for the elements of one message: an attribute ends before 64 KiB.
const MESSAGE_LEN: usize = 60_000;

/// Writes the elements of a set that is made anew, as they were told of: with what each has counted, and with the time
/// that each still has. What packets add until the transaction is through is lost.
pub(super) fn elements(target: &Target<'_, '_>, set: &Named<'_>, message: &mut dyn FnMut(ListWriter<'_>)) {
    let Some(found) = target.source(set) else { return };
    if target.stays(set) || !found.can_give_elements(set.shape(), set.spec()) {
        return;
    }
    let lost = target.dangling(found, set);
    // A set that was made smaller has no room for all.
    let room = set.spec().size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let counts = found.counts_like(set.spec());
    let default = found.default_timeout();
    let kept = found.elements.iter().enumerate().filter(|(place, _)| !lost.contains(place));
    let mut rest = kept.map(|(_, element)| element).take(room).peekable();
    while rest.peek().is_some() {
        message(&mut |mut writer| {
            let start = writer.len();
            while writer.len() - start < MESSAGE_LEN {
                let Some(element) = rest.next() else { break };
                let Ok(attributes) = element.nested() else { continue };
                writer = writer.nest(sys::NFTA_LIST_ELEM, |writer| {
                    let mut writer = writer;
                    for Attribute { kind, value } in attributes.iter() {
                        let counting = [sys::NFTA_SET_ELEM_EXPR, sys::NFTA_SET_ELEM_EXPRESSIONS].contains(&kind);
                        if kind != sys::NFTA_SET_ELEM_PAD && (counts || !counting) {
                            writer = writer.bytes(kind, value.bytes());
                        }
                    }
                    // The time that it has is counted from what the set said, which may be another now.
                    match default.filter(|_| attributes.get(sys::NFTA_SET_ELEM_TIMEOUT).is_none()) {
                        Some(timeout) => writer.be64(sys::NFTA_SET_ELEM_TIMEOUT, timeout.0),
                        None => writer,
                    }
                });
            }
            writer
        });
    }
}

/// The keys that a set has already which packets fill: what the ruleset says of them stays unsaid, so that they keep
/// their time.
pub(super) fn keys(target: &Target<'_, '_>, set: &Named<'_>) -> BTreeSet<Vec<u8>> {
    let Some(found) = target.source(set) else { return BTreeSet::new() };
    let given = target.stays(set) || found.can_give_elements(set.shape(), set.spec());
    let lost = target.dangling(found, set);
    let kept = found.elements.iter().enumerate().filter(|(place, _)| given && !lost.contains(place));
    kept.filter_map(|(_, element)| key_of(element).ok()).collect()
}

/// What rules have counted that come again.
#[derive(Debug, Default)]
pub(super) struct Counted(BTreeMap<(usize, usize, usize), Vec<Counts>>);

/// A rule with nothing counted: two that are the same in this are the same rule.
pub(super) type Same = (String, Vec<Step>, Option<Verdict>);

impl Counted {
    /// What the rule at a place of a chain at a place of a table has counted, counter by counter.
    pub(super) fn of(&self, table: usize, chain: usize, rule: usize) -> &[Counts] {
        self.0.get(&(table, chain, rule)).map_or(&[], Vec::as_slice)
    }

    /// Whether some rule of a table counts.
    pub(super) fn concerns(table: &Table) -> bool {
        let mut rules = table.chains().iter().flat_map(|chain| chain.rules());
        rules.any(|rule| rule.statements().any(|statement| matches!(statement, Statement::Counter(_))))
    }

    /// Takes over what rules of the old table have counted that are among those of the new one: in a chain of the same
    /// name, with the same comment and the same steps. `normal` is the new table as it would be read back.
    pub(super) fn take(&mut self, host: &Host, place: usize, table: &Table, normal: &Ruleset, old: &Ruleset) {
        let (Some(new_table), Some(old_table)) = (normal.tables.first(), old.tables.first()) else { return };
        for (chain_place, chain) in table.chains().iter().enumerate() {
            let (Some(now), Some(before)) = (new_table.chain(chain.name()), old_table.chain(chain.name())) else {
                continue;
            };
            let mut counted: HashMap<Same, Vec<Vec<Counts>>> = HashMap::new();
            for rule in before.rules().iter().rev().filter(|rule| counts(rule).next().is_some()) {
                counted.entry(same(old, rule)).or_default().push(counts(rule).collect());
            }
            // Rules that are left out on this host do not come.
            let coming = chain.rules().iter().enumerate().filter(|(_, rule)| host.rule(place, rule).is_some());
            for ((rule_place, _), rule) in coming.zip(now.rules()) {
                let key = (place, chain_place, rule_place);
                let taken = || counted.get_mut(&same(normal, rule)).and_then(Vec::pop);
                if let Some(counts) = (!self.0.contains_key(&key)).then(taken).flatten() {
                    self.0.insert(key, counts);
                }
            }
        }
    }
}

fn counts(rule: &Rule) -> impl Iterator<Item = Counts> {
    rule.statements().filter_map(|statement| match statement {
        Statement::Counter(counts) => Some(*counts),
        _ => None,
    })
}

/// A rule with nothing counted.
pub(super) fn same(ruleset: &Ruleset, rule: &Rule) -> Same {
    let comment = ruleset.origin(rule.origin()).map(ringwall_ir::Origin::comment).unwrap_or_default();
    let steps = rule.steps().iter().map(|step| match step {
        Step::Statement(Statement::Counter(_)) => Statement::Counter(Counts::default()).into(),
        // What of a quota is used up is counted too.
        Step::Match(ringwall_ir::Match::Quota(quota)) => {
            ringwall_ir::Match::Quota(ringwall_ir::Quota { used: 0, ..*quota }).into()
        }
        other => other.clone(),
    });
    (comment, steps.collect(), rule.verdict().cloned())
}
