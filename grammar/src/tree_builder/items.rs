// SPDX-License-Identifier: GPL-3.0-or-later
//! Header, declarations and sentences.

use super::{Builder, Built, child, children, first_rule};
use crate::parser::{Pair, Rule};
use crate::span::Spanned;
use crate::tree::{
    Baseline, Direction, Expect, Fate, Header, Item, Log, Name, Network, Otherwise, Sentence, Service, State, Verb,
};

impl Builder<'_> {
    /// `policy laptop edition 1`
    pub(crate) fn header(&self, pair: &Pair<'_>) -> Built<Header> {
        Ok(Header { name: self.name(&self.need(pair, Rule::policy_name)?), edition: self.number_in(pair)? })
    }

    /// One declaration or sentence.
    pub(crate) fn item(&self, pair: &Pair<'_>) -> Built<Item> {
        match pair.as_rule() {
            Rule::baseline => self.baseline(pair).map(Item::Baseline),
            Rule::network => self.network(pair).map(Item::Network),
            Rule::service => self.service(pair).map(Item::Service),
            Rule::expect => self.expect(pair).map(Item::Expect),
            Rule::otherwise => self.otherwise(pair).map(Item::Otherwise),
            Rule::sentence => self.sentence(pair).map(Item::Sentence),
            _ => Err(self.unreadable(pair)),
        }
    }

    fn baseline(&self, pair: &Pair<'_>) -> Built<Baseline> {
        let mut names = children(pair, Rule::name).map(|token| self.name(&token));
        let name = names.next().ok_or_else(|| self.unreadable(pair))?;
        Ok(Baseline { name, except: names.collect(), span: self.span(pair) })
    }

    fn network(&self, pair: &Pair<'_>) -> Built<Network> {
        Ok(Network {
            name: self.name(&self.need(pair, Rule::name)?),
            addresses: self.addresses(&self.need(pair, Rule::addresses)?)?,
            span: self.span(pair),
        })
    }

    fn service(&self, pair: &Pair<'_>) -> Built<Service> {
        Ok(Service {
            name: self.name(&self.need(pair, Rule::name)?),
            traffic: self.traffic(pair)?,
            span: self.span(pair),
        })
    }

    fn sentence(&self, pair: &Pair<'_>) -> Built<Sentence> {
        Ok(Sentence {
            label: self.label(pair)?,
            verb: self.verb(&self.need(pair, Rule::verb)?)?,
            states: self.states(pair)?,
            directions: self.directions(pair)?,
            traffic: self.traffic(pair)?,
            ends: self.ends(pair)?,
            log: self.log(pair)?,
            because: child(pair, Rule::because).map(|clause| self.string_in(&clause)).transpose()?,
            span: self.span(pair),
        })
    }

    fn otherwise(&self, pair: &Pair<'_>) -> Built<Otherwise> {
        Ok(Otherwise {
            label: self.label(pair)?,
            verb: self.verb(&self.need(pair, Rule::closing_verb)?)?,
            directions: self.directions(pair)?,
            log: self.log(pair)?,
            span: self.span(pair),
        })
    }

    fn expect(&self, pair: &Pair<'_>) -> Built<Expect> {
        Ok(Expect {
            label: self.label(pair)?,
            states: self.states(pair)?,
            directions: self.directions(pair)?,
            traffic: self.traffic(pair)?,
            ends: self.ends(pair)?,
            fate: self.fate(&self.need(pair, Rule::fate)?)?,
            span: self.span(pair),
        })
    }

    fn label(&self, pair: &Pair<'_>) -> Built<Option<Name>> {
        child(pair, Rule::label).map(|label| Ok(self.name(&self.need(&label, Rule::name)?))).transpose()
    }

    fn verb(&self, pair: &Pair<'_>) -> Built<Spanned<Verb>> {
        let verb = match first_rule(pair) {
            Some(Rule::kw_allow) => Verb::Allow,
            Some(Rule::kw_drop) => Verb::Drop,
            Some(Rule::kw_log) => Verb::Log,
            Some(Rule::kw_permit) => Verb::Permit,
            Some(Rule::kw_reject) => Verb::Reject(child(pair, Rule::name).map(|kind| self.name(&kind))),
            _ => return Err(self.unreadable(pair)),
        };
        Ok(Spanned::new(verb, self.span(pair)))
    }

    fn states(&self, pair: &Pair<'_>) -> Built<Vec<Spanned<State>>> {
        children(pair, Rule::state)
            .map(|word| {
                let state = match first_rule(&word) {
                    Some(Rule::kw_established) => State::Established,
                    Some(Rule::kw_invalid) => State::Invalid,
                    Some(Rule::kw_new) => State::New,
                    Some(Rule::kw_related) => State::Related,
                    Some(Rule::kw_untracked) => State::Untracked,
                    _ => return Err(self.unreadable(&word)),
                };
                Ok(Spanned::new(state, self.span(&word)))
            })
            .collect()
    }

    fn directions(&self, pair: &Pair<'_>) -> Built<Vec<Spanned<Direction>>> {
        children(pair, Rule::direction)
            .map(|word| {
                let direction = match first_rule(&word) {
                    Some(Rule::kw_forwarded) => Direction::Forwarded,
                    Some(Rule::kw_inbound) => Direction::Inbound,
                    Some(Rule::kw_outbound) => Direction::Outbound,
                    _ => return Err(self.unreadable(&word)),
                };
                Ok(Spanned::new(direction, self.span(&word)))
            })
            .collect()
    }

    fn fate(&self, pair: &Pair<'_>) -> Built<Spanned<Fate>> {
        let fate = match first_rule(pair) {
            Some(Rule::kw_allowed) => Fate::Allowed,
            Some(Rule::kw_dropped) => Fate::Dropped,
            Some(Rule::kw_rejected) => Fate::Rejected,
            _ => return Err(self.unreadable(pair)),
        };
        Ok(Spanned::new(fate, self.span(pair)))
    }

    fn log(&self, pair: &Pair<'_>) -> Built<Option<Log>> {
        let Some(clause) = child(pair, Rule::log) else { return Ok(None) };
        Ok(Some(Log {
            every: child(&clause, Rule::kw_every).is_some(),
            prefix: child(&clause, Rule::log_as).map(|part| self.string_in(&part)).transpose()?,
            level: child(&clause, Rule::log_level)
                .and_then(|part| child(&part, Rule::name))
                .map(|name| self.name(&name)),
            group: child(&clause, Rule::log_group).map(|part| self.number_in(&part)).transpose()?,
            span: self.span(&clause),
        }))
    }
}
