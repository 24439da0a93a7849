// SPDX-License-Identifier: GPL-3.0-or-later
//! What may stand where. The kernel refuses the same things when a ruleset is loaded; here they cannot be built.

mod calls;
mod gives;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use self::calls::{Calls, DEPTH_MAX, circle, way};
pub(crate) use self::gives::Gives;
use crate::chain::{BaseChain, Chain};
use crate::fields::{Field, Needs};
use crate::object::ObjectKind;
use crate::rule::{
    Assignment, MapRef, Match, Mss, Nat, NatEnd, ObjectRef, OwnPorts, Rule, Selector, SetUpdate, Source, Statement,
    Step, Tuples, Values, Verdict,
};
use crate::set::{Data, DataType, Elements, KeyType, Set, fits_registers};
use crate::table::Table;
use crate::words::{ChainType, Hook, TableFamily};

/// Why a part of the IR cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Illegal {
    /// The hook has no chains of the type, or those of the type cannot be closed.
    #[error("chain `{0}` cannot be bound there")]
    Chain(String),
    /// Chains lead deeper than the kernel's 15 calls, by this way.
    #[error("chains lead more than {DEPTH_MAX} calls deep: {}", way(.0))]
    Deep(Vec<String>),
    /// Nothing to test against: the rule would match never.
    #[error("the test of `{0}` has no values")]
    Empty(Field),
    /// Every value passes: what is left of the test is that the packet has the field.
    #[error("the test of `{0}` leaves out no value, or excepts all of them")]
    Every(Field),
    /// The table's packets never have the field.
    #[error("a packet of table family {} has no `{field}`", family.name())]
    Family {
        /// The field.
        field: Field,
        /// The family.
        family: TableFamily,
    },
    /// The kernel does not test the field at the hook.
    #[error("`{field}` cannot be tested at hook {}", hook.name())]
    Hook {
        /// The field.
        field: Field,
        /// The hook.
        hook: Hook,
    },
    /// The name of an interface is empty, too long or has a character that no interface has.
    #[error("`{0}` is not a name of an interface")]
    InterfaceName(String),
    /// A rate that the kernel cannot count.
    #[error("the kernel cannot count so high a rate or burst")]
    Limit,
    /// A log prefix is empty, longer than the kernel's 127 bytes, or holds a NUL.
    #[error("`{0}` cannot be a log prefix")]
    LogPrefix(String),
    /// Chains lead in a circle: each leads to the next, and the last to the first.
    #[error("chains lead in a circle: {}", circle(.0))]
    Loop(Vec<String>),
    /// A map whose elements do not give what is looked up in it.
    #[error("the map does not give what is needed here")]
    Map,
    /// The name is not one that nft can write, is taken, or names nothing of the kind.
    #[error("`{0}` cannot be a name here")]
    Name(String),
    /// A rule without steps and verdict: nft has no words for it.
    #[error("the rule is empty")]
    Nothing,
    /// An object of the kind does not let packets through, or not.
    #[error("a {} is no test", .0.name())]
    Object(ObjectKind),
    /// A TCP reset answers TCP only.
    #[error("a tcp reset needs a rule that matches tcp alone")]
    ResetWithoutTcp,
    /// A rule has no meaning in its table, or where its chain is met.
    #[error("chain `{chain}`, rule {number}: {why}")]
    Rule {
        /// The chain.
        chain: String,
        /// The rule's place in the chain, from 1.
        number: usize,
        /// Why not.
        why: Box<Self>,
    },
    /// A value with bits that the mask leaves out.
    #[error("no packet passes the test of `{0}`, or each: its value has bits that its mask leaves out")]
    Outside(Field),
    /// A set whose parts do not fit together.
    #[error("set `{0}` is not of one piece")]
    Set(String),
    /// The field does not take this kind of test.
    #[error("`{0}` cannot be tested this way")]
    Test(Field),
    /// A translation leads nowhere.
    #[error("the translation leads nowhere")]
    Translation,
    /// A value that the field never has.
    #[error("the value for `{field}` {reason}")]
    Value {
        /// The field.
        field: Field,
        /// Why not.
        reason: String,
    },
    /// A value is too wide for the field.
    #[error("a value is too large for `{0}`")]
    Width(Field),
    /// The statement or verdict has no meaning where the chain is met.
    #[error("`{word}` cannot stand in a chain of type {} at hook {}", kind.name(), hook.name())]
    Word {
        /// The statement or verdict.
        word: &'static str,
        /// The type of the chain.
        kind: ChainType,
        /// The hook.
        hook: Hook,
    },
}

