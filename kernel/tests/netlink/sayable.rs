// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 takes of a ruleset: the rules and sets that it refuses are left out, one after the other.

use std::collections::BTreeSet;

use ringwall_ir::{Chain, Data, Elements, MapRef, Match, Nat, NatEnd, Rule, Ruleset, Step, Table, Verdict};

use crate::listing::lists_wholly;
use crate::private::{flush, try_load};
use crate::text::{nft_text, of_rule};

/// How often something may be left out.
const TRIES: usize = 40;

/// A line of text, by what it is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A rule, by table, chain and number.
    Rule(usize, String, usize),
    /// A set, by table.
    Set(usize, String),
}

/// What is loaded when this returns, and what nft said to the rest. None where it takes nothing.
pub fn loaded(ruleset: &Ruleset) -> (Option<Ruleset>, Vec<String>) {
    let mut rest = Ruleset {
        tables: ruleset.tables.iter().map(|table| keeping(table, &|_, _, rule| is_said(table, rule))).collect(),
        ..ruleset.clone()
    };
    let mut refused = Vec::new();
    for _ in 0..TRIES {
        flush();
        let text = nft_text(&rest);
        let Err(error) = try_load(&text) else { return (Some(rest), refused) };
        let lines = error.lines().filter_map(|line| line.strip_prefix("/dev/stdin:")?.split(':').next()?.parse().ok());
        let mut places = BTreeSet::new();
        for line in lines {
            let Some(place) = place(&text, line) else { return (None, refused) };
            places.insert(place);
        }
        refused.extend(error.lines().filter_map(|line| Some(line.split_once("Error: ")?.1.to_owned())));
        if places.is_empty() {
            refused.push(error);
            return (None, refused);
        }
        let Some(less) = without(&rest, &places) else { return (None, refused) };
        rest = less;
    }
    (None, refused)
}

/// What a line is of; none where it is neither of a rule nor of a set.
fn place(text: &str, line: usize) -> Option<Place> {
    let (mut table, mut block, mut rule) = (0_usize, None, 0);
    for (number, text) in (1..).zip(text.lines()) {
        let words: Vec<_> = text.split(' ').collect();
        match words.as_slice() {
            ["table", ..] => table += 1,
            [kind @ ("chain" | "map" | "set"), name, "{"] => (block, rule) = (Some((*kind, *name)), 0),
            [_, _, "{"] | ["ct", _, _, "{"] => block = None,
            ["type", _, "hook", ..] | ["}"] => {}
            _ if number < line => rule += 1,
            _ => {}
        }
        if number == line {
            return match block? {
                ("chain", name) => Some(Place::Rule(table - 1, name.to_owned(), rule)),
                (_, name) => Some(Place::Set(table - 1, name.to_owned())),
            };
        }
    }
    None
}

fn without(ruleset: &Ruleset, places: &BTreeSet<Place>) -> Option<Ruleset> {
    let mut tables = Vec::new();
    for (number, table) in ruleset.tables.iter().enumerate() {
        let sets: Vec<_> = table.sets().iter().map(|set| set.name().to_owned()).collect();
        let gone = |name: &String| places.contains(&Place::Set(number, name.clone()));
        let gone: Vec<_> = sets.into_iter().filter(gone).collect();
        let of_gone = |text: &str| gone.iter().any(|name| text.contains(&format!("@{name} ")));
        let kept = keeping(table, &|chain, rule_number, rule| {
            let refused = places.contains(&Place::Rule(number, chain.to_owned(), rule_number));
            !refused && !of_gone(&format!("{} ", of_rule(table.family(), rule)))
        });
        let mut parts = kept.into_parts();
        parts.sets.retain(|set| !gone.iter().any(|name| name == set.name()));
        tables.push(Table::new(table.family(), table.name(), parts).ok()?);
    }
    Some(Ruleset { tables, ..ruleset.clone() })
}

fn keeping(table: &Table, kept: &dyn Fn(&str, usize, &Rule) -> bool) -> Table {
    let mut parts = table.clone().into_parts();
    for chain in &mut parts.chains {
        let mut less = match chain.bound() {
            Some(base) => Chain::base(chain.name(), *base).unwrap(),
            None => Chain::regular(chain.name()).unwrap(),
        };
        for (number, rule) in chain.rules().iter().enumerate() {
            if kept(chain.name(), number, rule) {
                less.add(rule.clone()).unwrap();
            }
        }
        *chain = less;
    }
    Table::new(table.family(), table.name(), parts).unwrap()
}

/// Whether nft loads what the rule says, and lists what it loads. It loses the ends of ports that a map gives.
fn is_said(table: &Table, rule: &Rule) -> bool {
    let gives_ranges = |map: &MapRef| {
        let elements = match map {
            MapRef::Inline(list) => list.as_slice(),
            MapRef::Named(name) => match table.set(name).map(|set| set.elements()) {
                Some(Elements::List(list)) => list.as_slice(),
                _ => &[],
            },
        };
        elements.iter().any(|element| matches!(&element.data, Some(Data::Values(tuple)) if !tuple.is_single()))
    };
    let loses = match rule.verdict() {
        Some(Verdict::Dnat(nat) | Verdict::Snat(nat)) => match nat {
            Nat { family: None, end: NatEnd::Map { map, .. }, .. } => gives_ranges(map),
            _ => false,
        },
        _ => false,
    };
    !loses && !is_guarded_too_early(rule) && lists_wholly(&of_rule(table.family(), rule))
}

/// Whether nft tests for a family before the rule does something else, which then happens to fewer packets: it puts some
/// of its own tests at the head of the rule.
fn is_guarded_too_early(rule: &Rule) -> bool {
    let is_test = |step: &Step| matches!(step, Step::Match(Match::In { .. } | Match::Concat { .. }));
    let text = rule.to_string();
    let guarded = text.contains("exthdr ") || matches!(rule.verdict(), Some(Verdict::Reject(_)));
    guarded && !rule.steps().iter().all(is_test)
}
