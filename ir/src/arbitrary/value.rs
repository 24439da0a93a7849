// SPDX-License-Identifier: GPL-3.0-or-later
//! Values that a field can really have.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use crate::datatype::{Datatype, stem_interval};
use crate::fields::Field;
use crate::interval::IntervalSet;
use crate::set::{KeyType, Tuple};
use crate::words::{CtState, CtStates, CtStatus, Family, LogFlags};

/// Which values make sense.
enum Domain {
    /// One of these.
    Listed(Vec<u128>),
    /// Any up to this one.
    UpTo(u128),
    /// Multiples of the first, as many as the second.
    Steps(u128, u128),
}

/// A second, in nanoseconds.
const SECOND: u128 = 1_000_000_000;

/// Names of helpers, for texts that are no names of interfaces.
const TEXTS: [&str; 4] = ["ftp", "tftp", "sip", "Q.931"];

/// What the kernel, or nft 1.0.6, knows of a data type's values.
fn domain(part: KeyType) -> Domain {
    let datatype = part.datatype();
    match (datatype, part) {
        (Datatype::Boolean | Datatype::CtDir, _) => Domain::Listed(vec![0, 1]),
        (Datatype::CtState, _) => Domain::Listed(CtState::ALL.iter().map(|state| u128::from(state.bit())).collect()),
        (Datatype::CtStatus, _) => {
            Domain::Listed(CtStatus::NFT_NAMES.iter().map(|(_, status)| u128::from(status.0)).collect())
        }
        (Datatype::Day, _) => Domain::UpTo(6),
        (Datatype::FibAddrtype, _) => Domain::UpTo(8),
        (Datatype::Hour, _) => Domain::UpTo(86_399),
        (Datatype::NfProto, _) => {
            Domain::Listed(Family::ALL.iter().map(|family| u128::from(family.number())).collect())
        }
        (Datatype::PktType, _) => Domain::UpTo(3),
        (Datatype::String, _) => {
            Domain::Listed(TEXTS.iter().filter_map(|text| Datatype::String.parse_value(text)).collect())
        }
        (Datatype::TcpFlag, _) => Domain::Listed((0..8).map(|bit| 1 << bit).collect()),
        // Whole seconds: nft text has no others.
        (Datatype::Time, _) => Domain::Steps(SECOND, 1 << 32),
        (Datatype::Duration, _) => Domain::UpTo(part.largest()),
        // Of the others, nft text cannot speak where they are not there.
        (Datatype::IfaceIndex, _) => Domain::Listed(vec![1]),
        (_, KeyType::Like(Field::Numgen(numgen))) => Domain::UpTo(u128::from(numgen.offset + numgen.modulus - 1)),
        _ => Domain::UpTo(part.largest()),
    }
}

/// All bits of a data type of bits that have a name.
pub(super) fn known_bits(datatype: Datatype) -> u128 {
    match datatype {
        Datatype::CtState => u128::from(CtStates::ALL.bits()),
        Datatype::CtStatus => CtStatus::NFT_NAMES.iter().fold(0, |all, (_, status)| all | u128::from(status.0)),
        _ => 0xff,
    }
}

/// Whether values of a field can be looked at bit by bit: all numbers of its width are values.
pub(super) fn has_masks(part: KeyType) -> bool {
    let numbers = !part.datatype().is_text() && part.bits() > 1 && part.datatype() != Datatype::Duration;
    numbers && matches!(domain(part), Domain::UpTo(largest) if largest == part.largest())
}

/// The name of an interface.
pub(super) fn interface() -> impl Strategy<Value = String> {
    prop_oneof![3 => "(lo|eth[0-9]|wlan0|br-lan|ppp0)", 1 => "[a-z][a-z0-9]{0,6}[.][0-9]{1,4}", 1 => "[a-z]{15}"]
}

/// A number of so many bits, often small, often near the end.
fn number(largest: u128) -> BoxedStrategy<u128> {
    let small = largest.min(1024);
    prop_oneof![3 => 0..=largest, 2 => 0..=small, 1 => (0..=small.min(2)).prop_map(move |less| largest - less)].boxed()
}

/// One value.
pub(super) fn value(part: KeyType) -> BoxedStrategy<u128> {
    if part.datatype() == Datatype::Ifname {
        return interface().prop_filter_map("a name", |name| Datatype::Ifname.parse_value(&name)).boxed();
    }
    match domain(part) {
        Domain::Listed(values) => select(values).boxed(),
        Domain::UpTo(largest) => number(largest),
        Domain::Steps(step, count) => (0..count).prop_map(move |steps| steps * step).boxed(),
    }
}

