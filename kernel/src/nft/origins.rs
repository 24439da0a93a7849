// SPDX-License-Identifier: GPL-3.0-or-later
//! The sentences of a ruleset that is being read: of each the kernel holds a comment, and no more.

use std::collections::BTreeMap;

use ringwall_ir::{Origin, OriginId};

/// The sentences, each once.
#[derive(Debug, Default)]
pub struct Origins {
    list: Vec<Origin>,
    known: BTreeMap<String, OriginId>,
}

impl Origins {
    /// The sentence with this comment.
    pub(super) fn of(&mut self, comment: &str) -> OriginId {
        if let Some(id) = self.known.get(comment) {
            return *id;
        }
        let (id, because) = match comment.split_once(' ') {
            Some((id, because)) => (id, Some(because.to_owned())),
            None => (comment, None),
        };
        let place = OriginId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(Origin { id: id.to_owned(), text: String::new(), line: 0, because });
        self.known.insert(comment.to_owned(), place);
        place
    }

    /// All of them, by their numbers.
    pub fn finish(self) -> Vec<Origin> {
        self.list
    }
}
