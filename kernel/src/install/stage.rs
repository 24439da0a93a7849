// SPDX-License-Identifier: GPL-3.0-or-later
//! A table comes into force in stages, where one transaction would let packets meet what neither ruleset says: see
//! [`super::way`] for when that is so, and why.
//!
//! 1. What comes is made, and nothing of it is in force yet: objects, sets with their elements, chains, and rules. Behind
//!    the rules of a chain that stays comes a *guard*, which decides as the end of the chain did, and behind that the new
//!    rules, which no packet reaches. A new base chain starts with a guard that accepts. As the guards decide, chain
//!    policies can be the new ones already; that of a base chain that goes is to accept.
//! 2. Old rules and guards go, and so the new rules are in force, all at once and with full sets.
//! 3. Base chains that are not wanted any more go, with their rules. Till then both these and the new ones are in force, so
//!    that a packet between two hooks meets the old ones or the new ones.
//! 4. Sets, objects and regular chains go, which no packet can be looking at any more.
//!
//! If the second transaction cannot be, the first one is taken back in two: first what stands behind the guards, and the
//! chain policies become again what they were; then the guards, and what came with them. What a killed process leaves
//! behind guards is never reached, and goes with the old rules the next time.

use ringwall_ir::words::ChainPolicy;
use ringwall_ir::{Chain, ObjectKind, Role};
use rustables::MsgType::{Add, Del};
use rustables::sys;

use super::error::InstallError;
use super::keep::Counted;
use super::part::Part;
use super::replace::{Replacement, as_it_is};
use super::target::{Fate, Target};
use super::way::Moved;
use crate::nft::{Code, Expression, FoundChain, FoundRule, FoundTable, GUARD, comment, deciding};

/// What the first stage has put into a table, to be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Begun {
    /// The table itself.
    pub table: bool,
    /// The chains that have new rules, in the order of the ruleset, and base chains that go.
    pub chains: Vec<BegunChain>,
    pub sets: Vec<String>,
    pub objects: Vec<(ObjectKind, String)>,
}

/// A chain that the first stage has changed or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BegunChain {
    pub name: String,
    /// How many rules stand behind the guard.
    pub rules: usize,
    pub was: Was,
}

/// What a chain was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    /// A base chain with this chain policy.
    Base(ChainPolicy),
    /// Not there; a base chain.
    NoBase,
    /// Not there; only rules lead to it.
    NoRegular,
    /// There, and only rules lead to it.
    Regular,
}

impl Was {
    fn of(found: &FoundChain<'_>) -> Self {
        match found.at_end() {
            Code::Drop => Self::Base(ChainPolicy::Drop),
            Code::Return => Self::Regular,
            _ => Self::Base(ChainPolicy::Accept),
        }
    }

    /// What a guard does.
    const fn at_end(self) -> Code<'static> {
        match self {
            Self::Base(ChainPolicy::Drop) => Code::Drop,
            Self::Base(ChainPolicy::Accept) | Self::NoBase => Code::Accept,
            Self::NoRegular | Self::Regular => Code::Return,
        }
    }

    /// Whether new rules need a guard before them: no packet reaches those of a chain that only new rules lead to.
    const fn has_guard(self) -> bool {
        !matches!(self, Self::NoRegular)
    }

    const fn is_new(self) -> bool {
        matches!(self, Self::NoBase | Self::NoRegular)
    }
}

impl<'a> Replacement<'a> {
    /// Gives a chain another name.
    pub(super) fn move_aside(&mut self, target: &Target<'_, '_>, moved: &Moved) {
        self.name_chain(target, moved.handle, &moved.name, &moved.aside);
    }

    /// Gives a chain its name again.
    pub(super) fn move_back(&mut self, target: &Target<'_, '_>, moved: &Moved) {
        self.name_chain(target, moved.handle, &moved.aside, &moved.name);
    }

    fn name_chain(&mut self, target: &Target<'_, '_>, handle: u64, from: &str, to: &str) {
        let named = rustables::Chain::new(&target.encoded).with_name(to);
        self.transaction.chain(target.family, Add, &named, |writer| writer.be64(sys::NFTA_CHAIN_HANDLE, handle));
        self.note_gone(target.place, Part::Chain(from.to_owned()));
    }

