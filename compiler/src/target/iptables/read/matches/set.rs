// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets of ipset, in the match `set` and the target `SET`.

use ringwall_ir::{Field, Match, Selector, Tuples, Values};

use super::super::block::Block;
use super::super::rule::Reading;
use super::super::steps::Piece;
use crate::target::ipset::Part;
use crate::target::iptables::to_ir;
use crate::target::iptables::words::protocol::ports_of;

/// `-m set`. When negated it passes packets that have no such part too, so a port must be asked for elsewhere.
pub(super) fn set(reading: &mut Reading<'_>, block: &Block<'_>) -> Option<Vec<Piece>> {
    let mut tests = Vec::new();
    for option in &block.options {
        let ("--match-set", [name, directions]) = (option.name, option.values) else { return None };
        let has_ports = reading.protocol.and_then(ports_of).is_some();
        let key = key(reading, name, directions)?;
        reading.use_set(name, false);
        let ir = to_ir(name).into_owned();
        let test = match key.as_slice() {
            [only] => Match::In { selector: *only, values: Values::Set(ir), negated: option.negated },
            _ if option.negated && !has_ports => return None,
            _ => Match::Concat { key, values: Tuples::Set(ir), negated: option.negated },
        };
        tests.push(test.into());
    }
    Some(tests).filter(|tests| !tests.is_empty())
}

/// What is looked up in a set: `src,dst` by the parts of its elements. A set that cannot be looked up is noted.
pub(in crate::target::iptables::read) fn key(
    reading: &mut Reading<'_>,
    name: &str,
    directions: &str,
) -> Option<Vec<Selector>> {
    let shared = reading.shared.contains(name).then(|| "packets add to it, and several tables look into it".to_owned());
    if let Some(trouble) = reading.sets.trouble(name).or(shared) {
        reading.miss_set(name, &trouble);
        return None;
    }
    let set = reading.sets.get(name)?;
    let (kind, family) = (set.kind(reading.sets)?, set.family());
    let directions: Vec<_> = directions.split(',').collect();
    let mut key = Vec::new();
    for (place, part) in kind.parts.iter().enumerate() {
        let source = match *directions.get(place)? {
            "src" => true,
            "dst" => false,
            _ => return None,
        };
        let by = |from, to| if source { from } else { to };
        match part {
            Part::Address { .. } if family != reading.family => return None,
            Part::Address { .. } => key.push(by(Field::source(family), Field::destination(family))),
            Part::Port => key.extend([Field::L4proto, by(Field::ThSport, Field::ThDport)]),
            Part::BarePort => {
                let ports = reading.protocol.and_then(ports_of)?;
                key.push(by(ports.source, ports.destination));
            }
        }
    }
    Some(key.into_iter().map(Selector::of).collect())
}
