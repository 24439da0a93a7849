// SPDX-License-Identifier: GPL-3.0-or-later
//! Changes of the running ruleset, for people and for programs.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, SystemTime};

use ringwall_kernel::watch::{Change, Deed, Thing};
use serde::Serialize;

use super::human::plural;
use super::terminal::harmless;
use crate::cli::Format;
use crate::failure::Failure;

/// A change as it is shown. Its keys are part of the interface.
#[derive(Serialize)]
pub struct Shown<'a> {
    /// Seconds since 1970-01-01 00:00 UTC.
    time: f64,
    generation: u32,
    process: Process<'a>,
    deeds: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Process<'a> {
    name: &'a str,
    pid: u32,
}

/// What happened to one thing.
#[derive(Serialize)]
struct Told<'a> {
    /// `add` or `delete`.
    deed: &'static str,
    kind: &'static str,
    family: String,
    table: &'a str,
    /// The chain of rules, the set of elements; null for a table.
    name: Option<&'a str>,
    count: usize,
}

/// Told in the place of changes that were lost.
#[derive(Serialize)]
struct Lost {
    lost: bool,
}

impl<'a> Shown<'a> {
    /// A change that came at a time.
    pub fn new(change: &'a Change, time: SystemTime) -> Self {
        Self {
            time: time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            generation: change.generation,
            process: Process { name: &change.process.name, pid: change.process.pid },
            deeds: change.deeds.iter().map(Told::new).collect(),
        }
    }
}

impl<'a> Told<'a> {
    fn new(deed: &'a Deed) -> Self {
        Self {
            deed: if deed.added { "add" } else { "delete" },
            kind: kind(deed.thing),
            family: family(deed.family),
            table: &deed.table,
            name: (deed.thing != Thing::Table).then_some(deed.name.as_str()),
            count: deed.count,
        }
    }
}

const fn kind(thing: Thing) -> &'static str {
    match thing {
        Thing::Table => "table",
        Thing::Chain => "chain",
        Thing::Rule => "rule",
        Thing::Set => "set",
        Thing::Element => "element",
        Thing::Object => "object",
        Thing::Flowtable => "flowtable",
    }
}

/// nft's word for a family of tables (`NFPROTO_*`).
pub fn family(number: u8) -> String {
    match number {
        1 => "inet".to_owned(),
        2 => "ip".to_owned(),
        3 => "arp".to_owned(),
        5 => "netdev".to_owned(),
        7 => "bridge".to_owned(),
        10 => "ip6".to_owned(),
        other => other.to_string(),
    }
}

impl Display for Shown<'_> {
    /// A line for the transaction, and one for each thing that it changed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of_day = Duration::from_secs_f64(self.time).as_secs() % 86_400;
        let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let Process { name, pid } = &self.process;
        let name = harmless(name);
        writeln!(f, "{hours:02}:{minutes:02}:{seconds:02}Z generation {}: {name} (pid {pid})", self.generation)?;
        self.deeds.iter().try_for_each(|told| writeln!(f, "  {told}"))
    }
}

impl Display for Told<'_> {
    /// `add 2 rules of chain inet filter input`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let place = harmless(&format!("{} {}", self.family, self.table));
        let name = harmless(self.name.unwrap_or_default());
        match self.kind {
            "table" => write!(f, "{} table {place}", self.deed),
            "rule" => write!(f, "{} {} of chain {place} {name}", self.deed, plural(self.count, "rule")),
            "element" => write!(f, "{} {} of set {place} {name}", self.deed, plural(self.count, "element")),
            kind => write!(f, "{} {kind} {place} {name}", self.deed),
        }
    }
}

/// What is told where events came faster than they could be taken.
///
/// # Errors
/// None.
pub fn lost(format: Format) -> Result<String, Failure> {
    match format {
        Format::Human => Ok("changes were lost: they came too fast\n".to_owned()),
        Format::Json => super::json::line(&Lost { lost: true }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_of_nft() {
        let deed = |added, thing, name: &str, count| Deed {
            added,
            thing,
            family: 1,
            table: "t".to_owned(),
            name: name.to_owned(),
            count,
        };
        let change = Change {
            generation: 7,
            process: ringwall_kernel::watch::Process { pid: 12, name: "nft\u{1b}".to_owned() },
            deeds: vec![
                deed(true, Thing::Table, "", 1),
                deed(false, Thing::Rule, "c", 2),
                deed(true, Thing::Element, "s", 1),
                deed(true, Thing::Chain, "c", 1),
            ],
        };
        let shown = Shown::new(&change, SystemTime::UNIX_EPOCH + Duration::from_millis(90_061_500));
        assert_eq!(
            shown.to_string(),
            "01:01:01Z generation 7: nft? (pid 12)\n  add table inet t\n  delete 2 rules of chain inet t c\n  \
             add 1 element of set inet t s\n  add chain inet t c\n"
        );
        let json = super::super::json::line(&shown).unwrap();
        assert!(
            json.starts_with(r#"{"time":90061.5,"generation":7,"process":{"name":"nft\u001b","pid":12},"deeds":["#),
            "{json}"
        );
        assert!(json.contains(r#"{"deed":"delete","kind":"rule","family":"inet","table":"t","name":"c","count":2}"#));
        assert!(json.contains(r#"{"deed":"add","kind":"table","family":"inet","table":"t","name":null,"count":1}"#));
    }
}
