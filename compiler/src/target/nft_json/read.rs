// SPDX-License-Identifier: GPL-3.0-or-later
//! nft JSON to IR: what `nft -j list ruleset` or `nft -j list table` prints, of nft 1.0.6 to 1.1.
//!
//! A document of commands, as our own, is read as what it makes where nothing was before (`commands.rs`).
//!
//! What the IR has no word for becomes a named unknown in its place, with its JSON, and the rest is still read. Errors are
//! only for what is no such list. Handles are left out, and so is how a set is to be optimised.
//!
//! nft 1.0.6 does not print everything: a set that packets add to is told by the rules that do, whether ranges are merged
//! is not told, and times of elements are whole seconds; packets do not notice. Points in time and times of the day stand
//! in a time zone that the list does not name, so each such text is an unknown; as numbers, which nft takes too and we
//! write, they are seconds of UTC.

mod commands;
mod field;
mod map;
mod object;
mod rule;
mod set;
mod statement;
mod table;
mod test;
mod untold;
mod value;
mod verdict;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Early, Origin, OriginId, Ruleset, Table, Unknown};
use serde_json::Value;

use self::commands::{Item, carried_out};
use self::rule::unknown;
use self::table::RawTable;
pub use self::untold::untold;

/// What is not a list of nft's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Where: the place of an item in the list, from 1; 0 where there is no list.
    pub item: u32,
    /// What is wrong: lower-case, without a full stop.
    pub message: String,
}

/// What the IR has no word for, by its name: for counting, and for the reader.
#[derive(Debug)]
struct NoWord(String);

impl NoWord {
    fn of(name: &str) -> Self {
        Self(name.to_owned())
    }
}

type Read<T> = Result<T, NoWord>;

/// Reads the list of a ruleset or of a table. Each part is told by its place in its table.
#[must_use]
pub fn read(text: &str) -> (Ruleset, Vec<ReadError>) {
    let error = |message: &str| vec![ReadError { item: 0, message: message.to_owned() }];
    let list = match serde_json::from_str::<Value>(text) {
        Ok(list) => list,
        Err(problem) => return (Ruleset::default(), error(&format!("this is no JSON: {problem}"))),
    };
    let Some(Value::Array(items)) = list.get("nftables") else {
        return (Ruleset::default(), error("there is no list `nftables`"));
    };
    let mut errors = Vec::new();
    let items = carried_out(items, &mut errors);
    let mut reader = Reader { ruleset: Ruleset::default(), tables: Vec::new() };
    reader.ruleset.title = "nft list".to_owned();
    for Item { kind, body } in &items {
        reader.item(kind, body);
    }
    let Reader { mut ruleset, tables } = reader;
    for table in tables {
        table.build(&mut ruleset);
    }
    let early: Vec<_> = ruleset.tables.iter().flat_map(Table::early).collect();
    ruleset.unknowns.extend(early.into_iter().map(Early::unknown));
    ruleset.locate();
    (ruleset, errors)
}

struct Reader<'a> {
    ruleset: Ruleset,
    tables: Vec<RawTable<'a>>,
}

impl<'a> Reader<'a> {
    fn item(&mut self, kind: &str, body: &'a Value) {
        if kind == "metainfo" {
            return;
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let words = [Some(kind), text("chain").or(text("name"))].map(Option::unwrap_or_default).join(" ");
        let because = text("comment").filter(|_| kind == "rule");
        let origin = self.origin(words.trim_end().to_owned(), because);
        let Some(name) = (if kind == "table" { text("name") } else { text("table") }) else {
            self.unknown(format!("item {kind}"), body, origin);
            return;
        };
        let Some(family) = text("family").and_then(TableFamily::named) else {
            self.unknown(format!("family {}", text("family").unwrap_or("none")), body, origin);
            return;
        };
        let of = |table: &RawTable<'a>| table.family == family && table.name == name;
        let place = match self.tables.iter().position(of) {
            Some(place) => place,
            None => {
                self.tables.push(RawTable::new(family, name));
                self.tables.len() - 1
            }
        };
        if let Some(table) = self.tables.get_mut(place) {
            table.add(kind, body, origin);
        }
    }

    fn origin(&mut self, text: String, because: Option<&str>) -> OriginId {
        let id = OriginId(u32::try_from(self.ruleset.origins.len()).unwrap_or(u32::MAX));
        self.ruleset.origins.push(Origin { text, because: because.map(str::to_owned), ..Origin::default() });
        id
    }

    fn unknown(&mut self, name: String, body: &Value, origin: OriginId) {
        self.ruleset.unknowns.push((origin, unknown(NoWord(name), body)));
    }
}

/// What somebody wrote beside a part.
fn comment(body: &Value) -> Option<String> {
    body.get("comment").and_then(Value::as_str).map(str::to_owned)
}

/// An unknown beside rules.
fn beside(name: String, body: &Value) -> Unknown {
    unknown(NoWord(name), body)
}
