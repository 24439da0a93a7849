// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 makes one of: tests of fields that stand side by side in a header (`stmt_reduce` in its `src/rule.c`).
//!
//! Two `!=` become one that excepts only packets with both values, and two `==` come to stand where one of them stood.

use std::collections::BTreeSet;

use ringwall_ir::fields::{Base, Load, Needs};
use ringwall_ir::words::TableFamily;
use ringwall_ir::{Field, Match, Rule, Selector, Step, Table, Values};

use super::order::looked_at;

/// The most bits that one comparison takes, and those that the kernel compares fastest (`payload_can_merge` in nft's
/// `src/payload.c`).
const WIDEST: u16 = 128;
const FAST: u16 = 32;

/// A test that nft may make one with another.
#[derive(Clone, Copy)]
struct Candidate {
    place: usize,
    field: Field,
    base: Base,
    offset: u16,
    bits: u16,
    negated: bool,
}

impl Candidate {
    fn of(place: usize, step: &Step) -> Option<Self> {
        let Step::Match(Match::In { selector, values: Values::Inline(set), negated }) = step else { return None };
        let (field, row) = (selector.field(), selector.field().row());
        let whole = *selector == Selector::of(field) && set.single().is_some();
        let Load::Payload(base, offset) = row.load else { return None };
        let bits = u16::from(row.bits);
        let bytes = offset % 8 == 0 && bits % 8 == 0;
        (whole && bytes).then_some(Self { place, field, base, offset, bits, negated: *negated })
    }

    fn merges_with(&self, next: &Self) -> bool {
        let bits = self.bits + next.bits;
        let adjacent = self.base == next.base && self.offset + self.bits == next.offset;
        let worth = bits <= FAST || self.base == Base::Link || self.bits > FAST || next.bits > FAST;
        adjacent && self.negated == next.negated && bits <= WIDEST && worth
    }
}

/// Refuses what nft would make another test of.
pub(super) fn check(table: &Table, rule: &Rule) -> Result<(), String> {
    let steps = rule.steps();
    pairs(table.family(), steps).iter().try_for_each(|(one, other)| check_pair(steps, one, other))
}

/// The places of tests that nft makes a weaker one of, in order, and why that is; none where there are no such.
pub(in crate::target) fn weakened(family: TableFamily, steps: &[Step]) -> Option<(BTreeSet<usize>, String)> {
    let pairs = pairs(family, steps);
    let (first, second) = pairs.iter().find(|(one, _)| one.negated)?;
    let with = pairs.iter().filter(|(one, _)| one.place == first.place);
    Some((with.flat_map(|(one, other)| [one.place, other.place]).collect(), weaker(first, second)))
}

/// The tests that nft makes one of.
fn pairs(family: TableFamily, steps: &[Step]) -> Vec<(Candidate, Candidate)> {
    let mut pairs = Vec::new();
    let mut waiting: Vec<Candidate> = Vec::new();
    let mut asked = Asked::default();
    for (place, step) in steps.iter().enumerate() {
        if family == TableFamily::Inet && asked.learns_type(step) {
            let frame = Match::within(Field::EtherType, Values::one(0)).into();
            waiting.extend(Candidate::of(place, &frame));
        }
        if counts(step) {
            // One alone waits on for others.
            if waiting.len() > 1 {
                merge(&mut waiting, &mut pairs);
            }
            continue;
        }
        waiting.extend(Candidate::of(place, step));
    }
    merge(&mut waiting, &mut pairs);
    pairs
}

/// What nft has asked of a packet: behind a field of the link, it asks the frame for the family, and not the kernel, where
/// a field of the network comes (`payload_gen_dependency` in its `src/payload.c`).
#[derive(Default)]
struct Asked {
    link: bool,
    family: bool,
}

impl Asked {
    /// Whether the frame is asked for the family before the step.
    fn learns_type(&mut self, step: &Step) -> bool {
        let looked_at = looked_at(step);
        let needs = |wanted: fn(Needs) -> bool| looked_at.iter().any(|selector| wanted(selector.field().row().needs));
        let network = needs(|needs| matches!(needs, Needs::Family(_) | Needs::EntryOf(_)));
        let names = |field| looked_at.iter().any(|selector| selector.field() == field);
        let learns = network && self.link && !self.family;
        self.family |= network || names(Field::Nfproto) || names(Field::EtherType);
        self.link |= needs(|needs| needs == Needs::Link) || names(Field::Iiftype);
        learns
    }
}

fn merge(waiting: &mut Vec<Candidate>, pairs: &mut Vec<(Candidate, Candidate)>) {
    waiting.sort_by_key(|each| (each.base, each.offset));
    let mut joined: Option<Candidate> = None;
    for next in waiting.drain(..) {
        joined = Some(match joined {
            Some(before) if before.merges_with(&next) => {
                pairs.push((before, next));
                Candidate { bits: before.bits + next.bits, ..before }
            }
            _ => next,
        });
    }
}

fn check_pair(steps: &[Step], one: &Candidate, other: &Candidate) -> Result<(), String> {
    if one.negated {
        return Err(weaker(one, other));
    }
    let (first, last) = (one.place.min(other.place), one.place.max(other.place));
    if steps.get(first..last).is_some_and(|between| between.iter().any(counts)) {
        return Err(format!("nft 1.0.6 moves what stands between `{}` and `{}` behind both", one.field, other.field));
    }
    Ok(())
}

fn weaker(one: &Candidate, other: &Candidate) -> String {
    format!("nft 1.0.6 merges the tests of `{}` and `{}` into one that means less", one.field, other.field)
}

/// Whether it matters which packets come to the step: it counts them, or does something.
pub(in crate::target) const fn counts(step: &Step) -> bool {
    match step {
        Step::Match(test) => test.word().is_some(),
        Step::Statement(_) | Step::Unknown(_) => true,
    }
}
