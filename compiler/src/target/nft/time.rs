// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of the time, which nft takes in whole seconds: what lies between them is said by `<` and `>=`, and so is the rest
//! of the day.

use ringwall_ir::{Field, IntervalSet, Match, Selector, Values};

const SECOND: u128 = 1_000_000_000;

/// A time, or a time of the day, that a packet must come before or behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::target) struct Bound {
    /// The field.
    pub(in crate::target) field: Field,
    /// `<`, `<=`, `>` or `>=`.
    pub(in crate::target) operator: &'static str,
    /// The time: a whole second.
    pub(in crate::target) time: u128,
}

/// The bounds that a test of the time is said by; none where it is a test like any other.
///
/// # Errors
/// Why nft cannot say it.
pub(super) fn bounds(test: &Match) -> Result<Option<Vec<Bound>>, String> {
    let Match::In { selector, values: Values::Inline(set), negated } = test else { return Ok(None) };
    if *selector == Selector::of(Field::MetaHour)
        && let [(first @ 1.., last)] = *set.intervals()
        && last == Field::MetaHour.max()
    {
        // As the end of a range, nft lists it as a time of the next day.
        let operator = if *negated { "<" } else { ">=" };
        return Ok(Some(vec![Bound { field: Field::MetaHour, operator, time: first }]));
    }
    if *selector != Selector::of(Field::MetaTime) || is_whole(set) {
        return Ok(None);
    }
    let bounds = match (set.intervals(), negated) {
        (&[(first, last)], false) => [at_least(first), at_most(last)],
        // What is not within is before it or behind it, and one rule says only one of them.
        (&[(0, last)], true) => [last.checked_add(1).and_then(at_least), Some(None)],
        (&[(first, last)], true) if last == Field::MetaTime.max() => {
            [first.checked_sub(1).and_then(at_most), Some(None)]
        }
        _ => [None, None],
    };
    let [Some(from), Some(to)] = bounds else {
        return Err("nft takes the time in whole seconds".to_owned());
    };
    Ok(Some([from, to].into_iter().flatten().collect()))
}

/// Whether both ends of every interval are whole seconds.
pub(super) fn is_whole(set: &IntervalSet) -> bool {
    set.intervals().iter().all(|(first, last)| first % SECOND == 0 && last % SECOND == 0)
}

/// `>=`, which every time passes that is not negative, or `>` what is before it.
fn at_least(first: u128) -> Option<Option<Bound>> {
    let before = first.checked_sub(1);
    match (first, before) {
        (0, _) => Some(None),
        _ if first.is_multiple_of(SECOND) => Some(Some(Bound { field: Field::MetaTime, operator: ">=", time: first })),
        (_, Some(before)) if before.is_multiple_of(SECOND) => {
            Some(Some(Bound { field: Field::MetaTime, operator: ">", time: before }))
        }
        _ => None,
    }
}

/// `<` the second behind it, or `<=` itself.
fn at_most(last: u128) -> Option<Option<Bound>> {
    let behind = last.checked_add(1)?;
    match last {
        _ if last == Field::MetaTime.max() => Some(None),
        _ if last.is_multiple_of(SECOND) => Some(Some(Bound { field: Field::MetaTime, operator: "<=", time: last })),
        _ if behind.is_multiple_of(SECOND) => Some(Some(Bound { field: Field::MetaTime, operator: "<", time: behind })),
        _ => None,
    }
}
