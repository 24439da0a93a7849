// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the parts of a ruleset come from that is being read: of each the kernel holds a comment, and no more.

use std::collections::BTreeMap;

use ringwall_ir::{Origin, OriginId};

/// The origins: sentences of a policy, each once, or the parts of somebody else's ruleset, each by itself.
#[derive(Debug, Default)]
pub struct Origins {
    list: Vec<Origin>,
    known: BTreeMap<String, OriginId>,
    somebodys: bool,
}

impl Origins {
    /// For a ruleset that is not ours: each part is an origin, in the order in which the kernel tells them, and a comment
    /// is its reason.
    pub fn of_somebody() -> Self {
        Self { somebodys: true, ..Self::default() }
    }

    /// Whether the order of parts is that in which they are told; else parts are in order of their names.
    pub(super) const fn keep_order(&self) -> bool {
        self.somebodys
    }

    /// Where a part comes from that has this comment. `what` is said of a part of somebody else's ruleset.
    pub(super) fn of(&mut self, comment: &str, what: impl FnOnce() -> String) -> OriginId {
        if self.somebodys {
            let because = (!comment.is_empty()).then(|| comment.to_owned());
            return self.push(Origin { text: what(), because, ..Origin::default() });
        }
        if let Some(id) = self.known.get(comment) {
            return *id;
        }
        let (id, because) = match comment.split_once(' ') {
            Some((id, because)) => (id, Some(because.to_owned())),
            None => (comment, None),
        };
        let id = self.push(Origin { id: id.to_owned(), because, ..Origin::default() });
        self.known.insert(comment.to_owned(), id);
        id
    }

    fn push(&mut self, origin: Origin) -> OriginId {
        let place = OriginId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(origin);
        place
    }

    /// All of them, by their numbers.
    pub fn finish(self) -> Vec<Origin> {
        self.list
    }
}