    /// The first stage.
    pub(super) fn begin(&mut self, target: &Target<'a, '_>, counted: &Counted) -> Result<Begun, InstallError> {
        let mut begun = Begun::default();
        let Some(found) = target.found else { return Ok(begun) };
        for (place, object) in target.table.objects().iter().enumerate() {
            let (kind, name) = (object.body().kind(), object.name());
            if !found.objects.iter().any(|there| there.kind == kind.number() && there.name == name) {
                self.object(target, place)?;
                begun.objects.push((kind, name.to_owned()));
            }
        }
        let is_there = |name: &str| found.sets.iter().any(|set| !set.is_anonymous() && set.name.text() == name);
        let new_sets = target.sets.iter().enumerate().filter(|(_, set)| !is_there(set.name()));
        let new_sets: Vec<_> = new_sets.map(|(place, set)| (place, set.name())).collect();
        for (place, name) in &new_sets {
            self.set(target, *place);
            begun.sets.push((*name).to_owned());
        }
        let was: Vec<_> = target.table.chains().iter().map(|chain| was(found, chain)).collect();
        for (place, _) in was.iter().enumerate().filter(|(_, was)| **was != Was::Regular) {
            self.chain(target, place);
        }
        new_sets.iter().for_each(|(place, _)| self.elements(target, *place));
        for (place, (chain, was)) in target.table.chains().iter().zip(was).enumerate() {
            if was.has_guard() {
                self.guard(target, chain.name(), was.at_end());
            }
            let before = self.rules;
            self.rules(target, place, chain, counted)?;
            begun.chains.push(BegunChain { name: chain.name().to_owned(), rules: self.rules - before, was });
        }
        for chain in found.chains.iter().filter(|chain| target.loses_chain(chain) && chain.at_end() == Code::Drop) {
            self.guard(target, chain.name, Code::Drop);
            self.policy(target, chain.name, ChainPolicy::Accept);
            begun.chains.push(BegunChain { name: chain.name.to_owned(), rules: 0, was: Was::of(chain) });
        }
        Ok(begun)
    }

