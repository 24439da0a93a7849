// SPDX-License-Identifier: GPL-3.0-or-later
//! Rulesets at random: JSON says what text says, and what nft lists is read as what was loaded.

use std::env;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringwall_ir::arbitrary::{self, Options, Row, handled};
use ringwall_ir::fields::Word;
use ringwall_ir::words::Refusal;
use ringwall_ir::{
    Chain, Element, Elements, Field, OriginId, Rule, Ruleset, Set, Statement, Table, TableParts, Verdict,
};

use super::listed::{assert_same, in_seconds};
use crate::target::nft;
use crate::target::nft_json::{normal, read, write};
use crate::target::testing::{Kernel, Tally, kernel, sayable, without};

/// The parts of a list that nft 1.0.6 prints wrongly, by the name of the unknown that is read instead.
const PRINTED_WRONGLY: [(&str, &str); 7] = [
    ("expression ct protocol", "a test of the family before it is not printed"),
    ("expression socket cgroupv2", "the level of a control group is not printed"),
    ("expression >>", "code points in keys of maps are printed as bytes of any header"),
    ("concatenation of which nft prints a part", "ports of an entry have no width where no protocol is told before"),
    ("concatenation with ", "numbers in the keys of a rule are printed without their width"),
    ("range from the name of an interface type", "the ends of a range have the names of other types"),
    ("set type ", "`typeof` is not printed, and no rule asks this set"),
];