/// A value, a prefix, a stem, or a range.
pub(super) fn interval(part: KeyType) -> BoxedStrategy<(u128, u128)> {
    let datatype = part.datatype();
    let single = value(part).prop_map(|value| (value, value));
    if datatype == Datatype::Ifname {
        let stem = "[a-z]{1,5}".prop_filter_map("a stem", |stem| stem_interval(&stem));
        return prop_oneof![2 => single, 1 => stem].boxed();
    }
    if !datatype.has_order() {
        return single.boxed();
    }
    let range = (value(part), value(part)).prop_map(|(a, b)| (a.min(b), a.max(b)));
    if !datatype.has_prefixes() {
        return prop_oneof![2 => single, 1 => range].boxed();
    }
    let bits = part.bits();
    let prefix = (value(part), 1..bits).prop_filter_map("a prefix", move |(value, length)| {
        IntervalSet::prefix(value, length, bits).intervals().first().copied()
    });
    prop_oneof![2 => single, 2 => prefix, 1 => range].boxed()
}

/// Values for a test of a field: some, and not all.
pub(super) fn some(part: KeyType) -> BoxedStrategy<IntervalSet> {
    let all = IntervalSet::full(part.bits());
    let few = vec(interval(part), 1..4).prop_map(|intervals| intervals.into_iter().collect::<IntervalSet>());
    let one = value(part).prop_map(IntervalSet::one);
    match domain(part) {
        // Two would be all that there are.
        Domain::Listed(values) if values.len() <= 2 => one.boxed(),
        _ => prop_oneof![2 => one, 2 => few].prop_filter("not all", move |set| !set.contains_all(&all)).boxed(),
    }
}

/// Single values, at most `most`.
pub(super) fn singles(part: KeyType, most: usize) -> BoxedStrategy<BTreeSet<u128>> {
    let possible = match domain(part) {
        Domain::Listed(values) => values.len(),
        Domain::UpTo(largest) => usize::try_from(largest).map_or(usize::MAX, |largest| largest.saturating_add(1)),
        Domain::Steps(_, count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    btree_set(value(part), 1..=most.min(possible).min(4)).boxed()
}

/// Keys that do not overlap: the first parts are apart.
pub(super) fn tuples(parts: &[KeyType], intervals: bool) -> BoxedStrategy<Vec<Tuple>> {
    let Some((&first, rest)) = parts.split_first() else { return Just(Vec::new()).boxed() };
    let firsts = if intervals {
        let set = vec(interval(first), 1..4).prop_map(|intervals| intervals.into_iter().collect::<IntervalSet>());
        set.prop_map(move |set| first.datatype().elements(&set)).boxed()
    } else {
        singles(first, 4).prop_map(|values| values.into_iter().map(|value| (value, value)).collect()).boxed()
    };
    let one = |part: KeyType| {
        if intervals { interval(part) } else { value(part).prop_map(|value| (value, value)).boxed() }
    };
    let rest: Vec<_> = rest.iter().copied().map(one).collect();
    firsts
        .prop_flat_map(move |firsts| {
            let others = vec(rest.clone(), firsts.len()..=firsts.len());
            (Just(firsts), others)
        })
        .prop_map(|(firsts, others)| {
            let keys = firsts.into_iter().zip(others);
            keys.map(|(first, rest)| Tuple(std::iter::once(first).chain(rest).collect())).collect()
        })
        .boxed()
}

/// Data of a map: a value for each part.
pub(super) fn data(parts: &[KeyType]) -> BoxedStrategy<Tuple> {
    let parts: Vec<_> = parts.iter().copied().map(value).collect();
    parts.prop_map(|values| Tuple::of(&values)).boxed()
}

/// A name that nft takes without quotes, with a number that makes it the only one.
pub(super) fn name(number: usize) -> BoxedStrategy<String> {
    "[a-zA-Z_][a-zA-Z0-9_./-]{0,6}".prop_map(move |stem| format!("{stem}-{number}")).boxed()
}

/// A short text for people, without what nft text cannot hold.
pub(super) fn words(most: usize) -> BoxedStrategy<String> {
    proptest::string::string_regex(&format!("[a-zA-Z0-9][a-zA-Z0-9 :,._-]{{0,{most}}}"))
        .map_or_else(|_| Just("words".to_owned()).boxed(), Strategy::boxed)
}

/// What somebody wrote beside a part, if anybody did.
pub(super) fn comment() -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(0.25, words(30))
}

/// Some flags of log records.
pub(super) fn log_flags() -> impl Strategy<Value = LogFlags> {
    let bits = LogFlags::NAMES.map(|(_, bit)| bit);
    any::<[bool; 5]>().prop_map(move |wanted| {
        let bits = bits.iter().zip(wanted).filter(|(_, wanted)| *wanted).fold(0, |all, (bit, _)| all | bit);
        LogFlags::from_bits(bits).unwrap_or_default()
    })
}
