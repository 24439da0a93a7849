// SPDX-License-Identifier: GPL-3.0-or-later
//! The transaction that puts a table in the place of what is there, all at once.
//!
//! In this order: the table; its rules go; sets, chains and objects go that are not wanted or must be made anew, each
//! after what speaks of it; objects, sets, then chains are declared; sets are filled; rules come. An unchanged chain
//! keeps its place at the hook, and packets meet the old rules until the kernel turns to the new ones all at once.
//!
//! What outlives a replacement: elements that packets or other programs put into a set, with their remaining time; what
//! named counters and quotas, and the counters of rules that stay the same, have counted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ringwall_ir::{Chain, Counts, ObjectKind, Origin, Role, Rule, Ruleset};
use rustables::MsgType::{Add, Del};
use rustables::set::SetElementList;
use rustables::sys;

use super::error::InstallError;
use super::keep::{self, Counted};
use super::late::Host;
use super::names::Names;
use super::part::{About, Part, What, number};
use super::target::{Fate, Target};
use crate::netlink::{AttributeWriter, Transaction};
use crate::nft::{
    Anonymous, CLOSING, CLOSING_EXPRESSIONS, Expression, FoundTable, ListWriter, RuleWriter, SetIds, chain_declaration,
    check_object, closes, comment, in_messages, with_comment_in, write_object, write_object_name,
};

/// `NFT_RULE_MAXEXPRS` of `include/net/netfilter/nf_tables.h`.
pub(super) const MAX_EXPRESSIONS: usize = 128;

/// A transaction in the making, and what each of its messages is about.
pub(super) struct Replacement<'a> {
    ruleset: &'a Ruleset,
    host: &'a Host,
    /// Other names of sets, table by table.
    names: &'a [Names],
    pub(super) transaction: Transaction,
    ids: SetIds,
    about: Vec<About>,
    /// What messages are about that the ruleset does not have.
    gone: Vec<Part>,
    /// How many rules come.
    pub(super) rules: usize,
}

/// A finished transaction.
pub(super) struct Finished {
    pub transaction: Transaction,
    pub about: Vec<About>,
    pub gone: Vec<Part>,
    pub rules: usize,
}

pub(super) fn as_it_is(writer: AttributeWriter) -> AttributeWriter {
    writer
}

impl<'a> Replacement<'a> {
    pub(super) fn new(ruleset: &'a Ruleset, host: &'a Host, names: &'a [Names], generation: u32) -> Self {
        Self {
            ruleset,
            host,
            names,
            transaction: Transaction::new(generation),
            ids: SetIds::default(),
            about: Vec::new(),
            gone: Vec::new(),
            rules: 0,
        }
    }

    pub(super) fn finish(self) -> Finished {
        Finished { transaction: self.transaction, about: self.about, gone: self.gone, rules: self.rules }
    }

