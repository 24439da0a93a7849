// SPDX-License-Identifier: GPL-3.0-or-later
//! The tests of a rule as iptables can make them. An option compares with one thing, so a rule of several values becomes
//! alternatives, each of them a line. No packet passes two alternatives of a rule.

use std::net::{Ipv4Addr, Ipv6Addr};

use ringwall_ir::words::{CtStates, Family, Protocol};
use ringwall_ir::{Field, InterfacePattern, IntervalSet, Limit, Match, Rule, Table};

use super::line::Test;
use super::selection::{Selection, Selections};
use super::words::{self, CtMatch};
use crate::target::reach::Reach;

/// The most lines that one rule may become.
const LINES_MAX: usize = 65_536;
/// The most values of one `--dports`; a range counts twice (`XT_MULTI_PORTS`).
const MULTIPORT_MAX: usize = 15;

/// What a packet must pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// Each of these.
    clauses: Vec<Clause>,
    /// None of these. A line can except one interface; several need a chain of their own, from which they return.
    pub(super) exceptions: Vec<Test>,
    /// And then the limits, which count what has passed the rest.
    pub(super) limits: Vec<Test>,
}

/// Alternatives, each of them tests that must all be passed.
type Clause = Vec<Vec<Test>>;

impl Condition {
    /// The condition of a rule in a family; none where no packet of the family passes it, so that it needs no line.
    ///
    /// # Errors
    /// Why iptables cannot test what the rule tests.
    pub(super) fn of(table: &Table, rule: &Rule, family: Family, ct: CtMatch) -> Result<Option<Self>, String> {
        let reach = Reach::of(table, rule);
        if !reach.families.contains(&family) || reach.protocols.is_empty() {
            return Ok(None);
        }
        let Some(values) = Selections::of(table, rule) else { return Ok(None) };
        let mut condition = Self { limits: limits(rule)?, ..Self::default() };
        condition.addresses(values.of_field(Field::source(family)), family, "-s", "--src-range");
        condition.addresses(values.of_field(Field::destination(family)), family, "-d", "--dst-range");
        for (field, option) in [(Field::Iifname, "-i"), (Field::Oifname, "-o")] {
            if !condition.interfaces(rule, field, option)? {
                return Ok(None);
            }
        }
        condition.protocol(&reach.protocols, family)?;
        for (_, module, source, destination) in words::PORTS {
            condition.ports(values.of_field(source), module, "--sport", "--sports");
            condition.ports(values.of_field(destination), module, "--dport", "--dports");
        }
        condition.flags(rule)?;
        condition.icmp(&values, family)?;
        condition.hop_limit(&values, family);
        condition.states(rule, ct)?;
        Ok(Some(condition))
    }

    /// The tests of each line.
    ///
    /// # Errors
    /// Where there would be too many.
    pub(super) fn alternatives(&self) -> Result<Vec<Vec<&Test>>, String> {
        let count = self.clauses.iter().try_fold(1, |count: usize, clause| count.checked_mul(clause.len()));
        if count.is_none_or(|count| count > LINES_MAX) {
            return Err(format!("one rule would become more than {LINES_MAX} lines"));
        }
        let mut lines = vec![Vec::new()];
        for clause in &self.clauses {
            let longer = |line: &Vec<_>| clause.iter().map(|more| line.iter().copied().chain(more).collect()).collect();
            lines = lines.iter().flat_map(|line| -> Vec<_> { longer(line) }).collect();
        }
        Ok(lines)
    }

    fn all_of(&mut self, tests: impl IntoIterator<Item = Test>) {
        self.clauses.extend(tests.into_iter().map(|test| vec![vec![test]]));
    }

    fn one_of(&mut self, tests: impl IntoIterator<Item = Test>) {
        self.clauses.push(tests.into_iter().map(|test| vec![test]).collect());
    }

