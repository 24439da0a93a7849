// SPDX-License-Identifier: GPL-3.0-or-later
//! From events to observations: which packet an event speaks of, and what they say together.
//!
//! One packet goes in at a time, but it may not walk alone: the kernel may make answers, which walk while it waits, and
//! what leaves by `lo` arrives again, in the order in which it left. A walk starts at one of the harness's first chains
//! and is followed by the number that the trace gives its packet. The number may change on the way (reassembly, `lo`);
//! an unknown one belongs to the walk that has not ended.

use std::collections::VecDeque;

use ringwall_ir::OriginId;
use ringwall_ir::words::{Direction, Hook};
use ringwall_runtime::observation::{Answer, Fate, Observation};
use ringwall_runtime::packet::checksum;

use super::LOOPBACK;
use super::events::{Event, Logged, Ruling, Sight, Trace};
use super::harness::{LEFT, MADE, OBSERVERS, Post, SINK};
use super::provenance::Provenance;

/// The walks that one packet sets off.
pub(super) struct Walks<'a> {
    provenance: &'a Provenance,
    walks: Vec<Walk>,
    /// The trace's number of each walk's packet.
    numbers: Vec<(u32, usize)>,
    /// The walk that the last event spoke of.
    current: usize,
    /// Walks that left by `lo` and have not arrived yet.
    looping: VecDeque<usize>,
}

/// One packet's way through the hooks.
#[derive(Debug, Default)]
struct Walk {
    /// The packet, if the kernel made it.
    made: Option<Vec<u8>>,
    hooks: Vec<Hook>,
    sight: Option<Sight>,
    /// The origin of the last rule or chain policy of a governed hook that let it pass.
    accepted: Option<OriginId>,
    dropped: Option<Dropped>,
    left: Option<Vec<u8>>,
}

/// What dropped a packet.
#[derive(Clone, Copy, Debug)]
enum Dropped {
    /// A rule or a chain policy.
    Ruled { origin: Option<OriginId>, refuses: bool },
    /// The harness, in the place of another table.
    Elsewhere,
}

/// How far a packet came that neither left nor was dropped by a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Before the first hook.
    Outside,
    /// In the first hook, before connection tracking saw it.
    Untracked,
    /// Behind this hook.
    Behind(Hook),
}

impl<'a> Walks<'a> {
    pub(super) const fn new(provenance: &'a Provenance) -> Self {
        Self { provenance, walks: Vec::new(), numbers: Vec::new(), current: 0, looping: VecDeque::new() }
    }

    /// Takes in what the kernel said next.
    pub(super) fn record(&mut self, event: Event<'_>) {
        match event {
            Event::Logged(logged) => self.record_logged(logged),
            Event::Trace(trace) => self.record_trace(&trace),
        }
    }

    /// Whether something may still be on its way: the packet has come to no hook, or one that left by `lo` to no hook again.
    pub(super) fn are_open(&self) -> bool {
        self.walks.is_empty() || !self.looping.is_empty()
    }

    /// What was seen of the packet that went in. `lost` says what became of it if nothing else does.
    pub(super) fn observation(mut self, lost: impl FnOnce(Lost) -> (Fate, Option<String>)) -> Observation {
        let main = self.walks.iter().position(|walk| walk.made.is_none());
        let main = main.map(|place| self.walks.remove(place)).unwrap_or_default();
        let answers = self.walks.into_iter().filter_map(Walk::into_answer).collect();
        let (fate, reason) = main.fate().unwrap_or_else(|| lost(main.lost()));
        let sight = main.sight;
        Observation {
            fate: Some(fate),
            direction: main.direction(),
            state: sight.map(|sight| sight.state),
            ct_direction: sight.and_then(|sight| sight.direction),
            status: sight.map(|sight| sight.status).unwrap_or_default(),
            origin: main.origin(),
            reason,
            hooks: main.hooks,
            left: main.left,
            port_drawn: false,
            answers,
        }
    }

    fn record_logged(&mut self, logged: Logged<'_>) {
        match logged.prefix {
            MADE => self.start(Walk { made: Some(logged.bytes.to_vec()), ..Walk::default() }),
            LEFT => {
                self.current().left.get_or_insert_with(|| {
                    let mut left = logged.bytes.to_vec();
                    checksum::complete(&mut left);
                    left
                });
            }
            _ => {}
        }
    }

    fn record_trace(&mut self, trace: &Trace<'_>) {
        if trace.table == OBSERVERS.as_bytes() {
            if let Some(post) = Post::of(trace.chain) {
                self.record_post(post, trace);
            }
            return;
        }
        self.follow(trace.id);
        if trace.table == SINK.as_bytes() {
            if trace.oif == LOOPBACK && trace.ruling == Some(Ruling::Accept) {
                self.looping.push_back(self.current);
            }
            return;
        }
        self.record_ruling(trace);
    }

