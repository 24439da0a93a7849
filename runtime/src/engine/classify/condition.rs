// SPDX-License-Identifier: GPL-3.0-or-later
//! What a packet must be like for anything to come of a rule.

use ringwall_ir::{
    Datatype, Element, Elements, Field, IntervalSet, Key, Match, Rule, Selector, Statement, Step, Table,
};
use ringwall_ir::{Tuples, Values};

use super::KEYS_MAX;

/// Values of keys, all of which a packet must have; a key is told by its number.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// The keys in order, each once.
    pub tests: Vec<(usize, IntervalSet)>,
    /// No packet is like that.
    pub never: bool,
    /// How many of the rule's first steps a packet has passed that is like that.
    pub passed: u32,
}

impl Condition {
    /// The condition of a rule: its tests up to the first step that counts, changes something or is not known. The keys that
    /// it tests are added to those of the chain.
    pub fn of(rule: &Rule, table: &Table, is_live: &impl Fn(&str) -> bool, selectors: &mut Vec<Selector>) -> Self {
        let mut condition = Self::default();
        let mut whole = true;
        for step in rule.steps() {
            whole &= match step {
                Step::Match(test) if is_pure(test, is_live) => condition.demand(test, table, selectors),
                // They leave no trace in the machine.
                Step::Statement(Statement::Counter(_) | Statement::Log(_) | Statement::CtTimeout(_)) => true,
                Step::Match(_) | Step::Statement(_) | Step::Unknown(_) => break,
            };
            condition.passed += u32::from(whole);
        }
        condition
    }

    /// Demands what a test demands, and says whether that is all of it. Of several fields at once, each must be one of those
    /// that some tuple has.
    fn demand(&mut self, test: &Match, table: &Table, selectors: &mut Vec<Selector>) -> bool {
        match test {
            Match::In { selector, values, negated } => {
                let Some(values) = values_of(*selector, values, table) else { return false };
                let bits = selector.field().row().bits;
                let wanted = if *negated { values.complement(bits) } else { values };
                self.narrow(*selector, &wanted, selectors)
            }
            Match::Concat { key, values, negated: false } => {
                for (part, selector) in key.iter().enumerate() {
                    if let Some(values) = projection(values, part, table) {
                        self.narrow(*selector, &values, selectors);
                    }
                }
                false
            }
            _ => false,
        }
    }

    /// Demands values of a key; false where there are too many keys.
    fn narrow(&mut self, selector: Selector, wanted: &IntervalSet, selectors: &mut Vec<Selector>) -> bool {
        let known = selectors.iter().position(|other| *other == selector);
        let key = match known {
            Some(key) => key,
            None if selectors.len() < KEYS_MAX => {
                selectors.push(selector);
                selectors.len() - 1
            }
            None => return false,
        };
        let values = match self.tests.iter_mut().find(|(other, _)| *other == key) {
            Some((_, values)) => {
                *values = values.intersection(wanted);
                values
            }
            None => {
                self.tests.push((key, wanted.clone()));
                wanted
            }
        };
        self.never |= values.is_empty();
        true
    }
}

/// Whether a test leaves everything as it was, whether or not the packet passes it.
fn is_pure(test: &Match, is_live: &impl Fn(&str) -> bool) -> bool {
    let counts = |selector: &Selector| matches!(selector.field(), Field::Numgen(_));
    let named = match test {
        Match::In { values: Values::Set(name), .. } | Match::Concat { values: Tuples::Set(name), .. } => Some(name),
        Match::In { .. } | Match::Concat { .. } => None,
        Match::ConnLimit(_) | Match::Limit(_) | Match::Object { .. } | Match::Quota(_) => return false,
    };
    !test.selectors().iter().any(counts) && !named.is_some_and(|name| is_live(name))
}

/// The values that a test of one field compares with; none where they depend on the host, or a set has an element for all
/// other keys.
fn values_of(selector: Selector, values: &Values, table: &Table) -> Option<IntervalSet> {
    match values {
        Values::Symbols(_) if selector.field().datatype() == Datatype::IfaceIndex => None,
        Values::Set(name) => {
            let set = table.set(name)?;
            match set.elements() {
                Elements::List(list) if list.iter().any(is_any) => None,
                _ => set.values().map(std::borrow::Cow::into_owned),
            }
        }
        Values::Inline(_) | Values::Symbols(_) => Some(table.values(values).into_owned()),
    }
}

fn is_any(element: &Element) -> bool {
    element.key == Key::Any
}

/// The values that a part of tuples has.
fn projection(tuples: &Tuples, part: usize, table: &Table) -> Option<IntervalSet> {
    match tuples {
        Tuples::Inline(list) => list.iter().map(|tuple| tuple.0.get(part).copied()).collect(),
        Tuples::Set(name) => match table.set(name)?.elements() {
            Elements::Intervals(_) => None,
            Elements::List(list) => list
                .iter()
                .map(|element| match &element.key {
                    Key::Any => None,
                    Key::Tuple(tuple) => tuple.0.get(part).copied(),
                })
                .collect(),
        },
    }
}