    fn addresses(&mut self, selection: Selection, family: Family, option: &'static str, range: &'static str) {
        let test = |interval, negated| address(family, interval, negated, option, range);
        match selection.with_few_exceptions(family.address_bits(), |set| set.intervals().len()) {
            Selection::Any => {}
            Selection::In(set) => self.one_of(set.intervals().iter().map(|&interval| test(interval, false))),
            Selection::NotIn(set) => match set.intervals() {
                [only] => self.all_of([test(*only, true)]),
                several => self.all_of(several.iter().map(|&interval| in_range(family, interval, true, range))),
            },
        }
    }

    /// Whether an interface is left at all.
    fn interfaces(&mut self, rule: &Rule, field: Field, option: &'static str) -> Result<bool, String> {
        let mut within: Option<Vec<&InterfacePattern>> = None;
        let mut without = Vec::new();
        for test in rule.matches() {
            match test {
                Match::Interface { field: tested, names, negated: true } if *tested == field => without.extend(names),
                Match::Interface { field: tested, names, .. } if *tested == field => {
                    within = Some(common(within.take(), names));
                }
                _ => {}
            }
        }
        let without = widest(without);
        let test = |pattern, negated| Ok::<_, String>(Test::own(option, negated, interface(pattern)?));
        match (within.map(widest), without.as_slice()) {
            (None, []) => {}
            (None, [only]) => self.all_of([test(only, true)?]),
            (within, without) => {
                let excepted = without.iter().map(|name| test(name, false)).collect::<Result<Vec<_>, _>>()?;
                self.exceptions.extend(excepted);
                if let Some(within) = within {
                    if within.is_empty() {
                        return Ok(false);
                    }
                    let tests = within.iter().map(|name| test(name, false)).collect::<Result<Vec<_>, _>>()?;
                    self.one_of(tests);
                }
            }
        }
        Ok(true)
    }

    fn protocol(&mut self, protocols: &IntervalSet, family: Family) -> Result<(), String> {
        let rest = protocols.complement(8);
        let test = |number: u128, negated| match u8::try_from(number) {
            Ok(0) | Err(_) => Err("iptables takes protocol 0 for any protocol".to_owned()),
            Ok(number) => Ok(Test::own("-p", negated, words::protocol(family, Protocol(number)))),
        };
        match rest.single() {
            _ if rest.is_empty() => {}
            Some(only) => self.all_of([test(only, true)?]),
            None => {
                let tests = numbers(protocols).map(|number| test(number, false)).collect::<Result<Vec<_>, _>>()?;
                self.one_of(tests);
            }
        }
        Ok(())
    }

    fn ports(&mut self, selection: Selection, module: &'static str, one: &'static str, several: &'static str) {
        let tests = |set: &IntervalSet, negated| ports(set, negated, module, one, several);
        match selection.with_few_exceptions(16, |set| tests(set, true).len()) {
            Selection::Any => {}
            Selection::In(set) => self.one_of(tests(&set, false)),
            Selection::NotIn(set) => self.all_of(tests(&set, true)),
        }
    }

    fn flags(&mut self, rule: &Rule) -> Result<(), String> {
        let words = |bits| words::flags(bits).ok_or("iptables has no word for the tcp flags ecn and cwr");
        for test in rule.matches() {
            let (negated, mask, value) = match *test {
                Match::AnyOf { field: Field::TcpFlags, bits } => (true, bits, 0),
                Match::Masked { field: Field::TcpFlags, mask, value } => (false, mask, value),
                _ => continue,
            };
            let value = format!("{} {}", words(mask)?, words(value)?);
            self.all_of([Test::of("tcp", "--tcp-flags", negated, value)]);
        }
        Ok(())
    }