/// Where packets meet a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    kind: ChainType,
    hook: Hook,
}

impl Place {
    /// A place; none where the hook has no chains of the type.
    #[must_use]
    pub fn new(kind: ChainType, hook: Hook) -> Option<Self> {
        kind.at(hook).then_some(Self { kind, hook })
    }

    /// The type of its chains.
    #[must_use]
    pub const fn kind(self) -> ChainType {
        self.kind
    }

    /// Its hook.
    #[must_use]
    pub const fn hook(self) -> Hook {
        self.hook
    }

    /// The place of the rules of a base chain.
    #[must_use]
    pub const fn of(base: &BaseChain) -> Self {
        Self { kind: base.kind, hook: base.hook }
    }

    /// Whether the rule has a meaning there.
    ///
    /// # Errors
    /// What has none.
    pub fn check(self, rule: &Rule) -> Result<(), Illegal> {
        for selector in selectors(rule) {
            let row = selector.field().row();
            if !row.at(self.hook) {
                return Err(Illegal::Hook { field: row.field, hook: self.hook });
            }
        }
        for statement in rule.statements() {
            self.check_statement(statement)?;
        }
        rule.verdict().map_or(Ok(()), |verdict| self.check_verdict(verdict))
    }

    const fn refuse(self, word: &'static str) -> Illegal {
        Illegal::Word { word, kind: self.kind, hook: self.hook }
    }

    /// `nft_rt_validate`: only a packet that leaves has a path.
    fn check_statement(self, statement: &Statement) -> Result<(), Illegal> {
        match statement {
            Statement::Mss(Mss::Path) if !self.hook.has_departure() => Err(self.refuse(statement.word().row().name)),
            _ => Ok(()),
        }
    }

    /// `nft_nat_validate`, `nft_masq_validate`, `nft_redir_validate`, `nft_reject_validate`.
    fn check_verdict(self, verdict: &Verdict) -> Result<(), Illegal> {
        use Hook::{Forward, Input, Output, Postrouting, Prerouting};
        let nat = self.kind == ChainType::Nat;
        let legal = match verdict {
            Verdict::Dnat(_) | Verdict::Redirect { .. } => nat && matches!(self.hook, Prerouting | Output),
            Verdict::Snat(_) => nat && matches!(self.hook, Input | Postrouting),
            Verdict::Masquerade { .. } => nat && self.hook == Postrouting,
            Verdict::Reject(_) => matches!(self.hook, Forward | Input | Output | Prerouting),
            _ => true,
        };
        match verdict.word() {
            Some(word) if !legal => Err(self.refuse(word.row().name)),
            _ => Ok(()),
        }
    }
}

/// Everything that a rule looks at.
fn selectors(rule: &Rule) -> impl Iterator<Item = &Selector> {
    let of_steps = rule.steps().iter().flat_map(|step| {
        let (keys, data) = match step {
            Step::Match(Match::Object { object, .. }) | Step::Statement(Statement::Object(object)) => {
                (of_object(object), None)
            }
            Step::Match(test) => (test.selectors(), None),
            Step::Statement(Statement::SetUpdate(update)) => (update.key.as_slice(), update.data.as_ref()),
            Step::Statement(Statement::Assign(assignment)) => (&[][..], Some(&assignment.source)),
            Step::Statement(_) | Step::Unknown(_) => (&[][..], None),
        };
        keys.iter().chain(data.map_or(&[][..], of_source))
    });
    let of_verdict = rule.verdict().and_then(Verdict::looked_up).map(|(key, _)| key);
    of_steps.chain(of_verdict.unwrap_or_default())
}

fn of_object(object: &ObjectRef) -> &[Selector] {
    match object {
        ObjectRef::Map { key, .. } => key,
        ObjectRef::Named(_) => &[],
    }
}

fn of_source(source: &Source) -> &[Selector] {
    match source {
        Source::Field { selector, .. } => std::slice::from_ref(selector),
        Source::Map { key, .. } => key,
        Source::Value(_) => &[],
    }
}

/// Checks what the parts of a table say of each other.
pub(crate) fn check_table(table: &Table) -> Result<(), Illegal> {
    for set in table.sets() {
        check_elements(table, set)?;
    }
    for chain in table.chains() {
        each_rule(chain, |rule| check_references(table, rule))?;
    }
    check_calls(table)
}

