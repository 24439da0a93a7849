// SPDX-License-Identifier: GPL-3.0-or-later
//! How each field is tested. An option compares with one thing, so a test of several values becomes alternatives, each
//! of them a line. No packet passes two alternatives.

pub(super) mod address;
mod conntrack;
mod host;
mod interface;
mod packet;
mod port;
mod spelling;
mod time;

use ringwall_ir::{Datatype, Field, IntervalSet, Match, Selector, Table, Values};

use super::clauses::Clauses;
use super::place::Place;
use super::reach::Reach;
use super::sets::Sets;
use crate::target::iptables::selection::{Selection, select};

use self::spelling::{Spelling, has_field};

/// What is left of the tests of a rule.
pub(super) enum Passed {
    /// No packet passes them.
    Nobody,
    /// Those that pass these.
    Who(Clauses),
}

/// The tests of one segment of a rule: between two things that count or do something. `before` is what is known of the
/// protocols already, `reach` what the tests leave of them.
pub(super) fn clauses(place: &Place<'_>, tests: &[&Match], before: &Reach, reach: &Reach) -> Result<Passed, String> {
    let mut writer = Writer { place, reach, tests, clauses: Clauses::default(), done: Vec::new() };
    for field in [Field::source(place.family), Field::destination(place.family), Field::Iifname, Field::Oifname] {
        if !writer.field(field)? {
            return Ok(Passed::Nobody);
        }
    }
    writer.clauses.extend(port::protocol(place.family, before, reach, tests)?);
    for test in tests {
        let alive = match test {
            Match::In { selector, .. } if selector.mask().is_none() => writer.field(selector.field())?,
            Match::In { selector, values, negated } => writer.masked(*selector, values, *negated)?,
            Match::Concat { .. } => writer.concat(test)?,
            Match::ConnLimit(_) | Match::Limit(_) | Match::Object { .. } | Match::Quota(_) => true,
        };
        if !alive {
            return Ok(Passed::Nobody);
        }
    }
    Ok(Passed::Who(writer.clauses))
}

struct Writer<'a> {
    place: &'a Place<'a>,
    reach: &'a Reach,
    tests: &'a [&'a Match],
    clauses: Clauses,
    /// The fields all of whose tests have been written.
    done: Vec<Field>,
}