    fn icmp(&mut self, values: &Selections, family: Family) -> Result<(), String> {
        let words = words::icmp(family);
        let test = |negated, value: String| Test::of(words.module, words.option, negated, value);
        let few = |field| values.of_field(field).with_few_exceptions(8, |set| numbers(set).count());
        match (few(words.kind), few(words.code)) {
            (Selection::Any, Selection::Any) => {}
            (Selection::In(kinds), codes) => {
                check_icmp_types(&kinds, family)?;
                let alternatives = numbers(&kinds).flat_map(|kind| match &codes {
                    Selection::Any => vec![vec![test(false, kind.to_string())]],
                    Selection::In(codes) => {
                        numbers(codes).map(|code| vec![test(false, format!("{kind}/{code}"))]).collect()
                    }
                    Selection::NotIn(codes) => {
                        let others = numbers(codes).map(|code| test(true, format!("{kind}/{code}")));
                        vec![std::iter::once(test(false, kind.to_string())).chain(others).collect()]
                    }
                });
                self.clauses.push(alternatives.collect());
            }
            (Selection::NotIn(kinds), Selection::Any) => {
                check_icmp_types(&kinds, family)?;
                self.all_of(numbers(&kinds).map(|kind| test(true, kind.to_string())));
            }
            (Selection::Any | Selection::NotIn(_), _) => {
                return Err("iptables tests an icmp code only beside a single type".to_owned());
            }
        }
        Ok(())
    }

    fn hop_limit(&mut self, values: &Selections, family: Family) {
        let words::HopWords { module, options: [equal, less, greater], field } = words::hops(family);
        let within = match values.of_field(field).with_few_exceptions(8, |set| numbers(set).count()) {
            Selection::Any => return,
            Selection::In(set) => set,
            Selection::NotIn(set) => {
                self.all_of(numbers(&set).map(|number| Test::of(module, equal, true, number.to_string())));
                return;
            }
        };
        let alternatives = within.intervals().iter().map(|&(first, last)| {
            if first == last {
                return vec![Test::of(module, equal, false, first.to_string())];
            }
            let above = (first > 0).then(|| Test::of(module, greater, false, (first - 1).to_string()));
            let below = (last < field.max()).then(|| Test::of(module, less, false, (last + 1).to_string()));
            above.into_iter().chain(below).collect()
        });
        self.clauses.push(alternatives.collect());
    }

    fn states(&mut self, rule: &Rule, ct: CtMatch) -> Result<(), String> {
        let (module, option) = ct.words();
        for test in rule.matches() {
            let (negated, bits) = match *test {
                Match::AnyOf { field: Field::CtState, bits } => (false, bits),
                Match::Masked { field: Field::CtState, mask, value: 0 } => (true, mask),
                Match::Masked { field: Field::CtState, value, .. } if value.is_power_of_two() => (false, value),
                Match::Masked { field: Field::CtState, .. } => {
                    return Err("a packet is in one ct state, not in two at once".to_owned());
                }
                _ => continue,
            };
            let states = u8::try_from(bits).ok().and_then(CtStates::from_bits);
            let states = states.ok_or_else(|| format!("no name for the bits {bits:#x} of `ct state`"))?;
            self.all_of([Test::of(module, option, negated, words::states(states))]);
        }
        Ok(())
    }
}

/// The limits, which must stand behind all other tests: iptables has its own order for those.
fn limits(rule: &Rule) -> Result<Vec<Test>, String> {
    let mut tests = Vec::new();
    for test in rule.matches() {
        match test {
            Match::Limit(limit) => tests.extend(limited(*limit)?),
            _ if tests.is_empty() => {}
            _ => return Err("a limit before other tests".to_owned()),
        }
    }
    Ok(tests)
}

fn limited(limit: Limit) -> Result<[Test; 2], String> {
    let rate = format!("{}/{}", limit.amount, limit.per.name());
    if !words::keeps_rate(limit) {
        return Err(format!("iptables rounds the rate {rate}"));
    }
    if limit.burst.get() > words::BURST_MAX {
        return Err(format!("the burst {} is more than {}", limit.burst, words::BURST_MAX));
    }
    Ok([Test::of("limit", "--limit", false, rate), Test::of("limit", "--limit-burst", false, limit.burst.to_string())])
}

fn check_icmp_types(kinds: &IntervalSet, family: Family) -> Result<(), String> {
    if family == Family::Ipv4 && kinds.contains(words::ANY_ICMP_TYPE) {
        return Err(format!("iptables takes icmp type {} for any type", words::ANY_ICMP_TYPE));
    }
    Ok(())
}

