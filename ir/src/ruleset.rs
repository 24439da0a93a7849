// SPDX-License-Identifier: GPL-3.0-or-later
//! Tables, chains and sets, and the sentences that they come from.

use serde::{Deserialize, Serialize};

use crate::fields::{Field, Kind};
use crate::interval::IntervalSet;
use crate::rule::{Illegal, Match, Rule, Values};
use crate::words::{ChainPolicy, Direction, Hook, Priority, TableFamily};

/// Where a part of the IR comes from: a sentence of a policy, or a line of somebody else's ruleset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The sentence's label or the hash of its words; stable when other lines are added.
    pub id: String,
    /// The sentence as it was written.
    pub text: String,
    /// The line on which it starts, from 1.
    pub line: u32,
    /// `because "..."`
    pub because: Option<String>,
}

impl Origin {
    /// The longest comment of a rule that nft takes, in bytes (`NFTNL_UDATA_COMMENT_MAXLEN`).
    pub const COMMENT_MAX: usize = 128;

    /// What a rule carries into the kernel: the id, and the reason where there is one. Quotes, backslashes and control
    /// characters, which nft text cannot hold, become `'`, `/` and blanks; the end is cut off where it is too long.
    #[must_use]
    pub fn comment(&self) -> String {
        let whole = match self.because.as_deref().filter(|because| !because.trim().is_empty()) {
            Some(because) => format!("{} {because}", self.id),
            None => self.id.clone(),
        };
        let mut comment = String::new();
        for character in whole.chars() {
            let legal = match character {
                '"' => '\'',
                '\\' => '/',
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

/// A named set of values. Its elements are written by the policy alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Set {
    name: String,
    kind: SetKind,
    elements: IntervalSet,
    origin: OriginId,
}

/// What the elements of a named set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetKind {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
}

impl Set {
    /// A set of addresses, declared by `origin`. It may be empty.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name.
    pub fn new(name: &str, kind: SetKind, elements: IntervalSet, origin: OriginId) -> Result<Self, Illegal> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), kind, elements, origin })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its elements are.
    #[must_use]
    pub const fn kind(&self) -> SetKind {
        self.kind
    }

    /// Its elements.
    #[must_use]
    pub const fn elements(&self) -> &IntervalSet {
        &self.elements
    }

    /// Why it is there.
    #[must_use]
    pub const fn origin(&self) -> OriginId {
        self.origin
    }
}

impl SetKind {
    /// The width of an element, in bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }

    /// nft's word for the type of the elements.
    #[must_use]
    pub const fn nft_type(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4_addr",
            Self::Ipv6 => "ipv6_addr",
        }
    }

    const fn fits(self, kind: Kind) -> bool {
        use crate::words::Family::{Ipv4, Ipv6};
        matches!((self, kind), (Self::Ipv4, Kind::Address(Ipv4)) | (Self::Ipv6, Kind::Address(Ipv6)))
    }
}

/// A filter chain bound to a hook.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chain {
    name: String,
    hook: Hook,
    priority: Priority,
    policy: ChainPolicy,
    closing: OriginId,
    rules: Vec<Rule>,
}

impl Chain {
    /// An empty chain. `closing` says why its chain policy is what it is.
    ///
    /// # Errors
    /// [`Illegal::Name`] where nft could not write the name.
    pub fn new(
        name: &str,
        hook: Hook,
        priority: Priority,
        policy: ChainPolicy,
        closing: OriginId,
    ) -> Result<Self, Illegal> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), hook, priority, policy, closing, rules: Vec::new() })
    }

    /// Adds a rule at the end.
    ///
    /// # Errors
    /// What makes the rule illegal: see [`Rule::new`].
    pub fn push(
        &mut self,
        origin: OriginId,
        matches: Vec<Match>,
        statements: Vec<crate::rule::Statement>,
        verdict: Option<crate::rule::Verdict>,
    ) -> Result<(), Illegal> {
        self.rules.push(Rule::new(self.hook, origin, matches, statements, verdict)?);
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hook it is bound to.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        self.hook
    }

    /// Its place among the chains of the hook.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// What happens to a packet that no rule decided.
    #[must_use]
    pub const fn policy(&self) -> ChainPolicy {
        self.policy
    }

    /// Why the chain policy is what it is.
    #[must_use]
    pub const fn closing(&self) -> OriginId {
        self.closing
    }

    /// Its rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The language's word for the packets it sees, where there is one.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        Direction::ALL.into_iter().find(|direction| direction.hook() == self.hook)
    }
}

/// A table: a name space for chains and sets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Table {
    family: TableFamily,
    name: String,
    sets: Vec<Set>,
    chains: Vec<Chain>,
}

impl Table {
    /// A table of these sets and chains.
    ///
    /// # Errors
    /// [`Illegal::Name`] where a name is taken twice, cannot be written, or names a set that is not there or does not
    /// hold what the field has.
    pub fn new(family: TableFamily, name: &str, sets: Vec<Set>, chains: Vec<Chain>) -> Result<Self, Illegal> {
        check_name(name)?;
        for (i, set) in sets.iter().enumerate() {
            if sets.iter().take(i).any(|before| before.name == set.name) {
                return Err(Illegal::Name(set.name.clone()));
            }
        }
        for (i, chain) in chains.iter().enumerate() {
            if chains.iter().take(i).any(|before| before.name == chain.name) {
                return Err(Illegal::Name(chain.name.clone()));
            }
        }
        let table = Self { family, name: name.to_owned(), sets, chains };
        for test in table.chains.iter().flat_map(|chain| &chain.rules).flat_map(Rule::matches) {
            if let Match::In { field, values: Values::Set(name), .. } = test {
                table.check_reference(*field, name)?;
            }
        }
        Ok(table)
    }

    fn check_reference(&self, field: Field, name: &str) -> Result<(), Illegal> {
        match self.set(name) {
            Some(set) if set.kind.fits(field.row().kind) => Ok(()),
            _ => Err(Illegal::Name(name.to_owned())),
        }
    }

    /// Which packets its chains see.
    #[must_use]
    pub const fn family(&self) -> TableFamily {
        self.family
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its sets.
    #[must_use]
    pub fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// The set of a name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }

    /// Its chains.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The values that a test compares with, wherever they are written.
    #[must_use]
    pub fn values<'a>(&'a self, values: &'a Values) -> &'a IntervalSet {
        const EMPTY: &IntervalSet = &IntervalSet::EMPTY;
        match values {
            Values::Inline(set) => set,
            Values::Set(name) => self.set(name).map_or(EMPTY, Set::elements),
        }
    }
}

/// Everything that one policy, or somebody else's ruleset, puts into the kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ruleset {
    /// A line about the whole, for the head of texts: name and edition.
    pub title: String,
    /// The sentences, in order.
    pub origins: Vec<Origin>,
    /// The tables.
    pub tables: Vec<Table>,
}

impl Ruleset {
    /// The sentence that something comes from.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        self.origins.get(usize::try_from(id.0).ok()?)
    }

    /// Every chain, with its table.
    pub fn chains(&self) -> impl Iterator<Item = (&Table, &Chain)> {
        self.tables.iter().flat_map(|table| table.chains.iter().map(move |chain| (table, chain)))
    }
}

/// Names that nft 1.0.6 takes without quotes: a letter, then letters, digits, `_`, `-`, `.`; within `NFT_NAME_MAXLEN`.
fn check_name(name: &str) -> Result<(), Illegal> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts && name.len() < 128 && name.bytes().all(legal) { Ok(()) } else { Err(Illegal::Name(name.to_owned())) }
}
