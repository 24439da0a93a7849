// SPDX-License-Identifier: GPL-3.0-or-later
//! The tests of all rules, one behind the other.

use ringwall_ir::IntervalSet;

use super::condition::Condition;
use super::keys::Values;

/// The tests of rules, by the place where those of a rule begin.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    list: Vec<Test>,
    /// Values that do not lie between two short numbers.
    values: Vec<IntervalSet>,
}

/// A test of one key.
#[derive(Clone, Copy, Debug)]
struct Test {
    first: u32,
    last: u32,
    key: u16,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The value lies between the first and the last.
    Between,
    /// It is one of the values at the place that stands first.
    Among,
    /// No test: those of the rule are over.
    End,
}

impl Tests {
    /// Adds those of a rule, and says where they begin. The narrowest come first: they are the likeliest to fail.
    pub fn add(&mut self, rule: &Condition) -> u32 {
        let start = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let mut tests: Vec<_> = rule.tests.iter().collect();
        tests.sort_by_key(|(_, values)| width(values));
        for (key, values) in tests {
            let key = u16::try_from(*key).unwrap_or(u16::MAX);
            let test = match short_ends(values) {
                Some((first, last)) => Test { first, last, key, form: Form::Between },
                None => {
                    self.values.push(values.clone());
                    let place = u32::try_from(self.values.len() - 1).unwrap_or(u32::MAX);
                    Test { first: place, last: 0, key, form: Form::Among }
                }
            };
            self.list.push(test);
        }
        self.list.push(Test { first: 0, last: 0, key: 0, form: Form::End });
        start
    }

    /// Whether a packet passes those that begin at a place.
    #[inline]
    pub fn are_passed(&self, start: u32, keys: &mut impl Values) -> bool {
        let tests = self.list.get(start as usize..).unwrap_or_default();
        for test in tests {
            if test.form == Form::End {
                return true;
            }
            let Some(value) = keys.value(test.key.into()) else { return false };
            let passes = match test.form {
                Form::Between => u128::from(test.first) <= value && value <= u128::from(test.last),
                Form::Among => self.values.get(test.first as usize).is_some_and(|values| values.contains(value)),
                Form::End => true,
            };
            if !passes {
                return false;
            }
        }
        false
    }
}

fn width(values: &IntervalSet) -> u128 {
    let intervals = values.intervals();
    intervals.iter().map(|(first, last)| last - first).max().unwrap_or(0)
}

/// The first and last of values that are one interval of numbers of 32 bits.
pub fn short_ends(values: &IntervalSet) -> Option<(u32, u32)> {
    match values.intervals() {
        &[(first, last)] => Some((u32::try_from(first).ok()?, u32::try_from(last).ok()?)),
        _ => None,
    }
}
