// SPDX-License-Identifier: GPL-3.0-or-later
//! Fields that have one option: what it takes, and how it is written.

use ringwall_ir::fields::Needs;
use ringwall_ir::{Field, IntervalSet};

use super::super::clauses::{Clauses, LINES_MAX};
use super::super::line::Test;
use super::super::place::Place;
use super::{conntrack, host, packet, time};
use crate::target::iptables::selection::Selection;
use crate::target::iptables::words::state;

/// How a field is tested.
pub(in crate::target::iptables::write) struct Spelling<'a> {
    /// Whether `!` before it passes just the packets that have the field and another value of it.
    pub(super) negatable: bool,
    /// The values that the field can have at all.
    pub(super) domain: IntervalSet,
    /// The option.
    pub(super) write: Write<'a>,
}

/// Writes the option for values from the first to the last.
pub(super) type Each<'a> = Box<dyn Fn((u128, u128), bool) -> Result<Test, String> + 'a>;

/// Writes the option for several values.
pub(super) type Whole<'a> = Box<dyn Fn(&[u128], bool) -> Result<Test, String> + 'a>;

/// What an option takes, and how it is written.
pub(super) enum Write<'a> {
    /// Values from one to another, or, of what goes round, from one over the end to another.
    Circle(Each<'a>),
    /// Values with their first bits in common.
    Prefixes(Each<'a>),
    /// Values from one to another.
    Ranges(Each<'a>),
    /// One value.
    Values(Each<'a>),
    /// Several values at once.
    Whole(Whole<'a>),
}

impl<'a> Spelling<'a> {
    /// How a field is tested there.
    ///
    /// # Errors
    /// Why it is not.
    pub(in crate::target::iptables::write) fn of(place: &'a Place<'a>, field: Field) -> Result<Self, String> {
        match field {
            Field::CtAvgpkt(_)
            | Field::CtBytes(_)
            | Field::CtDirection
            | Field::CtExpiration
            | Field::CtHelper
            | Field::CtIp6Daddr(_)
            | Field::CtIp6Saddr(_)
            | Field::CtIpDaddr(_)
            | Field::CtIpSaddr(_)
            | Field::CtMark
            | Field::CtPackets(_)
            | Field::CtProtoDst(_)
            | Field::CtProtoSrc(_)
            | Field::CtProtocol(_) => Ok(conntrack::spelling(field)),
            Field::MetaDay | Field::MetaHour | Field::MetaTime => Ok(time::spelling(field)),
            Field::EtherSaddr
            | Field::Exthdr(_)
            | Field::Ip6Dscp
            | Field::Ip6Length
            | Field::IpDscp
            | Field::IpLength
            | Field::MetaMark
            | Field::Pkttype
            | Field::TcpMaxseg => packet::spelling(place, field),
            _ => host::spelling(place, field),
        }
    }

    /// Writes what is left of a field. Whether there is a value that it can have.
    pub(super) fn write(&self, field: Field, selection: Selection, clauses: &mut Clauses) -> Result<bool, String> {
        const FEW: usize = 16;
        let set = match selection {
            Selection::Any => return Ok(true),
            Selection::NotIn(set) if self.negatable => {
                let set = set.intersection(&self.domain);
                let tests = self.tests(field, &set, true)?;
                if tests.is_empty() {
                    clauses.all_of(has_field(field)?);
                    return Ok(true);
                }
                if tests.len() <= FEW {
                    clauses.all_of(tests);
                    return Ok(true);
                }
                self.domain.difference(&set)
            }
            Selection::NotIn(set) => self.domain.difference(&set),
            Selection::In(set) => set.intersection(&self.domain),
        };
        if set == self.domain && (self.negatable || field.row().needs == Needs::Nothing) {
            clauses.all_of(has_field(field)?);
            return Ok(true);
        }
        let tests = self.tests(field, &set, false)?;
        let alive = !tests.is_empty();
        clauses.one_of(tests);
        Ok(alive)
    }

    /// A test for each part of the set that the option takes at once.
    fn tests(&self, field: Field, set: &IntervalSet, negated: bool) -> Result<Vec<Test>, String> {
        let bits = field.row().bits;
        let each =
            |test: &Each<'_>, pieces: Vec<(u128, u128)>| pieces.into_iter().map(|piece| test(piece, negated)).collect();
        match &self.write {
            Write::Ranges(test) => each(test, set.intervals().to_vec()),
            Write::Circle(test) => each(test, self.around(set)),
            Write::Prefixes(test) => {
                let prefixes = set.prefixes(bits).into_iter();
                each(
                    test,
                    prefixes
                        .flat_map(|(start, length)| IntervalSet::prefix(start, length, bits).intervals().to_vec())
                        .collect(),
                )
            }
            Write::Values(test) => each(test, listed(field, set)?.into_iter().map(|value| (value, value)).collect()),
            Write::Whole(_) if set.is_empty() => Ok(Vec::new()),
            Write::Whole(test) => Ok(vec![test(&listed(field, set)?, negated)?]),
        }
    }

    /// The intervals, the last and the first as one where they meet at the end.
    fn around(&self, set: &IntervalSet) -> Vec<(u128, u128)> {
        let ends = self.domain.intervals().first().copied();
        match (set.intervals(), ends) {
            ([(first, end), between @ .., (start, last)], Some((lowest, highest)))
                if (*first, *last) == (lowest, highest) =>
            {
                between.iter().copied().chain([(*start, *end)]).collect()
            }
            (intervals, _) => intervals.to_vec(),
        }
    }
}

/// The values one by one.
fn listed(field: Field, set: &IntervalSet) -> Result<Vec<u128>, String> {
    let sizes = set.intervals().iter().map(|(first, last)| (last - first).saturating_add(1));
    let count = sizes.fold(0_u128, u128::saturating_add);
    if count > LINES_MAX as u128 {
        return Err(format!("iptables tests single values of `{field}`, and these are too many"));
    }
    Ok(set.intervals().iter().flat_map(|&(first, last)| first..=last).collect())
}

/// Whether a field that is true or not is true.
pub(super) fn is_true(selection: &Selection) -> Option<bool> {
    match selection {
        Selection::Any => None,
        Selection::In(set) => Some(set.contains(1)),
        Selection::NotIn(set) => Some(!set.contains(1)),
    }
}

/// A test that passes the packets that have the field, as far as family and protocol do not tell.
pub(super) fn has_field(field: Field) -> Result<Option<Test>, String> {
    let row = field.row();
    match (field, row.needs) {
        (Field::CtHelper | Field::TcpMaxseg, _) | (_, Needs::Link | Needs::Socket | Needs::Transport) => {
            Err(format!("iptables has no test that only asks whether there is `{field}`"))
        }
        (_, Needs::Entry | Needs::EntryOf(_)) => {
            let nobody = state::states(state::without_entry());
            Ok(Some(Test::of("conntrack", "--ctstate", true, nobody)))
        }
        (_, Needs::Family(_) | Needs::Nothing | Needs::Protocol(_)) => Ok(None),
    }
}
