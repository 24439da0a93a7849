// SPDX-License-Identifier: GPL-3.0-or-later
//! A whole table of the kernel in the IR's terms.
//!
//! One of ours is read in its normal form: chains, sets and objects by name, and of the sentences what the kernel holds,
//! which is their comments. Somebody else's is read in the order of its parts. What the IR has no word for is named, in its
//! place, and the rest is still read.

use std::collections::BTreeMap;

use ringwall_ir::words::{ChainPolicy, ChainType, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Data, Elements, Illegal, Object, ObjectKind, OriginId, Rule, Set, SetSpec, Step, Table,
    TableParts, Unknown as Named,
};
use rustables::sys;

use super::chain::FoundChain;
use super::devices::Devices;
use super::expression::{Expression, only};
use super::found::{FoundRule, FoundTable};
use super::legality;
use super::origins::Origins;
use super::rule::{CLOSING, CLOSING_EXPRESSIONS, Reader, Source};
use super::set::{FoundSet, SetName};
use super::{Unknown, userdata};
use crate::netlink::Value;

/// A rule in the kernel's terms.
struct KernelRule<'a> {
    expressions: Vec<Expression<'a>>,
    comment: &'a str,
}

/// What of a table can be read, for the rules that speak of it.
struct Readable<'t, 'a> {
    found: &'t FoundTable<'a>,
    specs: BTreeMap<&'t str, &'t SetSpec>,
    chains: Vec<&'t str>,
    objects: &'t [Object],
    devices: &'t Devices,
}

