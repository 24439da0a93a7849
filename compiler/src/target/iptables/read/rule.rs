// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule: its words to steps and a verdict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{
    Chain, Field, IntervalSet, Match, Object, ObjectBody, OriginId, Selector, Step, TableParts, Unknown, Values,
    Verdict, stem_interval,
};

use super::block::{Block, Opt, blocks};
use super::steps::{Piece, drafts};
use super::{Problem, matches, targets};
use crate::target::ipset::KnownSets;
use crate::target::iptables::table::Hooks;
use crate::target::iptables::words::protocol;

/// A rule without what it comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) steps: Vec<Step>,
    pub(super) verdict: Option<Verdict>,
}

/// What a line says: mostly one rule.
pub(super) struct Read {
    pub(super) drafts: Vec<Draft>,
    /// `--comment`
    pub(super) because: Option<String>,
}

/// Where rules are read, and what they ask for.
pub(super) struct Reading<'t> {
    pub(super) family: Family,
    /// The hooks from which packets come to the rule that is being read.
    pub(super) hooks: Hooks,
    /// The chains of the table.
    pub(super) chains: &'t BTreeSet<String>,
    /// What is known of ipset's sets.
    pub(super) sets: &'t KnownSets,
    /// Those that rules of several tables share while packets add to them. A set of the IR is of one table.
    pub(super) shared: &'t BTreeSet<String>,
    /// The protocol that the rule that is being read demands.
    pub(super) protocol: Option<Protocol>,
    /// The types of ICMP that it has demanded so far.
    pub(super) icmp_types: Vec<Match>,
    /// The helpers that rules give, by the name of the object.
    helpers: BTreeMap<String, (ObjectBody, Option<OriginId>)>,
    /// The sets that rules speak of and that are known; whether packets add to them.
    used_sets: BTreeMap<String, (bool, Option<OriginId>)>,
    /// Those that are not, and why.
    missing_sets: BTreeMap<String, (String, Option<OriginId>)>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(
        family: Family,
        chains: &'t BTreeSet<String>,
        sets: &'t KnownSets,
        shared: &'t BTreeSet<String>,
    ) -> Self {
        Self {
            family,
            hooks: Hooks::NONE,
            chains,
            sets,
            shared,
            protocol: None,
            icmp_types: Vec::new(),
            helpers: BTreeMap::new(),
            used_sets: BTreeMap::new(),
            missing_sets: BTreeMap::new(),
        }
    }

    /// Reads what stands behind `-A CHAIN`.
    pub(super) fn rule(&mut self, words: &[Cow<'_, str>]) -> Result<Read, Problem> {
        let blocks = blocks(words)?;
        self.protocol = demanded(&blocks.own);
        self.icmp_types.clear();
        let mut own = Own::default();
        for option in &blocks.own {
            own.read(option, self.family);
        }
        let mut because = None;
        let mut pieces = Vec::new();
        for block in &blocks.matches {
            if block.name == "comment" && !block.strange {
                because = block.option("--comment").map(|option| option.value().to_owned());
            } else {
                pieces.extend(self.match_of(block));
            }
        }
        if own.sources.len().saturating_mul(own.destinations.len()) > LINES_MAX {
            let problem = Problem::new(format!("these addresses make more than {LINES_MAX} rules of one line"));
            return Err(problem.help("put the addresses into a set of ipset"));
        }
        let (statements, verdict) = match &blocks.target {
            Some(block) => self.target_of(block, blocks.goes),
            None => (Vec::new(), None),
        };
        let drafts = own
            .combinations()
            .into_iter()
            .flat_map(|tests| drafts(&tests, &pieces, &statements, verdict.as_ref()))
            .collect();
        Ok(Read { drafts, because })
    }

    fn match_of(&mut self, block: &Block<'_>) -> Vec<Piece> {
        let known = if block.strange { None } else { matches::lift(self, block) };
        known.unwrap_or_else(|| vec![Piece::Step(unknown("match", block))])
    }

    fn target_of(&mut self, block: &Block<'_>, goes: bool) -> (Vec<Step>, Option<Verdict>) {
        if self.chains.contains(block.name) && block.is_bare() {
            let name = crate::target::iptables::name::to_ir(block.name).into_owned();
            return (Vec::new(), Some(if goes { Verdict::Goto(name) } else { Verdict::Jump(name) }));
        }
        let known = if block.strange || goes { None } else { targets::lift(self, block) };
        known.unwrap_or_else(|| (vec![unknown("target", block)], None))
    }

    /// The name of the object that stands for a helper.
    pub(super) fn helper(&mut self, helper: &str, protocol: Protocol) -> String {
        let name = crate::target::iptables::name::to_ir(&format!("{helper}-{protocol}")).into_owned();
        let family = None;
        let body = ObjectBody::CtHelper { helper: helper.to_owned(), family, protocol };
        self.helpers.entry(name.clone()).or_insert((body, None));
        name
    }

    /// Notes that a rule speaks of a set that is known, and perhaps adds to it.
    pub(super) fn use_set(&mut self, name: &str, dynamic: bool) {
        self.used_sets.entry(name.to_owned()).or_insert((false, None)).0 |= dynamic;
    }

    /// Notes that a rule speaks of a set that is not known, or not so that the rule could look into it.
    pub(super) fn miss_set(&mut self, name: &str, reason: &str) {
        self.missing_sets.entry(name.to_owned()).or_insert_with(|| (reason.to_owned(), None));
    }

    /// Tells what the rule that was read last comes from.
    pub(super) fn is_of(&mut self, origin: OriginId) {
        let helpers = self.helpers.values_mut().map(|(_, at)| at);
        let used = self.used_sets.values_mut().map(|(_, at)| at);
        let missing = self.missing_sets.values_mut().map(|(_, at)| at);
        helpers.chain(used).chain(missing).for_each(|at| *at = Some(at.unwrap_or(origin)));
    }

    /// The parts of the table.
    pub(super) fn finish(self, chains: Vec<Chain>) -> Result<TableParts, Problem> {
        let mut parts = TableParts { chains, ..TableParts::default() };
        for (name, (body, origin)) in self.helpers {
            parts.objects.push(Object::new(&name, body, origin.unwrap_or(OriginId(0)))?);
        }
        for (name, (dynamic, origin)) in self.used_sets {
            parts.sets.extend(self.sets.set(&name, dynamic, origin.unwrap_or(OriginId(0)))?);
        }
        for (name, (reason, origin)) in self.missing_sets {
            let unknown = Unknown { name: format!("set {name}"), text: reason };
            parts.unknowns.push((origin.unwrap_or(OriginId(0)), unknown));
        }
        Ok(parts)
    }
}

