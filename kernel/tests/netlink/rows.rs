// SPDX-License-Identifier: GPL-3.0-or-later
//! Every row of the table of fields, with all its parameters and in every form of a test: over netlink as through nft, and
//! the same when it comes back.

use ringwall_ir::arbitrary::{all_variants, handled};
use ringwall_ir::fields::Field;
use ringwall_ir::words::{ChainPolicy, ChainType, Hook, Priority, TableFamily};
use ringwall_ir::{
    BaseChain, Chain, Data, DataType, Element, Elements, Illegal, IntervalSet, Key, KeyType, MapRef, Match, Origin,
    OriginId, Rule, Ruleset, Selector, Set, SetFlags, SetSpec, Step, Table, TableParts, Tuple, Tuples, Values, Verdict,
    VerdictMap,
};
use ringwall_kernel::install::{apply, normal, read_ruleset};

use crate::listing::comparable;
use crate::private::{flush, in_namespace, try_list};
use crate::sayable;

/// Values of which some are legal for each field: small numbers, those with a name, and a name as text.
const VALUES: [u128; 12] = [0, 1, 2, 4, 5, 6, 17, 40, 0x0100, 0x0100_0000, 0x6c6f << 112, 0x6574_6830 << 96];
/// Where packets meet a rule: some field is there only at one of these.
const PLACES: [(ChainType, Hook); 5] = [
    (ChainType::Filter, Hook::Input),
    (ChainType::Filter, Hook::Output),
    (ChainType::Filter, Hook::Prerouting),
    (ChainType::Filter, Hook::Forward),
    (ChainType::Filter, Hook::Postrouting),
];

/// The table that its rules are tried in.
struct Bench {
    family: TableFamily,
    place: (ChainType, Hook),
    sets: Vec<Set>,
    rules: Vec<Rule>,
}

impl Bench {
    fn new(family: TableFamily, place: (ChainType, Hook)) -> Self {
        Self { family, place, sets: Vec::new(), rules: Vec::new() }
    }

    /// Keeps a rule if it is legal there.
    fn keep(&mut self, steps: Vec<Step>, verdict: Verdict) -> bool {
        let Ok(rule) = Rule::new(OriginId(0), steps, Some(verdict)) else { return false };
        self.rules.push(rule);
        let is_legal = self.table().is_ok();
        if !is_legal {
            self.rules.pop();
        }
        is_legal
    }

    fn keep_test(&mut self, test: Match) -> bool {
        self.keep(vec![test.into()], Verdict::Accept)
    }

    /// Keeps a set if it is legal, under a name of its own.
    fn keep_set(&mut self, spec: SetSpec, elements: Elements) -> Option<String> {
        let name = format!("s{}", self.sets.len());
        self.sets.push(Set::new(&name, spec, elements, OriginId(0)).ok()?);
        Some(name)
    }

    fn table(&self) -> Result<Table, Illegal> {
        let (kind, hook) = self.place;
        let base =
            BaseChain { kind, hook, priority: Priority::FILTER, policy: ChainPolicy::Accept, closing: OriginId(0) };
        let mut chain = Chain::base("c", base)?;
        self.rules.iter().try_for_each(|rule| chain.add(rule.clone()))?;
        let parts = TableParts { chains: vec![chain], sets: self.sets.clone(), ..TableParts::default() };
        Table::new(self.family, "t", parts)
    }

    fn ruleset(&self) -> Ruleset {
        let origin = Origin { id: "o".to_owned(), text: "o".to_owned(), line: 1, ..Origin::default() };
        Ruleset { origins: vec![origin], tables: vec![self.table().unwrap()], ..Ruleset::default() }
    }
}

fn within(field: impl Into<Selector>, set: IntervalSet, negated: bool) -> Match {
    Match::In { selector: field.into(), values: Values::Inline(set), negated }
}

/// Values that the field can have, as far as the IR tells.
fn values(bench: &mut Bench, field: Field) -> Vec<u128> {
    let rules = bench.rules.len();
    let legal = |value: &u128| bench.keep_test(within(field, IntervalSet::one(*value), false));
    let values = VALUES.into_iter().filter(legal).collect();
    bench.rules.truncate(rules);
    values
}

/// Every form of a test of the field that is legal. How many there are.
fn forms(bench: &mut Bench, field: Field) -> usize {
    let values = values(bench, field);
    let Some(&one) = values.first() else { return 0 };
    let last = *values.last().unwrap();
    for negated in [false, true] {
        for &value in &values {
            bench.keep_test(within(field, IntervalSet::one(value), negated));
        }
        bench.keep_test(within(field, values.iter().map(|&value| (value, value)).collect(), negated));
        for set in [IntervalSet::range(one, last), IntervalSet::range(1, 2), [(0, 0), (2, 5)].into_iter().collect()] {
            bench.keep_test(within(field, set, negated));
        }
        for mask in [1, 6, 0xff00] {
            bench.keep_test(within(Selector::masked(field, mask), IntervalSet::one(one & mask), negated));
            bench.keep_test(within(Selector::masked(field, mask), IntervalSet::one(mask), negated));
        }
        named(bench, field, &values, negated);
        joined(bench, field, &values, negated);
    }
    if field.datatype().is_bits() {
        bench.keep_test(Match::any_of(field, 2));
        bench.keep_test(Match::any_of(field, 6));
    }
    mapped(bench, field, &values);
    bench.rules.len()
}

