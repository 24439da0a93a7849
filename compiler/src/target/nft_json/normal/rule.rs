// SPDX-License-Identifier: GPL-3.0-or-later
//! Rules in the form in which they are compared.

use std::collections::BTreeMap;

use ringwall_ir::fields::Needs;
use ringwall_ir::words::{CtDirection, Family, Protocol, Refusal};
use ringwall_ir::{
    Assignment, Datatype, Field, Illegal, IntervalSet, KeyType, MapRef, Match, Nat, NatEnd, ObjectRef, OriginId,
    OwnPorts, Rule, Selector, SetUpdate, Source, Statement, Step, Table, Tuples, Values, Verdict, VerdictMap,
};

use super::set::{inline, meters, of_interval, of_tuple, seconds};
use crate::target::nft::{counts, decided_by, looked_at};

/// `ARPHRD_ETHER`
const ETHERNET: u128 = 1;

/// What is known of every packet that comes so far.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    families: Vec<Family>,
    protocols: IntervalSet,
    /// It came over Ethernet.
    link: bool,
}

impl Known {
    fn narrow(&mut self, needs: Needs) {
        if let Some(protocol) = needs.protocol() {
            self.protocols = self.protocols.intersection(&IntervalSet::one(u128::from(protocol.0)));
        }
        if let Some(family) = needs.family() {
            self.families.retain(|other| *other == family);
        }
        self.link |= needs == Needs::Link;
    }
}

pub(super) fn of_rule(table: &Table, rule: &Rule, origin: OriginId) -> Result<Rule, Illegal> {
    let families = Family::ALL.into_iter().filter(|family| table.family().sees(*family)).collect();
    let mut known = Known { families, protocols: IntervalSet::full(8), link: false };
    let mut steps = Vec::new();
    let mut run = Vec::new();
    for step in rule.steps() {
        match step {
            Step::Match(test) if !counts(step) => run.push(test.clone()),
            step => {
                let ahead = needed_by_step(step);
                steps.extend(of_run(&mut known, std::mem::take(&mut run), &ahead));
                steps.push(of_step(step));
            }
        }
    }
    let ahead = rule.verdict().map(needed_by_verdict).unwrap_or_default();
    let mut last = of_run(&mut known, run, &ahead);
    if rule.verdict() == Some(&Verdict::Reject(Refusal::TcpReset)) {
        last.retain(|step| step.test().and_then(Match::field) != Some(Field::Nfproto));
    }
    steps.extend(last);
    let demands = |step: &Step| step.test().is_some_and(|test| test.demands(Protocol::TCP));
    if rule.verdict() == Some(&Verdict::Reject(Refusal::TcpReset)) && !steps.iter().any(demands) {
        steps.push(Match::within(Field::L4proto, Values::one(u128::from(Protocol::TCP.0))).into());
    }
    Rule::new(origin, steps, rule.verdict().map(|verdict| of_verdict(table, verdict)))
}

fn needed_by_step(step: &Step) -> Vec<Needs> {
    let mut needs: Vec<_> = looked_at(step).iter().map(|selector| selector.field().row().needs).collect();
    if let Step::Statement(Statement::Mss(_)) = step {
        needs.push(Needs::Protocol(Protocol::TCP));
    }
    needs
}

fn needed_by_verdict(verdict: &Verdict) -> Vec<Needs> {
    let mut needs: Vec<_> = decided_by(verdict).iter().map(|selector| selector.field().row().needs).collect();
    if let Verdict::Dnat(Nat { family: Some(family), .. }) | Verdict::Snat(Nat { family: Some(family), .. }) = verdict {
        needs.push(Needs::Family(*family));
    }
    needs
}

