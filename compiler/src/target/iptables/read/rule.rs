// SPDX-License-Identifier: GPL-3.0-or-later
//! One rule: its words to steps and a verdict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ringwall_ir::words::{Family, Hook, Protocol, TcpFlags};
use ringwall_ir::{
    Chain, Field, IntervalSet, Match, Object, ObjectBody, OriginId, Selector, Step, TableParts, Unknown, Values,
    Verdict, stem_interval,
};

use super::address::addresses;
use super::block::{Block, NOT_MODELLED, Opt, blocks};
use super::options::twice;
use super::place::taken_here;
use super::steps::{Piece, drafts};
use super::{Known, Problem, matches, targets};
use crate::target::ipset::KnownSets;
use crate::target::iptables::name;
use crate::target::iptables::table::{Hooks, XtTable, built_in};
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
    /// The table.
    pub(super) table: XtTable,
    /// The hooks from which packets come to the rule that is being read.
    pub(super) hooks: Hooks,
    /// The hook of the built-in chain that the rule stands in; none where that is another chain.
    pub(super) built_in: Option<Hook>,
    /// The chains of the table.
    pub(super) chains: &'t BTreeSet<String>,
    /// What is known of ipset's sets.
    pub(super) sets: &'t KnownSets,
    /// Those that rules of several tables share while packets add to them. A set of the IR is of one table.
    pub(super) shared: &'t BTreeSet<String>,
    /// The protocol that the rule that is being read demands.
    pub(super) protocol: Option<Protocol>,
    /// It is for packets alone that offer a TCP segment size.
    pub(super) offers_size: bool,
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
        (family, table): (Family, XtTable),
        chains: &'t BTreeSet<String>,
        sets: &'t KnownSets,
        shared: &'t BTreeSet<String>,
    ) -> Self {
        Self {
            family,
            table,
            hooks: Hooks::NONE,
            built_in: None,
            chains,
            sets,
            shared,
            protocol: None,
            offers_size: false,
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
        for (place, option) in blocks.own.iter().enumerate() {
            let before = blocks.own.get(..place).unwrap_or_default();
            own.read(option, before, self);
        }
        let mut because = None;
        let mut pieces = Vec::new();
        self.offers_size = blocks.matches.iter().any(matches::asks_for_size);
        let bounds_size = blocks.target.as_ref().is_some_and(|block| block.name == "TCPMSS");
        for block in &blocks.matches {
            if bounds_size && matches::asks_for_size(block) {
                // nf_tables writes a size only where one is.
                continue;
            }
            if block.name == "comment" && block.known().is_ok() {
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
            Some(block) if bounds_size && block.known().is_ok() && !pieces.iter().any(demands_syn) => {
                let reason =
                    "iptables bounds the size in a rule of TCP's flag SYN alone: write `-p tcp --syn` beside it";
                (vec![unknown("target", block, reason.to_owned())], None)
            }
            Some(block) => self.target_of(block, blocks.goes),
            None => (Vec::new(), None),
        };
        let drafts = own
            .combinations()
            .into_iter()
            .flat_map(|tests| drafts(self.family, (&tests, &pieces), &statements, verdict.as_ref()))
            .collect();
        Ok(Read { drafts, because })
    }

    fn match_of(&mut self, block: &Block<'_>) -> Vec<Piece> {
        let known = block.known().and_then(|()| taken_here(self, block)).and_then(|()| matches::lift(self, block));
        known.unwrap_or_else(|reason| vec![Piece::Step(unknown("match", block, reason))])
    }

    fn target_of(&mut self, block: &Block<'_>, goes: bool) -> (Vec<Step>, Option<Verdict>) {
        if self.chains.contains(block.name) && block.is_bare() {
            let name = name::to_ir(block.name).into_owned();
            return (Vec::new(), Some(if goes { Verdict::Goto(name) } else { Verdict::Jump(name) }));
        }
        let known = match goes || self.chains.contains(block.name) || !name::is_target(block.name) {
            true => Err(self.no_chain(block)),
            false => block.known().and_then(|()| taken_here(self, block)).and_then(|()| targets::lift(self, block)),
        };
        known.unwrap_or_else(|reason| (vec![unknown("target", block, reason)], None))
    }

    /// Why a word leads to no chain.
    fn no_chain(&self, block: &Block<'_>) -> String {
        let name = block.name;
        match block.known() {
            _ if !self.chains.contains(name) && name::is_target(name) => {
                format!("`-g` leads to chains, and `{name}` is a target")
            }
            _ if !self.chains.contains(name) => {
                format!("there is no chain `{name}` in this table: declare it, `:{name} -`")
            }
            Err(strange) if strange != NOT_MODELLED => strange,
            _ => "chains have no options".to_owned(),
        }
    }

    /// The name of the object that stands for a helper.
    pub(super) fn helper(&mut self, helper: &str, protocol: Protocol) -> String {
        let name = name::to_ir(&format!("{helper}-{protocol}")).into_owned();
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
            let unknown = Unknown { name: format!("set {name}"), text: name, reason };
            parts.unknowns.push((origin.unwrap_or(OriginId(0)), unknown));
        }
        Ok(parts)
    }
}

