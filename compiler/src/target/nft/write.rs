// SPDX-License-Identifier: GPL-3.0-or-later
//! The text around the rules: head, declarations, flushes, contents.
//!
//! Declare, flush, fill: everything that is declared may be there already. A table is never deleted and made again, for
//! packets pass between the two, and a chain policy of drop comes late to a new chain.

use std::fmt::Write;

use ringwall_ir::words::{ChainPolicy, Direction, Hook};
use ringwall_ir::{Chain, Origin, OriginId, Ruleset, Set, Table};

use super::name::name;
use super::rule::rule;
use super::value::elements;
use crate::target::{Target, Unsayable, header, sentence};

/// The comment of the rule that closes a chain. It says what the chain policy says, and takes effect with the other rules.
pub const CLOSING: &str = "closing";

/// More elements than these stand one on a line.
const SHORT_SET: usize = 4;

/// Writes a ruleset for `nft -f`: the whole of its tables, for an empty and for a loaded kernel alike.
///
/// # Errors
/// Each rule that nft text cannot say.
pub fn write(ruleset: &Ruleset) -> Result<String, Vec<Unsayable>> {
    let mut writer = Writer { ruleset, text: header(ruleset, "nft -f"), unsayable: Vec::new() };
    for table in &ruleset.tables {
        writer.table(table);
    }
    if writer.unsayable.is_empty() { Ok(writer.text) } else { Err(writer.unsayable) }
}

struct Writer<'a> {
    ruleset: &'a Ruleset,
    text: String,
    unsayable: Vec<Unsayable>,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, words: &str) {
        self.text.extend(std::iter::repeat_n('\t', depth));
        self.text.push_str(words);
        self.text.push('\n');
    }

    fn table(&mut self, table: &Table) {
        let own = format!("{} {}", table.family().name(), name(table.name()));
        self.block(table, &own, Part::Declaration);
        self.text.push('\n');
        self.line(0, &format!("flush table {own}"));
        for set in table.sets() {
            self.line(0, &format!("flush set {own} {}", name(set.name())));
        }
        self.remove_ungoverned(table, &own);
        self.block(table, &own, Part::Contents);
    }

    /// Removes the chain that an earlier policy may have left at a hook that this one does not govern: without its rules
    /// it would close the hook. To be deleted it must be there, so it is added first; nothing becomes of one that is.
    fn remove_ungoverned(&mut self, table: &Table, own: &str) {
        let governed =
            |hook: Hook| table.chains().iter().any(|chain| chain.hook() == hook || chain.name() == hook.name());
        for hook in Direction::ALL.map(Direction::hook).into_iter().filter(|&hook| !governed(hook)) {
            let name = hook.name();
            self.line(0, &format!("\n# {name} is not governed: no chain of an earlier policy stays there"));
            self.line(0, &format!("add chain {own} {name}"));
            self.line(0, &format!("delete chain {own} {name}"));
        }
    }

    fn block(&mut self, table: &Table, own: &str, part: Part) {
        self.line(0, &format!("\ntable {own} {{"));
        let mut first = true;
        for set in table.sets() {
            self.gap(&mut first);
            self.set(set, part);
        }
        for chain in table.chains() {
            self.gap(&mut first);
            self.line(1, &format!("chain {} {{", name(chain.name())));
            match part {
                Part::Declaration => self.hook(chain),
                Part::Contents => self.rules(table, chain),
            }
            self.line(1, "}");
        }
        self.line(0, "}");
    }

    /// An empty line before every part of a block but the first.
    fn gap(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.text.push('\n');
        }
    }

    fn set(&mut self, set: &Set, part: Part) {
        self.line(1, &format!("set {} {{", name(set.name())));
        self.line(2, &format!("type {}", set.kind().nft_type()));
        self.line(2, "flags interval");
        if part == Part::Contents {
            self.elements(&elements(set.kind(), set.elements()));
        }
        self.line(1, "}");
    }

    fn elements(&mut self, elements: &[String]) {
        if elements.len() > SHORT_SET {
            self.line(2, "elements = {");
            for element in elements {
                self.line(3, &format!("{element},"));
            }
            self.line(2, "}");
        } else if !elements.is_empty() {
            self.line(2, &format!("elements = {{ {} }}", elements.join(", ")));
        }
    }

    fn hook(&mut self, chain: &Chain) {
        let (hook, priority, policy) = (chain.hook().name(), chain.priority().0, chain.policy().name());
        self.line(2, &format!("type filter hook {hook} priority {priority}; policy {policy};"));
    }

    fn rules(&mut self, table: &Table, chain: &Chain) {
        let mut before = None;
        for each in chain.rules() {
            let origin = self.ruleset.origin(each.origin());
            self.sentence(&mut before, each.origin());
            match rule(table, chain.hook(), each) {
                Ok(words) => self.line(2, &with_comment(words, origin)),
                Err(reason) => {
                    self.unsayable.push(Unsayable { origin: each.origin(), target: Target::Nft, reason });
                }
            }
        }
        if chain.policy() == ChainPolicy::Drop {
            self.sentence(&mut before, chain.closing());
            self.line(2, &format!("drop comment \"{CLOSING}\""));
        }
    }

    /// The sentence, above the first of the rules that come from it.
    fn sentence(&mut self, before: &mut Option<OriginId>, origin: OriginId) {
        if before.replace(origin) != Some(origin)
            && let Some(comment) = sentence(self.ruleset.origin(origin))
        {
            self.line(2, &comment);
        }
    }
}

/// A table is written twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Sets and base chains, so that they are there to be flushed.
    Declaration,
    /// Elements and rules.
    Contents,
}

fn with_comment(mut words: String, origin: Option<&Origin>) -> String {
    if let Some(comment) = origin.map(Origin::comment).filter(|comment| !comment.is_empty()) {
        // Writing to a string does not fail.
        let _ = write!(words, " comment \"{comment}\"");
    }
    words
}
