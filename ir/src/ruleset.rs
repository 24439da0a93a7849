// SPDX-License-Identifier: GPL-3.0-or-later
//! The whole: tables, and the sentences that all in them comes from.

use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::rule::Unknown;
use crate::spot::Spot;
use crate::table::Table;

/// Where a part of the IR comes from: a sentence of a policy, or a line of somebody else's ruleset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The sentence's label or the hash of its words; stable when other lines are added. Empty for a line of somebody
    /// else's ruleset.
    pub id: String,
    /// The sentence as it was written.
    pub text: String,
    /// The line on which it starts, from 1; 0 where it has none.
    pub line: u32,
    /// `because "..."`, or the comment of somebody else's rule.
    pub because: Option<String>,
    /// Where it stands in somebody else's ruleset that has no lines.
    pub spot: Option<Spot>,
}

impl Origin {
    /// The longest comment of a rule that nft takes, in bytes (`NFTNL_UDATA_COMMENT_MAXLEN`).
    pub const COMMENT_MAX: usize = 128;

    /// A name that stays when other sentences come and go, where there is one.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spot.as_ref().filter(|_| self.id.is_empty()).map_or(&self.id, |spot| &spot.id)
    }

    /// Where it stands in somebody else's ruleset that has no lines.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.spot.as_ref().map(|spot| spot.place.as_str())
    }

    /// The id, and the reason where there is one.
    fn whole_comment(&self) -> String {
        let because = self.because.as_deref().filter(|because| !because.trim().is_empty());
        match because {
            Some(because) if self.id.is_empty() => because.to_owned(),
            Some(because) => format!("{} {because}", self.id),
            None => self.id.clone(),
        }
    }

    /// Whether [`Self::comment`] is all that was written, as it was written.
    #[must_use]
    pub fn has_whole_comment(&self) -> bool {
        self.comment() == self.whole_comment()
    }

    /// What a rule carries into the kernel: the id, and the reason where there is one. Quotes, which nft text cannot hold,
    /// become `'`, and control characters blanks; the end is cut off where it is too long.
    #[must_use]
    pub fn comment(&self) -> String {
        let mut comment = String::new();
        for character in self.whole_comment().chars() {
            let legal = match character {
                '"' => '\'',
                control if control.is_control() => ' ',
                other => other,
            };
            if comment.len() + legal.len_utf8() > Self::COMMENT_MAX {
                break;
            }
            comment.push(legal);
        }
        comment
    }
}

/// One [`Origin`] of a [`Ruleset`], by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OriginId(pub u32);

/// Everything that one policy, or somebody else's ruleset, puts into the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ruleset {
    /// A line about the whole, for the head of texts: name and edition.
    pub title: String,
    /// The sentences, in order.
    pub origins: Vec<Origin>,
    /// The tables.
    pub tables: Vec<Table>,
    /// What stands beside the tables and the IR has no word for, with the place where it was found.
    pub unknowns: Vec<(OriginId, Unknown)>,
}

impl Ruleset {
    /// The sentence that something comes from.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        self.origins.get(usize::try_from(id.0).ok()?)
    }

    /// Every chain, with its table.
    pub fn chains(&self) -> impl Iterator<Item = (&Table, &Chain)> {
        self.tables.iter().flat_map(|table| table.chains().iter().map(move |chain| (table, chain)))
    }

    /// All that the IR has no word for, with the place where it was found. A ruleset that has any cannot be written,
    /// installed, run or proved about as a whole.
    pub fn unknowns(&self) -> impl Iterator<Item = (OriginId, &Unknown)> {
        let beside = self.unknowns.iter();
        let of_tables = self.tables.iter().flat_map(Table::unknowns);
        let of_rules = self.chains().flat_map(|(_, chain)| {
            chain.rules().iter().flat_map(|rule| rule.unknowns().map(|unknown| (rule.origin(), unknown)))
        });
        beside.chain(of_tables).map(|(origin, unknown)| (*origin, unknown)).chain(of_rules)
    }
}