/// What the elements of a map name must be there, whether rules look them up or not.
fn check_elements(table: &Table, set: &Set) -> Result<(), Illegal> {
    let places = table.places();
    set.targets().try_for_each(|name| regular(table, &places, name).map(|_| ()))?;
    let (Some(DataType::Object(kind)), Elements::List(list)) = (&set.spec().data, set.elements()) else {
        return Ok(());
    };
    list.iter().try_for_each(|element| match &element.data {
        Some(Data::Object(name)) if table.object(*kind, name).is_none() => Err(Illegal::Name(name.clone())),
        _ => Ok(()),
    })
}

/// Checks each rule of a chain, and says which is illegal.
fn each_rule(chain: &Chain, mut check: impl FnMut(&Rule) -> Result<(), Illegal>) -> Result<(), Illegal> {
    chain.rules().iter().enumerate().try_for_each(|(place, rule)| {
        check(rule).map_err(|why| Illegal::Rule {
            chain: chain.name().to_owned(),
            number: place + 1,
            why: Box::new(why),
        })
    })
}

fn check_references(table: &Table, rule: &Rule) -> Result<(), Illegal> {
    for selector in selectors(rule) {
        check_family(table.family(), selector.field())?;
    }
    for step in rule.steps() {
        match step {
            Step::Match(Match::In { selector, values: Values::Set(name), .. }) => {
                check_key(table, name, std::slice::from_ref(selector))?;
            }
            Step::Match(Match::Concat { key, values: Tuples::Set(name), .. }) => check_key(table, name, key)?,
            Step::Match(Match::Object { kind, object }) => check_object(table, object, *kind)?,
            Step::Statement(statement) => check_statement(table, statement)?,
            Step::Match(_) | Step::Unknown(_) => {}
        }
    }
    match rule.verdict() {
        Some(Verdict::Map(map)) => Gives::Verdict.check_declared(table, &map.key, &map.map),
        Some(Verdict::Dnat(nat) | Verdict::Snat(nat)) => check_nat(table, nat),
        Some(
            Verdict::Masquerade { ports: Some(OwnPorts::Map { key, map }), .. }
            | Verdict::Redirect { ports: Some(OwnPorts::Map { key, map }), .. },
        ) => Gives::Port.check_declared(table, key, map),
        _ => Ok(()),
    }
}

fn check_statement(table: &Table, statement: &Statement) -> Result<(), Illegal> {
    let object = |kind, name: &str| table.object(kind, name).map(|_| ()).ok_or_else(|| Illegal::Name(name.to_owned()));
    match statement {
        Statement::Assign(Assignment { target, source: Source::Map { key, map }, .. }) => {
            Gives::Value(*target).check_declared(table, key, map)
        }
        Statement::CtHelper(name) => object(ObjectKind::CtHelper, name),
        Statement::CtTimeout(name) => object(ObjectKind::CtTimeout, name),
        Statement::Object(reference) => check_object(table, reference, ObjectKind::Counter),
        Statement::SetUpdate(update) => check_update(table, update),
        _ => Ok(()),
    }
}

/// `nft_dynset_init`: an element of a map has data, no set of intervals takes elements from packets, and elements end by
/// themselves only in sets that say so.
fn check_update(table: &Table, update: &SetUpdate) -> Result<(), Illegal> {
    check_key(table, &update.set, &update.key)?;
    let spec = table.set(&update.set).map(Set::spec);
    let taken = spec.is_some_and(|spec| {
        let given = match (&spec.data, &update.data) {
            (None, None) => true,
            (Some(DataType::Values(parts)), Some(data)) => {
                fits_registers(spec.key.iter().chain(parts).map(|part| part.bits())) && given(table, parts, data)
            }
            _ => false,
        };
        let counts = update.meters.iter().all(|meter| meter.fits(spec.flags));
        given && counts && !spec.flags.interval && (spec.flags.timeout || update.timeout.is_none())
    });
    if taken { Ok(()) } else { Err(Illegal::Name(update.set.clone())) }
}

/// Whether the source gives values of the only part.
fn given(table: &Table, parts: &[KeyType], source: &Source) -> bool {
    let [part] = parts else { return false };
    match source {
        Source::Field { selector, .. } => part.fits(selector.field()),
        Source::Map { key, map: MapRef::Named(name) } => {
            let data = table.set(name).and_then(|set| set.spec().data.as_ref());
            let is_like = matches!(data, Some(DataType::Values(given)) if matches!(given.as_slice(), [given] if given.is_like(*part)));
            is_like && check_key(table, name, key).is_ok()
        }
        Source::Map { .. } => false,
        Source::Value(value) => u128::from(*value) <= part.largest(),
    }
}

