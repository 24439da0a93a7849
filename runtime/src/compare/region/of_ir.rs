// SPDX-License-Identifier: GPL-3.0-or-later
//! The regions of an IR: every way through its chains, narrowed rule by rule.

use std::collections::HashMap;

use ringwall_ir::fields::Needs;
use ringwall_ir::words::{ChainPolicy, CtState, CtStates, Direction, Family, Hook, TcpFlags};
use ringwall_ir::{
    BaseChain, Chain, Data, Element, Elements, Field, IntervalSet, Key, MapRef, Match, Rule, Ruleset, Selector, Table,
    Values, Verdict, VerdictMap,
};

use super::Region;

/// How often the way into a chain is followed from one base chain: many rules may lead to it, and behind the first few
/// the packets are much the same.
const VISITS_MAX: usize = 3;

impl Region {
    /// The regions of a ruleset: one for each family, way through the chains, and rule, and one for what each chain
    /// policy decides.
    #[must_use]
    pub fn of_ruleset(ruleset: &Ruleset) -> Vec<Self> {
        let mut regions = Vec::new();
        for (table, chain) in ruleset.chains() {
            let Some(base) = chain.bound() else { continue };
            for &direction in directions(base) {
                for family in Family::ALL.into_iter().filter(|&family| table.family().sees(family)) {
                    let opens = base.policy == ChainPolicy::Accept;
                    let everything = Self { opens, ..Self::everything(direction, family) };
                    regions.push(everything.clone());
                    Walk { table, visits: HashMap::new(), regions: &mut regions }.chain(chain, &everything);
                }
            }
        }
        regions
    }
}

/// The directions whose packets pass a hook.
const fn directions(base: &BaseChain) -> &'static [Direction] {
    match base.hook {
        Hook::Prerouting => &[Direction::Inbound, Direction::Forwarded],
        Hook::Input => &[Direction::Inbound],
        Hook::Forward => &[Direction::Forwarded],
        Hook::Output => &[Direction::Outbound],
        Hook::Postrouting => &[Direction::Forwarded, Direction::Outbound],
    }
}

struct Walk<'a> {
    table: &'a Table,
    visits: HashMap<&'a str, usize>,
    regions: &'a mut Vec<Region>,
}

impl<'a> Walk<'a> {
    fn chain(&mut self, chain: &'a Chain, region: &Region) {
        for rule in chain.rules() {
            let Some(narrowed) = region.clone().narrowed(rule, self.table) else { continue };
            match rule.verdict() {
                Some(Verdict::Map(map)) => self.map(map, &narrowed),
                verdict => self.verdict(verdict, narrowed),
            }
        }
    }

    fn verdict(&mut self, verdict: Option<&'a Verdict>, mut region: Region) {
        if let Some(target) = verdict.and_then(Verdict::target).and_then(|name| self.table.chain(name)) {
            let visits = self.visits.entry(target.name()).or_default();
            *visits += 1;
            if *visits <= VISITS_MAX {
                self.chain(target, &region);
            }
            return;
        }
        region.opens = verdict == Some(&Verdict::Accept) && region.states.contains(CtState::New);
        self.regions.push(region);
    }

    fn map(&mut self, map: &'a VerdictMap, region: &Region) {
        let elements: &[Element] = match &map.map {
            MapRef::Inline(elements) => elements,
            MapRef::Named(name) => match self.table.set(name).map(ringwall_ir::Set::elements) {
                Some(Elements::List(list)) => list,
                Some(Elements::Intervals(_)) | None => &[],
            },
        };
        for element in elements {
            let Some(Data::Verdict(verdict)) = &element.data else { continue };
            if let Some(narrowed) = region.clone().at_key(&map.key, &element.key) {
                self.verdict(Some(verdict), narrowed);
            }
        }
    }
}

impl Region {
    /// The part of the region that an element of a map means.
    fn at_key(mut self, fields: &[Selector], key: &Key) -> Option<Self> {
        let Key::Tuple(tuple) = key else { return Some(self) };
        for (selector, &(first, last)) in fields.iter().zip(&tuple.0) {
            self = self.of_field(*selector, &IntervalSet::range(first, last), false)?;
        }
        Some(self)
    }

    /// The part of the region that a rule matches; none where that is nothing.
    fn narrowed(mut self, rule: &Rule, table: &Table) -> Option<Self> {
        for test in rule.matches() {
            self = self.narrow(test, table)?;
        }
        Some(self)
    }

    fn narrow(mut self, test: &Match, table: &Table) -> Option<Self> {
        for selector in test.selectors() {
            let needs: Needs = selector.field().row().needs;
            if needs.family().is_some_and(|family| family != self.family) {
                return None;
            }
            if let Some(protocol) = needs.protocol() {
                self.protocol = self.protocol.intersection(&IntervalSet::one(u128::from(protocol.0)));
            }
        }
        if self.protocol.is_empty() {
            return None;
        }
        let Match::In { selector, values, negated } = test else { return Some(self) };
        if let Some((Field::CtState, bits)) = test.bits() {
            let states = u8::try_from(bits).ok().and_then(CtStates::from_bits)?;
            self.states = self.states.intersection(states);
            return (!self.states.is_empty()).then_some(self);
        }
        if let (Field::TcpFlags, Values::Inline(value), false) = (selector.field(), values, negated)
            && let Some(value) = value.single()
        {
            self.flags = (TcpFlags(u8::try_from(value).ok()?), TcpFlags(u8::try_from(selector.bits()).ok()?));
        }
        self.of_field(*selector, &table.values(values), *negated)
    }

    /// The part of the region whose field is one of the values, or none of them.
    fn of_field(mut self, selector: Selector, values: &IntervalSet, negated: bool) -> Option<Self> {
        let field = selector.field();
        if selector.mask().is_some() {
            return Some(self);
        }
        if field == Field::Nfproto {
            let holds = values.contains(u128::from(self.family.number()));
            return (holds != negated).then_some(self);
        }
        if field == Field::CtState {
            let holds = |state: &CtState| values.contains(u128::from(state.bit())) != negated;
            self.states = self.states.iter().filter(holds).collect();
            return (!self.states.is_empty()).then_some(self);
        }
        let wanted = if negated { values.complement(field.row().bits) } else { values.clone() };
        match field {
            Field::Iifname => self.iif = Some(both(self.iif, wanted)?),
            Field::Oifname => self.oif = Some(both(self.oif, wanted)?),
            _ => {
                if let Some(dimension) = self.dimension(field) {
                    *dimension = both(Some(std::mem::take(dimension)), wanted)?;
                }
            }
        }
        Some(self)
    }
}

/// What two selections leave of names or numbers; none where that is nothing.
fn both(one: Option<IntervalSet>, other: IntervalSet) -> Option<IntervalSet> {
    let both = match one {
        Some(one) => one.intersection(&other),
        None => other,
    };
    (!both.is_empty()).then_some(both)
}