    fn record_post(&mut self, post: Post, trace: &Trace<'_>) {
        match post {
            Post::Arrival => {
                let back = if trace.iif == LOOPBACK { self.looping.pop_front() } else { None };
                match back {
                    Some(back) => self.current = back,
                    None => self.start(Walk::default()),
                }
                self.name(trace.id);
                self.current().reach(Hook::Prerouting);
            }
            Post::Sent => {
                self.start(Walk::default());
                self.name(trace.id);
                self.current().reach(Hook::Output);
            }
            Post::Made => {
                self.name(trace.id);
                self.current().reach(Hook::Output);
            }
            Post::Tracked => {
                self.follow(trace.id);
                self.current().sight.get_or_insert(trace.sight.unwrap_or(Sight::INVALID));
            }
            Post::At(hook) => {
                self.follow(trace.id);
                self.current().reach(hook);
            }
            Post::Refusal => {
                self.follow(trace.id);
                if trace.ruling == Some(Ruling::Drop) {
                    self.current().dropped = Some(Dropped::Elsewhere);
                }
            }
        }
    }

    /// A rule or a chain policy of the ruleset under test.
    fn record_ruling(&mut self, trace: &Trace<'_>) {
        let Trace { family, table, chain, .. } = *trace;
        let (origin, refuses) = match trace.rule {
            Some(handle) => match self.provenance.rule(family, table, chain, handle) {
                Some(rule) => (rule.origin, rule.refuses),
                None => (None, false),
            },
            None => (self.provenance.policy(family, table, chain), false),
        };
        let walk = self.current();
        match trace.ruling {
            Some(Ruling::Drop) => walk.dropped = Some(Dropped::Ruled { origin, refuses }),
            Some(Ruling::Accept) if walk.direction_here().is_some() => walk.accepted = origin.or(walk.accepted),
            _ => {}
        }
    }

    fn start(&mut self, walk: Walk) {
        self.current = self.walks.len();
        self.walks.push(walk);
    }

    /// The current walk's packet has this number from now on.
    fn name(&mut self, number: u32) {
        self.numbers.retain(|&(known, _)| known != number);
        self.numbers.push((number, self.current));
    }

    /// Turns to the walk of a number.
    fn follow(&mut self, number: u32) {
        if let Some(&(_, walk)) = self.numbers.iter().find(|&&(known, _)| known == number) {
            self.current = walk;
            return;
        }
        if self.walks.get(self.current).is_none_or(Walk::has_ended) {
            self.current = self.walks.iter().rposition(|walk| !walk.has_ended()).unwrap_or(0);
        }
        self.name(number);
    }

    fn current(&mut self) -> &mut Walk {
        if self.current >= self.walks.len() {
            self.start(Walk::default());
        }
        #[expect(clippy::indexing_slicing, reason = "the walk is there or has just been started")]
        &mut self.walks[self.current]
    }
}

impl Walk {
    fn reach(&mut self, hook: Hook) {
        if self.hooks.last() != Some(&hook) {
            self.hooks.push(hook);
        }
    }

    const fn has_ended(&self) -> bool {
        self.left.is_some() || self.dropped.is_some()
    }

    /// The direction of the hook where the packet is, if policies govern it.
    fn direction_here(&self) -> Option<Direction> {
        let here = *self.hooks.last()?;
        Direction::ALL.into_iter().find(|direction| direction.hook() == here)
    }

    /// The direction of the last governed hook on its way: a packet over `lo` is inbound unless output stopped it.
    fn direction(&self) -> Option<Direction> {
        let of = |hook: &Hook| Direction::ALL.into_iter().find(|direction| direction.hook() == *hook);
        self.hooks.iter().rev().find_map(of)
    }

    fn origin(&self) -> Option<OriginId> {
        match self.dropped {
            Some(Dropped::Ruled { origin, .. }) => origin,
            Some(Dropped::Elsewhere) => None,
            None => self.accepted,
        }
    }

    /// What became of it, and why where no rule said so, if that was seen.
    fn fate(&self) -> Option<(Fate, Option<String>)> {
        match self.dropped {
            _ if self.left.is_some() => Some((Fate::Accept, None)),
            Some(Dropped::Elsewhere) => Some((Fate::Reject, Some("refused by another table".to_owned()))),
            Some(Dropped::Ruled { refuses: true, .. }) => Some((Fate::Reject, None)),
            Some(Dropped::Ruled { .. }) => Some((Fate::Drop, None)),
            None => None,
        }
    }

    fn lost(&self) -> Lost {
        match self.hooks.last() {
            None => Lost::Outside,
            Some(_) if self.sight.is_none() => Lost::Untracked,
            Some(&hook) => Lost::Behind(hook),
        }
    }

    fn into_answer(self) -> Option<Answer> {
        let origin = self.origin();
        let fate = if self.left.is_some() { Fate::Accept } else { Fate::Drop };
        Some(Answer { bytes: self.left.or(self.made)?, fate, state: self.sight.map(|sight| sight.state), origin })
    }
}
