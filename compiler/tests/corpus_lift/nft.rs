// SPDX-License-Identifier: GPL-3.0-or-later
//! Configurations and dumps of nft: loaded, listed as JSON, read, written as text, and read again from the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ringwall_compiler::target::{nft, nft_json};
use ringwall_ir::Ruleset;
use serde_json::Value;

use super::material::{corpus, given, run};

/// The least share of rules that have no unknown, in percent.
const AIM: usize = 90;

/// The files of the corpus; none, said aloud, where it is not, or where there are no namespaces.
fn files() -> Option<Vec<PathBuf>> {
    let corpus = corpus();
    let folders = ["nft", "nft-dump"].map(|folder| corpus.join(folder));
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    let mut files: Vec<_> = files.map(|file| file.path()).filter(|path| path.is_file()).collect();
    files.sort();
    if files.is_empty() {
        eprintln!("skipped: there are no files of nft in {}", corpus.display());
        return None;
    }
    if let Err(reason) = run("nft list ruleset\n") {
        eprintln!("skipped: nft cannot be had in a network namespace ({reason})");
        return None;
    }
    Some(files)
}

/// Text in quotes for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The shell's commands that make the devices which a file names by `iif`, `oif` and `device`: they have no number where
/// they are not.
fn devices(text: &str) -> String {
    let words = words(text);
    let mut defined: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        let behind = words.get(place + 1..).unwrap_or_default();
        match (*word, behind) {
            ("define", [name, "=", values @ ..]) => {
                defined.insert(name, list(values));
            }
            ("iif" | "oif" | "device", ["!=" | "==", values @ ..]) | ("devices", ["=", values @ ..]) => {
                named.extend(list(values));
            }
            ("iif" | "oif" | "device", values) => named.extend(list(values)),
            _ => {}
        }
    }
    // A variable may name others.
    for _ in 0..3 {
        let resolved = named.iter().flat_map(|name| match name.strip_prefix('$') {
            Some(variable) => defined.get(variable).cloned().unwrap_or_default(),
            None => vec![*name],
        });
        named = resolved.collect();
    }
    let is_name = |name: &&&str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        !name.is_empty() && name.len() < 16 && **name != "lo" && name.chars().all(legal)
    };
    // Not every kernel has devices of each type.
    let add = |name: &&str| {
        let of_type = |kind: &str| format!("ip link add {} type {kind} 2>/dev/null", quoted(name));
        format!("{} || {} || true\n", of_type("dummy"), of_type("bridge"))
    };
    named.iter().filter(is_name).map(add).collect()
}

/// The words of a text, without comments; quotes are taken away, and braces, commas and `;` stand by themselves.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        for word in line.split_inclusive(|c: char| c.is_whitespace() || "{},;=\"".contains(c)) {
            let (head, last) = word.split_at(word.len() - word.chars().last().map_or(0, char::len_utf8));
            match last {
                "{" | "}" | "," | ";" => words.extend([head, last].into_iter().filter(|word| !word.is_empty())),
                "=" if head != "!" && head != "=" => {
                    words.extend([head, last].into_iter().filter(|word| !word.is_empty()));
                }
                _ => words.extend(Some(word.trim_end_matches([' ', '\t', '"'])).filter(|word| !word.is_empty())),
            }
        }
    }
    words
}

/// The value at the head of some words, or the values of a list in braces.
fn list<'a>(words: &[&'a str]) -> Vec<&'a str> {
    match words {
        ["{", items @ ..] => {
            items.iter().take_while(|word| **word != "}").filter(|word| **word != ",").copied().collect()
        }
        [only, ..] => vec![only],
        [] => Vec::new(),
    }
}

/// What nft lists as JSON of a file that it has loaded, or why it did not.
fn listed(path: &Path, devices: &str) -> Result<String, String> {
    let folder = path.parent().unwrap_or(path).display().to_string();
    let (folder, file) = (quoted(&folder), quoted(&path.display().to_string()));
    run(&format!("cd {folder}\n{devices}nft -f {file} >/dev/null\nnft -j list ruleset\n"))
}

/// Loads a text, and lists it as JSON.
fn loaded(text: &str, devices: &str) -> Result<String, String> {
    run(&format!("{devices}nft -f - {}nft -j list ruleset\n", given(text)))
}