    /// The table at a place of the ruleset, where this is in the kernel.
    pub(super) fn target<'f>(&self, place: usize, found: Option<&'f FoundTable<'f>>) -> Option<Target<'a, 'f>> {
        let table = self.ruleset.tables.get(place)?;
        Some(Target::new(place, table, self.host, found).known_as(self.names.get(place)))
    }

    /// Adds a table. `contents` are the sets that stay and hold something else, and `counted` is what rules have counted
    /// that come again.
    pub(super) fn table(
        &mut self,
        target: &Target<'a, '_>,
        contents: &BTreeSet<String>,
        counted: &Counted,
    ) -> Result<(), InstallError> {
        let comment = target.table.comment();
        let beside = |writer| with_comment_in(sys::NFTA_TABLE_USERDATA, comment, writer);
        self.transaction.table(target.family, Add, &target.encoded, beside);
        self.note(target.place, What::Table);
        let rules = rustables::Rule::default().with_table(target.table.name());
        self.transaction.rule(target.family, Del, &rules, as_it_is);
        self.note(target.place, What::Table);
        self.clear(target, contents);
        self.whole(target, contents, counted)
    }

    /// Adds a table that is not there, switched off.
    pub(super) fn asleep(&mut self, target: &Target<'a, '_>, counted: &Counted) -> Result<(), InstallError> {
        let asleep = rustables::Table::default().with_name(target.table.name()).with_flags(sys::NFT_TABLE_F_DORMANT);
        let comment = target.table.comment();
        let beside = |writer| with_comment_in(sys::NFTA_TABLE_USERDATA, comment, writer);
        self.transaction.table(target.family, Add, &asleep, beside);
        self.note(target.place, What::Table);
        self.whole(target, &BTreeSet::new(), counted)
    }

    fn whole(
        &mut self,
        target: &Target<'a, '_>,
        contents: &BTreeSet<String>,
        counted: &Counted,
    ) -> Result<(), InstallError> {
        (0..target.table.objects().len()).try_for_each(|place| self.object(target, place))?;
        (0..target.sets.len()).for_each(|place| self.set(target, place));
        (0..target.table.chains().len()).for_each(|place| self.chain(target, place));
        for (place, set) in target.sets.iter().enumerate() {
            let holds_same = set.spec().role() == Role::Static && target.stays(set) && !contents.contains(set.name());
            if !holds_same {
                self.elements(target, place);
            }
        }
        let chains = target.table.chains().iter().enumerate();
        chains.into_iter().try_for_each(|(place, chain)| self.rules(target, place, chain, counted))
    }

    /// Puts into sets what the ruleset says, where nothing else differs: all into the ones that are named, and into those
    /// that packets fill what is missing.
    pub(super) fn refresh(&mut self, target: &Target<'a, '_>, contents: &BTreeSet<String>) {
        for (place, set) in target.sets.iter().enumerate() {
            if contents.contains(set.name()) {
                self.empty(target, set.name());
                self.elements(target, place);
            } else if set.spec().role() == Role::Dynamic {
                self.elements(target, place);
            }
        }
    }

    /// Switches a dormant table on.
    pub(super) fn wake(&mut self, target: &Target<'a, '_>) {
        let awake = rustables::Table::default().with_name(target.table.name()).with_flags(0u32);
        self.transaction.table(target.family, Add, &awake, as_it_is);
        self.note(target.place, What::Table);
    }

    pub(super) fn note(&mut self, table: usize, what: What) {
        self.about.push(About { table: number(table), what });
    }

    pub(super) fn note_gone(&mut self, table: usize, part: Part) {
        self.note(table, What::Gone(number(self.gone.len())));
        self.gone.push(part);
    }

    /// Takes away what cannot stay, and the elements of sets that hold something else: first sets, whose elements may
    /// speak of chains and objects, then those. The kernel takes no elements from a constant set while the transaction
    /// lasts that its rules go in.
    fn clear(&mut self, target: &Target<'_, '_>, contents: &BTreeSet<String>) {
        let Some(found) = target.found else { return };
        for set in found.sets.iter().filter(|set| !set.is_anonymous()) {
            match target.fate_of_set(set) {
                Fate::Anew | Fate::Goes => self.delete_set(target, set.name.text()),
                Fate::Stays if !contents.contains(set.name.text()) => {}
                Fate::Stays if target.set(set.name.text()).is_some_and(|set| set.spec().flags.constant) => {
                    self.delete_set(target, set.name.text());
                }
                Fate::Stays => self.empty(target, set.name.text()),
            }
        }
        for chain in found.chains.iter().filter(|chain| target.loses_chain(chain)) {
            self.delete_chain(target, chain.name);
        }
        for object in found.objects.iter().filter(|object| target.fate_of_object(object) != Fate::Stays) {
            self.delete_object(target, object.kind, object.name);
        }
    }

    fn empty(&mut self, target: &Target<'_, '_>, set: &str) {
        let all = SetElementList::default().with_table(target.table.name()).with_set(set);
        self.transaction.elements(target.family, Del, &all, as_it_is);
        self.note_gone(target.place, Part::Set { name: set.to_owned(), sentence: String::new(), origin: None });
    }

    pub(super) fn delete_set(&mut self, target: &Target<'_, '_>, name: &str) {
        let gone = rustables::Set::default().with_table(target.table.name()).with_name(name);
        self.transaction.set(target.family, Del, &gone, as_it_is);
        self.note_gone(target.place, Part::Set { name: name.to_owned(), sentence: String::new(), origin: None });
    }

    /// Takes away a chain without rules.
    pub(super) fn delete_chain(&mut self, target: &Target<'_, '_>, name: &str) {
        let gone = rustables::Chain::new(&target.encoded).with_name(name);
        self.transaction.chain(target.family, Del, &gone, as_it_is);
        self.note_gone(target.place, Part::Chain(name.to_owned()));
    }

    pub(super) fn delete_object(&mut self, target: &Target<'_, '_>, kind: u32, name: &str) {
        let table = target.table.name();
        self.transaction.object(target.family, Del, |writer| write_object_name(table, kind, name, writer));
        let part = match ObjectKind::numbered(kind) {
            Some(kind) => Part::Object { kind, name: name.to_owned(), sentence: String::new(), origin: None },
            None => Part::Table(table.to_owned()),
        };
        self.note_gone(target.place, part);
    }

    /// Declares the object at a place.
    pub(super) fn object(&mut self, target: &Target<'_, '_>, place: usize) -> Result<(), InstallError> {
        let Some(object) = target.table.objects().get(place) else { return Ok(()) };
        if self.host.is_refused(target.place, object.body().kind(), object.name()) {
            return Ok(());
        }
        self.note(target.place, What::Object(number(place)));
        check_object(object).map_err(|reason| self.unsayable(&reason))?;
        let (family, name) = (target.table.family(), target.table.name());
        self.transaction.object(target.family, Add, |writer| write_object(family, name, object, writer));
        Ok(())
    }

    /// Declares the set at a place.
    pub(super) fn set(&mut self, target: &Target<'_, '_>, place: usize) {
        let Some(set) = target.sets.get(place) else { return };
        let declared = set.declaration(target.table.name(), self.ids.next());
        self.transaction.set(target.family, Add, &declared, |writer| set.write_more(writer));
        self.note(target.place, What::Set(number(place)));
    }

    /// Declares the chain at a place.
    pub(super) fn chain(&mut self, target: &Target<'_, '_>, place: usize) {
        let Some(chain) = target.table.chains().get(place) else { return };
        let beside = |writer| with_comment_in(sys::NFTA_CHAIN_USERDATA, chain.comment(), writer);
        self.transaction.chain(target.family, Add, &chain_declaration(chain, &target.encoded), beside);
        self.note(target.place, What::Chain(number(place)));
    }

    /// The error that the part noted last cannot be put into the kernel.
    fn unsayable(&self, reason: &dyn std::error::Error) -> InstallError {
        let part = self.about.last().and_then(|about| about.part(self.ruleset, &self.gone));
        InstallError::Unsayable { part: part.unwrap_or(Part::Table(String::new())), reason: reason.to_string() }
    }

    /// Fills the set at a place: with what was in it where it is made anew, and with what the ruleset says.
    pub(super) fn elements(&mut self, target: &Target<'_, '_>, place: usize) {
        let Some(set) = target.sets.get(place) else { return };
        let list = SetElementList::default().with_table(target.table.name()).with_set(set.name());
        let about = About { table: number(target.place), what: What::Elements(number(place)) };
        let (transaction, abouts) = (&mut self.transaction, &mut self.about);
        let mut message = |write: ListWriter<'_>| {
            transaction
                .elements(target.family, Add, &list, |writer| writer.nest(sys::NFTA_SET_ELEM_LIST_ELEMENTS, write));
            abouts.push(about);
        };
        keep::elements(target, set, &mut message);
        let there = keep::keys(target, set);
        in_messages(set.elements(), &|key| there.contains(key), &mut message);
    }

    /// Adds the rules of a chain, and the one that closes it.
    pub(super) fn rules(
        &mut self,
        target: &Target<'a, '_>,
        chain_place: usize,
        chain: &'a Chain,
        counted: &Counted,
    ) -> Result<(), InstallError> {
        let host = self.host;
        let encoded = rustables::Rule::default().with_table(target.table.name()).with_chain(chain.name());
        let mut writer = RuleWriter::new(target.table);
        for (place, source) in chain.rules().iter().enumerate() {
            let Some(rule) = host.rule(target.place, source) else { continue };
            let counts = counted.of(target.place, chain_place, place);
            self.note(target.place, What::Rule(number(chain_place), number(place)));
            match rule {
                Cow::Borrowed(rule) => self.written(target, &encoded, &mut writer, rule, counts)?,
                Cow::Owned(rule) => {
                    self.written(target, &encoded, &mut RuleWriter::new(target.table), &rule, counts)?
                }
            }
        }
        if chain.bound().is_some_and(closes) {
            self.note(target.place, What::Closing(number(chain_place)));
            self.rule(target, &encoded, &[], &CLOSING_EXPRESSIONS, CLOSING)?;
        }
        Ok(())
    }

    /// Appends the rule noted last, as a writer has it that lives no longer than the rule.
    fn written<'r>(
        &mut self,
        target: &Target<'_, '_>,
        encoded: &rustables::Rule,
        writer: &mut RuleWriter<'r>,
        rule: &'r Rule,
        counts: &[Counts],
    ) -> Result<(), InstallError> {
        let (sets, expressions) =
            writer.write(rule, &mut self.ids, counts).map_err(|reason| self.unsayable(&reason))?;
        let comment = self.ruleset.origin(rule.origin()).map(Origin::comment).unwrap_or_default();
        self.rule(target, encoded, sets, expressions, &comment)
    }

    /// Appends the rule noted last, behind the anonymous sets that it needs.
    fn rule(
        &mut self,
        target: &Target<'_, '_>,
        encoded: &rustables::Rule,
        sets: &[Anonymous<'_>],
        expressions: &[Expression<'_>],
        text: &str,
    ) -> Result<(), InstallError> {
        let Some(about) = self.about.pop() else { return Ok(()) };
        if expressions.len() > MAX_EXPRESSIONS {
            let part = about.part(self.ruleset, &self.gone);
            return Err(InstallError::TooLong(part.unwrap_or(Part::Table(String::new()))));
        }
        for set in sets {
            let declared = set.declaration(target.table.name());
            self.transaction.set(target.family, Add, &declared, |writer| set.write_more(writer));
            self.about.push(about);
            let list = SetElementList::default().with_table(target.table.name()).with_set(set.name.text());
            let (transaction, abouts) = (&mut self.transaction, &mut self.about);
            in_messages(set.elements(), &|_| false, &mut |write| {
                transaction.elements(target.family, Add, &list, |writer| {
                    let id = set.name.id().unwrap_or_default();
                    writer.be32(sys::NFTA_SET_ELEM_LIST_SET_ID, id).nest(sys::NFTA_SET_ELEM_LIST_ELEMENTS, write)
                });
                abouts.push(about);
            });
        }
        self.transaction.rule(target.family, Add, encoded, |writer| {
            let writer = writer.nest(sys::NFTA_RULE_EXPRESSIONS, |writer| {
                expressions.iter().fold(writer, |writer, expression| expression.write(writer))
            });
            if text.is_empty() { writer } else { writer.bytes(sys::NFTA_RULE_USERDATA, &comment(text)) }
        });
        self.about.push(about);
        self.rules += 1;
        Ok(())
    }
}
