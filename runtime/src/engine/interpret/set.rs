// SPDX-License-Identifier: GPL-3.0-or-later
//! A set that changes: packets add elements and take them away, elements end by themselves, and count for themselves.
//!
//! An element that ended is gone at once here, while the kernel sweeps it out within about a second and counts it into the
//! size of the set until then.

use std::collections::HashMap;
use std::time::Duration;

use ringwall_ir::{Data, Element, Elements, Key, Milliseconds, Set, SetOperation, SetUpdate, Tuple};

use super::Passes;
use super::meter::Meter;
use crate::engine::View;

/// The most elements of a set that packets add to and that does not say (`nft_dynset_init`).
const USUAL_SIZE: usize = 0xffff;

/// A set with the elements that it has now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Live {
    /// Elements of one value each.
    singles: HashMap<Vec<u128>, Member>,
    /// Elements of intervals, which packets cannot add.
    intervals: Vec<(Tuple, Member)>,
    /// The element for every other key.
    others: Option<Member>,
    timeout: Option<Milliseconds>,
    size: usize,
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    data: Option<Data>,
    /// When it ends; none: never.
    ends: Option<Duration>,
    meters: Vec<Meter>,
}

impl Live {
    /// The set as it was declared, at the start of the traffic.
    pub(super) fn new(set: &Set) -> Self {
        let spec = set.spec();
        let size = spec.size.and_then(|size| usize::try_from(size).ok()).unwrap_or(USUAL_SIZE);
        let mut live =
            Self { singles: HashMap::new(), intervals: Vec::new(), others: None, timeout: spec.timeout, size };
        let meters: Vec<_> = spec.meters.iter().filter_map(Meter::of_element).collect();
        let plain = || Member { data: None, ends: ends(None, spec.timeout, Duration::ZERO), meters: meters.clone() };
        match set.elements() {
            Elements::Intervals(values) => {
                let listed = if spec.flags.interval { values.intervals().to_vec() } else { values.values() };
                listed.into_iter().for_each(|interval| live.put(Tuple(vec![interval]), plain()));
            }
            Elements::List(list) => {
                for element in list {
                    let own = if element.meters.is_empty() { &spec.meters } else { &element.meters };
                    let member = Member {
                        data: element.data.clone(),
                        ends: first_end(element, spec.timeout),
                        meters: own.iter().filter_map(Meter::of_element).collect(),
                    };
                    match &element.key {
                        Key::Any => live.others = Some(member),
                        Key::Tuple(tuple) => live.put(tuple.clone(), member),
                    }
                }
            }
        }
        live
    }

    fn is_full(&self) -> bool {
        self.singles.len() + self.intervals.len() >= self.size
    }

    fn put(&mut self, tuple: Tuple, member: Member) {
        if tuple.is_single() {
            self.singles.insert(tuple.0.into_iter().map(|(value, _)| value).collect(), member);
        } else {
            self.intervals.push((tuple, member));
        }
    }

    /// The element that has the key.
    pub(super) fn member(&mut self, key: &[u128], now: Duration) -> Option<&mut Member> {
        let alive = |member: &&mut Member| member.is_alive(now);
        match self.singles.get_mut(key).filter(alive) {
            Some(member) => Some(member),
            None => {
                self.intervals.iter_mut().find(|(tuple, _)| tuple.contains(key)).map(|(_, member)| member).filter(alive)
            }
        }
    }

    /// The element for keys that no other has.
    pub(super) fn others(&mut self, now: Duration) -> Option<&mut Member> {
        self.others.as_mut().filter(|member| member.is_alive(now))
    }

    /// Changes the set as a packet's rule says; the element, if there is one now, counts the packet. Where there is no
    /// room for it, the packet leaves the rule (`nft_dynset_eval`).
    pub(super) fn update(
        &mut self,
        update: &SetUpdate,
        meters: &[ringwall_ir::Meter],
        key: Vec<u128>,
        data: Option<Data>,
        view: &mut View<'_>,
    ) -> Passes<()> {
        if update.operation == SetOperation::Delete {
            self.singles.remove(&key);
            return Ok(());
        }
        let now = view.now;
        let whole = ends(update.timeout, self.timeout, now);
        if !self.singles.get(&key).is_some_and(|member| member.is_alive(now)) {
            if self.is_full() {
                self.singles.retain(|_, member| member.is_alive(now));
            }
            if self.is_full() {
                return Err(super::Halt::Leave);
            }
            let meters = meters.iter().filter_map(Meter::of_element).collect();
            self.singles.insert(key.clone(), Member { data, ends: whole, meters });
        }
        let Some(member) = self.singles.get_mut(&key) else { return Err(super::Halt::Leave) };
        if update.operation == SetOperation::Update && member.ends.is_some() {
            // Where nobody says how long, one with a time of its own is over at once.
            member.ends = Some(whole.unwrap_or(now));
        }
        member.count(view)
    }
}

impl Member {
    fn is_alive(&self, now: Duration) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }

    /// What it gives, in a map.
    pub(super) const fn data(&self) -> Option<&Data> {
        self.data.as_ref()
    }

    /// Lets each of its meters count the packet (`nft_set_elem_update_expr`).
    pub(super) fn count(&mut self, view: &mut View<'_>) -> Passes<()> {
        self.meters.iter_mut().try_for_each(|meter| meter.count(view))
    }
}

/// When an element ends that begins now; a time of zero is none.
fn ends(own: Option<Milliseconds>, usual: Option<Milliseconds>, now: Duration) -> Option<Duration> {
    let time = own.filter(|own| own.0 > 0).or(usual).filter(|time| time.0 > 0)?;
    Some(now + Duration::from_millis(time.0))
}

/// When an element ends that is there from the start. One that says zero never does.
fn first_end(element: &Element, usual: Option<Milliseconds>) -> Option<Duration> {
    if element.timeout == Some(Milliseconds(0)) {
        return None;
    }
    element.expires.map(|left| Duration::from_millis(left.0)).or_else(|| ends(element.timeout, usual, Duration::ZERO))
}