/// Whether a test of TCP flags demands that SYN is set (`find_syn_match` in `xt_TCPMSS.c`).
fn demands_syn(piece: &Piece) -> bool {
    let syn = u128::from(TcpFlags::SYN.0);
    match piece {
        Piece::Step(Step::Match(Match::In { selector, values: Values::Inline(set), negated: false })) => {
            selector.field() == Field::TcpFlags
                && selector.bits() & syn != 0
                && set.single().is_some_and(|value| value & syn != 0)
        }
        _ => false,
    }
}

/// A match or target that the IR has no word for.
fn unknown(kind: &str, block: &Block<'_>, reason: String) -> Step {
    let name = if block.name.is_empty() { "option" } else { block.name };
    Step::Unknown(Unknown { name: format!("{kind} {name}"), text: block.text(), reason })
}

/// The protocol behind `-p`.
fn demanded(own: &[Opt<'_>]) -> Option<Protocol> {
    let option = own.iter().find(|option| option.name == "-p" && !option.negated)?;
    protocol::named(option.value()).filter(|protocol| protocol.0 != 0)
}

/// iptables' own tests.
#[derive(Default)]
struct Own {
    /// Alternatives: a list behind `-s` makes a rule of each of its addresses, and one without a test of all of them.
    sources: Vec<Option<Step>>,
    destinations: Vec<Option<Step>>,
    rest: Vec<Step>,
}

impl Own {
    /// Reads an option that stands behind others.
    fn read(&mut self, option: &Opt<'_>, before: &[Opt<'_>], reading: &Reading<'_>) {
        let family = reading.family;
        let read = match option.name {
            name if !matches!(name, "-4" | "-6") && before.iter().any(|other| other.name == name) => Err(twice(name)),
            "-i" if matches!(reading.built_in, Some(Hook::Output | Hook::Postrouting)) => Err(format!(
                "iptables refuses it in {}, where packets no longer come from an interface: leave it out, or test the \
                 address",
                reading.built_in.map_or("", built_in)
            )),
            "-o" if matches!(reading.built_in, Some(Hook::Input | Hook::Prerouting)) => Err(format!(
                "iptables refuses it in {}, where packets have no interface to leave by: write the rule in FORWARD or \
                 leave it out",
                reading.built_in.map_or("", built_in)
            )),
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
                Ok(())
            }
            // The counters, and the family that the file is read for. A rule for the other one is not loaded.
            "-c" => Ok(()),
            "-4" if family == Family::Ipv4 => Ok(()),
            "-6" if family == Family::Ipv6 => Ok(()),
            "-f" => Err("it tests fragments of IPv4, and this text is of ipv6".to_owned()),
            "-4" | "-6" => {
                Err(format!("the text is read as one of {}: its rules for the other family are not", family.name()))
            }
            _ => Err(option.not_modelled()),
        };
        if let Err(reason) = read {
            let text = format!("{} {}", option.spelled(), option.value());
            let name = format!("option {}", option.name);
            self.rest.push(Step::Unknown(Unknown { name, text: text.trim_end().to_owned(), reason }));
        }
    }

    /// The tests of each rule that the line is.
    fn combinations(&self) -> Vec<Vec<Step>> {
        let each = |tests: &[Option<Step>]| if tests.is_empty() { vec![None] } else { tests.to_vec() };
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

/// `eth0`, `eth+`; `+` alone is every interface.
fn interface(option: &Opt<'_>, field: Field) -> Known<Option<Step>> {
    let text = option.value();
    let set = match text.strip_suffix('+') {
        Some("") => Some(IntervalSet::full(128)),
        Some(stem) => stem_interval(stem).map(|(first, last)| IntervalSet::range(first, last)),
        None => field.datatype().parse_value(text).map(IntervalSet::one),
    };
    let set = set.ok_or_else(|| option.is_no("name of an interface: they have 1 to 15 bytes"))?;
    let values = Values::Inline(set);
    let piece = matches::judged(Match::In { selector: Selector::of(field), values, negated: option.negated })?;
    Ok(match piece {
        Some(Piece::Step(test)) => Some(test),
        Some(Piece::Either(_) | Piece::Header(_)) | None => None,
    })
}

/// Protocol 0 is every protocol.
fn protocol_test(option: &Opt<'_>) -> Known<Option<Step>> {
    let unknown = || option.is_no("protocol that is known: write its number, 0 to 255");
    let protocol = protocol::named(option.value()).ok_or_else(unknown)?;
    if protocol.0 == 0 {
        return option.plain("of every protocol passes no packet").map(|()| None);
    }
    let values = Values::one(u128::from(protocol.0));
    Ok(Some(Match::In { selector: Selector::of(Field::L4proto), values, negated: option.negated }.into()))
}
