// SPDX-License-Identifier: GPL-3.0-or-later
//! The parts of a table, put together. What the IR refuses is taken out, one by one, as an unknown.

use ringwall_ir::words::{ChainPolicy, ChainType, Hook, Priority, TableFamily};
use ringwall_ir::{BaseChain, Chain, Illegal, Origin, OriginId, Rule, Ruleset, Table, TableParts, Verdict};
use serde_json::Value;

use super::rule::{refused, rule};
use super::set::{Uses, set};
use super::{beside, comment, object};
use crate::target::nft::CLOSING;

/// A table as it was found.
pub(super) struct RawTable<'a> {
    pub(super) family: TableFamily,
    pub(super) name: &'a str,
    chains: Vec<RawChain<'a>>,
    sets: Vec<(&'a Value, OriginId)>,
    parts: TableParts,
}

/// A chain, with its rules as they were found.
struct RawChain<'a> {
    chain: Chain,
    rules: Vec<(&'a Value, OriginId)>,
}

impl<'a> RawTable<'a> {
    pub(super) fn new(family: TableFamily, name: &'a str) -> Self {
        Self { family, name, chains: Vec::new(), sets: Vec::new(), parts: TableParts::default() }
    }

    /// Takes an item of the list.
    pub(super) fn add(&mut self, kind: &str, body: &'a Value, origin: OriginId) {
        let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "table" => {
                self.parts.comment = comment(body);
                self.flags(body, origin);
            }
            "chain" => match chain(name, body, origin) {
                Ok(chain) => self.chains.push(RawChain { chain, rules: Vec::new() }),
                Err(why) => self.parts.unknowns.push((origin, beside(why, body))),
            },
            "rule" => {
                let of = body.get("chain").and_then(Value::as_str).unwrap_or_default();
                match self.chains.iter_mut().find(|chain| chain.chain.name() == of) {
                    Some(chain) => chain.rules.push((body, origin)),
                    None => {
                        let unknown = beside("rule of a chain that could not be read".to_owned(), body);
                        self.parts.unknowns.push((origin, unknown));
                    }
                }
            }
            "set" | "map" => self.sets.push((body, origin)),
            kind => match object::kind(kind) {
                Some(kind) => match object::object(self.family, kind, name, body, origin) {
                    Ok(object) => self.parts.objects.push(object),
                    Err(no_word) => self.parts.unknowns.push((origin, beside(no_word.0, body))),
                },
                None => self.parts.unknowns.push((origin, beside(kind.to_owned(), body))),
            },
        }
    }

    /// A table that sleeps, or ends with a program.
    fn flags(&mut self, body: &Value, origin: OriginId) {
        let flags: Vec<&str> = match body.get("flags") {
            Some(Value::Array(flags)) => flags.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(flag)) => vec![flag],
            _ => Vec::new(),
        };
        let unknowns = flags.into_iter().map(|flag| (origin, beside(format!("table flag {flag}"), body)));
        self.parts.unknowns.extend(unknowns);
    }

    /// Makes the table of its parts.
    pub(super) fn build(mut self, ruleset: &mut Ruleset) {
        let mut uses = Uses::default();
        let mut sources = Vec::new();
        for RawChain { mut chain, rules } in std::mem::take(&mut self.chains) {
            let mut found = Vec::new();
            let last = rules.len().checked_sub(1);
            for (place, (body, origin)) in rules.into_iter().enumerate() {
                match rule(self.family, body, origin) {
                    Ok(rule) if Some(place) == last && closes(&chain, &rule, body) => {}
                    Ok(rule) => {
                        uses.learn(&rule);
                        self.put(&mut chain, rule, body, &mut found);
                    }
                    Err(unknown) => self.parts.unknowns.push((origin, unknown)),
                }
            }
            sources.push((chain.name().to_owned(), found));
            // The chain policy decides behind the rules.
            let closing = chain.bound().map(|_| OriginId(u32::try_from(ruleset.origins.len()).unwrap_or(u32::MAX)));
            self.parts.chains.push(match closing {
                Some(closing) => {
                    ruleset.origins.push(Origin::default());
                    chain.with_closing(closing)
                }
                None => chain,
            });
        }
        for (body, origin) in std::mem::take(&mut self.sets) {
            let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
            match set(self.family, name, body, &uses, origin) {
                Ok(set) => self.parts.sets.push(set),
                Err(no_word) => self.parts.unknowns.push((origin, beside(no_word.0, body))),
            }
        }
        self.check(&sources, ruleset);
    }

    /// Adds a rule to a chain, or an unknown in its place.
    fn put(&mut self, chain: &mut Chain, rule: Rule, body: &'a Value, found: &mut Vec<&'a Value>) {
        let origin = rule.origin();
        let put = chain.add(rule).or_else(|illegal| {
            let rule = refused(body, &illegal.to_string(), origin);
            rule.map_err(|_| Illegal::Nothing).and_then(|rule| chain.add(rule))
        });
        match put {
            Ok(()) => found.push(body),
            Err(illegal) => self.parts.unknowns.push((origin, beside(format!("rule that cannot be: {illegal}"), body))),
        }
    }

    /// Takes out what the IR refuses of the whole, until the rest is a table.
    fn check(mut self, sources: &[(String, Vec<&Value>)], ruleset: &mut Ruleset) {
        loop {
            match Table::of_parts(self.family, self.name, self.parts) {
                Ok(table) => return ruleset.tables.push(table),
                Err(refused) => {
                    let (illegal, parts) = *refused;
                    self.parts = parts;
                    if !self.take_out(&illegal, sources) {
                        let name = format!("table that cannot be: {illegal}");
                        let whole = Value::String(format!("{} {}", self.family.name(), self.name));
                        ruleset.unknowns.push((OriginId(0), beside(name, &whole)));
                        ruleset.unknowns.extend(self.parts.unknowns);
                        return;
                    }
                }
            }
        }
    }

    /// Puts an unknown in the place of a rule, or of a set. Whether that could be done.
    fn take_out(&mut self, illegal: &Illegal, sources: &[(String, Vec<&Value>)]) -> bool {
        match illegal {
            Illegal::Rule { chain, number, why } => self.take_rule(chain, *number, &why.to_string(), sources),
            Illegal::Loop(chains) | Illegal::Deep(chains) => {
                let Some(chain) = chains.first() else { return false };
                let calls =
                    |rule: &Rule| rule.targets().next().is_some() || matches!(rule.verdict(), Some(Verdict::Map(_)));
                let of = self.parts.chains.iter().find(|known| known.name() == *chain);
                let place = of.and_then(|of| of.rules().iter().position(calls));
                place.is_some_and(|place| self.take_rule(chain, place + 1, &illegal.to_string(), sources))
            }
            Illegal::Set(name) | Illegal::Name(name) => {
                let Some(place) = self
                    .parts
                    .sets
                    .iter()
                    .position(|set| set.name() == name || set.targets().any(|target| target == name))
                else {
                    return false;
                };
                let set = self.parts.sets.remove(place);
                let text = Value::String(set.to_string());
                self.parts.unknowns.push((set.origin(), beside(format!("set: {illegal}"), &text)));
                true
            }
            _ => false,
        }
    }

    fn take_rule(&mut self, chain: &str, number: usize, why: &str, sources: &[(String, Vec<&Value>)]) -> bool {
        let source = sources.iter().find(|(name, _)| name == chain);
        let body = source.and_then(|(_, bodies)| bodies.get(number.checked_sub(1)?).copied());
        let Some((body, place)) = body.zip(self.parts.chains.iter().position(|known| known.name() == chain)) else {
            return false;
        };
        let Some(known) = self.parts.chains.get(place) else { return false };
        let made = match known.bound() {
            Some(base) => Chain::base(chain, *base),
            None => Chain::regular(chain),
        };
        let Ok(made) = made else { return false };
        let mut made = made.with_comment(known.comment().map(str::to_owned));
        for (index, rule) in known.rules().iter().enumerate() {
            let rule = if index + 1 == number { refused(body, why, rule.origin()) } else { Ok(rule.clone()) };
            let Ok(rule) = rule else { return false };
            // A rule that is unknown already is not what the table was refused for.
            let again = index + 1 == number
                && known.rules().get(index).is_some_and(|old| {
                    old.unknowns().next().is_some() && old.steps().len() == 1 && old.verdict().is_none()
                });
            if again || made.add(rule).is_err() {
                return false;
            }
        }
        if let Some(known) = self.parts.chains.get_mut(place) {
            *known = made;
        }
        true
    }
}

