// SPDX-License-Identifier: GPL-3.0-or-later
//! Tables and their chains.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::scope::Scope;
use super::set::Around;
use super::{Options, legal, object, origin_id, rule, unknown, value};
use crate::chain::{BaseChain, Chain};
use crate::legal::Place;
use crate::object::Object;
use crate::rule::Rule;
use crate::set::Set;
use crate::table::{Table, TableParts};
use crate::words::{ChainPolicy, ChainType, Hook, Priority, TableFamily};

/// The most of each kind of part.
const MOST: usize = 4;

/// A chain without its rules.
#[derive(Clone, Debug)]
struct Frame {
    name: String,
    comment: Option<String>,
    /// What a base chain is; none where only rules lead to it.
    base: Option<BaseChain>,
    /// Where packets meet its rules.
    place: Place,
}

/// A table of all kinds of parts.
pub(super) fn table(options: &Arc<Options>) -> BoxedStrategy<Table> {
    let options = Arc::clone(options);
    (select(options.families.clone()), frames())
        .prop_flat_map(move |(family, frames)| {
            let objects = if options.named { object::objects(family, MOST).boxed() } else { Just(Vec::new()).boxed() };
            (Just(Arc::clone(&options)), Just(family), Just(frames), objects)
        })
        .prop_flat_map(|(options, family, frames, objects)| {
            let objects: Arc<[Object]> = objects.into();
            let around = Around {
                options: Arc::clone(&options),
                family,
                objects: Arc::clone(&objects),
                targets: (0..frames.len())
                    .map(|place| targets(&frames, place))
                    .filter(|names| !names.is_empty())
                    .collect(),
            };
            let sets = if options.named { around.sets(MOST) } else { Just(Vec::new()).boxed() };
            (Just((options, family, frames, objects)), sets)
        })
        .prop_flat_map(|((options, family, frames, objects), sets)| {
            let sets: Arc<[Set]> = sets.into();
            let rules = rules(&options, family, &frames, &objects, &sets);
            let unknowns = vec((origin_id(), unknown()), 0..=usize::from(options.unknowns));
            let named = (value::name(0), value::comment());
            (named, Just((family, frames, objects, sets)), rules, unknowns)
        })
        .prop_map(|((name, comment), (family, frames, objects, sets), rules, unknowns)| {
            let chains = frames.into_iter().zip(rules).map(|(frame, rules)| chain(&frame, rules)).collect();
            let parts = TableParts { objects: objects.to_vec(), sets: sets.to_vec(), chains, unknowns, comment };
            legal(Table::new(family, &name, parts))
        })
        .boxed()
}

fn chain(frame: &Frame, rules: Vec<Rule>) -> Chain {
    let mut chain = legal(match frame.base {
        Some(base) => Chain::base(&frame.name, base),
        None => Chain::regular(&frame.name),
    })
    .with_comment(frame.comment.clone());
    for rule in rules {
        legal(chain.add(rule));
    }
    chain
}

fn base() -> impl Strategy<Value = BaseChain> {
    let places = ChainType::ALL.into_iter().flat_map(|kind| Hook::ALL.map(|hook| (kind, hook)));
    let places: Vec<_> = places.filter(|(kind, hook)| kind.at(*hook)).collect();
    let named =
        [Priority::RAW, Priority::MANGLE, Priority::DSTNAT, Priority::FILTER, Priority::SECURITY, Priority::SRCNAT];
    let priority = prop_oneof![2 => select(named.to_vec()), 1 => (-500..500).prop_map(Priority)];
    (select(places), priority, select(ChainPolicy::ALL.to_vec()), origin_id()).prop_map(
        |((kind, hook), priority, policy, closing)| match kind {
            // Nothing is translated before connection tracking, and nothing closed.
            ChainType::Nat => {
                let priority = Priority(priority.0.max(Priority::CONNTRACK.0 + 1));
                BaseChain { kind, hook, priority, policy: ChainPolicy::Accept, closing }
            }
            ChainType::Filter | ChainType::Route => BaseChain { kind, hook, priority, policy, closing },
        },
    )
}

/// Base chains, then chains that rules lead to, each met at the place of one base chain alone.
fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let chains = (vec(base(), 1..=MOST), vec(any::<prop::sample::Index>(), 0..=MOST));
    chains.prop_flat_map(|(bases, homes)| {
        let regular = homes.into_iter().map(|home| (None, *home.get(&bases)));
        let frames: Vec<_> = bases.iter().map(|base| (Some(*base), *base)).chain(regular).collect();
        let names: Vec<_> = (0..frames.len()).map(|number| (value::name(number), value::comment())).collect();
        names.prop_map(move |names| {
            let frames = names.into_iter().zip(&frames);
            frames
                .map(|((name, comment), (base, home))| Frame { name, comment, base: *base, place: Place::of(home) })
                .collect()
        })
    })
}

/// The chains that rules of a chain may lead to: those behind it, so that none leads back.
fn targets(frames: &[Frame], place: usize) -> Vec<String> {
    let Some(from) = frames.get(place) else { return Vec::new() };
    let behind = frames.iter().skip(place + 1).filter(|frame| frame.base.is_none() && frame.place == from.place);
    behind.map(|frame| frame.name.clone()).collect()
}

/// The rules of each chain.
fn rules(
    options: &Arc<Options>,
    family: TableFamily,
    frames: &[Frame],
    objects: &Arc<[Object]>,
    sets: &Arc<[Set]>,
) -> Vec<BoxedStrategy<Vec<Rule>>> {
    let of_chain = |(place, frame): (usize, &Frame)| {
        let scope = Scope {
            options: Arc::clone(options),
            family,
            place: frame.place,
            sets: Arc::clone(sets),
            objects: Arc::clone(objects),
            targets: targets(frames, place),
        };
        vec(rule::rule(Arc::new(scope)), 0..6).boxed()
    };
    frames.iter().enumerate().map(of_chain).collect()
}
