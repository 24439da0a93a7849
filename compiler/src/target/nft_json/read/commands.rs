// SPDX-License-Identifier: GPL-3.0-or-later
//! Commands in the place of a list: `{"add": {"table": ...}}`, as a program gives them to `nft -j -f`.
//!
//! They are carried out, one after the other, as if nothing had been there before; what is there in the end is a list.

use serde_json::{Map, Value};

use super::ReadError;

/// An item of a list: what it is, and all that is told of it.
pub(super) struct Item {
    pub(super) kind: String,
    pub(super) body: Value,
}

/// The items that a list has, or that its commands make.
pub(super) fn carried_out(items: &[Value], errors: &mut Vec<ReadError>) -> Vec<Item> {
    let mut there = There(Vec::new());
    for (place, item) in (1..).zip(items) {
        let Some((kind, body)) = only(item) else {
            errors.push(ReadError { item: place, message: "an item is no object".to_owned() });
            continue;
        };
        let done = match kind {
            "add" | "create" => object(body).and_then(|(kind, body)| there.add(kind, body)),
            "flush" => object(body).and_then(|(kind, body)| there.flush(kind, body)),
            "delete" => object(body).and_then(|(kind, body)| there.delete(kind, body)),
            "insert" | "list" | "rename" | "replace" | "reset" => Err(format!("the command `{kind}` is not read")),
            _ => {
                there.push(kind, body.clone());
                Ok(())
            }
        };
        if let Err(message) = done {
            errors.push(ReadError { item: place, message });
        }
    }
    there.0
}

/// Whether an item is a command, and not what is there.
pub(super) fn is_command(item: &Value) -> bool {
    let known = ["add", "create", "delete", "flush", "insert", "rename", "replace", "reset"];
    only(item).is_some_and(|(kind, _)| known.contains(&kind))
}

fn only(json: &Value) -> Option<(&str, &Value)> {
    json.as_object()?.iter().next().map(|(kind, body)| (kind.as_str(), body))
}

fn object(body: &Value) -> Result<(&str, &Value), String> {
    only(body).ok_or_else(|| "a command names nothing".to_owned())
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What is there so far.
struct There(Vec<Item>);

impl There {
    fn push(&mut self, kind: &str, body: Value) {
        self.0.push(Item { kind: kind.to_owned(), body });
    }

    fn find(&mut self, kind: &str, body: &Value) -> Option<&mut Item> {
        let same = |item: &&mut Item| {
            item.kind == kind && ["family", "table", "name"].iter().all(|key| text(&item.body, key) == text(body, key))
        };
        self.0.iter_mut().find(same)
    }

    /// What is there already keeps what it is, and gets the elements beside its own.
    fn add(&mut self, kind: &str, body: &Value) -> Result<(), String> {
        match kind {
            "rule" if ["handle", "index"].iter().any(|key| body.get(*key).is_some()) => {
                return Err("a rule that is added at a place among others is not read".to_owned());
            }
            "rule" => {
                self.push(kind, body.clone());
                return Ok(());
            }
            "element" => {
                let set = ["set", "map"].into_iter().find(|kind| self.find(kind, body).is_some());
                let item = set.and_then(|kind| self.find(kind, body));
                let item = item.ok_or_else(|| format!("there is no set `{}`", text(body, "name")))?;
                return add_elements(&mut item.body, body);
            }
            _ => {}
        }
        let Some(item) = self.find(kind, body) else {
            self.push(kind, body.clone());
            return Ok(());
        };
        let told = body.as_object().map(Map::iter).into_iter().flatten();
        let mut others = told.filter(|(key, value)| *key != "elem" && item.body.get(*key) != Some(*value));
        if let Some((key, _)) = others.next() {
            return Err(format!("the {kind} `{}` is there already with another `{key}`", text(body, "name")));
        }
        add_elements(&mut item.body, body)
    }

    fn flush(&mut self, kind: &str, body: &Value) -> Result<(), String> {
        match kind {
            "ruleset" => self.0.clear(),
            "table" => {
                self.0.retain(|item| item.kind != "rule" || !is_in(item, text(body, "family"), text(body, "name")))
            }
            "chain" => self.0.retain(|item| {
                let of_table = is_in(item, text(body, "family"), text(body, "table"));
                item.kind != "rule" || !of_table || text(&item.body, "chain") != text(body, "name")
            }),
            "set" | "map" => {
                let item =
                    self.find(kind, body).ok_or_else(|| format!("there is no {kind} `{}`", text(body, "name")))?;
                if let Some(set) = item.body.as_object_mut() {
                    set.remove("elem");
                }
            }
            _ => return Err(format!("the command `flush` of a {kind} is not read")),
        }
        Ok(())
    }

    fn delete(&mut self, kind: &str, body: &Value) -> Result<(), String> {
        if body.get("name").is_none() || kind == "element" {
            return Err(format!("the command `delete` of a {kind} is not read"));
        }
        if self.find(kind, body).is_none() {
            return Err(format!("there is no {kind} `{}` to be deleted", text(body, "name")));
        }
        let (family, name) = (text(body, "family"), text(body, "name"));
        let (table, chain) = (kind == "table", kind == "chain");
        self.0.retain(|item| {
            let of_table = is_in(item, family, if table { name } else { text(body, "table") });
            let itself = item.kind == kind && text(&item.body, "name") == name;
            let whole = table && (of_table || itself && text(&item.body, "family") == family);
            let own = of_table && (itself || chain && item.kind == "rule" && text(&item.body, "chain") == name);
            !(whole || !table && own)
        });
        Ok(())
    }
}

fn is_in(item: &Item, family: &str, table: &str) -> bool {
    text(&item.body, "family") == family && text(&item.body, "table") == table
}

fn add_elements(set: &mut Value, added: &Value) -> Result<(), String> {
    let Some(added) = added.get("elem") else { return Ok(()) };
    let list = |elements: &Value| match elements {
        Value::Array(list) => list.clone(),
        only => vec![only.clone()],
    };
    let mut all = set.get("elem").map(list).unwrap_or_default();
    all.extend(list(added));
    let set = set.as_object_mut().ok_or_else(|| "a set is no object".to_owned())?;
    set.insert("elem".to_owned(), Value::Array(all));
    Ok(())
}
