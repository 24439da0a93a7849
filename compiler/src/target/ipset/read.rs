// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading the text: the commands are carried out one by one, so that a text that fills sets beside those in use and
//! swaps them is read as what comes of it.

use std::collections::BTreeSet;

use ringwall_ir::words::Family;

use super::Kind;
use super::known::{Entry, KnownSet, KnownSets};
use crate::target::iptables::{Problem, ReadError, Text, split};

/// Options of `create` with a word behind them that say nothing about what is in the set.
const IGNORED: [&str; 5] = ["hashsize", "bucketsize", "initval", "size", "probes"];

/// Reads the text of `ipset save`.
pub(in crate::target) fn read(text: &str) -> (KnownSets, Vec<ReadError>) {
    let mut sets = KnownSets::default();
    let mut errors = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line == "COMMIT" {
            continue;
        }
        if let Err(problem) = command(&mut sets, line, number) {
            errors.push(problem.at(Text::Sets, number));
        }
    }
    (sets, errors)
}

fn command(sets: &mut KnownSets, line: &str, number: u32) -> Result<(), Problem> {
    let words = split(line)?;
    let mut words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let exist = words.iter().any(|word| matches!(*word, "-exist" | "-!"));
    words.retain(|word| !matches!(*word, "-exist" | "-!"));
    let missing = |name: &str| Problem::new(format!("there is no set `{name}` above this line"));
    match words.as_slice() {
        ["create" | "-N", name, kind, options @ ..] => {
            if sets.0.contains_key(*name) && !exist {
                return Err(Problem::new(format!("the set `{name}` is created a second time")));
            }
            let set = create(kind, options, number)?;
            sets.0.entry((*name).to_owned()).or_insert(set);
        }
        ["add" | "-A", name, element, options @ ..] => {
            let entry = entry(element, options, number)?;
            let set = sets.0.get_mut(*name).ok_or_else(|| missing(name))?;
            takes_options(name, set, options)?;
            if set.texts.insert((*element).to_owned()) {
                set.entries.push(entry);
            } else if exist {
                set.entries.retain(|known| known.text != *element);
                set.entries.push(entry);
            } else {
                return Err(Problem::new(format!("`{element}` is in the set `{name}` already"))
                    .help("leave the line out, or write `-exist` behind it"));
            }
        }
        ["del" | "-D", name, element, ..] => {
            let set = sets.0.get_mut(*name).ok_or_else(|| missing(name))?;
            set.entries.retain(|entry| entry.text != *element);
            set.texts.remove(*element);
        }
        ["flush" | "-F", name] => {
            let set = sets.0.get_mut(*name).ok_or_else(|| missing(name))?;
            set.entries.clear();
            set.texts.clear();
        }
        ["destroy" | "-X", name] => {
            if sets.0.remove(*name).is_none() && !exist {
                return Err(missing(name));
            }
        }
        ["swap" | "-W", one, other] => {
            let (first, second) = (sets.0.remove(*one), sets.0.remove(*other));
            let first = first.ok_or_else(|| missing(one))?;
            sets.0.insert((*one).to_owned(), second.ok_or_else(|| missing(other))?);
            sets.0.insert((*other).to_owned(), first);
        }
        ["rename" | "-E", one, other] => {
            let set = sets.0.remove(*one).ok_or_else(|| missing(one))?;
            sets.0.insert((*other).to_owned(), set);
        }
        [word, ..] => {
            return Err(Problem::new(format!("`{word}` begins no line of ipset")).help("write `create` or `add`"));
        }
        [] => {}
    }
    Ok(())
}

/// Whether the set was created with what the options of an element ask for.
fn takes_options(name: &str, set: &KnownSet, options: &[&str]) -> Result<(), Problem> {
    for option in options {
        let asked = match *option {
            "timeout" if set.timeout.is_none() => "timeout",
            "comment" => "comment",
            "packets" | "bytes" => "counters",
            "skbmark" | "skbprio" | "skbqueue" => "skbinfo",
            _ => continue,
        };
        if asked == "timeout" || !set.kept.iter().any(|kept| kept == asked) {
            let (problem, line) = (format!("elements of the set `{name}` have no `{option}`"), set.line);
            let option = if asked == "timeout" { "timeout 0" } else { asked };
            return Err(Problem::new(problem).help(format!("write `{option}` in line {line}, which creates the set")));
        }
    }
    Ok(())
}

fn create(kind: &str, options: &[&str], line: u32) -> Result<KnownSet, Problem> {
    let mut set = KnownSet {
        type_name: kind.to_owned(),
        kind: Kind::named(kind),
        family: Family::Ipv4,
        timeout: None,
        size: None,
        strange: None,
        kept: Vec::new(),
        line,
        texts: BTreeSet::new(),
        entries: Vec::new(),
    };
    let number = |word: &str| word.parse::<u32>().map_err(|_| Problem::new(format!("`{word}` is no number")));
    let mut rest = options.iter().copied();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| Problem::new(format!("nothing follows `{option}`")));
        match option {
            "family" => {
                set.family = match value()? {
                    "inet" | "ipv4" | "-4" => Family::Ipv4,
                    "inet6" | "ipv6" | "-6" => Family::Ipv6,
                    other => return Err(Problem::new(format!("`{other}` is no family"))),
                };
            }
            "timeout" => set.timeout = Some(number(value()?)?),
            "maxelem" => set.size = Some(number(value()?)?),
            // The set's own end of what it can hold.
            "range" => {
                value()?;
            }
            // What is counted, told and marked is state.
            "counters" | "comment" | "skbinfo" => set.kept.push(option.to_owned()),
            _ if IGNORED.contains(&option) => {
                value()?;
            }
            // What follows it may be its value.
            _ => {
                set.strange.get_or_insert_with(|| option.to_owned());
            }
        }
    }
    Ok(set)
}

fn entry(element: &str, options: &[&str], line: u32) -> Result<Entry, Problem> {
    let mut entry = Entry { text: element.to_owned(), line, timeout: None, comment: None, nomatch: false };
    let mut rest = options.iter().copied();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| Problem::new(format!("nothing follows `{option}`")));
        match option {
            "timeout" => {
                let word = value()?;
                let seconds = word.parse().map_err(|_| Problem::new(format!("`{word}` is no number of seconds")))?;
                entry.timeout = Some(seconds);
            }
            "comment" => entry.comment = Some(value()?.to_owned()).filter(|comment| !comment.is_empty()),
            "nomatch" => entry.nomatch = true,
            "packets" | "bytes" | "skbmark" | "skbprio" | "skbqueue" => {
                value()?;
            }
            _ => return Err(Problem::new(format!("`{option}` is no option of an element"))),
        }
    }
    Ok(entry)
}