fn chain(name: &str, body: &Value, origin: OriginId) -> Result<Chain, String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let made = match (text("hook"), text("type")) {
        (None, _) => Chain::regular(name),
        (Some(hook), kind) => {
            let hook = Hook::named(hook).ok_or_else(|| format!("chain at hook {hook}"))?;
            let kind = kind.and_then(ChainType::named).ok_or_else(|| "chain of an unknown type".to_owned())?;
            let priority = body.get("prio").and_then(Value::as_i64).and_then(|priority| i32::try_from(priority).ok());
            let policy = if text("policy") == Some("drop") { ChainPolicy::Drop } else { ChainPolicy::Accept };
            let base =
                BaseChain { kind, hook, priority: Priority(priority.unwrap_or_default()), policy, closing: origin };
            Chain::base(name, base)
        }
    };
    made.map(|chain| chain.with_comment(comment(body))).map_err(|illegal| format!("chain: {illegal}"))
}

/// Whether it is the rule that says what the chain policy says.
fn closes(chain: &Chain, rule: &Rule, body: &Value) -> bool {
    let closed = chain.bound().is_some_and(|base| base.policy == ChainPolicy::Drop);
    let comment = body.get("comment").and_then(Value::as_str);
    closed && comment == Some(CLOSING) && rule.steps().is_empty() && rule.verdict() == Some(&Verdict::Drop)
}