/// A match or target that the IR has no word for.
fn unknown(kind: &str, block: &Block<'_>) -> Step {
    let name = if block.name.is_empty() { "option" } else { block.name };
    Step::Unknown(Unknown { name: format!("{kind} {name}"), text: block.text() })
}

/// The protocol behind `-p`.
fn demanded(own: &[Opt<'_>]) -> Option<Protocol> {
    let option = own.iter().find(|option| option.name == "-p" && !option.negated)?;
    protocol::named(option.value()).filter(|protocol| protocol.0 != 0)
}

/// iptables' own tests.
#[derive(Default)]
struct Own {
    /// Alternatives: a list behind `-s` makes a rule of each of its addresses.
    sources: Vec<Step>,
    destinations: Vec<Step>,
    rest: Vec<Step>,
}

impl Own {
    fn read(&mut self, option: &Opt<'_>, family: Family) {
        let read = match option.name {
            "-s" => addresses(option, family, Field::source(family)).map(|tests| self.sources = tests),
            "-d" => addresses(option, family, Field::destination(family)).map(|tests| self.destinations = tests),
            "-i" => interface(option, Field::Iifname).map(|test| self.rest.extend(test)),
            "-o" => interface(option, Field::Oifname).map(|test| self.rest.extend(test)),
            "-p" => protocol_test(option).map(|test| self.rest.extend(test)),
            "-f" if family == Family::Ipv4 => {
                let later = Match::In {
                    selector: Selector::masked(Field::IpFragOff, 0x1fff),
                    values: Values::one(0),
                    negated: !option.negated,
                };
                self.rest.push(later.into());
                Some(())
            }
            // The counters, and the family that the file is read for. A rule for the other one is not loaded.
            "-c" => Some(()),
            "-4" if family == Family::Ipv4 => Some(()),
            "-6" if family == Family::Ipv6 => Some(()),
            _ => None,
        };
        if read.is_none() {
            let negation = if option.negated { "! " } else { "" };
            let text = format!("{negation}{} {}", option.name, option.value());
            self.rest.push(Step::Unknown(Unknown { name: format!("option {}", option.name), text }));
        }
    }

    /// The tests of each rule that the line is.
    fn combinations(&self) -> Vec<Vec<Step>> {
        let each = |steps: &[Step]| -> Vec<Option<Step>> {
            if steps.is_empty() { vec![None] } else { steps.iter().cloned().map(Some).collect() }
        };
        let mut all = Vec::new();
        for source in each(&self.sources) {
            for destination in each(&self.destinations) {
                let tests = source.iter().chain(&destination).chain(&self.rest);
                all.push(tests.cloned().collect());
            }
        }
        all
    }
}

/// How many rules a line may be: each source with each destination is one, as iptables has it.
const LINES_MAX: usize = 65_536;

/// A test for each address or prefix of a list; nothing for all addresses.
fn addresses(option: &Opt<'_>, family: Family, field: Field) -> Option<Vec<Step>> {
    let list: Vec<_> = option.value().split(',').collect();
    // A list of exceptions would be a rule for each, which passes nearly everything; iptables refuses it.
    if option.negated && list.len() > 1 {
        return None;
    }
    let mut tests = Vec::new();
    for text in list {
        match address_test(family, field, text, option.negated)? {
            Some(test) => tests.push(test.into()),
            // One that is everywhere makes a rule without a test.
            None if tests.is_empty() && option.value() == text => {}
            None => return None,
        }
    }
    Some(tests)
}

/// The test of an address, a prefix or a mask; no test where all are meant.
pub(super) fn address_test(family: Family, field: Field, text: &str, negated: bool) -> Option<Option<Match>> {
    let bits = family.address_bits();
    let (address_text, mask) = text.split_once('/').map_or((text, None), |(start, mask)| (start, Some(mask)));
    let start = address(family, address_text)?;
    let full = field.max();
    let mask = match mask {
        None => full,
        Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let length: u8 = length.parse().ok().filter(|&length| length <= bits)?;
            full ^ full.checked_shr(u32::from(length)).unwrap_or(0)
        }
        Some(mask) => address(family, mask)?,
    };
    let host = full ^ mask;
    if mask == 0 && !negated {
        return Some(None);
    }
    let selector = if host & host.wrapping_add(1) == 0 {
        let values = Values::Inline(IntervalSet::range(start & mask, start & mask | host));
        return Some(Some(Match::In { selector: Selector::of(field), values, negated }));
    } else {
        Selector::masked(field, mask)
    };
    Some(Some(Match::In { selector, values: Values::one(start & mask), negated }))
}

