// SPDX-License-Identifier: GPL-3.0-or-later
//! The printed form of the IR: for reading, for snapshots, and for nft(8), whose words it uses.

mod map;
mod statement;
mod test;
mod verdict;

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use crate::chain::Chain;
use crate::object::{Object, ObjectBody};
use crate::rule::{Match, Rule, Statement, Step, Unknown, Verdict};
use crate::ruleset::Ruleset;
use crate::set::{DataType, KeyType, Set, SetSpec};
use crate::table::Table;

/// How names of sets, chains and objects are written: as they are, or kept apart from a target's own words.
pub type Naming = fn(&str) -> Cow<'_, str>;

/// Prints parts of rules in nft's words.
#[derive(Clone, Copy)]
pub struct Words {
    name: Naming,
    /// As nft 1.0.6 takes it, which has no word of its own for some things, and with what was counted.
    nft: bool,
}

impl Words {
    /// Prints with names as they are.
    pub const PLAIN: Self = Self { name: |name| Cow::Borrowed(name), nft: false };

    /// Prints for nft 1.0.6, with names as it takes them, and with what counters and quotas have counted.
    #[must_use]
    pub const fn nft(name: Naming) -> Self {
        Self { name, nft: true }
    }

    /// A step of a rule.
    #[must_use]
    pub fn step(self, step: &Step) -> String {
        match step {
            Step::Match(test) => self.test(test),
            Step::Statement(statement) => self.statement(statement),
            Step::Unknown(Unknown { name, text, reason }) if reason.is_empty() => format!("unknown {name} `{text}`"),
            Step::Unknown(Unknown { name, text, reason }) => format!("unknown {name} `{text}` ({reason})"),
        }
    }

    /// A whole rule, without what it comes from.
    #[must_use]
    pub fn rule(self, rule: &Rule) -> String {
        let mut words: Vec<String> = rule.steps().iter().map(|step| self.step(step)).collect();
        words.extend(rule.verdict().map(|verdict| self.verdict(verdict)));
        words.join(" ")
    }
}

/// What somebody wrote beside a part.
fn beside(comment: Option<&str>) -> String {
    comment.map(|comment| format!(" comment \"{comment}\"")).unwrap_or_default()
}

/// One item as it is, several in braces.
fn braced(items: &[String]) -> String {
    match items {
        [only] => only.clone(),
        _ => format!("{{ {} }}", items.join(", ")),
    }
}

macro_rules! display_in_plain_words {
    ($($type:ident $method:ident;)*) => {$(
        impl Display for $type {
            /// In nft's words, with names as they are.
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.pad(&Words::PLAIN.$method(self))
            }
        }
    )*};
}

display_in_plain_words! {
    Match test;
    Rule rule;
    Statement statement;
    Step step;
    Verdict verdict;
}

impl Display for Ruleset {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "ruleset {}", self.title)?;
        for (_, unknown) in &self.unknowns {
            writeln!(f, "unknown {} `{}`", unknown.name, unknown.text)?;
        }
        for table in &self.tables {
            table.print(self, f)?;
        }
        Ok(())
    }
}

impl Table {
    fn print(&self, ruleset: &Ruleset, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ntable {} {}{}", self.family().name(), self.name(), beside(self.comment()))?;
        for object in self.objects() {
            writeln!(f, "  {object}")?;
        }
        for set in self.sets() {
            writeln!(f, "  {set}")?;
        }
        for (_, unknown) in self.unknowns() {
            writeln!(f, "  unknown {} `{}`", unknown.name, unknown.text)?;
        }
        for chain in self.chains() {
            chain.print(ruleset, f)?;
        }
        Ok(())
    }
}

impl Chain {
    fn print(&self, ruleset: &Ruleset, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\n  chain {}", self.name())?;
        if let Some(base) = self.bound() {
            let kind = match base.kind {
                crate::words::ChainType::Filter => String::new(),
                other => format!(" type {}", other.name()),
            };
            write!(f, "{kind} hook {} priority {}", base.hook.name(), base.priority.0)?;
        }
        writeln!(f, "{}", beside(self.comment()))?;
        let id = |origin| ruleset.origin(origin).map_or_else(|| "?".to_owned(), |origin| origin.comment());
        for rule in self.rules() {
            let line = format!("    {rule:<72} ; {}", id(rule.origin()));
            writeln!(f, "{}", line.trim_end_matches([' ', ';']))?;
        }
        if let Some(base) = self.bound() {
            let line = format!("    {:<72} ; {}", format!("else {}", base.policy.name()), id(base.closing));
            writeln!(f, "{}", line.trim_end_matches([' ', ';']))?;
        }
        Ok(())
    }
}

impl Display for Object {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let comment = beside(self.comment());
        write!(f, "{} {} = {}{comment}", self.body().kind().name(), self.name(), self.body())
    }
}

impl Display for ObjectBody {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(counts) => write!(f, "packets {} bytes {}", counts.packets, counts.bytes),
            Self::CtHelper { helper, family, protocol } => {
                write!(f, "type \"{helper}\" protocol {protocol}")?;
                family.map_or(Ok(()), |family| write!(f, " l3proto {}", family.table().name()))
            }
            Self::CtTimeout { family, protocol, timeouts } => {
                write!(f, "protocol {protocol}")?;
                if let Some(family) = family {
                    write!(f, " l3proto {}", family.table().name())?;
                }
                let timeouts: Vec<_> = timeouts.iter().map(|(state, seconds)| format!("{state} : {seconds}")).collect();
                write!(f, " policy {{ {} }}", timeouts.join(", "))
            }
            Self::Limit(limit) => f.write_str(statement::limit(limit).trim_start_matches("limit ")),
            Self::Quota(quota) => {
                f.write_str(Words { nft: true, ..Words::PLAIN }.quota(quota).trim_start_matches("quota "))
            }
        }
    }
}

impl Display for KeyType {
    /// nft's word for the type, or the field whose values are meant.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(datatype) => f.write_str(datatype.name()),
            Self::Like(field) => field.fmt(f),
        }
    }
}

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(kind) => f.write_str(kind.name()),
            Self::Values(parts) => f.write_str(&joined(parts)),
            Self::Verdict => f.write_str("verdict"),
        }
    }
}

fn joined(parts: &[KeyType]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" . ")
}

impl Display for SetSpec {
    /// What the elements are, and all that is not as usual.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.key))?;
        if let Some(data) = &self.data {
            write!(f, " : {data}")?;
        }
        for flag in self.flags.names() {
            write!(f, " {flag}")?;
        }
        if let Some(timeout) = self.timeout {
            write!(f, " {timeout}")?;
        }
        if let Some(interval) = self.gc_interval {
            write!(f, " gc-interval {interval}")?;
        }
        if let Some(size) = self.size {
            write!(f, " size {size}")?;
        }
        if self.auto_merge {
            f.write_str(" auto-merge")?;
        }
        for meter in &self.meters {
            write!(f, " {}", Words::PLAIN.meter(meter))?;
        }
        Ok(())
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = if self.spec().data.is_some() { "map" } else { "set" };
        let elements = Words::PLAIN.elements(self.spec(), self.elements());
        let comment = beside(self.comment());
        write!(f, "{kind} {} of {}{comment} = {}", self.name(), self.spec(), braced(&elements))
    }
}