/// So many rulesets; fifty times as many, and others, where `RINGWALL_FULL` is set to a number.
fn rulesets(usual: u32, wanted: fn(&Row) -> bool, mut check: impl FnMut(&str, Ruleset)) {
    let seeds = match env::var("RINGWALL_FULL") {
        Ok(seed) => (seed.parse::<u64>().unwrap_or(1), 50 * usual),
        Err(_) => (0, usual),
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&seeds.0.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let strategy = arbitrary::ruleset(Options::loadable().wanting(wanted));
    for place in 0..seeds.1 {
        let ruleset = strategy.new_tree(&mut runner).unwrap().current();
        check(&format!("ruleset {place} of seed {}", seeds.0), ruleset);
    }
}

/// What this kernel may not have is left out.
fn has_json(row: &Row) -> bool {
    handled(row.cells().nft_json) && row.name() != Word::Queue.row().name
}

fn has_text(row: &Row) -> bool {
    handled(row.cells().nft) && row.name() != Word::Queue.row().name
}

/// The ruleset without what is told to be left out of JSON: comments of sets, and what their elements have counted.
fn as_json_says(ruleset: &Ruleset) -> Ruleset {
    let of_set = |set: Set| {
        let Elements::List(list) = set.elements() else { return set.with_comment(None) };
        let list = list.iter().map(|element| Element { meters: Vec::new(), ..element.clone() });
        Set::new(set.name(), set.spec().clone(), Elements::List(list.collect()), set.origin()).unwrap()
    };
    let of_table = |table: &Table| {
        let mut parts = table.clone().into_parts();
        parts.sets = parts.sets.into_iter().map(of_set).collect();
        Table::new(table.family(), table.name(), parts).unwrap()
    };
    Ruleset { tables: ruleset.tables.iter().map(of_table).collect(), ..ruleset.clone() }
}

fn rules_of(ruleset: &Ruleset) -> usize {
    ruleset.chains().map(|(_, chain)| chain.rules().len()).sum()
}

#[test]
fn random_json_is_what_the_text_is() {
    let Some(kernel) = kernel() else { return };
    let mut tally = Tally::default();
    rulesets(40, has_json, |what, ruleset| {
        tally.refuse(&write(&ruleset).err().unwrap_or_default());
        let ruleset = super::sayable(ruleset);
        tally.take(&ruleset, rules_of(&ruleset));
        let json = write(&ruleset).unwrap_or_else(|unsayable| panic!("{what}: {unsayable:#?}"));
        let text = nft::write(&as_json_says(&ruleset)).unwrap_or_else(|unsayable| panic!("{what}: {unsayable:#?}"));
        let listed = kernel.nft_json(&[&json, &json]);
        assert_same(&listed[0], &listed[1], &format!("{what}: loaded twice"));
        assert_same(&listed[0], &kernel.nft_list(&text), &format!("{what}: JSON and text\n{text}\n{json}"));
    });
    tally.tell(has_json);
}

#[test]
fn random_text_is_read_from_the_list_of_the_kernel() {
    let Some(kernel) = kernel() else { return };
    let mut tally = Tally::default();
    rulesets(40, has_text, |what, ruleset| {
        tally.refuse(&nft::write(&ruleset).err().unwrap_or_default());
        let ruleset = sayable(ruleset, |ruleset| nft::write(ruleset).err().unwrap_or_default());
        let rules = check_read(kernel, what, &listable(&ruleset));
        tally.take(&ruleset, rules);
    });
    tally.tell(has_text);
}

/// The ruleset without the rules that nft 1.0.6 does not list in JSON: it does not survive some, and has no JSON for those
/// that add to maps, so that it does not tell that the maps are dynamic. Beside an answer of tcp it lists no test of the
/// type of the frame.
fn listable(ruleset: &Ruleset) -> Ruleset {
    let adds = |rule: &Rule| {
        rule.statements().any(|statement| matches!(statement, Statement::SetUpdate(update) if update.data.is_some()))
    };
    let resets = |rule: &Rule| {
        rule.verdict() == Some(&Verdict::Reject(Refusal::TcpReset))
            && rule.matches().any(|test| test.field() == Some(Field::EtherType))
    };
    let rules = ruleset.chains().flat_map(|(_, chain)| chain.rules());
    let adding = rules.filter(|rule| adds(rule) || resets(rule)).map(Rule::origin);
    let refused = write(ruleset).err().unwrap_or_default();
    let fatal = refused.iter().filter(|each| each.reason.contains("survive to list in JSON")).map(|each| each.origin);
    without(ruleset, &adding.chain(fatal).collect::<Vec<OriginId>>())
}

/// Returns how many rules were compared.
fn check_read(kernel: Kernel, what: &str, ruleset: &Ruleset) -> usize {
    let text = nft::write(ruleset).unwrap_or_else(|unsayable| panic!("{what}: {unsayable:#?}"));
    let listed = kernel.nft_list(&text);
    let (again, errors) = read(&in_seconds(&listed));
    assert_eq!(errors, [], "{what}");
    for (_, unknown) in again.unknowns() {
        let known = PRINTED_WRONGLY.iter().any(|(name, _)| unknown.name.starts_with(name));
        assert!(known, "{what}: {unknown:?}\n{text}");
    }
    if again.unknowns().next().is_some() {
        // The rest is loaded alone: rules tell what sets are.
        return check_read(kernel, what, &known(ruleset, &again));
    }
    let normal = |ruleset| normal(ruleset).unwrap_or_else(|illegal| panic!("{what}: {illegal}\n{text}"));
    let (one, other) = (normal(ruleset), normal(&again));
    for (line, other) in one.to_string().lines().zip(other.to_string().lines()) {
        assert_eq!(line, other, "{what}\n{text}");
    }
    for (one, other) in one.tables.iter().zip(&other.tables) {
        assert_eq!(one.sets(), other.sets(), "{what}");
        assert_eq!(one.objects(), other.objects(), "{what}");
    }
    assert_eq!(one, other, "{what}\n{text}");
    one.chains().map(|(_, chain)| chain.rules().len()).sum()
}

/// The ruleset without the rules in whose place the other has an unknown, and without the sets that it lacks.
fn known(ruleset: &Ruleset, other: &Ruleset) -> Ruleset {
    let of_table = |table: &Table| {
        let twin = other.tables.iter().find(|twin| (twin.family(), twin.name()) == (table.family(), table.name()));
        let of_chain = |chain: &Chain| {
            let twin = twin.and_then(|twin| twin.chain(chain.name())).unwrap();
            let mut left = match chain.bound() {
                Some(base) => Chain::base(chain.name(), *base).unwrap(),
                None => Chain::regular(chain.name()).unwrap(),
            };
            assert_eq!(chain.rules().len(), twin.rules().len(), "{}", chain.name());
            let pairs = chain.rules().iter().zip(twin.rules());
            for (rule, _) in pairs.filter(|(_, twin)| twin.unknowns().next().is_none()) {
                left.add(rule.clone()).unwrap();
            }
            left
        };
        let chains = table.chains().iter().map(of_chain).collect();
        let mut parts = table.clone().into_parts();
        parts.sets.retain(|set| twin.is_some_and(|twin| twin.set(set.name()).is_some()));
        Table::new(table.family(), table.name(), TableParts { chains, ..parts }).unwrap()
    };
    Ruleset { tables: ruleset.tables.iter().map(of_table).collect(), ..ruleset.clone() }
}