/// An address of the family.
pub(super) fn address(family: Family, text: &str) -> Option<u128> {
    match family {
        Family::Ipv4 => text.parse().ok().map(|address: Ipv4Addr| u128::from(address.to_bits())),
        Family::Ipv6 => text.parse().ok().map(Ipv6Addr::to_bits),
    }
}

/// `eth0`, `eth+`; `+` alone is every interface.
fn interface(option: &Opt<'_>, field: Field) -> Option<Option<Step>> {
    let text = option.value();
    let set = match text.strip_suffix('+') {
        Some("") if !option.negated => return Some(None),
        Some("") => IntervalSet::full(128),
        Some(stem) => stem_interval(stem).map(|(first, last)| IntervalSet::range(first, last))?,
        None => field.datatype().parse_value(text).map(IntervalSet::one)?,
    };
    let values = Values::Inline(set);
    Some(Some(Match::In { selector: Selector::of(field), values, negated: option.negated }.into()))
}

fn protocol_test(option: &Opt<'_>) -> Option<Option<Step>> {
    if option.value() == "all" && !option.negated {
        return Some(None);
    }
    let protocol = protocol::named(option.value())?;
    if protocol.0 == 0 {
        return if option.negated { None } else { Some(None) };
    }
    let values = Values::one(u128::from(protocol.0));
    Some(Some(Match::In { selector: Selector::of(Field::L4proto), values, negated: option.negated }.into()))
}
