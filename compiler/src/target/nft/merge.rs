// SPDX-License-Identifier: GPL-3.0-or-later
//! What nft 1.0.6 makes one of: tests of fields that stand side by side in a header (`stmt_reduce` in its `src/rule.c`).
//!
//! Two `!=` become one that excepts only packets with both values, and two `==` come to stand where one of them stood.

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
    let mut waiting: Vec<Candidate> = Vec::new();
    let mut asked = Asked::default();
    for (place, step) in rule.steps().iter().enumerate() {
        if table.family() == TableFamily::Inet && asked.learns_type(step) {
            let frame = Match::within(Field::EtherType, Values::one(0)).into();
            waiting.extend(Candidate::of(place, &frame));
        }
        if counts(step) {
            // One alone waits on for others.
            if waiting.len() > 1 {
                check_merges(rule, &mut waiting)?;
            }
            continue;
        }
        waiting.extend(Candidate::of(place, step));
    }
    check_merges(rule, &mut waiting)
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

fn check_merges(rule: &Rule, waiting: &mut Vec<Candidate>) -> Result<(), String> {
    waiting.sort_by_key(|each| (each.base, each.offset));
    let mut joined: Option<Candidate> = None;
    for next in waiting.drain(..) {
        joined = Some(match joined {
            Some(before) if before.merges_with(&next) => {
                check_pair(rule, &before, &next)?;
                Candidate { bits: before.bits + next.bits, ..before }
            }
            _ => next,
        });
    }
    Ok(())
}

fn check_pair(rule: &Rule, one: &Candidate, other: &Candidate) -> Result<(), String> {
    if one.negated {
        return Err(format!(
            "nft 1.0.6 merges the tests of `{}` and `{}` into one that means less",
            one.field, other.field
        ));
    }
    let (first, last) = (one.place.min(other.place), one.place.max(other.place));
    if rule.steps().get(first..last).is_some_and(|between| between.iter().any(counts)) {
        return Err(format!("nft 1.0.6 moves what stands between `{}` and `{}` behind both", one.field, other.field));
    }
    Ok(())
}

/// Whether it matters which packets come to the step: it counts them, or does something.
pub(in crate::target) const fn counts(step: &Step) -> bool {
    match step {
        Step::Match(test) => test.word().is_some(),
        Step::Statement(_) | Step::Unknown(_) => true,
    }
}
