// SPDX-License-Identifier: GPL-3.0-or-later
//! Dumps of iptables-save and ip6tables-save.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use ringwall_compiler::target::iptables::{Options, read, write};
use ringwall_ir::words::Family;
use ringwall_ir::{Chain, Ruleset, Step, Table, Verdict};

use super::material::{corpus, given, run};

/// A file of the corpus.
struct Dump {
    path: PathBuf,
    family: Family,
    text: String,
}

/// The corpus; none, said aloud, where it is not.
fn dumps() -> Option<Vec<Dump>> {
    let corpus = corpus();
    let mut dumps = Vec::new();
    for folder in ["iptables-save", "ip6tables-save", "iptables-save-fixed"] {
        let Ok(files) = std::fs::read_dir(corpus.join(folder)) else { continue };
        for file in files.filter_map(Result::ok) {
            let (path, name) = (file.path(), file.file_name().to_string_lossy().to_lowercase());
            let v6 = folder == "ip6tables-save"
                || folder.ends_with("fixed") && ["ip6", "rules6", "ipv6"].iter().any(|word| name.contains(word));
            let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
            if let Ok(text) = std::fs::read_to_string(&path) {
                dumps.push(Dump { path, family, text });
            }
        }
    }
    dumps.sort_by(|one, other| one.path.cmp(&other.path));
    if dumps.is_empty() {
        eprintln!("skipped: there are no dumps of iptables in {}", corpus.display());
        return None;
    }
    Some(dumps)
}

/// The most memory that this process has had so far, all of its tests together (proc_pid_status(5)).
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).map_or_else(String::new, |line| line.replace('\t', " "))
}

/// How many rules there are, and how many of them have an unknown.
fn count(ruleset: &Ruleset) -> (usize, usize) {
    let rules = || ruleset.chains().flat_map(|(_, chain)| chain.rules());
    (rules().count(), rules().filter(|rule| rule.unknowns().next().is_some()).count())
}

#[test]
fn corpus_lift_iptables_dumps_are_read() {
    let Some(dumps) = dumps() else { return };
    let (mut all, mut strange, mut causes) = (0, 0, BTreeMap::<String, usize>::new());
    for dump in &dumps {
        let start = Instant::now();
        let (ruleset, errors) = read(&dump.text, dump.family);
        let lines = dump.text.lines().count();
        if lines > 10_000 {
            println!("{}: {lines} lines in {:?}, {}", dump.path.display(), start.elapsed(), memory());
        }
        assert_eq!(errors, [], "{}", dump.path.display());
        let (rules, unknown) = count(&ruleset);
        (all, strange) = (all + rules, strange + unknown);
        for (_, unknown) in ruleset.unknowns() {
            *causes.entry(unknown.name.clone()).or_default() += 1;
        }
    }
    println!("{} files, {all} rules, {strange} with an unknown", dumps.len());
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
    for (name, count) in causes {
        println!("{count:6} {name}");
    }
    assert!(strange * 100 <= all * 3, "{strange} of {all} rules have an unknown");
}

/// What is read of a dump without an unknown is written, loaded, listed and read again: it is the same ruleset.
#[test]
fn corpus_lift_iptables_dumps_come_back_from_the_kernel() {
    let Some(dumps) = dumps() else { return };
    // The two programs of iptables: over nf_tables, and its own place in the kernel.
    let variants: Vec<_> = ["-nft", "-legacy"].into_iter().filter(|variant| is_there(variant)).collect();
    if variants.is_empty() {
        return;
    }
    let mut whole = 0;
    for dump in &dumps {
        let (ruleset, _) = read(&dump.text, dump.family);
        if ruleset.unknowns().next().is_some() {
            continue;
        }
        whole += 1;
        let name = dump.path.display();
        let start = Instant::now();
        let written = write(&ruleset, dump.family, Options::default())
            .unwrap_or_else(|unsayable| panic!("{name}: {unsayable:#?}"));
        if dump.text.lines().count() > 10_000 {
            println!("{name}: written in {:?}", start.elapsed());
        }
        for variant in &variants {
            let family = if dump.family == Family::Ipv4 { "iptables" } else { "ip6tables" };
            let program = format!("{family}{variant}");
            let listed =
                reloaded(&program, &written.text).unwrap_or_else(|error| panic!("{name}: {error}\n{}", written.text));
            let (again, errors) = read(&listed, dump.family);
            assert_eq!(errors, [], "{name}");
            assert_same(&ruleset, &again, &format!("{name}, {program}"));
            // The text says all: another like it comes of what was listed.
            let rewritten = write(&again, dump.family, Options::default()).unwrap();
            assert_eq!(lines(&rewritten.text), lines(&written.text), "{name}, {program}");
        }
    }
    println!("{whole} of {} files have no unknown and came back by {}", dumps.len(), variants.join(" and "));
}

/// Whether a variant of iptables loads anything here. Says so where not.
fn is_there(variant: &str) -> bool {
    let ran = reloaded(&format!("iptables{variant}"), "*filter\n:INPUT ACCEPT\nCOMMIT\n");
    if let Err(reason) = &ran {
        eprintln!("skipped: iptables{variant} cannot be had in a network namespace ({reason})");
    }
    ran.is_ok()
}

/// The lines of a text in order, without those that are for the eye.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.sort_unstable();
    lines
}

/// Loads a text into a new namespace, and lists what is there then.
fn reloaded(program: &str, text: &str) -> Result<String, String> {
    run(&format!("{program}-restore {}{program}-save\n", given(text)))
}

/// The rules of each chain, without where they come from; what is only for the eye is left out.
type Content = BTreeMap<(String, String), (String, Vec<(Vec<Step>, Option<Verdict>, Option<String>)>)>;

fn content(ruleset: &Ruleset) -> Content {
    let of = |table: &Table, chain: &Chain| {
        let bound = chain.bound().map(|base| (base.kind, base.hook, base.priority, base.policy));
        let rules = chain.rules().iter().map(|rule| {
            let because = ruleset.origin(rule.origin()).and_then(|origin| origin.because.clone());
            (rule.steps().to_vec(), rule.verdict().cloned(), because)
        });
        ((table.name().to_owned(), chain.name().to_owned()), (format!("{bound:?}"), rules.collect()))
    };
    ruleset.chains().map(|(table, chain)| of(table, chain)).collect()
}

fn assert_same(one: &Ruleset, other: &Ruleset, name: &str) {
    let (one, other) = (content(one), content(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{name}");
    for ((place, (bound, rules)), (other_bound, other_rules)) in one.iter().zip(other.values()) {
        assert_eq!(bound, other_bound, "{name}: {place:?}");
        for (one, other) in rules.iter().zip(other_rules) {
            assert_eq!(one, other, "{name}: {place:?}");
        }
        assert_eq!(rules.len(), other_rules.len(), "{name}: {place:?}");
    }
}
