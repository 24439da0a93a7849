// SPDX-License-Identifier: GPL-3.0-or-later
//! The protocol behind `-p`, and ports: one option where there is one interval, else as many lists as are needed.

use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Field, IntervalSet, Match};

use super::super::clauses::Clauses;
use super::super::line::Test;
use super::super::reach::Reach;
use crate::target::iptables::selection::Selection;
use crate::target::iptables::words::protocol::{self, PORTS, ports_of};

/// The most values of one `--dports`; a range counts twice (`XT_MULTI_PORTS`).
const MULTIPORT_MAX: usize = 15;

/// `-p`, for what tests say of the protocol beside what is known of it, and where ports of several protocols are tested.
pub(super) fn protocol(family: Family, before: &Reach, reach: &Reach, tests: &[&Match]) -> Result<Clauses, String> {
    let mut clauses = Clauses::default();
    let of_several = |test: &&&Match| {
        test.selectors().iter().any(|selector| matches!(selector.field(), Field::ThSport | Field::ThDport))
    };
    let again = reach.only().is_none() && tests.iter().any(|test| of_several(&test));
    if before.protocols == reach.protocols && !again {
        return Ok(clauses);
    }
    let rest = reach.protocols.complement(8);
    let test = |number: u128, negated| match u8::try_from(number) {
        Ok(0) | Err(_) => Err("iptables takes protocol 0 for any protocol".to_owned()),
        Ok(number) => Ok(Test::own("-p", negated, protocol::protocol(family, Protocol(number)))),
    };
    match rest.single() {
        _ if rest.is_empty() => {}
        Some(only) => clauses.all_of([test(only, true)?]),
        None => {
            let numbers = reach.protocols.intervals().iter().flat_map(|&(first, last)| first..=last);
            let tests = numbers.map(|number| test(number, false)).collect::<Result<Vec<_>, _>>()?;
            clauses.one_of(tests);
        }
    }
    Ok(clauses)
}

/// Whether the field is a port.
pub(super) fn is_port(field: Field) -> bool {
    matches!(field, Field::ThSport | Field::ThDport)
        || PORTS.iter().any(|ports| field == ports.source || field == ports.destination)
}

/// Tests what is left of a port.
pub(super) fn test(field: Field, selection: Selection, reach: &Reach, clauses: &mut Clauses) -> Result<(), String> {
    let module = match field {
        Field::ThSport | Field::ThDport => {
            let with_ports: IntervalSet =
                PORTS.iter().map(|ports| u128::from(ports.protocol.0)).map(|number| (number, number)).collect();
            if !with_ports.contains_all(&reach.protocols) {
                return Err(format!("iptables tests `{field}` of tcp, udp, udplite, sctp and dccp alone"));
            }
            None
        }
        _ => reach.only().and_then(ports_of).and_then(|ports| ports.module),
    };
    let source = field == Field::ThSport || PORTS.iter().any(|ports| ports.source == field);
    let tests = |set: &IntervalSet, negated| lists(set, negated, module, source, reach.only());
    match selection.with_few_exceptions(16, |set| tests(set, true).len()) {
        Selection::Any => {}
        Selection::In(set) => clauses.one_of(tests(&set, false)),
        Selection::NotIn(set) => clauses.all_of(tests(&set, true)),
    }
    Ok(())
}

fn lists(
    set: &IntervalSet,
    negated: bool,
    module: Option<&'static str>,
    source: bool,
    protocol: Option<Protocol>,
) -> Vec<Test> {
    let (one, several) = if source { ("--sport", "--sports") } else { ("--dport", "--dports") };
    if let ([only], Some(module)) = (set.intervals(), module) {
        return vec![Test::of(module, one, negated, text(*only)).beside(protocol)];
    }
    let mut lists: Vec<(usize, Vec<String>)> = Vec::new();
    for &(first, last) in set.intervals() {
        let taken = if first == last { 1 } else { 2 };
        match lists.last_mut() {
            Some((used, list)) if *used + taken <= MULTIPORT_MAX => {
                *used += taken;
                list.push(text((first, last)));
            }
            _ => lists.push((taken, vec![text((first, last))])),
        }
    }
    let test = |list: Vec<String>| Test::of("multiport", several, negated, list.join(",")).beside(protocol);
    lists.into_iter().map(|(_, list)| test(list)).collect()
}

/// `80` or `80:90`
pub(super) fn text((first, last): (u128, u128)) -> String {
    if first == last { first.to_string() } else { format!("{first}:{last}") }
}