fn check_object(table: &Table, object: &ObjectRef, kind: ObjectKind) -> Result<(), Illegal> {
    let (name, known) = match object {
        ObjectRef::Named(name) => (name, table.object(kind, name).is_some()),
        ObjectRef::Map { key, map } => {
            check_key(table, map, key)?;
            let data = table.set(map).and_then(|set| set.spec().data.as_ref());
            (map, data == Some(&DataType::Object(kind)))
        }
    };
    if known { Ok(()) } else { Err(Illegal::Name(name.clone())) }
}

fn check_key(table: &Table, name: &str, key: &[Selector]) -> Result<(), Illegal> {
    let fits = |set: &Set| {
        let parts: &[KeyType] = &set.spec().key;
        parts.len() == key.len() && parts.iter().zip(key).all(|(part, selector)| part.fits(selector.field()))
    };
    if table.set(name).is_some_and(fits) { Ok(()) } else { Err(Illegal::Name(name.to_owned())) }
}

fn check_nat(table: &Table, nat: &Nat) -> Result<(), Illegal> {
    if let NatEnd::Map { key, map, .. } = &nat.end {
        Gives::End(nat.family).check_declared(table, key, map)?;
    }
    if nat.family.is_none_or(|family| table.family().sees(family)) { Ok(()) } else { Err(Illegal::Translation) }
}

/// A field that only another family's packets have.
fn check_family(family: TableFamily, field: Field) -> Result<(), Illegal> {
    match field.row().needs {
        Needs::Family(only) | Needs::EntryOf(only) if !family.sees(only) => Err(Illegal::Family { field, family }),
        _ => Ok(()),
    }
}

/// Follows every base chain through the chains that it leads to: each rule must have a meaning wherever packets meet it.
fn check_calls(table: &Table) -> Result<(), Illegal> {
    let targets = targets(table, &table.places())?;
    Calls::check(table, &targets)?;
    for (start, chain) in table.chains().iter().enumerate() {
        let Some(base) = chain.bound() else { continue };
        let mut met = vec![false; table.chains().len()];
        let mut waiting = vec![start];
        while let Some(next) = waiting.pop() {
            match met.get_mut(next) {
                Some(met) if !*met => *met = true,
                _ => continue,
            }
            if let Some(chain) = table.chains().get(next) {
                each_rule(chain, |rule| Place::of(base).check(rule))?;
            }
            waiting.extend(targets.get(next).into_iter().flatten());
        }
    }
    Ok(())
}

/// For each chain, the chains that it leads to.
pub(crate) fn targets(table: &Table, places: &BTreeMap<&str, usize>) -> Result<Vec<Vec<usize>>, Illegal> {
    let mut all = Vec::with_capacity(table.chains().len());
    for chain in table.chains() {
        let mut targets = Vec::new();
        each_rule(chain, |rule| {
            let named = match rule.verdict() {
                Some(Verdict::Map(map)) => match &map.map {
                    MapRef::Named(name) => table.set(name),
                    MapRef::Inline(_) => None,
                },
                _ => None,
            };
            let names = rule.targets().chain(named.into_iter().flat_map(Set::targets));
            names.map(|name| regular(table, places, name)).try_for_each(|place| {
                targets.push(place?);
                Ok(())
            })
        })?;
        targets.sort_unstable();
        targets.dedup();
        all.push(targets);
    }
    Ok(all)
}

/// The chain of a name, to which rules may lead: no base chain.
fn regular(table: &Table, places: &BTreeMap<&str, usize>, name: &str) -> Result<usize, Illegal> {
    let place =
        places.get(name).filter(|place| table.chains().get(**place).is_some_and(|chain| chain.bound().is_none()));
    place.copied().ok_or_else(|| Illegal::Name(name.to_owned()))
}

/// Names that nft 1.0.6 takes without quotes: a letter, then letters, digits, `_`, `-`, `.`, `/`; within
/// `NFT_NAME_MAXLEN`. An underscore may come first.
pub(crate) fn check_name(name: &str) -> Result<(), Illegal> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if starts && name.len() < 128 && name.bytes().all(legal) { Ok(()) } else { Err(Illegal::Name(name.to_owned())) }
}
