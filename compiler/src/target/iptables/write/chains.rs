// SPDX-License-Identifier: GPL-3.0-or-later
//! The chains of one table's text, with what their lines come from.

use std::collections::BTreeMap;

use ringwall_ir::OriginId;

use crate::target::iptables::name::CHAIN_MAX;

/// A chain of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenChain {
    /// The table that it is in: `filter`.
    pub table: &'static str,
    /// Its name.
    pub name: String,
    /// What its chain policy comes from; none where it is not bound to a hook.
    pub policy: Option<OriginId>,
    /// The origin of each rule that it holds once loaded, in order.
    pub rules: Vec<OriginId>,
}

/// The chains of a table, by name and by place.
pub(super) struct Chains {
    table: &'static str,
    pub(super) list: Vec<WrittenChain>,
    places: BTreeMap<String, usize>,
    /// How often a name was asked for that is taken already.
    asked: BTreeMap<String, usize>,
}

impl Chains {
    pub(super) const fn new(table: &'static str) -> Self {
        Self { table, list: Vec::new(), places: BTreeMap::new(), asked: BTreeMap::new() }
    }

    /// Adds a chain. None where there is one of the name.
    pub(super) fn insert(&mut self, name: String, policy: Option<OriginId>) -> Option<usize> {
        let place = self.list.len();
        if self.places.contains_key(&name) {
            return None;
        }
        self.places.insert(name.clone(), place);
        self.list.push(WrittenChain { table: self.table, name, policy, rules: Vec::new() });
        Some(place)
    }

    /// The place of a chain.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The name of a chain.
    pub(super) fn name(&self, place: usize) -> &str {
        self.list.get(place).map_or("", |chain| chain.name.as_str())
    }

    /// Notes that a line was added to a chain.
    pub(super) fn hold(&mut self, place: usize, origin: OriginId) {
        if let Some(chain) = self.list.get_mut(place) {
            chain.rules.push(origin);
        }
    }

    /// A new chain behind another, named after the sentence: `INPUT.admin`, then `INPUT.admin.2`.
    pub(super) fn add_behind(&mut self, behind: usize, id: &str) -> usize {
        let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
        let id = if id.is_empty() { "rule" } else { id };
        let id: String = id.chars().map(|character| if legal(character) { character } else { '-' }).collect();
        let base: String =
            self.name(behind).split('.').next().unwrap_or_default().chars().take(CHAIN_MAX / 2).collect();
        let named = |number: usize| {
            let end = if number == 1 { String::new() } else { format!(".{number}") };
            let room = CHAIN_MAX.saturating_sub(base.len() + 1 + end.len());
            format!("{base}.{}{end}", cut(&id, room))
        };
        let mut number = self.asked.get(&named(1)).copied().unwrap_or(0);
        loop {
            number += 1;
            if let Some(place) = self.insert(named(number), None) {
                self.asked.insert(named(1), number);
                return place;
            }
        }
    }
}

/// As much of a name of plain characters as there is room for, up to the end of a word where that is more than half.
fn cut(id: &str, room: usize) -> &str {
    let Some(head) = id.get(..room).filter(|head| head.len() < id.len()) else { return id };
    let word = head.rfind(['-', '_']).filter(|end| end * 2 > room);
    word.and_then(|end| head.get(..end)).unwrap_or(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_at_the_end_of_a_word() {
        assert_eq!(cut("a-label-much-longer-than", 22), "a-label-much-longer");
        assert_eq!((cut("web", 3), cut("averylongword", 5), cut("a-longword", 6)), ("web", "avery", "a-long"));
    }
}
