// SPDX-License-Identifier: GPL-3.0-or-later
//! Syntax tree to policy: looks names up, checks values, writes baselines out.

mod baseline;
mod ends;
mod names;
mod sentence;
mod services;
mod traffic;

use std::collections::BTreeMap;

use ringwall_grammar::tree::{Header, Item, Otherwise, Tree, Verb};
use ringwall_grammar::{Code, Diagnostic, Span, Spanned, tree};
use ringwall_ir::words::Direction;
use ringwall_ir::{Origin, OriginId};
use sha2::{Digest, Sha256};

use crate::policy::{Closing, Policy};
use names::Names;
pub use services::{SERVICES, Service};

/// The newest edition of the language.
const EDITION: u64 = 1;

/// Resolves a whole policy. `name` is what it is called if its header does not say.
///
/// Where the tree has holes, because some of the text could not be read, nothing is said about the policy as a whole:
/// what is missing may be what could not be read.
#[must_use]
pub fn resolve(name: &str, text: &str, tree: &Tree, has_holes: bool) -> (Policy, Vec<Diagnostic>) {
    let mut resolver = Resolver::new(name, text, tree.header.as_ref());
    let items = baseline::expand(&tree.items, &mut resolver.diagnostics);
    resolver.names.declare(&items, text, &mut resolver.origins, &mut resolver.diagnostics);
    resolver.govern(&items);
    for item in &items {
        resolver.item(item);
    }
    resolver.close();
    let (policy, mut diagnostics) = resolver.finish(&items);
    if has_holes {
        let of_the_whole = [Code::EmptyPolicy, Code::NothingGoverned, Code::UnusedName];
        diagnostics.retain(|finding| !of_the_whole.contains(&finding.code));
    }
    (policy, diagnostics)
}

/// An item of the policy, and how to speak of it: an item of a baseline stands where the baseline stands.
struct Placed {
    item: Item,
    /// The text that the item's own spans point into, if it is not the policy's.
    baseline: Option<&'static str>,
    /// Where it stands in the policy.
    span: Span,
}

