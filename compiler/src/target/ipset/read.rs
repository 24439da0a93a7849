// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading the text: the commands are carried out one by one, so that a text that fills sets beside those in use and
//! swaps them is read as what comes of it.

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
        if let Err(problem) = command(&mut sets, line) {
            errors.push(problem.at(Text::Sets, number));
        }
    }
    (sets, errors)
}

fn command(sets: &mut KnownSets, line: &str) -> Result<(), Problem> {
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
            let set = create(kind, options)?;
            sets.0.entry((*name).to_owned()).or_insert(set);
        }
        ["add" | "-A", name, element, options @ ..] => {
            let entry = entry(element, options)?;
            sets.0.get_mut(*name).ok_or_else(|| missing(name))?.entries.push(entry);
        }
        ["del" | "-D", name, element, ..] => {
            let set = sets.0.get_mut(*name).ok_or_else(|| missing(name))?;
            set.entries.retain(|entry| entry.text != *element);
        }
        ["flush" | "-F", name] => sets.0.get_mut(*name).ok_or_else(|| missing(name))?.entries.clear(),
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

fn create(kind: &str, options: &[&str]) -> Result<KnownSet, Problem> {
    let mut set = KnownSet {
        type_name: kind.to_owned(),
        kind: Kind::named(kind),
        family: Family::Ipv4,
        timeout: None,
        size: None,
        strange: None,
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
            "counters" | "comment" | "skbinfo" => {}
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

fn entry(element: &str, options: &[&str]) -> Result<Entry, Problem> {
    let mut entry = Entry { text: element.to_owned(), timeout: None, comment: None, nomatch: false };
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
