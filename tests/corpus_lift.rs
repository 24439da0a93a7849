// SPDX-License-Identifier: GPL-3.0-or-later
//! Configurations and dumps of nft that other people wrote: read as a user's file is read, written as text, and read again.
//!
//! They are not part of the project: without them the test says so.

#[path = "../compiler/tests/corpus_lift/shell.rs"]
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use ringwall_compiler::target::{nft, nft_json};
use ringwall_ir::{Elements, Match, Meter, Ruleset, Set, Step, Table, Values};
use ringwall_kernel::namespace::read_nft;

use crate::support::{none_of, shared, skip, test};

/// The least share of rules that have no unknown, in percent.
const AIM: usize = 97;

/// The lift of nft's files; that of iptables needs no worker, and lies beside the compiler.
pub fn tests() -> Vec<Trial> {
    vec![test("corpus_lift", "nft_files_are_read_come_back_and_load_over_themselves", lift)]
}

fn lift() -> Result<(), Failed> {
    let files = files();
    let mut tally = Tally::default();
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        match read_nft(&text, path.parent()) {
            Ok(ruleset) => tally.take(&name, path, &text, &ruleset),
            Err(error) if error.unavailable => {
                skip("corpus_lift", error.problem);
                return Ok(());
            }
            Err(error) => {
                println!("not loaded: {name}: {}", cause(&error.problem));
                tally.failed.add(&cause(&error.problem));
            }
        }
    }
    if files.is_empty() {
        skip("corpus_lift", "there are no files of nft in the corpus");
        return Ok(());
    }
    tally.finish(files.len())
}