struct Resolver<'a> {
    text: &'a str,
    policy: Policy,
    names: Names,
    origins: Origins,
    /// Where each governed direction is first named.
    governing: BTreeMap<Direction, Span>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    fn new(name: &str, text: &'a str, header: Option<&Header>) -> Self {
        let mut policy = Policy { name: name.to_owned(), edition: EDITION, ..Policy::default() };
        let mut diagnostics = Vec::new();
        if let Some(header) = header {
            policy.name.clone_from(&header.name.node);
            policy.edition = header.edition.node;
            if header.edition.node != EDITION {
                let message = format!("there is no edition {} of the language", header.edition.node);
                diagnostics.push(
                    Diagnostic::new(Code::UnknownEdition, header.edition.span, message)
                        .help(format!("this version knows edition {EDITION}")),
                );
            }
        }
        Self {
            text,
            policy,
            names: Names::default(),
            origins: Origins::default(),
            governing: BTreeMap::new(),
            diagnostics,
        }
    }

    /// Finds the governed directions: those that an `allow`, `permit`, `drop`, `reject` or `otherwise` names.
    fn govern(&mut self, items: &[Placed]) {
        for placed in items {
            let directions = match &placed.item {
                Item::Sentence(sentence) if sentence.verb.node != Verb::Log => &sentence.directions,
                Item::Otherwise(otherwise) => &otherwise.directions,
                _ => continue,
            };
            for direction in directions {
                self.governing.entry(direction_of(direction.node)).or_insert(placed.span);
                // Every governed direction is closed by drop, until an `otherwise` says something else.
                self.policy.closings.entry(direction_of(direction.node)).or_insert(Closing {
                    origin: OriginId(0),
                    effect: crate::policy::Effect::Drop,
                    log: None,
                });
            }
        }
    }

    fn item(&mut self, placed: &Placed) {
        match &placed.item {
            Item::Sentence(sentence) => self.sentence(sentence, placed),
            Item::Expect(expect) => self.expect(expect, placed),
            Item::Otherwise(otherwise) => self.otherwise(otherwise, placed),
            Item::Baseline(_) | Item::Network(_) | Item::Service(_) => {}
        }
    }

    fn otherwise(&mut self, otherwise: &Otherwise, placed: &Placed) {
        let origin = self.origin(otherwise.label.as_ref(), None, otherwise.span, placed);
        let Some(effect) = self.effect(&otherwise.verb) else { return };
        self.check_refusal(&otherwise.verb, effect, &crate::policy::Scope::everything());
        let log = otherwise.log.as_ref().and_then(|log| self.log(log));
        for direction in &otherwise.directions {
            let key = direction_of(direction.node);
            let Some(closing) = self.policy.closings.get_mut(&key) else { continue };
            if closing.origin != OriginId(0) {
                let message = format!("a second `otherwise` for {key}");
                self.diagnostics
                    .push(Diagnostic::new(Code::SecondOtherwise, direction.span, message).help(
                        "keep one of them; a narrower catch-all is a plain `drop` or `reject` in the last place",
                    ));
                continue;
            }
            *closing = Closing { origin, effect, log: log.clone() };
        }
    }

    /// Gives the directions without an `otherwise` their origin: the policy as a whole.
    fn close(&mut self) {
        let open: Vec<Direction> = self
            .policy
            .closings
            .iter()
            .filter(|(_, closing)| closing.origin == OriginId(0))
            .map(|(&direction, _)| direction)
            .collect();
        for direction in open {
            let origin = self.origins.add(Origin {
                id: format!("otherwise-{direction}"),
                text: format!("otherwise drop {direction}"),
                line: self.governing.get(&direction).map_or(1, |span| line_of(*span, self.text)),
                because: None,
                spot: None,
            });
            if let Some(closing) = self.policy.closings.get_mut(&direction) {
                closing.origin = origin;
            }
        }
    }

    fn finish(mut self, items: &[Placed]) -> (Policy, Vec<Diagnostic>) {
        self.names.report_unused(&mut self.diagnostics);
        let speaks = items.iter().any(|placed| matches!(placed.item, Item::Sentence(_) | Item::Otherwise(_)));
        if !speaks && !ringwall_grammar::any_error(&self.diagnostics) {
            self.diagnostics.push(
                Diagnostic::new(Code::EmptyPolicy, Span::new(0, 0), "the policy has no sentence")
                    .help("a whole policy is, for example: `allow outbound, permit established inbound`"),
            );
        }
        self.policy.origins = self.origins.list;
        (self.policy, self.diagnostics)
    }

    /// The origin of a sentence. Its id is the label, or a hash of its words: stable when other lines come and go.
    fn origin(
        &mut self,
        label: Option<&tree::Name>,
        because: Option<&Spanned<String>>,
        span: Span,
        placed: &Placed,
    ) -> OriginId {
        let text = squeeze(span.of(placed.baseline.unwrap_or(self.text)));
        let line = line_of(placed.span, self.text);
        let id = match label {
            Some(label) => label.node.clone(),
            None => words_hash(&text, because.map(|because| because.node.as_str())),
        };
        if let Some(label) = label
            && self.origins.holds(&id)
        {
            let place = if placed.baseline.is_some() { placed.span } else { label.span };
            let message = format!("the label `{id}` stands twice");
            self.diagnostics.push(
                Diagnostic::new(Code::DuplicateName, place, message).help("give one of the sentences another label"),
            );
        }
        self.origins.add(Origin { id, text, line, because: because.map(|because| because.node.clone()), spot: None })
    }
}

/// The origins found so far. Number 0 stands for "none yet" and is the policy's head.
struct Origins {
    list: Vec<Origin>,
    /// How often each id was asked for.
    taken: BTreeMap<String, u32>,
}

impl Default for Origins {
    fn default() -> Self {
        let head = Origin { id: "policy".to_owned(), text: String::new(), line: 1, because: None, spot: None };
        Self { taken: BTreeMap::from([(head.id.clone(), 1)]), list: vec![head] }
    }
}

impl Origins {
    fn holds(&self, id: &str) -> bool {
        self.taken.contains_key(id)
    }

    /// Adds an origin; a taken id gets a number behind it, for the same words may stand twice.
    fn add(&mut self, mut origin: Origin) -> OriginId {
        while self.holds(&origin.id) {
            let count = self.taken.entry(origin.id.clone()).or_default();
            *count += 1;
            origin.id = format!("{}-{count}", origin.id);
        }
        self.taken.insert(origin.id.clone(), 1);
        self.list.push(origin);
        OriginId(u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX))
    }
}

/// The language's direction in netfilter's words.
const fn direction_of(direction: tree::Direction) -> Direction {
    match direction {
        tree::Direction::Inbound => Direction::Inbound,
        tree::Direction::Outbound => Direction::Outbound,
        tree::Direction::Forwarded => Direction::Forwarded,
    }
}

/// The line on which a span starts, from 1.
fn line_of(span: Span, text: &str) -> u32 {
    u32::try_from(span.line_column(text).0).unwrap_or(u32::MAX)
}

/// One line, one blank between words.
fn squeeze(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ")
}

/// Eight hexadecimal digits that stand for a sentence's words, without its reason.
fn words_hash(text: &str, because: Option<&str>) -> String {
    let words = because.and_then(|_| text.split_once(" because ")).map_or(text, |(words, _)| words);
    let digest = Sha256::digest(words.as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