/// One interval of addresses: a prefix where it is one.
fn address(family: Family, interval: (u128, u128), negated: bool, option: &'static str, range: &'static str) -> Test {
    match IntervalSet::range(interval.0, interval.1).prefixes(family.address_bits()).as_slice() {
        [(start, length)] => Test::own(option, negated, format!("{}/{length}", address_text(family, *start))),
        _ => in_range(family, interval, negated, range),
    }
}

fn in_range(family: Family, (first, last): (u128, u128), negated: bool, range: &'static str) -> Test {
    let value = format!("{}-{}", address_text(family, first), address_text(family, last));
    Test::of("iprange", range, negated, value)
}

fn address_text(family: Family, bits: u128) -> String {
    match (family, u32::try_from(bits)) {
        (Family::Ipv4, Ok(bits)) => Ipv4Addr::from_bits(bits).to_string(),
        _ => Ipv6Addr::from_bits(bits).to_string(),
    }
}

/// One option where there is one interval, else as many lists as are needed.
fn ports(
    set: &IntervalSet,
    negated: bool,
    module: &'static str,
    one: &'static str,
    several: &'static str,
) -> Vec<Test> {
    if let [only] = set.intervals() {
        return vec![Test::of(module, one, negated, port(*only))];
    }
    let mut lists: Vec<(usize, Vec<String>)> = Vec::new();
    for &(first, last) in set.intervals() {
        let taken = if first == last { 1 } else { 2 };
        match lists.last_mut() {
            Some((used, list)) if *used + taken <= MULTIPORT_MAX => {
                *used += taken;
                list.push(port((first, last)));
            }
            _ => lists.push((taken, vec![port((first, last))])),
        }
    }
    lists.into_iter().map(|(_, list)| Test::of("multiport", several, negated, list.join(","))).collect()
}

fn port((first, last): (u128, u128)) -> String {
    if first == last { first.to_string() } else { format!("{first}:{last}") }
}

/// iptables marks a pattern by a `+` at its end, and has 15 bytes for it. A pattern as long as a name can be matches that
/// name alone.
fn interface(pattern: &InterfacePattern) -> Result<String, String> {
    let stem = pattern.stem();
    if pattern.is_open() && stem.len() < InterfacePattern::MAX {
        return Ok(format!("{stem}+"));
    }
    if stem.ends_with('+') {
        return Err(format!("iptables takes the `+` of the interface `{stem}` for any ending"));
    }
    Ok(stem.to_owned())
}

/// The patterns without those that another one covers.
fn widest(mut patterns: Vec<&InterfacePattern>) -> Vec<&InterfacePattern> {
    let mut seen: Vec<&InterfacePattern> = Vec::new();
    patterns.retain(|pattern| {
        let first = !seen.contains(pattern);
        seen.push(pattern);
        first
    });
    let all = patterns.clone();
    patterns.retain(|pattern| !all.iter().any(|other| other != pattern && covers(other, pattern)));
    patterns
}

/// The names that both lists mean. Of two patterns one covers the other, or they have nothing in common.
fn common<'a>(before: Option<Vec<&'a InterfacePattern>>, names: &'a [InterfacePattern]) -> Vec<&'a InterfacePattern> {
    let Some(before) = before else { return names.iter().collect() };
    let mut both = Vec::new();
    for one in before {
        for other in names {
            if covers(one, other) {
                both.push(other);
            } else if covers(other, one) {
                both.push(one);
            }
        }
    }
    both
}

fn covers(wide: &InterfacePattern, narrow: &InterfacePattern) -> bool {
    wide == narrow || wide.is_open() && narrow.stem().starts_with(wide.stem())
}

/// The numbers of a small set, one by one.
fn numbers(set: &IntervalSet) -> impl Iterator<Item = u128> {
    set.intervals().iter().flat_map(|&(first, last)| first..=last)
}