/// The named sets of one field and of two, and lookups in them.
fn named(bench: &mut Bench, field: Field, values: &[u128], negated: bool) {
    let list: IntervalSet = values.iter().map(|&value| (value, value)).collect();
    let intervals: IntervalSet = [(1, 2), (5, 5)].into_iter().collect();
    let part = KeyType::of(field);
    for (spec, set) in [(SetSpec::of(vec![part]), list), (SetSpec::intervals(part), intervals)] {
        if let Some(name) = bench.keep_set(spec, Elements::Intervals(set)) {
            bench.keep_test(Match::In { selector: field.into(), values: Values::Set(name), negated });
        }
    }
    for interval in [false, true] {
        let spec = SetSpec {
            flags: SetFlags { interval, ..SetFlags::default() },
            ..SetSpec::of(vec![part, KeyType::of(Field::MetaMark)])
        };
        let elements = tuples(values, interval).into_iter().map(|tuple| Element::of(tuple, OriginId(0))).collect();
        if let Some(name) = bench.keep_set(spec, Elements::List(elements)) {
            let key = vec![field.into(), Field::MetaMark.into()];
            bench.keep_test(Match::Concat { key, values: Tuples::Set(name), negated });
        }
    }
}

/// Pairs of values of the field and marks, which are numbers of the host.
fn tuples(values: &[u128], interval: bool) -> Vec<Tuple> {
    let end = |value: u128| if interval { value + 3 } else { value };
    (1..).zip(values).map(|(mark, &value)| Tuple(vec![(value, value), (mark * 10, end(mark * 10))])).collect()
}

fn joined(bench: &mut Bench, field: Field, values: &[u128], negated: bool) {
    for interval in [false, true] {
        let key = vec![field.into(), Field::MetaMark.into()];
        bench.keep_test(Match::Concat { key, values: Tuples::Inline(tuples(values, interval)), negated });
        let turned = tuples(values, interval).into_iter().map(|Tuple(parts)| Tuple(vec![parts[1], parts[0]]));
        let key = vec![Field::MetaMark.into(), field.into()];
        bench.keep_test(Match::Concat { key, values: Tuples::Inline(turned.collect()), negated });
    }
}

fn mapped(bench: &mut Bench, field: Field, values: &[u128]) {
    let element = |(first, last): (u128, u128), verdict| Element {
        data: Some(Data::Verdict(verdict)),
        ..Element::of(Tuple(vec![(first, last)]), OriginId(0))
    };
    let any = || Element { key: Key::Any, ..element((0, 0), Verdict::Return) };
    let verdicts = [Verdict::Accept, Verdict::Drop, Verdict::Return, Verdict::Continue];
    let singles: Vec<_> = values
        .iter()
        .zip(verdicts.iter().cycle())
        .map(|(&value, verdict)| element((value, value), verdict.clone()))
        .collect();
    let ranges = vec![element((1, 2), Verdict::Accept), element((4, 5), Verdict::Drop)];
    for elements in [singles.clone(), [singles, vec![any()]].concat(), ranges.clone(), [ranges, vec![any()]].concat()] {
        let vmap = |map| Verdict::Map(Box::new(VerdictMap { key: vec![field.into()], map }));
        bench.keep(vec![], vmap(MapRef::Inline(elements.clone())));
        let interval = elements.iter().any(|element| matches!(&element.key, Key::Tuple(tuple) if !tuple.is_single()));
        let spec = SetSpec {
            data: Some(DataType::Verdict),
            flags: SetFlags { interval, ..SetFlags::default() },
            ..SetSpec::of(vec![KeyType::of(field)])
        };
        if let Some(name) = bench.keep_set(spec, Elements::List(elements)) {
            bench.keep(vec![], vmap(MapRef::Named(name)));
        }
    }
}

/// Installs, reads back, and compares with what nft makes of the same. How many rules nft lists alike.
fn hold(bench: &Bench, what: &str) -> usize {
    let ruleset = bench.ruleset();
    flush();
    let applied = apply(&ruleset).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(applied.left_out, [], "{what}");
    let read = Ruleset { tables: read_ruleset().unwrap().tables, ..Ruleset::default() };
    let expected = normal(&ruleset).unwrap();
    let expected = Ruleset { tables: expected[0].tables.clone(), ..Ruleset::default() };
    assert_eq!(read.to_string(), expected.to_string(), "{what}");
    let (said, reasons) = sayable::loaded(&ruleset);
    let Some(said) = said else { panic!("{what}: {reasons:?}") };
    let Some(theirs) = try_list() else { return 0 };
    flush();
    apply(&said).unwrap();
    let ours = try_list().unwrap_or_default();
    for (ours, theirs) in comparable(&ours).lines().zip(comparable(&theirs).lines()) {
        assert_eq!(ours, theirs, "{what}");
    }
    said.tables[0].chains()[0].rules().len()
}

#[test]
fn every_field_in_every_form_is_what_nft_loads_and_comes_back() {
    in_namespace("rows::every_field_in_every_form_is_what_nft_loads_and_comes_back", || {
        let (mut rules, mut alike) = (0, 0);
        for row in all_variants() {
            let cells = row[0].row().cells;
            if !handled(cells.netlink) || !handled(cells.read_back) {
                continue;
            }
            for family in [TableFamily::Inet, TableFamily::Ip, TableFamily::Ip6] {
                for &field in &row {
                    let found = PLACES.into_iter().find_map(|place| {
                        let mut bench = Bench::new(family, place);
                        (forms(&mut bench, field) > 0).then_some(bench)
                    });
                    let Some(bench) = found else {
                        assert_ne!(family, TableFamily::Inet, "no test of `{field}` is legal");
                        continue;
                    };
                    rules += bench.rules.len();
                    alike += hold(&bench, &format!("{field} in family {}", family.name()));
                }
            }
        }
        eprintln!("{rules} rules came back, {alike} of them listed like nft's");
        assert!(rules > 5000 && alike > 4000, "{rules} {alike}");
    });
}
