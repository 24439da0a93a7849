// SPDX-License-Identifier: GPL-3.0-or-later
//! Reading the text: the commands are carried out one by one, so that a text that fills sets beside those in use and
//! swaps them is read as what comes of it.

use std::collections::BTreeSet;

use ringwall_ir::Counts;
use ringwall_ir::words::Family;

use super::element::parse;
use super::known::{Entry, KnownSet, KnownSets};
use super::{KINDS, Kind};
use crate::target::iptables::{Problem, ReadError, Text, split};

/// Options of `create` with a word behind them that say nothing about what is in the set.
const IGNORED: [&str; 6] = ["hashsize", "bucketsize", "initval", "size", "probes", "resize"];
/// Those that the IR has no place for. Behind a mask stands its value.
const STRANGE: [&str; 5] = ["bitmask", "forceadd", "markmask", "netmask", "skbinfo"];
/// The types of ipset that the IR has no place for, and `list:set`.
const OTHER_TYPES: [&str; 6] =
    ["bitmap:ip,mac", "hash:ip,mac", "hash:ip,mark", "hash:mac", "hash:net,iface", "list:set"];
/// How many elements a set of a hash type holds that does not say (`IPSET_DEFAULT_MAXELEM`).
const SIZE: u32 = 65_536;

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
            let more = set.takes(element).map_err(Problem::new)?;
            if set.texts.insert((*element).to_owned()) {
                if set.is_full(if exist { 1 } else { more }) {
                    let problem = format!("the set `{name}` is full: it holds {}", set.size.unwrap_or_default());
                    let help = format!("write a larger `maxelem` in line {}, which creates the set", set.line);
                    return Err(Problem::new(problem).help(help));
                }
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
            if !set.texts.remove(*element) && !exist {
                return Err(Problem::new(format!("`{element}` is in no line above that adds to the set `{name}`")));
            }
            set.entries.retain(|entry| entry.text != *element);
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
    if Kind::named(kind).is_none() && !OTHER_TYPES.contains(&kind) {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        return Err(Problem::new(format!("`{kind}` is no type of set of ipset"))
            .help(format!("those that are read are {} and list:set", names.join(", "))));
    }
    let mut set = KnownSet {
        type_name: kind.to_owned(),
        kind: Kind::named(kind),
        family: Family::Ipv4,
        timeout: None,
        size: kind.starts_with("hash:").then_some(SIZE),
        range: None,
        strange: None,
        kept: Vec::new(),
        line,
        texts: BTreeSet::new(),
        entries: Vec::new(),
    };
    let number = |word: &str| word.parse::<u32>().map_err(|_| Problem::new(format!("`{word}` is no number")));
    let mut range = None;
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
            "range" => range = Some(value()?),
            // What is counted and told is state.
            "counters" | "comment" => set.kept.push(option.to_owned()),
            _ if IGNORED.contains(&option) => {
                value()?;
            }
            _ if STRANGE.contains(&option) => {
                set.strange.get_or_insert_with(|| option.to_owned());
                set.kept.push(option.to_owned());
                if option.ends_with("mask") {
                    value()?;
                }
            }
            _ => return Err(Problem::new(format!("`{option}` is no option of a set of ipset"))),
        }
    }
    if kind.starts_with("bitmap:") {
        let no_range = || Problem::new(format!("a set of type `{kind}` needs its range"));
        let range = range.ok_or_else(|| no_range().help("write `range FIRST-LAST`"))?;
        if let Some(kind) = set.kind {
            let ends = parse(kind, set.family, range).and_then(|parts| parts.first().copied());
            set.range = Some(
                ends.ok_or_else(|| Problem::new(format!("`{range}` is no range of a set of type `{}`", kind.name)))?,
            );
        }
    }
    Ok(set)
}

fn entry(element: &str, options: &[&str], line: u32) -> Result<Entry, Problem> {
    let mut entry = Entry {
        text: element.to_owned(),
        line,
        timeout: None,
        comment: None,
        counts: Counts::default(),
        nomatch: false,
    };
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
            "packets" | "bytes" => {
                let word = value()?;
                let count = word.parse().map_err(|_| Problem::new(format!("`{word}` is no number of {option}")))?;
                *(if option == "packets" { &mut entry.counts.packets } else { &mut entry.counts.bytes }) = count;
            }
            "skbmark" | "skbprio" | "skbqueue" => {
                value()?;
            }
            _ => return Err(Problem::new(format!("`{option}` is no option of an element"))),
        }
    }
    Ok(entry)
}
