// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdict maps. xtables has none, but a rule for each element says the same: no packet has two of the keys, so that their
//! order says nothing.

use ringwall_ir::{
    Data, Element, Elements, Field, IntervalSet, Key, MapRef, Match, Role, Rule, Selector, Set, Step, Table, Tuple,
    Tuples, Values, Verdict, VerdictMap,
};

use super::clauses::LINES_MAX;

/// The rules that a rule with a verdict map is, one for each element.
///
/// # Errors
/// Why several rules would not say the same.
pub(super) fn rules(table: &Table, rule: &Rule, map: &VerdictMap) -> Result<Vec<Rule>, String> {
    let elements = elements(table, map)?;
    let tests = |step: &Step| step.test().is_some_and(|test| test.word().is_none());
    let draws = |selector: &Selector| matches!(selector.field(), Field::Numgen(_));
    if !rule.steps().iter().all(tests) || rule.matches().flat_map(Match::selectors).chain(&map.key).any(draws) {
        return Err(
            "xtables has no verdict maps, and a rule for each element would count or do something anew".to_owned()
        );
    }
    let jumps = |element: &Element| matches!(element.data, Some(Data::Verdict(Verdict::Jump(_))));
    let selectors = rule.matches().flat_map(Match::selectors).chain(&map.key);
    let changed = selectors.map(|selector| selector.field()).find(|&field| is_changed(field));
    if let (Some(field), true, true) = (changed, elements.len() > 1, elements.iter().any(jumps)) {
        return Err(format!(
            "xtables has no verdict maps, and a chain that an element jumps to may change `{field}` for the next one"
        ));
    }
    if elements.len() > LINES_MAX {
        return Err(format!("one rule would become more than {LINES_MAX} lines"));
    }
    let mut rules = Vec::with_capacity(elements.len());
    for element in elements {
        let Some(Data::Verdict(verdict)) = &element.data else { continue };
        if *verdict == Verdict::Continue {
            continue;
        }
        let test = key(&map.key, element, elements);
        let steps = rule.steps().iter().cloned().chain([test.into()]).collect();
        let each = Rule::new(rule.origin(), steps, Some(verdict.clone()));
        rules.push(each.map_err(|illegal| illegal.to_string())?);
    }
    Ok(rules)
}

fn elements<'a>(table: &'a Table, map: &'a VerdictMap) -> Result<&'a [Element], String> {
    let name = match &map.map {
        MapRef::Inline(elements) => return Ok(elements),
        MapRef::Named(name) => name,
    };
    match table.set(name) {
        Some(set) if set.spec().role() == Role::Dynamic => {
            Err(format!("xtables has no verdict maps, and the elements of `{name}` come and go"))
        }
        Some(set) => match set.elements() {
            Elements::List(elements) => Ok(elements),
            Elements::Intervals(_) => Ok(&[]),
        },
        None => Ok(&[]),
    }
}

/// The test of an element's key. The element for every other key is tested by what the others are not.
fn key(selectors: &[Selector], element: &Element, all: &[Element]) -> Match {
    let tuples: Vec<Tuple> = match &element.key {
        Key::Tuple(tuple) => vec![tuple.clone()],
        Key::Any => all.iter().filter_map(tuple).cloned().collect(),
    };
    let negated = element.key == Key::Any;
    match selectors {
        [selector] => {
            let set: IntervalSet = tuples.iter().filter_map(|tuple| tuple.0.first().copied()).collect();
            Match::In { selector: *selector, values: Values::Inline(set), negated }
        }
        _ => Match::Concat { key: selectors.to_vec(), values: Tuples::Inline(tuples), negated },
    }
}

const fn tuple(element: &Element) -> Option<&Tuple> {
    match &element.key {
        Key::Tuple(tuple) => Some(tuple),
        Key::Any => None,
    }
}

/// Whether rules of iptables change the field while a packet is on its way.
fn is_changed(field: Field) -> bool {
    let name = field.row().name;
    name.starts_with("ct ") || matches!(field, Field::MetaMark | Field::MetaPriority | Field::TcpMaxseg)
}

/// The chains that a rule leads to, by its map too.
pub(super) fn targets<'a>(table: &'a Table, rule: &'a Rule) -> impl Iterator<Item = &'a str> {
    let named = match rule.verdict() {
        Some(Verdict::Map(map)) => match &map.map {
            MapRef::Named(name) => table.set(name),
            MapRef::Inline(_) => None,
        },
        _ => None,
    };
    rule.targets().chain(named.into_iter().flat_map(Set::targets))
}
