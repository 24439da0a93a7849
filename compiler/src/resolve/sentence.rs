// SPDX-License-Identifier: GPL-3.0-or-later
//! Sentences and expectations.

use ringwall_grammar::tree::{self, Expect, Name, Sentence as Written, Verb};
use ringwall_grammar::{Code, Diagnostic, Severity, Span, Spanned, suggest};
use ringwall_ir::words::{CtState, CtStates, Direction, Family, LogLevel, Protocol, Refusal};
use ringwall_ir::{Log, LogTarget};

use super::traffic::Means;
use super::{Placed, Resolver, direction_of};
use crate::policy::{Effect, End, Expectation, LogClause, Scope, Sentence, Traffic};

impl Scope {
    /// Every packet.
    pub(super) fn everything() -> Self {
        Self { traffic: vec![Traffic::any(CtStates::ALL)], from: End::default(), to: End::default() }
    }

    /// The families in which both ends and an item of traffic have a packet.
    fn families(&self, traffic: &Traffic) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |&family| {
            traffic.family.is_none_or(|only| only == family)
                && !self.from.addresses(family).is_empty()
                && !self.to.addresses(family).is_empty()
        })
    }
}

impl Resolver<'_> {
    pub(super) fn sentence(&mut self, written: &Written, placed: &Placed) {
        let errors = self.errors();
        let origin = self.origin(written.label.as_ref(), written.because.as_ref(), written.span, placed);
        let means = self.means(written);
        let directions = self.directions(written);
        let effect = self.effect(&written.verb);
        let traffic = self.traffic(&written.traffic, means);
        let (from, to) = self.ends(&written.ends, &directions);
        let log = self.sentence_log(written);
        let Some(effect) = effect.filter(|_| self.errors() == errors) else { return };
        let mut scope = Scope { traffic, from, to };
        if self.check_families(&mut scope, placed.span, &written.ends) {
            self.check_refusal(&written.verb, effect, &scope);
            self.policy.sentences.push(Sentence { origin, span: placed.span, effect, directions, scope, log });
        }
    }

    pub(super) fn expect(&mut self, written: &Expect, placed: &Placed) {
        let errors = self.errors();
        let origin = self.origin(written.label.as_ref(), None, written.span, placed);
        let states = if written.states.is_empty() {
            CtStates::of(&[CtState::New])
        } else {
            written.states.iter().map(|state| state_of(state.node)).collect()
        };
        let directions: Vec<_> = written.directions.iter().map(|direction| direction_of(direction.node)).collect();
        let traffic = self.traffic(&written.traffic, Means::States(states));
        let (from, to) = self.ends(&written.ends, &directions);
        let mut scope = Scope { traffic, from, to };
        if self.errors() == errors && self.check_families(&mut scope, placed.span, &written.ends) {
            let fate = written.fate.node;
            self.policy.expectations.push(Expectation { origin, span: placed.span, directions, scope, fate });
        }
    }

    /// How many errors there are so far. A sentence with one is left out, for what it lacks would give more.
    fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|finding| finding.severity() == Severity::Error).count()
    }

    /// In which ct states the sentence means its traffic.
    fn means(&mut self, written: &Written) -> Means {
        let states: CtStates = written.states.iter().map(|state| state_of(state.node)).collect();
        match (&written.verb.node, written.states.first()) {
            (Verb::Allow, None) => Means::Conversation,
            (Verb::Allow, Some(first)) => {
                let span = written.states.last().map_or(first.span, |last| first.span.to(last.span));
                self.diagnostics.push(
                    Diagnostic::new(Code::StatesOfAllow, span, "`allow` takes no states")
                        .help(format!("to say the states yourself, write `permit {states}`")),
                );
                Means::Conversation
            }
            (Verb::Permit, None) => {
                self.diagnostics.push(
                    Diagnostic::new(
                        Code::PermitWithoutStates,
                        written.verb.span,
                        "`permit` needs the states that it permits",
                    )
                    .help("write `permit established ...`, or `allow ...` for what opens or belongs to a conversation"),
                );
                Means::States(CtStates::ALL)
            }
            (_, None) => Means::States(CtStates::ALL),
            (_, Some(_)) => Means::States(states),
        }
    }

    /// The directions of a sentence: those it names, or else every governed one.
    fn directions(&mut self, written: &Written) -> Vec<Direction> {
        let mut named: Vec<_> = written.directions.iter().map(|direction| direction_of(direction.node)).collect();
        named.sort_unstable();
        named.dedup();
        if written.verb.node == Verb::Log {
            for direction in written.directions.iter().filter(|one| !self.policy.governs(direction_of(one.node))) {
                let message =
                    format!("no sentence governs {}, so there is nothing to record", direction_of(direction.node));
                self.diagnostics.push(
                    Diagnostic::new(Code::NothingGoverned, direction.span, message)
                        .help("`otherwise allow` governs a direction without closing it"),
                );
            }
        }
        if !named.is_empty() {
            return named;
        }
        if written.verb.node == Verb::Allow {
            self.diagnostics.push(
                Diagnostic::new(Code::AllowWithoutDirection, written.verb.span, "`allow` needs a direction")
                    .help("write `allow inbound`, `allow outbound` or `allow forwarded`"),
            );
            return named;
        }
        let governed: Vec<_> = self.policy.closings.keys().copied().collect();
        if governed.is_empty() {
            let message = "the sentence names no direction, and nothing else in the policy does";
            self.diagnostics.push(
                Diagnostic::new(Code::NothingGoverned, written.verb.span, message)
                    .help("name the direction: `inbound`, `outbound` or `forwarded`"),
            );
        }
        governed
    }

    /// What a verb does; `None` after a finding.
    pub(super) fn effect(&mut self, verb: &Spanned<Verb>) -> Option<Effect> {
        match &verb.node {
            Verb::Allow | Verb::Permit => Some(Effect::Accept),
            Verb::Drop => Some(Effect::Drop),
            Verb::Log => Some(Effect::Record),
            Verb::Reject(None) => Some(Effect::Reject(None)),
            Verb::Reject(Some(kind)) => match Refusal::named(&kind.node) {
                Some(refusal) => Some(Effect::Reject(Some(refusal))),
                None => {
                    self.unknown_refusal(kind);
                    None
                }
            },
        }
    }

    fn unknown_refusal(&mut self, kind: &Name) {
        let names: Vec<_> = Refusal::ALL.into_iter().map(Refusal::name).collect();
        let help = match suggest(&kind.node, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the kinds are {}", names.join(", ")),
        };
        let message = format!("there is no refusal `{}`", kind.node);
        self.diagnostics.push(Diagnostic::new(Code::UnknownName, kind.span, message).help(help));
    }

    /// A refusal must exist for every packet that the sentence can match.
    pub(super) fn check_refusal(&mut self, verb: &Spanned<Verb>, effect: Effect, scope: &Scope) {
        let Effect::Reject(Some(refusal)) = effect else { return };
        let span = match &verb.node {
            Verb::Reject(Some(kind)) => kind.span,
            _ => verb.span,
        };
        if refusal == Refusal::TcpReset {
            if scope.traffic.iter().any(|traffic| traffic.protocol != Some(Protocol::TCP)) {
                self.diagnostics.push(
                    Diagnostic::new(Code::RejectKind, span, "only tcp can be refused with a reset")
                        .help("name tcp traffic, or leave the kind out: tcp gets a reset, the rest port-unreachable"),
                );
            }
            return;
        }
        let lacking = scope
            .traffic
            .iter()
            .flat_map(|traffic| scope.families(traffic))
            .find(|&family| refusal.icmp_code(family).is_none());
        if let Some(family) = lacking {
            let message = format!("{} has no refusal `{}`", family.name(), refusal.name());
            self.diagnostics.push(Diagnostic::new(Code::RejectKind, span, message).help(
                "narrow the sentence with `from ipv4`, and give ipv6 a sentence with `admin-prohibited` or `port-unreachable`",
            ));
        }
    }

    /// Takes out the traffic that exists in no family of both ends. False after a finding.
    fn check_families(&mut self, scope: &mut Scope, span: Span, ends: &tree::Ends) -> bool {
        let kept: Vec<_> =
            scope.traffic.iter().filter(|traffic| scope.families(traffic).next().is_some()).cloned().collect();
        if kept.is_empty() && self.names_nobody(scope, ends) {
            return false;
        }
        if kept.is_empty() {
            let mut finding = Diagnostic::new(
                Code::ConflictingFamilies,
                span,
                "no packet of either family can match: what the ends and the traffic leave has nothing in common",
            );
            for who in [&ends.from, &ends.to].into_iter().flatten() {
                finding = finding.related(who.span, "one end");
            }
            self.diagnostics.push(finding.help("use networks with addresses of the same family at both ends"));
            return false;
        }
        scope.traffic = kept;
        true
    }

    /// Says so where an end has no address of either family. A network that stands for itself has been told already.
    fn names_nobody(&mut self, scope: &Scope, ends: &tree::Ends) -> bool {
        let is_empty = |end: &End| Family::ALL.into_iter().all(|family| end.addresses(family).is_empty());
        let both = [(&scope.from, &ends.from), (&scope.to, &ends.to)];
        let Some(who) = both.into_iter().find(|(end, _)| is_empty(end)).and_then(|(_, who)| who.as_ref()) else {
            return false;
        };
        if !self.diagnostics.iter().any(|finding| finding.code == Code::CircularName) {
            let message = "no address is left at this end";
            let help = "name addresses that its exceptions do not take out again";
            self.diagnostics.push(Diagnostic::new(Code::BadValue, who.span, message).help(help));
        }
        true
    }

    fn sentence_log(&mut self, written: &Written) -> Option<LogClause> {
        match (&written.log, &written.verb.node) {
            (Some(log), _) => self.log(log),
            (None, Verb::Log) => Some(LogClause { log: Log::default(), every: false }),
            (None, _) => None,
        }
    }

    /// How a sentence records; `None` after a finding.
    pub(super) fn log(&mut self, written: &tree::Log) -> Option<LogClause> {
        let before = self.diagnostics.len();
        let prefix = written.prefix.as_ref().map(|prefix| self.log_prefix(prefix));
        let level = written.level.as_ref().and_then(|level| self.log_level(level));
        let group = written.group.and_then(|group| match u16::try_from(group.node) {
            Ok(number) => Some(number),
            Err(_) => {
                self.diagnostics.push(Diagnostic::new(Code::BadValue, group.span, "a log group goes from 0 to 65535"));
                None
            }
        });
        let target = match (group, level) {
            (Some(_), Some(_)) => {
                self.diagnostics.push(
                    Diagnostic::new(Code::BadValue, written.span, "a log to a group has no level")
                        .help("keep `level` for the kernel's log, or `to group`"),
                );
                return None;
            }
            (Some(group), None) => LogTarget::group(group),
            (None, level) => LogTarget::kernel(level.unwrap_or(LogLevel::Warn)),
        };
        (before == self.diagnostics.len()).then_some(LogClause { log: Log { prefix, target }, every: written.every })
    }

    /// The prefix as the kernel gets it: it ends in a blank, so that the record does not stick to it.
    fn log_prefix(&mut self, prefix: &Spanned<String>) -> String {
        let text = prefix.node.trim_end();
        let legal = text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
        if text.is_empty() || text.len() >= Log::PREFIX_MAX || !legal {
            self.diagnostics.push(
                Diagnostic::new(Code::BadValue, prefix.span, "this cannot be the prefix of a log record")
                    .help("a prefix has 1 to 126 printable ASCII characters, no `\"` and no `\\`"),
            );
        }
        format!("{text} ")
    }

    fn log_level(&mut self, level: &Name) -> Option<LogLevel> {
        let found = LogLevel::named(&level.node);
        if found.is_none() {
            let names: Vec<_> = LogLevel::ALL.into_iter().map(LogLevel::name).collect();
            let message = format!("there is no log level `{}`", level.node);
            self.diagnostics.push(
                Diagnostic::new(Code::UnknownName, level.span, message)
                    .help(format!("the levels are {}", names.join(", "))),
            );
        }
        found
    }
}

/// The language's ct state in netfilter's words.
const fn state_of(state: tree::State) -> CtState {
    match state {
        tree::State::New => CtState::New,
        tree::State::Established => CtState::Established,
        tree::State::Related => CtState::Related,
        tree::State::Invalid => CtState::Invalid,
        tree::State::Untracked => CtState::Untracked,
    }
}