/// Tests between which nothing counts, and what the step behind them asks of the packet anyway.
fn of_run(known: &mut Known, run: Vec<Match>, ahead: &[Needs]) -> Vec<Step> {
    let mut said = known.clone();
    let mut tests = Vec::new();
    for test in run {
        match &test {
            Match::In { selector, values: Values::Inline(set), negated }
                if *selector == Selector::of(selector.field()) =>
            {
                let set = if *negated { set.complement(selector.field().row().bits) } else { set.clone() };
                match selector.field() {
                    Field::Nfproto => {
                        said.families.retain(|family| set.contains(u128::from(family.number())));
                        continue;
                    }
                    Field::L4proto => {
                        said.protocols = said.protocols.intersection(&set);
                        continue;
                    }
                    Field::Iiftype if set == IntervalSet::one(ETHERNET) => {
                        said.link = true;
                        continue;
                    }
                    // Behind a field of the link, nft asks the frame for the family.
                    Field::EtherType if family_of_frame(&set).is_some() => {
                        said.families.retain(|family| Some(*family) == family_of_frame(&set));
                        said.link = true;
                        continue;
                    }
                    // Of IPv4, both name the same byte.
                    Field::IpProtocol => {
                        said.families.retain(|family| *family == Family::Ipv4);
                        said.protocols = said.protocols.intersection(&set);
                        continue;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        tests.push(of_test(test));
    }
    let mut implied = known.clone();
    for needs in tests.iter().flat_map(|test| test.selectors()).map(|selector| selector.field().row().needs) {
        implied.narrow(needs);
        said.narrow(needs);
    }
    for needs in ahead {
        implied.narrow(*needs);
        said.narrow(*needs);
    }
    // nft does not print the family beside a protocol that only one has.
    for (protocol, family) in [(Protocol::ICMP, Family::Ipv4), (Protocol::ICMPV6, Family::Ipv6)] {
        if said.protocols == IntervalSet::one(u128::from(protocol.0)) && said.families.contains(&family) {
            said.families = vec![family];
            implied.families.clone_from(&said.families);
        }
    }
    let mut steps = Vec::new();
    if said.families != implied.families {
        let numbers = said.families.iter().map(|family| u128::from(family.number())).map(|number| (number, number));
        let numbers: IntervalSet = numbers.collect();
        // A family that no packet has stands for none.
        let numbers = if numbers.is_empty() { IntervalSet::one(0) } else { numbers };
        steps.push(Match::within(Field::Nfproto, Values::Inline(numbers)).into());
    }
    if said.protocols != implied.protocols && !said.protocols.is_empty() {
        steps.push(Match::within(Field::L4proto, Values::Inline(said.protocols.clone())).into());
    }
    if said.link && !implied.link {
        steps.push(Match::within(Field::Iiftype, Values::one(ETHERNET)).into());
    }
    steps.extend(joined(tests).into_iter().map(Step::from));
    *known = said;
    steps
}

/// The family of the only type of frame.
fn family_of_frame(types: &IntervalSet) -> Option<Family> {
    let name = Datatype::EtherType.value_name(types.single()?)?;
    Family::ALL.into_iter().find(|family| family.table().name() == name)
}

/// Several tests of one field as one, in order of their words.
fn joined(tests: Vec<Match>) -> Vec<Match> {
    let mut sets: BTreeMap<Selector, IntervalSet> = BTreeMap::new();
    let mut others = Vec::new();
    for test in tests {
        match test {
            Match::In { selector, values: Values::Inline(set), negated: false } if is_number(selector) => {
                let joined = sets.remove(&selector).map_or_else(|| set.clone(), |other| other.intersection(&set));
                sets.insert(selector, joined);
            }
            other => others.push(other),
        }
    }
    let sets =
        sets.into_iter().map(|(selector, set)| Match::In { selector, values: Values::Inline(set), negated: false });
    let mut all: Vec<Match> = sets.chain(others).collect();
    all.sort_by_cached_key(ToString::to_string);
    all.dedup();
    all
}

/// Whether the values of the selector are numbers, every one of which a packet may have.
fn is_number(selector: Selector) -> bool {
    let datatype = selector.field().datatype();
    selector.mask().is_none() && !datatype.is_bits() && !datatype.is_text()
}

fn of_test(test: Match) -> Match {
    match test {
        Match::In { selector, values, negated } => of_one(of_selector(selector), of_values(selector, values), negated),
        Match::Concat { key, values: Tuples::Inline(tuples), negated } => {
            let parts: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
            let mut tuples: Vec<_> = tuples.iter().map(|tuple| of_tuple(&parts, tuple)).collect();
            tuples.sort();
            tuples.dedup();
            Match::Concat { key: of_key(&key), values: Tuples::Inline(tuples), negated }
        }
        Match::Concat { key, values, negated } => Match::Concat { key: of_key(&key), values, negated },
        Match::Object { kind, object } => Match::Object { kind, object: of_object(object) },
        other => other,
    }
}

fn of_object(object: ObjectRef) -> ObjectRef {
    match object {
        ObjectRef::Map { key, map } => ObjectRef::Map { key: of_key(&key), map },
        named => named,
    }
}

fn of_key(key: &[Selector]) -> Vec<Selector> {
    key.iter().copied().map(of_selector).collect()
}

/// Both directions of an entry have one protocol.
fn of_selector(selector: Selector) -> Selector {
    match selector.field() {
        Field::CtProtocol(_) => Selector::masked(Field::CtProtocol(CtDirection::Original), selector.bits()),
        _ => selector,
    }
}

/// Names of the host that have a number everywhere, or here.
fn of_values(selector: Selector, values: Values) -> Values {
    let Values::Symbols(mut symbols) = values else { return values };
    let datatype = selector.field().datatype();
    let number = |name: &str, number: Option<u64>| match datatype {
        // `LOOPBACK_IFINDEX` in include/net/flow.h.
        Datatype::IfaceIndex if name == "lo" => Some(1),
        Datatype::Uid | Datatype::Gid => number,
        _ => None,
    };
    let numbers: Option<Vec<_>> =
        symbols.iter().map(|symbol| number(&symbol.name, symbol.number).map(u128::from)).collect();
    match numbers {
        Some(numbers) => Values::Inline(numbers.into_iter().map(|number| (number, number)).collect()),
        None => {
            symbols.sort();
            Values::Symbols(symbols)
        }
    }
}

fn of_one(selector: Selector, values: Values, negated: bool) -> Match {
    let field = selector.field();
    let Values::Inline(set) = values else { return Match::In { selector, values, negated } };
    if field.datatype().is_bits() {
        return of_bits(selector, set, negated);
    }
    let (selector, set) = unmasked(selector, set);
    let set: IntervalSet = set.intervals().iter().map(|interval| of_interval(field.datatype(), *interval)).collect();
    if negated && is_number(selector) {
        let set = set.complement(field.row().bits);
        return Match::In { selector, values: Values::Inline(set), negated: false };
    }
    Match::In { selector, values: Values::Inline(set), negated }
}

/// A test of the highest bits is one of a range.
fn unmasked(selector: Selector, set: IntervalSet) -> (Selector, IntervalSet) {
    let field = selector.field();
    let low = field.max() ^ selector.bits();
    let highest = low & low.wrapping_add(1) == 0 && selector.mask().is_some();
    let aligned = set.values().iter().all(|(first, last)| first == last && first & low == 0);
    if !highest || !aligned {
        return (selector, set);
    }
    (Selector::of(field), set.values().into_iter().map(|(first, _)| (first, first | low)).collect())
}

/// One bit is set, or it is not.
fn of_bits(selector: Selector, set: IntervalSet, negated: bool) -> Match {
    let single = selector.bits().count_ones() == 1;
    match set.single() {
        Some(value) if single && value == selector.bits() => {
            Match::In { selector, values: Values::one(0), negated: !negated }
        }
        _ => Match::In { selector, values: Values::Inline(set), negated },
    }
}

fn of_step(step: &Step) -> Step {
    match step {
        Step::Statement(statement) => of_statement(statement).into(),
        Step::Match(test) => of_test(test.clone()).into(),
        Step::Unknown(_) => step.clone(),
    }
}

fn of_statement(statement: &Statement) -> Statement {
    match statement {
        Statement::Assign(Assignment { target, keep, source }) => {
            let (keep, source) = match source {
                // What is kept of a field, and what comes to it.
                Source::Field { selector, xor }
                    if *keep == 0 && selector.field() == target.field() && selector.mask().is_some() =>
                {
                    (u32::try_from(selector.bits()).unwrap_or_default(), Source::Value(*xor))
                }
                source => (*keep, of_source(source)),
            };
            Statement::Assign(Assignment { target: *target, keep, source })
        }
        Statement::SetUpdate(update) => Statement::SetUpdate(Box::new(SetUpdate {
            timeout: update.timeout.map(seconds),
            meters: meters(&update.meters),
            data: update.data.as_ref().map(of_source),
            key: of_key(&update.key),
            ..update.as_ref().clone()
        })),
        Statement::Object(object) => Statement::Object(of_object(object.clone())),
        other => other.clone(),
    }
}

fn of_source(source: &Source) -> Source {
    match source {
        Source::Map { key, map } => Source::Map { key: of_key(key), map: of_map(key, map) },
        Source::Field { selector, xor } => Source::Field { selector: of_selector(*selector), xor: *xor },
        other => other.clone(),
    }
}

fn of_map(key: &[Selector], map: &MapRef) -> MapRef {
    match map {
        MapRef::Inline(elements) => MapRef::Inline(inline(key, elements)),
        MapRef::Named(name) => MapRef::Named(name.clone()),
    }
}

fn of_verdict(table: &Table, verdict: &Verdict) -> Verdict {
    match verdict {
        Verdict::Map(map) => {
            Verdict::Map(Box::new(VerdictMap { key: of_key(&map.key), map: of_map(&map.key, &map.map) }))
        }
        Verdict::Dnat(nat) => Verdict::Dnat(of_nat(table, nat)),
        Verdict::Masquerade { ports, flags } => Verdict::Masquerade { ports: of_own(ports), flags: *flags },
        Verdict::Redirect { ports, flags } => Verdict::Redirect { ports: of_own(ports), flags: *flags },
        Verdict::Snat(nat) => Verdict::Snat(of_nat(table, nat)),
        other => other.clone(),
    }
}

fn of_own(ports: &Option<OwnPorts>) -> Option<OwnPorts> {
    match ports {
        Some(OwnPorts::Map { key, map }) => Some(OwnPorts::Map { key: of_key(key), map: of_map(key, map) }),
        other => other.clone(),
    }
}

fn of_nat(table: &Table, nat: &Nat) -> Nat {
    match &nat.end {
        NatEnd::Map { key, map, ports } => {
            Nat { end: NatEnd::Map { key: of_key(key), map: of_map(key, map), ports: *ports }, ..nat.clone() }
        }
        // Where the table is of one family, a translation of ports needs none.
        NatEnd::Range { addresses: None, .. } => {
            let one = Family::ALL.into_iter().filter(|family| table.family().sees(*family)).count() == 1;
            Nat { family: nat.family.filter(|_| !one), ..nat.clone() }
        }
        NatEnd::Range { .. } => nat.clone(),
    }
}
