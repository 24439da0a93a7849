// SPDX-License-Identifier: GPL-3.0-or-later
//! nft JSON to IR: what `nft -j list ruleset` or `nft -j list table` prints, of nft 1.0.6 to 1.1.
//!
//! What the IR has no word for becomes a named unknown in its place, with its JSON, and the rest is still read. Errors are
//! only for what is no such list. Handles and counts of elements are left out, and so is how a set is to be optimised.
//!
//! nft 1.0.6 does not print everything: a set that packets add to is told by the rules that do, whether ranges are merged
//! is not told, times of elements are whole seconds, and times of the day stand in the time zone of nft, which is taken
//! for UTC: `TZ=UTC nft -j list ruleset`.

mod field;
mod map;
mod object;
mod rule;
mod set;
mod statement;
mod table;
mod test;
mod value;
mod verdict;

use ringwall_ir::words::TableFamily;
use ringwall_ir::{Origin, OriginId, Ruleset, Unknown};
use serde_json::Value;

use self::rule::unknown;
use self::table::RawTable;

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

/// Reads the list of a ruleset or of a table. Each part comes from its place in the list.
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
    let mut reader = Reader { ruleset: Ruleset::default(), tables: Vec::new(), errors: Vec::new() };
    reader.ruleset.title = "nft list".to_owned();
    for (place, item) in (1..).zip(items) {
        match item.as_object().and_then(|object| object.iter().next()) {
            Some((kind, body)) => reader.item(kind, body, place),
            None => reader.errors.push(ReadError { item: place, message: "an item is no object".to_owned() }),
        }
    }
    let Reader { mut ruleset, tables, errors } = reader;
    for table in tables {
        table.build(&mut ruleset);
    }
    (ruleset, errors)
}

struct Reader<'a> {
    ruleset: Ruleset,
    tables: Vec<RawTable<'a>>,
    errors: Vec<ReadError>,
}

impl<'a> Reader<'a> {
    fn item(&mut self, kind: &str, body: &'a Value, place: u32) {
        if kind == "metainfo" {
            return;
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let words = [Some(kind), text("chain").or(text("name"))].map(Option::unwrap_or_default).join(" ");
        let origin = self.origin(words.trim_end().to_owned(), place, text("comment"));
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

    fn origin(&mut self, text: String, line: u32, because: Option<&str>) -> OriginId {
        let id = OriginId(u32::try_from(self.ruleset.origins.len()).unwrap_or(u32::MAX));
        self.ruleset.origins.push(Origin { id: String::new(), text, line, because: because.map(str::to_owned) });
        id
    }

    fn unknown(&mut self, name: String, body: &Value, origin: OriginId) {
        self.ruleset.unknowns.push((origin, unknown(NoWord(name), body)));
    }
}

/// An unknown beside rules.
fn beside(name: String, body: &Value) -> Unknown {
    unknown(NoWord(name), body)
}
