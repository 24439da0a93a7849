// SPDX-License-Identifier: GPL-3.0-or-later
//! IR to nft JSON, for `nft -j -f`: declare, flush, fill, as in nft text.
//!
//! Each command and each element has a line of its own, so that one that comes, goes or moves changes no other line. JSON
//! has no comments: what a rule comes from is told by the comment that it carries into the kernel.
//!
//! nft 1.0.6 reads less from JSON than from text, and where it reads less it says nothing: that is refused here.

mod field;
mod object;
mod rule;
mod set;
mod statement;
mod test;
mod value;
mod verdict;

use ringwall_ir::fields::Word;
use ringwall_ir::words::ChainPolicy;
use ringwall_ir::{Chain, Object, Origin, OriginId, Ruleset, Set, Table};
use serde_json::{Map, Value, json};

use crate::target::nft::{self, CLOSING, Clear};
use crate::target::{Target, Unsayable, one_line};

/// A part as JSON, or why nft cannot take it.
type Said = Result<Value, String>;

/// Writes a ruleset for `nft -j -f`: the whole of its tables, for an empty and for a loaded kernel alike.
///
/// # Errors
/// Each part that nft JSON cannot say.
pub fn write(ruleset: &Ruleset) -> Result<String, Vec<Unsayable>> {
    let mut writer = Writer { ruleset, commands: vec![head(ruleset).to_string()], unsayable: Vec::new() };
    for (origin, unknown) in &ruleset.unknowns {
        writer.refuse(*origin, unknown.to_string());
    }
    for table in &ruleset.tables {
        writer.table(table);
    }
    if writer.unsayable.is_empty() {
        Ok(format!("{{\"nftables\": [\n{}\n]}}\n", writer.commands.join(",\n")))
    } else {
        Err(writer.unsayable)
    }
}

/// Why nft JSON cannot say a row.
fn unsaid(word: Word) -> String {
    word.row().cells.nft_json.reason().unwrap_or_default().to_owned()
}

/// What the whole is. nft looks at the version of the schema alone.
fn head(ruleset: &Ruleset) -> Value {
    json!({ "metainfo": {
        "json_schema_version": 1,
        "made_by": "compiled by ringwall for nft -j -f: edit the policy, not this file",
        "title": one_line(&ruleset.title),
    } })
}

struct Writer<'a> {
    ruleset: &'a Ruleset,
    commands: Vec<String>,
    unsayable: Vec<Unsayable>,
}

