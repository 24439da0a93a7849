// SPDX-License-Identifier: GPL-3.0-or-later
//! Addresses: prefixes behind `-s` and `-d`, other ranges in `-m iprange`.

use ringwall_ir::words::Family;
use ringwall_ir::{Datatype, Field, IntervalSet};

use super::super::clauses::Clauses;
use super::super::line::Test;
use crate::target::iptables::selection::Selection;

/// Tests what is left of an address.
pub(super) fn test(family: Family, field: Field, selection: Selection, clauses: &mut Clauses) {
    let source = field == Field::source(family);
    let (option, range) = if source { ("-s", "--src-range") } else { ("-d", "--dst-range") };
    let test = |interval, negated| one(family, interval, negated, option, range);
    match selection.with_few_exceptions(family.address_bits(), |set| set.intervals().len()) {
        Selection::Any => {}
        Selection::In(set) => clauses.one_of(set.intervals().iter().map(|&interval| test(interval, false))),
        Selection::NotIn(set) => match set.intervals() {
            [only] => clauses.all_of([test(*only, true)]),
            // A line has one `-s`.
            several => clauses.all_of(several.iter().map(|&interval| in_range(family, interval, true, range))),
        },
    }
}

/// One interval: a prefix where it is one.
fn one(family: Family, interval: (u128, u128), negated: bool, option: &'static str, range: &'static str) -> Test {
    match prefix(family, interval) {
        Some(prefix) => Test::own(option, negated, prefix),
        None => in_range(family, interval, negated, range),
    }
}

/// `10.0.0.0/8`, where the interval is a prefix.
pub(in crate::target::iptables::write) fn prefix(family: Family, (first, last): (u128, u128)) -> Option<String> {
    match IntervalSet::range(first, last).prefixes(family.address_bits()).as_slice() {
        [(start, length)] => Some(format!("{}/{length}", text(family, *start))),
        _ => None,
    }
}

fn in_range(family: Family, (first, last): (u128, u128), negated: bool, range: &'static str) -> Test {
    Test::of("iprange", range, negated, format!("{}-{}", text(family, first), text(family, last)))
}

/// An address.
pub(in crate::target::iptables::write) fn text(family: Family, bits: u128) -> String {
    Datatype::address(family).value_text(bits)
}
