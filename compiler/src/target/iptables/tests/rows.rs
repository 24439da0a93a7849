// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row of the table in every chain of iptables, in the kernel: what is written loads, twice alike, and what is listed
//! then is read as the same again.

use std::collections::BTreeMap;

use ringwall_ir::fields::{Cell, FIELDS, WORDS};
use ringwall_ir::words::{ChainPolicy, Family, Hook, Priority, TableFamily};
use ringwall_ir::{BaseChain, Chain, Field, IntervalSet, Match, OriginId, Ruleset, Symbol, Table, Values, Verdict};

use super::{CONNTRACK, program, rules};
use crate::target::iptables::table::XtTable;
use crate::target::iptables::{Written, read_with_sets, write};
use crate::target::testing::samples::{Sample, accept, inline, samples_of_field, samples_of_word};
use crate::target::testing::{Kernel, kernel, origin, without};

#[test]
fn every_field_is_written_and_loads_twice() {
    let Some(kernel) = kernel() else { return };
    for row in FIELDS {
        let mut samples = samples_of_field(*row);
        // iptables has ports of protocols that it knows.
        if matches!(row.field, Field::ThDport | Field::ThSport) {
            let protocols = [(6, 6), (17, 17)].into_iter().collect();
            let tests = [inline(Field::L4proto, protocols), inline(row.field, IntervalSet::range(53, 54))];
            samples.push(Sample::filter(Hook::Input, vec![accept(tests.to_vec())]).of(TableFamily::Ip));
        }
        check_row(kernel, row.cells.iptables, row.name, &samples);
    }
}

#[test]
fn every_word_is_written_and_loads_twice() {
    let Some(kernel) = kernel() else { return };
    for row in WORDS {
        check_row(kernel, row.cells.iptables, row.name, &samples_of_word(row.word));
    }
}

/// The namespace has no control group but the root.
#[test]
fn a_control_group_is_written_by_its_path() {
    let symbol = Symbol { name: "system.slice/ssh.service".to_owned(), number: None };
    let test = |level, negated| Match::In {
        selector: Field::SocketCgroupv2(level).into(),
        values: Values::Symbols(vec![symbol.clone()]),
        negated,
    };
    let line = |level, negated| {
        let sample = Sample::filter(Hook::Output, vec![(vec![test(level, negated).into()], Some(Verdict::Accept))]);
        let ruleset = everywhere(&sample, &[(XtTable::Filter, Hook::Output)]);
        write(&ruleset, Family::Ipv4, CONNTRACK).map(|written| rules(&written.text).join("; "))
    };
    let written = "-A OUTPUT -m cgroup --path \"system.slice/ssh.service\" -j ACCEPT";
    assert_eq!(line(2, false).unwrap(), written);
    assert!(line(1, false).is_err() && line(2, true).is_err());
}

fn check_row(kernel: Kernel, cell: Cell, name: &str, samples: &[Sample]) {
    let mut lines = 0;
    // A table of both families is written as one of each is, but for what counts.
    let of_one: Vec<_> = samples.iter().filter(|sample| sample.family != TableFamily::Inet).collect();
    let samples = if of_one.is_empty() { samples.iter().collect() } else { of_one };
    for sample in samples {
        for family in Family::ALL.into_iter().filter(|&family| sample.family.sees(family)) {
            let ruleset = everywhere(sample, &places());
            let refused = write(&ruleset, family, CONNTRACK).err().unwrap_or_default();
            let refused: Vec<_> = refused.into_iter().map(|each| each.origin).collect();
            let written = write(&without(&ruleset, &refused), family, CONNTRACK).unwrap();
            lines += rules(&written.text).len();
            check_load(kernel, family, &written);
        }
    }
    // The control groups of the samples are not there.
    let handled = cell == Cell::Handled && name != "socket cgroupv2";
    assert_eq!(lines > 0, handled, "{name}");
}

fn places() -> Vec<(XtTable, Hook)> {
    XtTable::ALL.into_iter().flat_map(|table| table.hooks().iter().map(move |&hook| (table, hook))).collect()
}