    /// The second stage. `rules` are those that are there after the first one.
    pub(super) fn turn(
        &mut self,
        target: &Target<'a, '_>,
        begun: &Begun,
        rules: &[FoundRule<'_>],
    ) -> Result<(), InstallError> {
        let Some(found) = target.found else { return Ok(()) };
        for chain in &begun.chains {
            if target.table.chain(&chain.name).is_some() && chain.was.has_guard() {
                let own: Vec<_> = rules.iter().filter(|rule| rule.chain == chain.name).collect();
                let old = own.len().saturating_sub(chain.rules);
                own.iter().take(old).for_each(|rule| self.delete_rule(target, rule));
            }
        }
        for chain in found.chains.iter().filter(|chain| !chain.is_anonymous()) {
            if target.table.chain(chain.name).is_none() && !target.loses_chain(chain) {
                self.delete_rules(target, chain.name);
            }
        }
        for (place, object) in target.table.objects().iter().enumerate() {
            let new = begun.objects.iter().any(|(kind, name)| *kind == object.body().kind() && name == object.name());
            if !new {
                self.object(target, place)?;
            }
        }
        for (place, set) in target.sets.iter().enumerate() {
            if begun.sets.iter().any(|new| new == set.name()) {
                continue;
            }
            self.set(target, place);
            if set.spec().role() == Role::Dynamic {
                self.elements(target, place);
            }
        }
        Ok(())
    }

    /// The third stage: base chains go that are not wanted.
    pub(super) fn unbind(&mut self, target: &Target<'a, '_>) {
        let Some(found) = target.found else { return };
        for chain in found.chains.iter().filter(|chain| chain.is_base() && target.loses_chain(chain)) {
            self.delete_rules(target, chain.name);
            self.delete_chain(target, chain.name);
        }
    }

    /// The last stage: everything goes that is not wanted, and no packet reaches it.
    pub(super) fn take_away(&mut self, target: &Target<'a, '_>) {
        let Some(found) = target.found else { return };
        let chains: Vec<_> = found.chains.iter().filter(|chain| target.loses_chain(chain)).collect();
        chains.iter().for_each(|chain| self.delete_rules(target, chain.name));
        for set in found.sets.iter().filter(|set| !set.is_anonymous() && target.fate_of_set(set) == Fate::Goes) {
            self.delete_set(target, set.name.text());
        }
        chains.iter().for_each(|chain| self.delete_chain(target, chain.name));
        for object in found.objects.iter().filter(|object| target.fate_of_object(object) == Fate::Goes) {
            self.delete_object(target, object.kind, object.name);
        }
    }

    /// Takes back what stands behind the guards.
    pub(super) fn take_back_rules(&mut self, target: &Target<'_, '_>, begun: &Begun, rules: &[FoundRule<'_>]) {
        for chain in begun.chains.iter().filter(|chain| chain.was.has_guard()) {
            let own: Vec<_> = rules.iter().filter(|rule| rule.chain == chain.name).collect();
            let guard = own.iter().rposition(|rule| rule.is_guard());
            let behind = guard.map_or(own.len(), |guard| guard + 1);
            own.iter().skip(behind).take(chain.rules).for_each(|rule| self.delete_rule(target, rule));
            match chain.was {
                Was::Base(policy) => self.policy(target, &chain.name, policy),
                Was::NoBase => self.policy(target, &chain.name, ChainPolicy::Accept),
                Was::NoRegular | Was::Regular => {}
            }
        }
    }

    /// Takes back the rest.
    pub(super) fn take_back_rest(&mut self, target: &Target<'_, '_>, begun: &Begun, rules: &[FoundRule<'_>]) {
        if begun.table {
            self.transaction.table(target.family, Del, &target.encoded, as_it_is);
            self.note_gone(target.place, Part::Table(target.table.name().to_owned()));
            return;
        }
        for chain in &begun.chains {
            let guard = rules.iter().rfind(|rule| rule.chain == chain.name && rule.is_guard());
            match (chain.was.is_new(), guard) {
                (true, _) => self.delete_rules(target, &chain.name),
                (false, Some(guard)) => self.delete_rule(target, guard),
                (false, None) => {}
            }
        }
        begun.sets.iter().for_each(|name| self.delete_set(target, name));
        for chain in begun.chains.iter().filter(|chain| chain.was.is_new()) {
            self.delete_chain(target, &chain.name);
        }
        begun.objects.iter().for_each(|(kind, name)| self.delete_object(target, kind.number(), name));
    }

    fn policy(&mut self, target: &Target<'_, '_>, chain: &str, policy: ChainPolicy) {
        let policy = match policy {
            ChainPolicy::Accept => rustables::ChainPolicy::Accept,
            ChainPolicy::Drop => rustables::ChainPolicy::Drop,
        };
        let changed = rustables::Chain::new(&target.encoded).with_name(chain).with_policy(policy);
        self.transaction.chain(target.family, Add, &changed, as_it_is);
        self.note_gone(target.place, Part::Chain(chain.to_owned()));
    }

    fn guard(&mut self, target: &Target<'_, '_>, chain: &str, code: Code<'static>) {
        let rule = rustables::Rule::default().with_table(target.table.name()).with_chain(chain);
        self.transaction.rule(target.family, Add, &rule, |writer| {
            let write = |writer, expression: &Expression<'_>| expression.write(writer);
            let writer = writer.nest(sys::NFTA_RULE_EXPRESSIONS, |writer| deciding(code).iter().fold(writer, write));
            writer.bytes(sys::NFTA_RULE_USERDATA, &comment(GUARD))
        });
        self.note_gone(target.place, Part::Chain(chain.to_owned()));
    }

    fn delete_rule(&mut self, target: &Target<'_, '_>, rule: &FoundRule<'_>) {
        let Some(handle) = rule.handle() else { return };
        let gone = rustables::Rule::default().with_table(target.table.name()).with_chain(rule.chain);
        self.transaction.rule(target.family, Del, &gone.with_handle(handle), as_it_is);
        self.note_gone(target.place, Part::Chain(rule.chain.to_owned()));
    }

    fn delete_rules(&mut self, target: &Target<'_, '_>, chain: &str) {
        let all = rustables::Rule::default().with_table(target.table.name()).with_chain(chain);
        self.transaction.rule(target.family, Del, &all, as_it_is);
        self.note_gone(target.place, Part::Chain(chain.to_owned()));
    }
}

/// What a chain of the ruleset is before it is declared.
fn was(found: &FoundTable<'_>, chain: &Chain) -> Was {
    match (found.chain(chain.name()), chain.bound()) {
        (Some(found), _) => Was::of(found),
        (None, Some(_)) => Was::NoBase,
        (None, None) => Was::NoRegular,
    }
}