/// The files of the corpus.
fn files() -> Vec<PathBuf> {
    let folders = ["nft", "nft-dump"].map(|folder| shared().join("corpus").join(folder));
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().filter_map(Result::ok);
    let mut files: Vec<_> = files.map(|file| file.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[derive(Default)]
struct Tally {
    failed: Counts,
    unknown: Counts,
    refused: Counts,
    /// Rules, and those without an unknown.
    rules: (usize, usize),
    /// Files without an unknown, those that came back, and those that load over themselves.
    files: (usize, usize, usize),
    wrong: Vec<String>,
}

impl Tally {
    fn take(&mut self, name: &str, path: &Path, original: &str, ruleset: &Ruleset) {
        let rules: Vec<_> = ruleset.chains().flat_map(|(_, chain)| chain.rules()).collect();
        self.rules.0 += rules.len();
        self.rules.1 += rules.iter().filter(|rule| rule.unknowns().next().is_none()).count();
        if ruleset.unknowns().next().is_some() {
            ruleset.unknowns().for_each(|(_, each)| self.unknown.add(&each.name));
            return;
        }
        self.files.0 += 1;
        let text = match nft::write(ruleset) {
            Ok(text) => text,
            Err(unsayable) => {
                unsayable.iter().for_each(|each| self.refused.add(&each.reason));
                println!("not written: {name}: {} parts", unsayable.len());
                return;
            }
        };
        match read_nft(&text, None).map(|again| difference(ruleset, &again)) {
            Ok(None) => self.files.1 += 1,
            Ok(Some(difference)) => self.wrong.push(format!("{name}: {difference}")),
            Err(error) => self.wrong.push(format!("{name}: what was written: {}", error.problem.trim())),
        }
        match load_over(path, &text, &devices(ruleset, original)) {
            Ok(()) => self.files.2 += 1,
            Err(error) => self.wrong.push(format!("{name}: over the original: {}", error.trim())),
        }
    }

    fn finish(self, files: usize) -> Result<(), Failed> {
        println!("{files} files, {} of which are not loaded here:", self.failed.sum());
        self.failed.print();
        let (rules, clean) = self.rules;
        println!("{clean} of {rules} rules have no unknown; the unknowns:");
        self.unknown.print();
        let (whole, same, over) = self.files;
        println!("{whole} files have no unknown, {same} came back, {over} load over the original, twice;");
        println!("what nft text does not say of the others:");
        self.refused.print();
        none_of(self.wrong, "these are wrong")?;
        assert!(clean * 100 >= rules * AIM, "{clean} of {rules} rules have no unknown");
        Ok(())
    }
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

/// The cause of a failure: nft's first error, without the place and without what was found there.
fn cause(error: &str) -> String {
    let line = error.lines().find(|line| line.contains("Error: ") || line.contains("Assertion"));
    let line = line.or_else(|| error.lines().next()).unwrap_or("no reason");
    let message = line.split_once("Error: ").map_or(line, |(_, message)| message);
    let end = message.find([',', '\'', '"', '‘', '`']).unwrap_or(message.len());
    message[..end].trim().to_owned()
}

/// Why the second reading of a ruleset is another; none where it is not.
fn difference(one: &Ruleset, other: &Ruleset) -> Option<String> {
    let told = (beside(one) != beside(other)).then(|| format!("< {:?}\n> {:?}", beside(one), beside(other)));
    let (one, other) = match (nft_json::normal(one), nft_json::normal(other)) {
        (Ok(one), Ok(other)) => (one, other),
        (one, other) => return Some(format!("no normal form: {:?}, {:?}", one.err(), other.err())),
    };
    if one == other {
        return told;
    }
    let (first, second) = (one.to_string(), other.to_string());
    let lines = first.lines().zip(second.lines()).find(|(one, other)| one != other);
    Some(lines.map_or_else(|| format!("{one:?}\n{other:?}"), |(one, other)| format!("< {one}\n> {other}")))
}

/// The comments of parts other than rules, and what elements have counted, which the normal form leaves out.
fn beside(ruleset: &Ruleset) -> BTreeSet<String> {
    let of_table = |table: &Table| {
        let own = table.comment().map(|comment| format!("table: {comment}"));
        let chains = table.chains().iter().filter_map(|chain| Some(format!("{}: {}", chain.name(), chain.comment()?)));
        let sets = table.sets().iter().filter_map(|set| Some(format!("{}: {}", set.name(), set.comment()?)));
        let objects = table.objects().iter().filter_map(|part| Some(format!("{}: {}", part.name(), part.comment()?)));
        let counted = table.sets().iter().map(|set| format!("{}: {:?}", set.name(), counted(set)));
        own.into_iter().chain(chains).chain(sets).chain(objects).chain(counted).collect::<Vec<_>>()
    };
    ruleset.tables.iter().flat_map(of_table).collect()
}

fn counted(set: &Set) -> Vec<&[Meter]> {
    let Elements::List(list) = set.elements() else { return Vec::new() };
    list.iter().map(|element| element.meters.as_slice()).filter(|meters| !meters.is_empty()).collect()
}

/// The interfaces that rules name: they have no number where they are not. Those of rules that the text itself takes away
/// stand only in the text.
fn devices(ruleset: &Ruleset, text: &str) -> BTreeSet<String> {
    let words: Vec<_> = text.split_whitespace().collect();
    let flushed =
        words.windows(2).filter(|pair| matches!(pair[0], "iif" | "oif")).map(|pair| pair[1].trim_matches('"'));
    let flushed = flushed.filter(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric()));
    let steps = ruleset.chains().flat_map(|(_, chain)| chain.rules()).flat_map(|rule| rule.steps());
    let symbols = steps.filter_map(|step| match step {
        Step::Match(Match::In { values: Values::Symbols(symbols), .. }) => Some(symbols),
        _ => None,
    });
    let named = symbols.flatten().map(|symbol| symbol.name.as_str()).chain(flushed);
    named.filter(|name| !matches!(*name, "lo" | "vmap" | "map")).map(str::to_owned).collect()
}

/// Loads a file, then a text over it, then the text again, which must change nothing.
fn load_over(original: &Path, text: &str, devices: &BTreeSet<String>) -> Result<(), String> {
    let links: String = devices.iter().map(|name| format!("ip link add name '{name}' type veth\n")).collect();
    let (folder, file) = (original.parent().unwrap_or(original).display(), original.display());
    let over = format!("nft -f - <<'=== end ==='\n{text}\n=== end ===\n");
    let list = "nft -s list ruleset | sed 's/ expires [^ ,]*//'\necho === list\n";
    let printed = run(&format!("cd '{folder}'\n{links}nft -I . -f '{file}' >/dev/null\n{over}{list}{over}{list}"))?;
    match printed.split("=== list\n").collect::<Vec<_>>().as_slice() {
        [once, twice, _] if once == twice => Ok(()),
        _ => Err("the second load of the text changes the ruleset".to_owned()),
    }
}

/// What a shell script prints in a new network namespace, or what it says of its failure.
fn run(script: &str) -> Result<String, String> {
    shell::feed(Command::new("unshare").args(["-n", "sh", "-e"]), script)
}