/// A ruleset with the sample's rules in a base chain for each of iptables' chains, as far as they are legal there.
fn everywhere(sample: &Sample, places: &[(XtTable, Hook)]) -> Ruleset {
    let mut origins = vec![origin("parts", "what the rules speak of")];
    let mut parts = sample.parts.clone();
    for &(table, hook) in places {
        let (kind, priority) = (table.kind(hook), priority(table, hook));
        let base = BaseChain { kind, hook, priority, policy: ChainPolicy::Accept, closing: OriginId(0) };
        let mut chain = Chain::base(&format!("{}-{}", table.name(), hook.name()), base).unwrap();
        for (steps, verdict) in &sample.rules {
            let place = u32::try_from(origins.len()).unwrap();
            if chain.push(OriginId(place), steps.clone(), verdict.clone()).is_ok() {
                origins.push(origin(&format!("s{place}"), &format!("sentence {place}")));
            }
        }
        parts.chains.push(chain);
    }
    let table = Table::new(sample.family, "ringwall", parts).unwrap();
    Ruleset { title: "samples".to_owned(), origins, tables: vec![table], unknowns: Vec::new() }
}

/// Ringwall's own where there is one.
fn priority(table: XtTable, hook: Hook) -> Priority {
    match (table, hook) {
        (XtTable::Filter, _) => Priority::RINGWALL_FILTER,
        (XtTable::Nat, Hook::Prerouting | Hook::Output) => Priority::RINGWALL_DSTNAT,
        (XtTable::Nat, _) => Priority::RINGWALL_SRCNAT,
        _ => table.priority(hook),
    }
}

/// The text loads twice with the same result, the kernel has as many rules in each chain as were said, and what it lists
/// is read as what was written is read.
pub(super) fn check_load(kernel: Kernel, family: Family, written: &Written) {
    let listed = kernel.iptables_beside(&written.sets, program(family), &[&written.text, &written.text]);
    let [first, second] = [0, 1].map(|place| split(&listed[place]));
    assert_eq!(first, second);
    let counts = counts(&first.0);
    for chain in &written.chains {
        let count = counts.get(&(chain.table, chain.name.as_str())).copied().unwrap_or_default();
        assert_eq!(count, chain.rules.len(), "{}\n{}\n{}", chain.name, written.text, first.0);
    }
    let read = |text: &str, sets: &str| {
        let (ruleset, errors) = read_with_sets(text, family, sets);
        assert_eq!(errors, [], "{text}\n{sets}");
        content(&ruleset)
    };
    let (said, held) = (read(&written.text, &written.sets), read(&first.0, &first.1));
    for (said, held) in said.iter().zip(&held) {
        assert_eq!(said, held, "{}\n{}", written.text, first.0);
    }
}

/// The rules, and the sets without the numbers that the kernel draws for each.
fn split(listed: &str) -> (String, String) {
    let is_set = |line: &&str| line.starts_with("create ") || line.starts_with("add ");
    let (sets, rules): (Vec<_>, Vec<_>) = listed.lines().partition(is_set);
    let drawn = |line: &str| line.split(" hashsize").next().unwrap().to_owned() + &rest(line);
    let mut sets: Vec<_> = sets.into_iter().map(drawn).collect();
    sets.sort_by_key(|line| !line.starts_with("create "));
    (rules.join("\n") + "\n", sets.join("\n"))
}

/// What stands behind the size of the hash, but what is drawn.
fn rest(line: &str) -> String {
    let Some((_, rest)) = line.split_once(" maxelem") else { return String::new() };
    format!(" maxelem{}", rest.split(" bucketsize").next().unwrap())
}

fn counts(listed: &str) -> BTreeMap<(&str, &str), usize> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut table = "";
    for line in listed.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if line.starts_with("-A") {
            *counts.entry((table, line.split(' ').nth(1).unwrap())).or_default() += 1;
        }
    }
    counts
}

/// Each chain with its rules, printed.
fn content(ruleset: &Ruleset) -> Vec<(String, String, Vec<String>)> {
    let of = |table: &Table, chain: &Chain| {
        let rules = chain.rules().iter().map(ToString::to_string).collect();
        (table.name().to_owned(), chain.name().to_owned(), rules)
    };
    let mut chains: Vec<_> = ruleset.chains().map(|(table, chain)| of(table, chain)).collect();
    chains.retain(|(_, _, rules): &(_, _, Vec<String>)| !rules.is_empty());
    chains.sort();
    chains
}