impl Writer<'_> {
    fn refuse(&mut self, origin: OriginId, reason: String) {
        self.unsayable.push(Unsayable { origin, target: Target::NftJson, reason, help: None });
    }

    /// A command about a part of a table.
    fn command(&mut self, verb: &str, kind: &str, table: &Table, part: Map<String, Value>) {
        let mut body = of(table);
        body.extend(part);
        self.commands.push(json!({ verb: { kind: body } }).to_string());
    }

    fn table(&mut self, table: &Table) {
        for (origin, unknown) in table.unknowns() {
            self.refuse(*origin, unknown.to_string());
        }
        self.unsayable.extend(table.early().iter().map(|early| Unsayable::early(early, Target::NftJson)));
        self.declare(table);
        self.clear(table);
        self.fill(table);
    }

    /// Everything that rules and elements speak of, so that it is there, and there to be flushed.
    fn declare(&mut self, table: &Table) {
        let whole = json!({ "family": table.family().name(), "name": nft::name(table.name()) });
        self.commands.push(json!({ "add": { "table": whole } }).to_string());
        for object in table.objects() {
            self.object(table, object);
        }
        // nft 1.0.6 sends elements of intervals where the set is declared first, and they may lead to chains.
        for chain in table.chains() {
            self.command("add", "chain", table, hook(chain));
        }
        for set in table.sets() {
            self.unsayable.extend(nft::lost(set, Target::NftJson));
            match nft::check_set(set).and_then(|()| set::declaration(table, set)) {
                Ok(declared) => self.command("add", set::kind(set), table, declared),
                Err(reason) => self.refuse(set.origin(), reason),
            }
        }
    }

    fn object(&mut self, table: &Table, object: &Object) {
        match object::declaration(object) {
            Ok(declared) => self.command("add", object.body().kind().name(), table, declared),
            Err(reason) => self.refuse(object.origin(), reason),
        }
    }

    /// Rules, elements that the ruleset alone writes, and what the kernel would not change in place.
    fn clear(&mut self, table: &Table) {
        let whole = json!({ "family": table.family().name(), "name": nft::name(table.name()) });
        self.commands.push(json!({ "flush": { "table": whole } }).to_string());
        for part in nft::cleared(table) {
            match part {
                Clear::Flush(set) => self.command("flush", set::kind(set), table, named(set.name())),
                Clear::DeleteSet(set) => self.command("delete", set::kind(set), table, named(set.name())),
                Clear::DeleteObject(object) => {
                    self.command("delete", object.body().kind().name(), table, named(object.name()));
                }
            }
        }
        for hook in nft::ungoverned(table) {
            self.command("add", "chain", table, named(hook.name()));
            self.command("delete", "chain", table, named(hook.name()));
        }
    }

    fn fill(&mut self, table: &Table) {
        for object in table.objects().iter().filter(|object| nft::is_made_anew(object)) {
            if let Ok(declared) = object::declaration(object) {
                self.command("add", object.body().kind().name(), table, declared);
            }
        }
        for set in table.sets() {
            self.contents(table, set);
        }
        for chain in table.chains() {
            self.rules(table, chain);
        }
    }

    /// The elements of a set, in one command: nft compares each command's elements with all that are there. The set is
    /// declared with them, for nft 1.0.6 takes those that come later for others than those that are there.
    fn contents(&mut self, table: &Table, set: &Set) {
        let elements = match set::elements(set) {
            Ok(elements) => elements,
            Err(reason) => return self.refuse(set.origin(), reason),
        };
        let Ok(mut body) = set::declaration(table, set) else { return };
        body.extend(of(table));
        let kind = set::kind(set);
        let command = json!({ "add": { kind: body } }).to_string();
        if elements.is_empty() {
            self.commands.push(command);
            return;
        }
        // The list is the last of the command's properties.
        let head = command.strip_suffix("}}}").unwrap_or_default();
        let lines: Vec<_> = elements.iter().map(Value::to_string).collect();
        self.commands.push(format!("{head},\"elem\":[\n{}\n]}}}}}}", lines.join(",\n")));
    }

    fn rules(&mut self, table: &Table, chain: &Chain) {
        for each in chain.rules() {
            match rule::rule(table, each) {
                Ok(statements) => {
                    let comment = self.ruleset.origin(each.origin()).map(Origin::comment).unwrap_or_default();
                    self.rule(table, chain, statements, &comment);
                }
                Err(reason) => self.refuse(each.origin(), reason),
            }
        }
        if chain.bound().is_some_and(|base| base.policy == ChainPolicy::Drop) {
            self.rule(table, chain, vec![json!({ "drop": null })], CLOSING);
        }
    }

    fn rule(&mut self, table: &Table, chain: &Chain, statements: Vec<Value>, comment: &str) {
        let mut body = Map::new();
        body.insert("chain".to_owned(), json!(nft::name(chain.name())));
        if !comment.is_empty() {
            body.insert("comment".to_owned(), json!(comment));
        }
        body.insert("expr".to_owned(), Value::Array(statements));
        self.command("add", "rule", table, body);
    }
}

/// The properties by which a command names a table.
fn of(table: &Table) -> Map<String, Value> {
    let family = ("family".to_owned(), json!(table.family().name()));
    Map::from_iter([family, ("table".to_owned(), json!(nft::name(table.name())))])
}

/// The property by which a command names a part of a table.
fn named(name: &str) -> Map<String, Value> {
    Map::from_iter([("name".to_owned(), json!(nft::name(name)))])
}

/// A chain without its rules.
fn hook(chain: &Chain) -> Map<String, Value> {
    let mut declared = named(chain.name());
    if let Some(base) = chain.bound() {
        declared.insert("hook".to_owned(), json!(base.hook.name()));
        declared.insert("policy".to_owned(), json!(base.policy.name()));
        declared.insert("prio".to_owned(), json!(base.priority.0));
        declared.insert("type".to_owned(), json!(base.kind.name()));
    }
    declared
}