/// The cause of a failure: nft's first error, without the place and without what was found there.
fn cause(error: &str) -> String {
    let line = error.lines().find(|line| line.contains("Error: ") || line.contains("Assertion"));
    let line = line.or_else(|| error.lines().next()).unwrap_or("no reason");
    let message = line.split_once("Error: ").map_or(line, |(_, message)| message);
    let end = message.find([',', '\'', '"', '‘', '`']).unwrap_or(message.len());
    message.get(..end).unwrap_or(message).trim().to_owned()
}

/// Names with their counts, the most frequent first.
#[derive(Default)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn add(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    fn sum(&self) -> usize {
        self.0.values().sum()
    }

    fn print(&self) {
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        for (name, count) in counts {
            println!("{count:6} {name}");
        }
    }
}

/// The ruleset of a list, or what went wrong.
fn read(listed: &str) -> Result<Ruleset, String> {
    match catch_unwind(|| nft_json::read(listed)) {
        Ok((ruleset, errors)) if errors.is_empty() => Ok(ruleset),
        Ok((_, errors)) => Err(format!("nft's list is not read: {errors:?}")),
        Err(_) => Err("the reader panics".to_owned()),
    }
}

/// How many rules a list has.
fn rules(listed: &str) -> usize {
    let list: Value = serde_json::from_str(listed).unwrap_or_default();
    let items = list.get("nftables").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter(|item| item.get("rule").is_some()).count()
}

/// Why the second reading of a ruleset is another; none where it is not.
fn difference(one: &Ruleset, other: &Ruleset) -> Option<String> {
    let (one, other) = match (nft_json::normal(one), nft_json::normal(other)) {
        (Ok(one), Ok(other)) => (one, other),
        (one, other) => return Some(format!("no normal form: {:?}, {:?}", one.err(), other.err())),
    };
    if one == other {
        return None;
    }
    let (first, second) = (one.to_string(), other.to_string());
    let lines = first.lines().zip(second.lines()).find(|(one, other)| one != other);
    Some(lines.map_or_else(|| format!("{one:?}\n{other:?}"), |(one, other)| format!("< {one}\n> {other}")))
}

#[test]
fn corpus_lift_nft_files_are_read_and_come_back_from_the_kernel() {
    let Some(files) = files() else { return };
    let start = Instant::now();
    let (mut failed, mut unknown, mut refused) = (Counts::default(), Counts::default(), Counts::default());
    let (mut all, mut clean, mut whole, mut same, mut wrong) = (0, 0, 0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let devices = devices(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()));
        let list = match listed(path, &devices) {
            Ok(list) => list,
            Err(error) => {
                println!("not loaded: {name}: {}", cause(&error));
                failed.add(&cause(&error));
                continue;
            }
        };
        let ruleset = match read(&list) {
            Ok(ruleset) => ruleset,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        all += rules(&list);
        let known = ruleset.chains().flat_map(|(_, chain)| chain.rules());
        clean += known.filter(|rule| rule.unknowns().next().is_none()).count();
        if ruleset.unknowns().next().is_some() {
            ruleset.unknowns().for_each(|(_, each)| unknown.add(&each.name));
            continue;
        }
        whole += 1;
        let text = match nft::write(&ruleset) {
            Ok(text) => text,
            Err(unsayable) => {
                unsayable.iter().for_each(|each| refused.add(&each.reason));
                println!("not written: {name}: {} parts", unsayable.len());
                continue;
            }
        };
        let again = loaded(&text, &devices).and_then(|list| read(&list));
        match again.map(|again| difference(&ruleset, &again)) {
            Ok(None) => same += 1,
            Ok(Some(difference)) => wrong.push(format!("{name}: {difference}")),
            Err(error) => wrong.push(format!("{name}: what was written: {}", error.trim())),
        }
    }
    println!("{} files, {} of which are not loaded here:", files.len(), failed.sum());
    failed.print();
    println!("{clean} of {all} rules have no unknown; the unknowns:");
    unknown.print();
    println!("{whole} files have no unknown, {same} of them came back; what nft text does not say of the others:");
    refused.print();
    println!("{:.1} s", start.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(clean * 100 >= all * AIM, "{clean} of {all} rules have no unknown");
}
