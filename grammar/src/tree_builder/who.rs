// SPDX-License-Identifier: GPL-3.0-or-later
//! The ends of a packet's way: addresses and interfaces.

use super::{Builder, Built, child, children, first_rule};
use crate::parser::{Pair, Rule};
use crate::tree::{Address, Addresses, Ends, Interfaces, Who};

impl Builder<'_> {
    /// The ends that stand directly in a pair.
    pub(super) fn ends(&self, pair: &Pair<'_>) -> Built<Ends> {
        Ok(Ends {
            from: child(pair, Rule::from).map(|clause| self.who_in(&clause)).transpose()?,
            to: child(pair, Rule::to).map(|clause| self.who_in(&clause)).transpose()?,
            on: self.on(pair)?,
        })
    }

    fn who_in(&self, clause: &Pair<'_>) -> Built<Who> {
        let who = self.need(clause, Rule::who)?;
        Ok(Who {
            addresses: child(&who, Rule::addresses).map(|list| self.addresses(&list)).transpose()?,
            on: self.on(&who)?,
            span: self.span(&who),
        })
    }

    fn on(&self, pair: &Pair<'_>) -> Built<Option<Interfaces>> {
        let Some(clause) = child(pair, Rule::on) else { return Ok(None) };
        let list = self.need(&clause, Rule::interfaces)?;
        Ok(Some(Interfaces {
            not: child(&list, Rule::kw_not).is_some(),
            patterns: self.names(&list, Rule::interface),
            span: self.span(&list),
        }))
    }

    /// `10.0.0.0/24, lan except a, b`
    pub(super) fn addresses(&self, pair: &Pair<'_>) -> Built<Addresses> {
        Ok(Addresses {
            not: first_rule(pair) == Some(Rule::kw_not),
            items: self.address_list(pair)?,
            except: child(pair, Rule::except).map(|clause| self.address_list(&clause)).transpose()?.unwrap_or_default(),
            span: self.span(pair),
        })
    }

    fn address_list(&self, pair: &Pair<'_>) -> Built<Vec<Address>> {
        children(pair, Rule::address)
            .map(|address| {
                let token = address.clone().into_inner().next().ok_or_else(|| self.unreadable(&address))?;
                match token.as_rule() {
                    Rule::literal => Ok(Address::Literal(self.name(&token))),
                    Rule::network_name => Ok(Address::Named(self.name(&token))),
                    _ => Err(self.unreadable(&token)),
                }
            })
            .collect()
    }
}