impl<'a> Writer<'a> {
    const fn table(&self) -> &'a Table {
        self.place.table
    }

    /// Writes all tests of a whole field at once. Whether a value is left.
    fn field(&mut self, field: Field) -> Result<bool, String> {
        if self.done.contains(&field) {
            return Ok(true);
        }
        self.done.push(field);
        let mut inline = Vec::new();
        for test in self.tests {
            let Match::In { selector, values, negated } = test else { continue };
            if *selector != Selector::of(field) {
                continue;
            }
            if let Some(set) = self.place.sets.of_values(values)? {
                self.clauses.extend(set.test(&[field], *negated, self.reach)?);
                continue;
            }
            match values {
                Values::Symbols(symbols) if field.datatype() == Datatype::Cgroupsv2 => {
                    self.clauses.extend(host::cgroup_path(self.place, field, symbols, *negated)?);
                }
                Values::Symbols(symbols) => {
                    if let Some(nobody) = symbols.iter().find(|symbol| symbol.number.is_none()) {
                        return Err(format!("`{}` has no number here", nobody.name));
                    }
                    inline.push((self.table().values(values), *negated));
                }
                Values::Inline(_) | Values::Set(_) => inline.push((self.table().values(values), *negated)),
            }
        }
        match field {
            _ if inline.is_empty() => return Ok(true),
            Field::Iifname | Field::Oifname => return interface::names(self.place, field, &inline, &mut self.clauses),
            Field::Nfproto | Field::L4proto | Field::IpProtocol => return Ok(true),
            _ if field.datatype().is_bits() => {
                let tests = inline.iter().map(|(set, negated)| (set.as_ref(), *negated));
                return conntrack::whole_bits(self.place, field, tests, &mut self.clauses);
            }
            _ => {}
        }
        let tests: Vec<_> = inline.iter().map(|(set, negated)| (set.as_ref(), *negated)).collect();
        match select(field.row().bits, &tests) {
            None => Ok(false),
            Some(Selection::Any) => {
                self.clauses.all_of(has_field(field)?);
                Ok(true)
            }
            Some(selection) => self.selected(field, selection),
        }
    }

    /// What is left of a field. Two fields are told of together with another.
    fn selected(&mut self, field: Field, selection: Selection) -> Result<bool, String> {
        match field {
            Field::IpSaddr | Field::Ip6Saddr | Field::IpDaddr | Field::Ip6Daddr => {
                address::test(self.place.family, field, selection, &mut self.clauses);
            }
            Field::IcmpType | Field::IcmpCode | Field::Icmpv6Type | Field::Icmpv6Code => {
                let words = crate::target::iptables::words::icmp::words(self.place.family);
                let other = if field == words.kind { words.code } else { words.kind };
                let beside = self.left(other);
                self.done.push(other);
                let Some(beside) = beside else { return Ok(false) };
                let (kind, code) = if field == words.kind { (selection, beside) } else { (beside, selection) };
                packet::icmp(self.place.family, kind, code, &mut self.clauses)?;
            }
            Field::IpTtl | Field::Ip6HopLimit => packet::hops(self.place.family, selection, &mut self.clauses),
            Field::SocketTransparent | Field::SocketWildcard => {
                let other =
                    if field == Field::SocketTransparent { Field::SocketWildcard } else { Field::SocketTransparent };
                let beside = self.left(other);
                self.done.push(other);
                let Some(beside) = beside else { return Ok(false) };
                let (transparent, wildcard) =
                    if field == Field::SocketTransparent { (selection, beside) } else { (beside, selection) };
                self.clauses.all_of(host::socket(self.place, &transparent, &wildcard)?);
            }
            _ if port::is_port(field) => port::test(field, selection, self.reach, &mut self.clauses)?,
            _ => return Spelling::of(self.place, field)?.write(field, selection, &mut self.clauses),
        }
        Ok(true)
    }

    /// What all tests of a field leave of it, where they are written in the rule; none where they leave nothing.
    fn left(&self, field: Field) -> Option<Selection> {
        let sets: Vec<_> = self
            .tests
            .iter()
            .filter_map(|test| match test {
                Match::In { selector, values, negated } if *selector == Selector::of(field) => {
                    Some((self.table().values(values), *negated))
                }
                _ => None,
            })
            .collect();
        let tests: Vec<_> = sets.iter().map(|(set, negated)| (set.as_ref(), *negated)).collect();
        select(field.row().bits, &tests)
    }

    fn masked(&mut self, selector: Selector, values: &Values, negated: bool) -> Result<bool, String> {
        let field = selector.field();
        if self.place.sets.of_values(values)?.is_some() {
            return Err(format!("ipset knows no masks, and `{field}` is looked up under one"));
        }
        let set = self.table().values(values);
        let values: Vec<u128> = set.intervals().iter().map(|&(first, _)| first).collect();
        match field {
            Field::CtState | Field::CtStatus | Field::TcpFlags => {
                conntrack::bits(self.place, selector, &values, negated, &mut self.clauses)
            }
            _ if values.is_empty() => Ok(negated),
            _ => {
                let tests = values.iter().map(|&value| packet::masked(self.place, selector, value, negated));
                let tests = tests.collect::<Result<Vec<_>, _>>()?;
                if negated {
                    self.clauses.all_of(tests)
                } else {
                    self.clauses.one_of(tests)
                }
                Ok(true)
            }
        }
    }

    /// Several fields at once: the tests of each tuple.
    fn concat(&mut self, test: &Match) -> Result<bool, String> {
        let Match::Concat { key, values, negated } = test else { return Ok(true) };
        if let Some(set) = self.place.sets.of_tuples(values)? {
            let fields: Vec<_> = key.iter().map(|selector| selector.field()).collect();
            if key.iter().any(|selector| selector.mask().is_some()) {
                return Err("ipset knows no masks, and a field is looked up under one".to_owned());
            }
            self.clauses.extend(set.test(&fields, *negated, self.reach)?);
            return Ok(true);
        }
        // What is excepted stands in lines of its own.
        let before = if *negated { Reach::all(self.place.family) } else { self.reach.clone() };
        let tuples = Sets::tuples(self.table(), values)?;
        let mut ways = Vec::new();
        for tuple in tuples.iter() {
            let parts: Vec<Match> = key
                .iter()
                .zip(&tuple.0)
                .map(|(&selector, &(first, last))| Match::In {
                    selector,
                    values: Values::Inline(IntervalSet::range(first, last)),
                    negated: false,
                })
                .collect();
            let mut reach = self.reach.clone();
            if !parts.iter().all(|part| reach.narrow(self.table(), part)) {
                continue;
            }
            // A part that is every value of its field tests nothing.
            let parts: Vec<&Match> = parts.iter().filter(|part| !is_everything(part)).collect();
            if let Passed::Who(clauses) = clauses(self.place, &parts, &before, &reach)? {
                let excepts = !clauses.exceptions.is_empty();
                let mut rounds = clauses.ways()?;
                if excepts || rounds.len() > 1 {
                    return Err("iptables cannot test these fields at once".to_owned());
                }
                // A tuple that every packet is: one way without a test.
                ways.extend(rounds.pop().map_or_else(|| vec![Vec::new()], |round| round.ways));
            }
        }
        if *negated {
            // What is excepted by a line is what the line passes, and a packet without the field is not among it.
            for selector in key {
                self.clauses.all_of(has_field(selector.field())?);
            }
            self.clauses.exceptions.extend(ways);
            return Ok(true);
        }
        let alive = !ways.is_empty();
        self.clauses.overlapping(ways);
        Ok(alive)
    }
}

fn is_everything(test: &Match) -> bool {
    matches!(test, Match::In { selector, values: Values::Inline(set), .. }
        if set.contains_all(&IntervalSet::range(0, selector.field().max())))
}