impl<'a> Source<'a> for Readable<'_, 'a> {
    fn anonymous(&self, name: SetName<'a>) -> Option<&FoundSet<'a>> {
        self.found.set(name).filter(|set| set.is_of_rule())
    }

    fn named(&self, name: &str) -> Option<&SetSpec> {
        self.specs.get(name).copied()
    }

    fn has_chain(&self, name: &str) -> bool {
        self.chains.contains(&name)
    }

    fn has_object(&self, kind: ObjectKind, name: &str) -> bool {
        self.objects.iter().any(|object| object.body().kind() == kind && object.name() == name)
    }

    fn devices(&self) -> &Devices {
        self.devices
    }
}

/// Reads a table. `devices` have their names in what is read.
///
/// # Errors
/// [`Illegal`] where the IR does not allow what is left of it when all that can be named is.
pub fn read(
    found: &FoundTable<'_>,
    family: TableFamily,
    origins: &mut Origins,
    devices: &Devices,
) -> Result<Table, Illegal> {
    let mut parts = TableParts { comment: said(found.comment), ..TableParts::default() };
    let here = origins.of("", || format!("table {}", found.name));
    for (flag, name) in [(sys::NFT_TABLE_F_DORMANT, "dormant"), (sys::NFT_TABLE_F_OWNER, "owner")] {
        if found.flags & flag != 0 {
            parts.unknowns.push((here, named("table flag", name)));
        }
    }
    if found.flags & !(sys::NFT_TABLE_F_DORMANT | sys::NFT_TABLE_F_OWNER) != 0 {
        parts.unknowns.push((here, named("table flag", &found.flags.to_string())));
    }
    parts.unknowns.extend(found.flow_tables.iter().map(|name| (here, named("flow table", name))));
    read_objects(found, family, origins, &mut parts);
    let mut chains: Vec<_> = found.chains.iter().collect();
    if !origins.keep_order() {
        chains.sort_by_key(|chain| chain.name);
    }
    let chains: Vec<_> = chains.into_iter().filter_map(|chain| read_chain(chain, origins, &mut parts)).collect();
    let names: Vec<_> = chains.iter().map(|(chain, _)| chain.name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    read_sets(found, &names, origins, devices, &mut parts);
    let readable = Readable {
        found,
        specs: parts.sets.iter().map(|set| (set.name(), set.spec())).collect(),
        chains: names.clone(),
        objects: &parts.objects,
        devices,
    };
    let reader = Reader::new(family, &readable);
    let mut rules: BTreeMap<&str, Vec<&FoundRule<'_>>> = BTreeMap::new();
    found.rules.iter().for_each(|rule| rules.entry(rule.chain).or_default().push(rule));
    for (mut chain, closes) in chains {
        let own = rules.remove(chain.name()).unwrap_or_default();
        for (place, rule) in own.iter().enumerate() {
            if !(closes && place + 1 == own.len() && is_closing(rule)) {
                legality::add(&mut chain, read_rule(rule, reader, origins));
            }
        }
        if origins.keep_order() && chain.bound().is_some() {
            chain = chain.with_closing(origins.of("", String::new));
        }
        parts.chains.push(chain);
    }
    legality::table(family, found.name, parts)
}

fn said(comment: &str) -> Option<String> {
    (!comment.is_empty()).then(|| comment.to_owned())
}

fn named(name: &str, text: &str) -> Named {
    Named { name: name.to_owned(), text: text.to_owned(), reason: Named::NO_WORD.to_owned() }
}

fn read_objects(found: &FoundTable<'_>, family: TableFamily, origins: &mut Origins, parts: &mut TableParts) {
    let mut objects: Vec<_> = found.objects.iter().collect();
    if !origins.keep_order() {
        objects.sort_by_key(|object| (object.name, object.kind));
    }
    for object in objects {
        let origin = origins.of("", || format!("object {}", object.name));
        let read = object
            .body(family)
            .and_then(|body| Ok(Object::new(object.name, body, origin)?.with_comment(said(object.comment()))));
        match read {
            Ok(object) => parts.objects.push(object),
            Err(unknown) => parts.unknowns.push((origin, named("object", &format!("`{}`: {unknown}", object.name)))),
        }
    }
}

/// Reads a chain without its rules, and whether a rule closes it.
fn read_chain(found: &FoundChain<'_>, origins: &mut Origins, parts: &mut TableParts) -> Option<(Chain, bool)> {
    // Somebody's comes behind the rules.
    let closing = if origins.keep_order() { OriginId(0) } else { origins.of(CLOSING, String::new) };
    let read = || {
        if found.is_anonymous() {
            return Err(Unknown::Shape("it belongs to a rule"));
        }
        Ok(match found.bound()? {
            None => (Chain::regular(found.name)?, false),
            Some((binding, policy)) => {
                let base =
                    BaseChain { kind: binding.kind, hook: binding.hook, priority: binding.priority, policy, closing };
                (Chain::base(found.name, base)?, closes(&base))
            }
        })
    };
    match read() {
        Ok((chain, closes)) => Some((chain.with_comment(said(found.comment())), closes)),
        Err(unknown) => {
            let name = if found.is_anonymous() { "anonymous chain" } else { "chain" };
            parts.unknowns.push((
                origins.of("", || format!("chain {}", found.name)),
                named(name, &format!("`{}`: {unknown}", found.name)),
            ));
            None
        }
    }
}

/// Whether a rule stands at the end of the chain that drops what the chain policy drops.
#[must_use]
pub fn closes(base: &BaseChain) -> bool {
    base.policy == ChainPolicy::Drop && base.kind == ChainType::Filter
}

fn read_sets(
    found: &FoundTable<'_>,
    chains: &[&str],
    origins: &mut Origins,
    devices: &Devices,
    parts: &mut TableParts,
) {
    let mut sets: Vec<_> = found.sets.iter().filter(|set| !set.is_of_rule()).collect();
    if !origins.keep_order() {
        sets.sort_by_key(|set| set.name.text());
    }
    for set in sets {
        let origin = origins.of("", || format!("set {}", set.name.text()));
        let counted = origins.keep_order();
        let read = || -> Result<Set, Unknown> {
            let spec = set.spec()?;
            let elements = set.read_elements(&spec, counted, origin)?;
            check_references(&elements, chains, &parts.objects)?;
            let set = Set::new(set.name.text(), spec, elements, origin)?.with_comment(said(set.comment()));
            devices.check(&set)?;
            Ok(set)
        };
        match read() {
            Ok(set) => parts.sets.push(set),
            Err(unknown) => parts.unknowns.push((origin, named("set", &format!("`{}`: {unknown}", set.name.text())))),
        }
    }
}

/// An element must not lead to what cannot be read.
fn check_references(elements: &Elements, chains: &[&str], objects: &[Object]) -> Result<(), Unknown> {
    let Elements::List(list) = elements else { return Ok(()) };
    for element in list {
        match &element.data {
            Some(Data::Verdict(verdict)) => {
                if let Some(target) = verdict.target().filter(|target| !chains.contains(target)) {
                    return Err(Unknown::value("element that leads to a chain that cannot be read:", target));
                }
            }
            Some(Data::Object(name)) if !objects.iter().any(|object| object.name() == name) => {
                return Err(Unknown::value("element that gives an object that cannot be read:", name));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_rule<'a>(found: &FoundRule<'a>, reader: Reader<'_, 'a>, origins: &mut Origins) -> Rule {
    let what = || format!("rule {}", found.chain);
    match kernel_rule(found) {
        Ok(rule) => {
            let (steps, verdict) = reader.read(&rule.expressions);
            legality::rule(origins.of(rule.comment, what), steps, verdict)
        }
        Err(unknown) => {
            let step = Step::Unknown(named("rule", &unknown.to_string()));
            legality::rule(origins.of("", what), vec![step], None)
        }
    }
}

/// Whether a rule is the one that closes a chain.
fn is_closing(found: &FoundRule<'_>) -> bool {
    kernel_rule(found).is_ok_and(|rule| rule.comment == CLOSING && rule.expressions == CLOSING_EXPRESSIONS)
}

fn kernel_rule<'a>(rule: &FoundRule<'a>) -> Result<KernelRule<'a>, Unknown> {
    let known = [
        sys::NFTA_RULE_TABLE,
        sys::NFTA_RULE_CHAIN,
        sys::NFTA_RULE_HANDLE,
        sys::NFTA_RULE_EXPRESSIONS,
        sys::NFTA_RULE_COMPAT,
        sys::NFTA_RULE_POSITION,
        sys::NFTA_RULE_USERDATA,
        sys::NFTA_RULE_PAD,
    ];
    only("rule", rule.attributes, &known)?;
    let expressions = match rule.attributes.get(sys::NFTA_RULE_EXPRESSIONS).map(Value::nested).transpose()? {
        None => Vec::new(),
        Some(list) => list.iter().map(|element| Expression::read(element.value)).collect::<Result<_, _>>()?,
    };
    let userdata = rule.attributes.get(sys::NFTA_RULE_USERDATA).map_or(&[][..], Value::bytes);
    Ok(KernelRule { expressions, comment: userdata::read_comment(userdata).unwrap_or_default() })
}
