// SPDX-License-Identifier: GPL-3.0-or-later
//! The text around the rules: head, declarations, flushes, contents.
//!
//! Declare, flush, fill: everything that is declared may be there already. A table is never deleted and made again, for
//! packets pass between the two, and a chain policy of drop comes late to a new chain.
//!
//! Each rule and each element has a line of its own, with all that there is to say of it, so that one that comes, goes or
//! moves changes no other line.

use std::fmt::Write;

use ringwall_ir::words::{ChainPolicy, Hook};
use ringwall_ir::{Chain, Object, OriginId, Ruleset, Set, Table};

use super::name::name;
use super::permanent::lost;
use super::replace::{Clear, check_set, cleared, is_made_anew, ungoverned};
use super::rule::rule;
use super::sayable::check_comment;
use super::set::Block;
use super::{object, set};
use crate::target::{Target, Unsayable, header, sentence};

/// The comment of the rule that closes a chain. It says what the chain policy says, and takes effect with the other rules.
pub const CLOSING: &str = "closing";

/// What a table and a chain that only rules lead to come from.
const NOWHERE: OriginId = OriginId(0);

/// Writes a ruleset for `nft -f`: the whole of its tables, for an empty and for a loaded kernel alike.
///
/// # Errors
/// Each part that nft text cannot say.
pub fn write(ruleset: &Ruleset) -> Result<String, Vec<Unsayable>> {
    let mut writer = Writer { ruleset, text: header(ruleset, "nft -f"), unsayable: Vec::new() };
    for (origin, unknown) in &ruleset.unknowns {
        writer.refuse(*origin, unknown.to_string());
    }
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
    fn refuse(&mut self, origin: OriginId, reason: String) {
        self.unsayable.push(Unsayable { origin, target: Target::Nft, reason, help: None });
    }

    fn line(&mut self, depth: usize, words: &str) {
        self.text.extend(std::iter::repeat_n('\t', depth));
        self.text.push_str(words);
        self.text.push('\n');
    }

    fn table(&mut self, table: &Table) {
        for (origin, unknown) in table.unknowns() {
            self.refuse(*origin, unknown.to_string());
        }
        let own = format!("{} {}", table.family().name(), name(table.name()));
        self.unsayable.extend(table.early().iter().map(|early| Unsayable::early(early, Target::Nft)));
        self.declare(table, &own);
        self.clear(table, &own);
        self.fill(table, &own);
    }

    /// Everything that rules and elements speak of, so that it is there, and there to be flushed.
    fn declare(&mut self, table: &Table, own: &str) {
        self.line(0, &format!("\ntable {own} {{"));
        let mut first = table.comment().is_none();
        self.comment(1, table.comment(), NOWHERE);
        for object in table.objects() {
            self.gap(&mut first);
            self.object(object);
        }
        for set in table.sets() {
            self.gap(&mut first);
            self.unsayable.extend(lost(set, Target::Nft));
            self.set(table, set, Part::Declaration);
        }
        for chain in table.chains() {
            self.gap(&mut first);
            self.line(1, &format!("chain {} {{", name(chain.name())));
            let origin = chain.bound().map_or(NOWHERE, |base| base.closing);
            self.comment(2, chain.comment(), origin);
            self.hook(chain);
            self.line(1, "}");
        }
        self.line(0, "}");
    }

    /// Rules, elements that the ruleset alone writes, and what the kernel would not change in place.
    fn clear(&mut self, table: &Table, own: &str) {
        self.text.push('\n');
        self.line(0, &format!("flush table {own}"));
        for part in cleared(table) {
            let (verb, kind, named) = match part {
                Clear::Flush(set) => ("flush", set::word(set), set.name()),
                Clear::DeleteSet(set) => ("delete", set::word(set), set.name()),
                Clear::DeleteObject(object) => ("delete", object.body().kind().name(), object.name()),
            };
            self.line(0, &format!("{verb} {kind} {own} {}", name(named)));
        }
        for hook in ungoverned(table).map(Hook::name) {
            self.line(0, &format!("\n# {hook} is not governed: no chain of an earlier policy stays there"));
            self.line(0, &format!("add chain {own} {hook}"));
            self.line(0, &format!("delete chain {own} {hook}"));
        }
    }

    fn fill(&mut self, table: &Table, own: &str) {
        self.line(0, &format!("\ntable {own} {{"));
        let mut first = true;
        for object in table.objects().iter().filter(|object| is_made_anew(object)) {
            self.gap(&mut first);
            self.object(object);
        }
        for set in table.sets() {
            self.gap(&mut first);
            self.set(table, set, Part::Contents);
        }
        for chain in table.chains() {
            self.gap(&mut first);
            self.line(1, &format!("chain {} {{", name(chain.name())));
            self.rules(table, chain);
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

    fn object(&mut self, object: &Object) {
        let Block { head, lines } = object::declaration(object);
        self.line(1, &format!("{head} {{"));
        self.comment(2, object.comment(), object.origin());
        for line in lines {
            self.line(2, &line);
        }
        self.line(1, "}");
    }

    /// What somebody wrote beside a part. Where the part is there already, the kernel keeps what it has.
    fn comment(&mut self, depth: usize, comment: Option<&str>, origin: OriginId) {
        match comment.map(|comment| (comment, check_comment(comment))) {
            Some((comment, Ok(()))) => self.line(depth, &format!("comment \"{comment}\"")),
            Some((_, Err(reason))) => self.refuse(origin, reason),
            None => {}
        }
    }

    fn set(&mut self, table: &Table, set: &Set, part: Part) {
        let declaration = set::declaration(table.family(), set);
        let Block { head, lines } = match check_set(set).and(declaration) {
            Ok(block) => block,
            Err(reason) if part == Part::Declaration => return self.refuse(set.origin(), reason),
            Err(_) => return,
        };
        self.line(1, &format!("{head} {{"));
        for line in lines {
            self.line(2, &line);
        }
        // A set that was deleted is declared anew with its contents.
        if part == Part::Declaration || set.comment().is_some_and(|comment| check_comment(comment).is_ok()) {
            self.comment(2, set.comment(), set.origin());
        }
        if part == Part::Contents && !set.elements().is_empty() {
            self.line(2, "elements = {");
            for element in set::elements(set) {
                self.line(3, &element);
            }
            self.line(2, "}");
        }
        self.line(1, "}");
    }

    fn hook(&mut self, chain: &Chain) {
        let Some(base) = chain.bound() else { return };
        let (hook, priority, policy) = (base.hook.name(), base.priority.0, base.policy.name());
        self.line(2, &format!("type {} hook {hook} priority {priority}; policy {policy};", base.kind.name()));
    }

    fn rules(&mut self, table: &Table, chain: &Chain) {
        for each in chain.rules() {
            match rule(table, each) {
                Ok(words) => {
                    let comment = self.ruleset.origin(each.origin()).map(ringwall_ir::Origin::comment);
                    self.rule(words, &comment.unwrap_or_default(), each.origin());
                }
                Err(reason) => self.refuse(each.origin(), reason),
            }
        }
        if let Some(base) = chain.bound().filter(|base| base.policy == ChainPolicy::Drop) {
            self.rule("drop".to_owned(), CLOSING, base.closing);
        }
    }

    /// A rule, its comment, and the sentence behind it: a line of its own would come and go beside the rule's.
    fn rule(&mut self, mut words: String, comment: &str, origin: OriginId) {
        // Writing to a string does not fail.
        if !comment.is_empty() {
            let _ = write!(words, " comment \"{comment}\"");
        }
        if let Some(sentence) = sentence(self.ruleset.origin(origin)) {
            let _ = write!(words, " {sentence}");
        }
        self.line(2, &words);
    }
}

/// A table is written twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Sets and chains, so that they are there to be flushed.
    Declaration,
    /// Elements and rules.
    Contents,
}
