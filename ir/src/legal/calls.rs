// SPDX-License-Identifier: GPL-3.0-or-later
//! Chains lead to others, but not in a circle and not too deep.

use std::collections::BTreeMap;

use super::Illegal;
use crate::table::Table;

/// How many calls deep chains may lead (`NFT_JUMP_STACK_SIZE` in `include/net/netfilter/nf_tables.h`; a base chain counts).
pub(super) const DEPTH_MAX: usize = 15;

/// How deep the calls from chains go; each chain is measured once.
pub(super) struct Calls<'a> {
    table: &'a Table,
    targets: &'a [Vec<usize>],
    depths: BTreeMap<usize, usize>,
    /// The chains that lead to where we are.
    way: Vec<usize>,
}

impl<'a> Calls<'a> {
    /// Checks that the chains of a table, each with those that it leads to, lead in no circle and not too deep.
    ///
    /// # Errors
    /// [`Illegal::Loop`] or [`Illegal::Deep`].
    pub(super) fn check(table: &'a Table, targets: &'a [Vec<usize>]) -> Result<(), Illegal> {
        let mut calls = Self { table, targets, depths: BTreeMap::new(), way: Vec::new() };
        (0..table.chains().len()).try_for_each(|start| calls.depth(start).map(|_| ()))
    }

    fn depth(&mut self, chain: usize) -> Result<usize, Illegal> {
        if let Some(start) = self.way.iter().position(|met| *met == chain) {
            return Err(Illegal::Loop(self.names(self.way.iter().skip(start).copied())));
        }
        if let Some(&known) = self.depths.get(&chain) {
            return Ok(known);
        }
        self.way.push(chain);
        let targets = self.targets;
        let mut deepest = 0;
        // What is deeper is told by the chains that lead there, so that no way is longer.
        for &target in targets.get(chain).into_iter().flatten() {
            if self.way.len() > DEPTH_MAX + 1 {
                return Err(self.deep(chain));
            }
            deepest = deepest.max(1 + self.depth(target)?);
        }
        self.way.pop();
        self.depths.insert(chain, deepest);
        if deepest > DEPTH_MAX { Err(self.deep(chain)) } else { Ok(deepest) }
    }

    /// The error, with the deepest way that is known from a chain, behind the way to it.
    fn deep(&self, from: usize) -> Illegal {
        let mut way = if self.way.contains(&from) { self.way.clone() } else { vec![from] };
        let mut next = Some(from);
        while let Some(chain) = next.filter(|_| way.len() <= DEPTH_MAX + 1) {
            let of = |target: &&usize| self.depths.get(*target);
            next = self.targets.get(chain).into_iter().flatten().max_by_key(of).copied();
            way.extend(next);
        }
        Illegal::Deep(self.names(way.into_iter()))
    }

    fn names(&self, places: impl Iterator<Item = usize>) -> Vec<String> {
        places.filter_map(|place| Some(self.table.chains().get(place)?.name().to_owned())).collect()
    }
}

/// Chains of which the last leads to the first, in words.
pub(super) fn circle(chains: &[String]) -> String {
    let first = chains.first().cloned();
    way(&chains.iter().cloned().chain(first).collect::<Vec<_>>())
}

/// Chains that lead each to the next, in words.
pub(super) fn way(chains: &[String]) -> String {
    chains.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" to ")
}
