// SPDX-License-Identifier: GPL-3.0-or-later
//! How a table comes into force so that no packet meets what neither the old ruleset nor the new one says.
//!
//! The kernel turns to new rules at one moment, when the generation of the ruleset changes (`nf_tables_commit`), and what
//! hash tables hold changes with it. Other things change a little later, in the order of the transaction, while packets
//! meet the new rules already (seen on Linux 6.18):
//!
//! - A set with intervals, also an anonymous one, shows new elements only when all else is done
//!   (`nft_set_commit_update`): till then a new set is empty. Of 191 swaps of two rulesets that both accept a packet, 162
//!   dropped one.
//! - The chain policy of a chain that was there changes when its turn comes (`nft_chain_commit_update`).
//! - A chain that goes is without rules, and has its chain policy, until its hook is taken away.
//! - A packet that is in the old rules at that moment goes on in them, but looks into sets as they are from then on. The
//!   elements of a map that goes are gone for it already (`nft_map_deactivate`).
//!
//! So where a table has any of this, what rules need is made in a transaction before the one that puts them in force.

use std::collections::BTreeSet;

use ringwall_ir::words::ChainPolicy;
use ringwall_ir::{DataType, ObjectKind, Role};

use super::difference::Difference;
use super::names::{Names, free_name};
use super::target::{Fate, Target};
use crate::nft::{Code, FoundChain, FoundTable, Named};

/// How a table comes into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is not there: it is loaded switched off, and then switched on.
    Asleep,
    /// Somebody switched it off: it is replaced, and what these sets hold with it, and then switched on.
    Dormant(BTreeSet<String>),
    /// Nothing differs but what these sets hold.
    Refresh(BTreeSet<String>),
    /// In stages, see [`super::stage`].
    Staged,
    /// It is replaced in one transaction; its named sets hold what they held.
    Whole,
}

/// A chain that another is to be in the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The kernel's number of it.
    pub handle: u64,
    pub name: String,
    /// The name that it has until it goes.
    pub aside: String,
}

/// What is to be done with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub way: Way,
    /// The chains that must have another name before.
    pub moved: Vec<Moved>,
    /// The names under which sets and objects must come first.
    pub names: Names,
}

impl From<Way> for Plan {
    fn from(way: Way) -> Self {
        Self { way, moved: Vec::new(), names: Names::default() }
    }
}

/// Decides how a table comes into force. `has_intervals` tells whether it has sets with intervals, in its rules too.
pub(super) fn plan(target: &Target<'_, '_>, has_intervals: bool, difference: Difference) -> Plan {
    let Some(found) = target.found else { return Way::Asleep.into() };
    if found.is_dormant() {
        return Way::Dormant(difference.contents).into();
    }
    if !difference.others && difference.is_seen_at_once(target.table) {
        return Way::Refresh(difference.contents).into();
    }
    let leaves = found.chains.iter().any(|chain| chain.is_base() && target.loses_chain(chain));
    let contents = difference.contents.into_iter().filter(|name| is_there(found, name)).collect::<BTreeSet<_>>();
    if !has_intervals && contents.is_empty() && !leaves && !opens(target, found) {
        return Way::Whole.into();
    }
    Plan { way: Way::Staged, moved: moved(target, found), names: names(target, found, &contents) }
}

fn is_there(found: &FoundTable<'_>, set: &str) -> bool {
    found.sets.iter().any(|found| !found.is_anonymous() && found.name.text() == set)
}

/// Whether a chain that stays accepts at its end what it dropped.
fn opens(target: &Target<'_, '_>, found: &FoundTable<'_>) -> bool {
    target.table.chains().iter().any(|chain| {
        let accepts = chain.bound().is_some_and(|base| base.policy == ChainPolicy::Accept);
        accepts && found.chain(chain.name()).is_some_and(|old| old.at_end() == Code::Drop)
    })
}

/// The chains whose names others need: those that are of another kind or at another place, and all that only rules lead
/// to. The old rules of those and the new ones must not meet in one chain, for together they may lead in a circle, or stand
/// where they must not (`nft_chain_validate`). Elements that are kept of a map lead to chains that are kept.
fn moved(target: &Target<'_, '_>, found: &FoundTable<'_>) -> Vec<Moved> {
    let is_kept = |set: &Named<'_>| set.spec().data == Some(DataType::Verdict) && target.source(set).is_some();
    let has_kept = target.sets.iter().any(is_kept);
    let is_moved = |chain: &&FoundChain<'_>| {
        let wanted = target.table.chain(chain.name).is_some() && !chain.is_anonymous();
        wanted && (target.loses_chain(chain) || (!has_kept && !chain.is_base()))
    };
    let is_taken = |name: &str| found.chain(name).is_some() || target.table.chain(name).is_some();
    let moved = found.chains.iter().filter(is_moved).filter_map(|chain| {
        let aside = free_name(chain.name, "old", is_taken);
        Some(Moved { handle: chain.handle()?, name: chain.name.to_owned(), aside })
    });
    moved.collect()
}

/// The sets and objects that are to be something else under the same name.
fn names(target: &Target<'_, '_>, found: &FoundTable<'_>, contents: &BTreeSet<String>) -> Names {
    let mut names = Names::default();
    for object in found.objects.iter().filter(|object| target.fate_of_object(object) == Fate::Anew) {
        let Some(kind) = ObjectKind::numbered(object.kind) else { continue };
        names.rename_object(kind, object.name, |name| {
            let has = |object: &crate::nft::FoundObject<'_>| object.kind == kind.number() && object.name == name;
            found.objects.iter().any(has) || target.table.object(kind, name).is_some()
        });
    }
    let is_taken = |name: &str| is_there(found, name) || target.table.set(name).is_some();
    for set in target.table.sets() {
        let old = found.sets.iter().find(|old| !old.is_anonymous() && old.name.text() == set.name());
        let Some(old) = old else { continue };
        let differs = set.spec().role() == Role::Static && (contents.contains(set.name()) || names.concern(set));
        if differs || target.fate_of_set(old) == Fate::Anew {
            names.rename_set(set.name(), is_taken);
        }
    }
    names
}
