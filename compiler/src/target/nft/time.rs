// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests of the time, which nft takes in whole seconds: what lies between them is said by `<` and `>=`.

use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Values};

const SECOND: u128 = 1_000_000_000;

/// The words of a test of the time; none where it is one like any other.
///
/// # Errors
/// Why nft cannot say it.
pub(super) fn test(test: &Match) -> Result<Option<String>, String> {
    let Match::In { selector, values: Values::Inline(set), negated } = test else { return Ok(None) };
    if *selector != Selector::of(Field::MetaTime) || is_whole(set) {
        return Ok(None);
    }
    let field = Field::MetaTime;
    let words = match (set.intervals(), negated) {
        (&[(first, last)], false) => [at_least(first), at_most(last)],
        // What is not within is before it or behind it, and one rule says only one of them.
        (&[(0, last)], true) => [last.checked_add(1).and_then(at_least), Some(None)],
        (&[(first, last)], true) if last == field.max() => [first.checked_sub(1).and_then(at_most), Some(None)],
        _ => [None, None],
    };
    let [Some(from), Some(to)] = words else {
        return Err("nft takes the time in whole seconds".to_owned());
    };
    let tests = [from, to].into_iter().flatten().map(|bound| format!("{field} {bound}"));
    Ok(Some(tests.collect::<Vec<_>>().join(" ")))
}

/// Whether both ends of every interval are whole seconds.
pub(super) fn is_whole(set: &IntervalSet) -> bool {
    set.intervals().iter().all(|(first, last)| first % SECOND == 0 && last % SECOND == 0)
}

/// `>=`, which every time passes that is not negative.
fn at_least(first: u128) -> Option<Option<String>> {
    match first {
        0 => Some(None),
        _ => (first % SECOND == 0).then(|| Some(format!(">= {}", Datatype::Time.value_text(first)))),
    }
}

/// `<` the second behind it, or `<=` itself.
fn at_most(last: u128) -> Option<Option<String>> {
    let behind = last.checked_add(1)?;
    let text = |time| Datatype::Time.value_text(time);
    match last {
        _ if last == Field::MetaTime.max() => Some(None),
        _ if last % SECOND == 0 => Some(Some(format!("<= {}", text(last)))),
        _ if behind % SECOND == 0 => Some(Some(format!("< {}", text(behind)))),
        _ => None,
    }
}
