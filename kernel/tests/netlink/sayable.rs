// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 takes of a ruleset: the rules and sets that it refuses are left out, one after the other.

use std::collections::BTreeSet;

use ringwall_ir::fields::{Base, FibResult, Field, Load};
use ringwall_ir::words::TableFamily;
use ringwall_ir::{
    Chain, Data, Datatype, Element, Elements, Key, MapRef, Match, Nat, NatEnd, Rule, Ruleset, Selector, Set, Step,
    Table, Tuple, Tuples, Values, Verdict,
};

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
    if rest.tables.iter().flat_map(Table::sets).any(has_merged) {
        return (None, vec!["elements that touch become one".to_owned()]);
    }
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
    !loses
        && !is_guarded_too_early(rule)
        && !is_unguarded(rule)
        && !is_of_the_other_icmp(table.family(), rule)
        && is_about_one_route(rule)
        && !is_joined_wrongly(rule)
        && !is_asked_of_the_frame(table, rule)
        && !rule.matches().any(is_misread)
        && lists_wholly(&of_rule(table.family(), rule))
}

/// Whether nft takes the test for another, or does not know it again. A mask of time it takes for seconds. Of ranges that
/// it joined, it notes the fields, but not where it turns their bytes around.
fn is_misread(test: &Match) -> bool {
    if let Match::In { selector, .. } = test
        && selector.mask().is_some()
        && matches!(selector.field().datatype(), Datatype::Duration | Datatype::Time)
    {
        return true;
    }
    let Match::Concat { key, values: Tuples::Inline(tuples), .. } = test else { return false };
    let is_untold = |part: &Selector| part.field().datatype().bits().is_none();
    key.iter().any(is_untold) && !tuples.iter().all(Tuple::is_single)
}

/// Whether nft joins two tests of neighbouring fields that do not belong together: two that are negated, or with something
/// else between them.
fn is_joined_wrongly(rule: &Rule) -> bool {
    let place = |step: &Step| match step {
        Step::Match(Match::In { selector, values: Values::Inline(_), negated }) => match selector.field().row().load {
            Load::Payload(base, offset) => Some((base, offset, selector.field().row().bits, *negated)),
            _ => None,
        },
        _ => None,
    };
    let steps = rule.steps();
    steps.iter().enumerate().any(|(number, step)| {
        let Some((base, offset, bits, negated)) = place(step) else { return false };
        // The type of the frame is tested for before what is of a family, and is a neighbour too.
        if base == Base::Link && steps.get(number + 1).is_some_and(|step| place(step).is_none()) {
            return true;
        }
        let near = |(behind, step): (usize, &Step)| {
            let Some((other, start, length, also)) = place(step).filter(|_| negated || behind > 0) else {
                return false;
            };
            let touch = offset + u16::from(bits) == start || start + u16::from(length) == offset;
            base == other && negated == also && touch
        };
        steps.iter().skip(number + 1).enumerate().any(near)
    })
}

/// Whether nft asks the frame for the family: behind a field of the link, where a field or an answer of one family comes. The
/// kernel knows it without the frame.
fn is_asked_of_the_frame(table: &Table, rule: &Rule) -> bool {
    let of_link = |field: Field| field == Field::Iiftype || matches!(field.row().load, Load::Payload(Base::Link, _));
    let fields = || rule.matches().flat_map(Match::selectors).map(|selector| selector.field());
    let of_family = fields().any(|field| field.row().needs.family().is_some());
    let refuses = matches!(rule.verdict(), Some(Verdict::Reject(_)));
    table.family() == TableFamily::Inet && fields().any(of_link) && (of_family || refuses)
}

/// Whether nft makes one element of several: where a set merges them, those that touch.
fn has_merged(set: &Set) -> bool {
    let Elements::List(list) = set.elements() else { return false };
    let ends = |element: &Element| match &element.key {
        Key::Tuple(Tuple(parts)) => parts.first().copied(),
        Key::Any => None,
    };
    let mut ends: Vec<_> = list.iter().filter_map(ends).collect();
    ends.sort_unstable();
    set.spec().auto_merge && ends.windows(2).any(|pair| pair[0].1 + 1 == pair[1].0)
}

/// Whether nft asks if there is a route: it does in tests of one value, else it asks for its interface.
fn is_about_one_route(rule: &Rule) -> bool {
    let asks = |test: &&Match| match test {
        Match::In { selector, values: Values::Inline(set), .. } => {
            let exists = matches!(selector.field(), Field::Fib(fib) if fib.result == FibResult::Exists);
            exists && matches!(set.intervals(), [(first, last)] if first == last)
        }
        _ => false,
    };
    format!("{rule:?}").matches("result: Exists").count() == rule.matches().filter(asks).count()
}

/// Whether nft does not test for the family of ICMP: not where its protocol is tested for by number.
fn is_unguarded(rule: &Rule) -> bool {
    let text = rule.to_string();
    let apart = |protocol: &str, field: &str| {
        let tests = text.split_once(protocol).filter(|(_, behind)| behind.contains(field));
        tests.is_some_and(|(_, behind)| !behind.starts_with(field))
    };
    apart("meta l4proto icmp", " icmp ") || apart("meta l4proto icmpv6", " icmpv6 ")
}

/// Whether ICMP is looked at that packets of the table never have. nft lets the family go there and tests for the protocol
/// alone: `icmp code` in family ip6 becomes `meta l4proto 1` and the byte, and so accepts IPv6 packets with that protocol
/// number, of which the rule says nothing.
fn is_of_the_other_icmp(family: TableFamily, rule: &Rule) -> bool {
    let rule = format!("{rule:?}");
    let other = match family {
        TableFamily::Inet => return false,
        TableFamily::Ip => ["Icmpv6Code", "Icmpv6Type"],
        TableFamily::Ip6 => ["IcmpCode", "IcmpType"],
    };
    other.iter().any(|field| rule.contains(field))
}

/// Whether nft tests for a family before the rule does something else, which then happens to fewer packets: it puts some
/// of its own tests at the head of the rule.
fn is_guarded_too_early(rule: &Rule) -> bool {
    let is_test = |step: &Step| matches!(step, Step::Match(Match::In { .. } | Match::Concat { .. }));
    let text = rule.to_string();
    text.contains("exthdr ") && !rule.steps().iter().all(is_test)
}
