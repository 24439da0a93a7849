// SPDX-License-Identifier: GPL-3.0-or-later
//! Sets of ipset, in the match `set` and the target `SET`.

use ringwall_ir::{Field, Match, Selector, Tuples, Values};

use super::super::Known;
use super::super::block::Block;
use super::super::rule::Reading;
use super::super::steps::Piece;
use super::some;
use crate::target::ipset::{KnownSet, Part};
use crate::target::iptables::to_ir;
use crate::target::iptables::words::protocol::ports_of;

/// `-m set`. When negated it passes packets that have no such part too, so a port must be asked for elsewhere.
pub(super) fn set(reading: &mut Reading<'_>, block: &Block<'_>) -> Known<Vec<Piece>> {
    let mut tests = Vec::new();
    for option in &block.options {
        let ("--match-set", [name, directions]) = (option.name, option.values) else {
            return Err(option.not_modelled());
        };
        let has_ports = reading.protocol.and_then(ports_of).is_some();
        let key = key(reading, name, directions)?;
        if option.negated && reading.sets.get(name).is_some_and(KnownSet::counts) {
            return Err(format!(
                "set `{name}` has counters, which count packets in nf_tables where they are in the set and match, and here \
                 where they do not: create it without"
            ));
        }
        reading.use_set(name, false);
        let ir = to_ir(name).into_owned();
        let test = match key.as_slice() {
            [only] => Match::In { selector: *only, values: Values::Set(ir), negated: option.negated },
            _ if option.negated && !has_ports => {
                return Err("when negated it passes packets without ports too: write `-p` with a protocol of ports \
                            beside it"
                    .to_owned());
            }
            _ => Match::Concat { key, values: Tuples::Set(ir), negated: option.negated },
        };
        tests.push(test.into());
    }
    some(tests)
}

/// What is looked up in a set: `src,dst` by the parts of its elements. A set that cannot be looked up is noted.
pub(in crate::target::iptables::read) fn key(
    reading: &mut Reading<'_>,
    name: &str,
    directions: &str,
) -> Known<Vec<Selector>> {
    let shared = reading.shared.contains(name).then(|| "packets add to it, and several tables look into it".to_owned());
    if let Some(trouble) = reading.sets.trouble(name).or(shared) {
        reading.miss_set(name, &trouble);
        return Err(format!("set `{name}` is not known: {trouble}"));
    }
    let set = reading.sets.get(name);
    let Some((kind, family)) = set.and_then(|set| Some((set.kind(reading.sets)?, set.family()))) else {
        return Err(format!("the type of set `{name}` is not modelled"));
    };
    let directions: Vec<_> = directions.split(',').collect();
    let mut key = Vec::new();
    for (place, part) in kind.parts.iter().enumerate() {
        let source = match directions.get(place).copied() {
            Some("src") => true,
            Some("dst") => false,
            Some(other) => return Err(format!("`{other}` is neither `src` nor `dst`")),
            None => {
                let count = kind.parts.len();
                return Err(format!("elements of set `{name}` have {count} parts: say `src` or `dst` for each"));
            }
        };
        let by = |from, to| if source { from } else { to };
        match part {
            Part::Address { .. } if family != reading.family => {
                return Err(format!("set `{name}` holds addresses of {}", family.name()));
            }
            Part::Address { .. } => key.push(by(Field::source(family), Field::destination(family))),
            Part::Port => key.extend([Field::L4proto, by(Field::ThSport, Field::ThDport)]),
            Part::BarePort => {
                let ports = reading.protocol.and_then(ports_of);
                let ports = ports.ok_or_else(|| {
                    format!("set `{name}` holds ports: write `-p` with a protocol of ports beside it")
                })?;
                key.push(by(ports.source, ports.destination));
            }
        }
    }
    Ok(key.into_iter().map(Selector::of).collect())
}
