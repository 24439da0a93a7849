// SPDX-License-Identifier: GPL-3.0-or-later
//! What is written is read, and what cannot be read says where and why.

use proptest::prelude::*;

use super::*;
use crate::fields::Field;
use crate::rule::{Match, Selector, Statement, Symbol, Target, Values, Verdict};
use crate::ruleset::{Origin, OriginId};
use crate::set::{Data, DataType, Element, Elements, Key, KeyType, Set, SetFlags, SetSpec, Tuple};
use crate::words::{ChainPolicy, Hook, Priority, TableFamily};
use crate::{
    Assignment, BaseChain, Chain, Datatype, IntervalSet, MapRef, Milliseconds, Nat, NatEnd, Source, Table, TableParts,
    VerdictMap,
};

const BECAUSE: OriginId = OriginId(0);

fn whole(tables: Vec<Table>) -> Ruleset {
    let origin =
        Origin { id: "a".into(), text: "allow outbound".into(), line: 1, because: Some("so".into()), spot: None };
    Ruleset { title: "edition 1".into(), origins: vec![origin], tables, unknowns: Vec::new() }
}

/// A table of one base chain with one rule.
fn of_rule(sets: Vec<Set>, tests: Vec<Match>, verdict: Verdict) -> Ruleset {
    let base = BaseChain::filter(Hook::Forward, Priority::FILTER, ChainPolicy::Accept, BECAUSE);
    let mut chain = Chain::base("c", base).unwrap();
    chain.push(BECAUSE, tests.into_iter().map(Into::into).collect(), Some(verdict)).unwrap();
    let parts = TableParts { sets, chains: vec![chain], ..TableParts::default() };
    whole(vec![Table::new(TableFamily::Inet, "t", parts).unwrap()])
}

/// The document of a rule with these tests.
fn text_of(tests: Vec<Match>) -> String {
    let ruleset = of_rule(Vec::new(), tests, Verdict::Accept);
    let text = write(&ruleset);
    assert_eq!(read(&text).unwrap(), ruleset);
    text
}

#[track_caller]
fn assert_says(text: &str, part: &str) {
    assert!(text.contains(part), "`{part}` is not in\n{text}");
}

#[test]
fn values_are_text_of_their_type() {
    let text = text_of(vec![
        Match::within(Field::IpSaddr, Values::Inline(IntervalSet::prefix(10 << 24, 8, 32))),
        Match::outside(Field::TcpDport, Values::Inline([(22, 22), (80, 90)].into_iter().collect())),
        Match::any_of(Field::CtState, 10),
        Match::masked(Field::TcpFlags, 0x12, 2),
        Match::masked(Field::MetaMark, 0xff, 1),
        Match::masked(Field::CtExpiration, 0xff, 5),
        Match::within(Field::Iifname, Values::Inline(IntervalSet::from_iter(crate::stem_interval("eth")))),
        Match::within(
            Field::Skuid,
            Values::Symbols(vec![
                Symbol { name: "www-data".into(), number: Some(33) },
                Symbol { name: "x".into(), number: None },
            ]),
        ),
        Match::within(Field::TcpFlags, Values::Inline(IntervalSet::range(0x10, 0x80))),
    ]);
    for part in [
        r#"{ "field": "ip saddr", "in": ["10.0.0.0/8"] }"#,
        r#"{ "field": "tcp dport", "not-in": ["22", "80-90"] }"#,
        r#"{ "field": "ct state", "any-of": "new,established" }"#,
        r#"{ "field": "tcp flags & syn,ack", "in": ["syn"] }"#,
        r#"{ "field": "meta mark & 0x000000ff", "in": ["0x00000001"] }"#,
        r#"{ "field": "ct expiration & 0xff", "in": ["5ms"] }"#,
        r#"{ "field": "iifname", "in": ["eth*"] }"#,
        r#""in-names": [{ "name": "www-data", "number": 33 }, { "name": "x" }]"#,
        r#"{ "field": "tcp flags", "in": ["0x10-0x80"] }"#,
    ] {
        assert_says(&text, part);
    }
}

#[test]
fn elements_keep_all_that_is_said_of_them() {
    let element = Element {
        data: Some(Data::Verdict(Verdict::Drop)),
        timeout: Some(Milliseconds(3_600_000)),
        expires: Some(Milliseconds(1500)),
        comment: Some("no".into()),
        origin: OriginId(7),
        ..Element::of(Tuple(vec![(0, 255), (53, 53)]), BECAUSE)
    };
    let rest = Element { key: Key::Any, data: Some(Data::Verdict(Verdict::Continue)), ..element.clone() };
    let spec = SetSpec {
        data: Some(DataType::Verdict),
        flags: SetFlags { interval: true, timeout: true, ..SetFlags::default() },
        ..SetSpec::of(vec![KeyType::Of(Datatype::Ipv4Addr), KeyType::Of(Datatype::InetService)])
    };
    let map = Set::new("m", spec, Elements::List(vec![element, rest]), BECAUSE).unwrap();
    let key = vec![Selector::of(Field::IpSaddr), Selector::of(Field::ThDport)];
    let verdict = Verdict::Map(Box::new(VerdictMap { key, map: MapRef::Named("m".into()) }));
    let ruleset = of_rule(vec![map], Vec::new(), verdict);
    let text = write(&ruleset);
    assert_eq!(read(&text).unwrap(), ruleset);
    assert_says(&text, r#""key": ["0.0.0.0/24", "53"]"#);
    assert_says(&text, r#""timeout": "1h""#);
    assert_says(&text, r#""expires": "1s500ms""#);
    assert_says(&text, r#""key": "*""#);
    assert_says(&text, r#""vmap": { "key": ["ip saddr", "th dport"], "map": "@m" }"#);
}

#[test]
fn an_empty_list_of_elements_is_not_an_empty_set_of_values() {
    for elements in [Elements::NONE, Elements::List(Vec::new())] {
        let set = Set::new("s", SetSpec::of(vec![KeyType::Of(Datatype::Mark)]), elements, BECAUSE).unwrap();
        let ruleset = of_rule(vec![set], Vec::new(), Verdict::Accept);
        assert_eq!(read(&write(&ruleset)).unwrap(), ruleset);
    }
}

#[test]
fn data_of_inline_maps_are_text_of_what_needs_them() {
    let base = BaseChain {
        kind: crate::words::ChainType::Nat,
        ..BaseChain::filter(Hook::Prerouting, Priority::DSTNAT, ChainPolicy::Accept, BECAUSE)
    };
    let mut chain = Chain::base("c", base).unwrap();
    let key = || vec![Selector::of(Field::TcpDport)];
    let element =
        |data: &[u128]| Element { data: Some(Data::Values(Tuple::of(data))), ..Element::of(Tuple::of(&[80]), BECAUSE) };
    let ends = [
        (Some(crate::words::Family::Ipv4), element(&[0x0a00_0001, 8080])),
        (Some(crate::words::Family::Ipv6), element(&[1])),
        (None, element(&[8080])),
    ];
    for (family, element) in ends {
        let end = NatEnd::Map { key: key(), map: MapRef::Inline(vec![element]), ports: None };
        let nat = Nat { family, end, flags: crate::words::NatFlags::default() };
        chain.push(BECAUSE, Vec::new(), Some(Verdict::Dnat(nat))).unwrap();
    }
    let source = Source::Map { key: key(), map: MapRef::Inline(vec![element(&[5])]) };
    let mark = Statement::Assign(Assignment { target: Target::Mark, keep: 0xff00, source });
    chain.push(BECAUSE, vec![mark.into()], None).unwrap();
    let parts = TableParts { chains: vec![chain], ..TableParts::default() };
    let ruleset = whole(vec![Table::new(TableFamily::Inet, "t", parts).unwrap()]);
    let text = write(&ruleset);
    assert_eq!(read(&text).unwrap(), ruleset);
    for values in [r#"["10.0.0.1", "8080"]"#, r#"["::1"]"#, r#"["8080"]"#, r#"["0x00000005"]"#] {
        assert_says(&text, &format!(r#"{{ "values": {values} }}"#));
    }
    assert_says(&text, r#""keep": "0x0000ff00""#);
}

#[test]
fn a_ruleset_passes_through_serde() {
    let ruleset = of_rule(Vec::new(), vec![Match::any_of(Field::CtState, 2)], Verdict::Accept);
    let value = serde_json::to_value(&ruleset).unwrap();
    assert_eq!(serde_json::from_value::<Ruleset>(value).unwrap(), ruleset);
}

#[track_caller]
fn refused(rule: &str) -> String {
    let text = format!(
        r#"{{ "ringwall-ir": 1, "origins": [], "tables": [{{ "family": "inet", "name": "t", "chains": [
        {{ "name": "ok", "rules": [] }},
        {{ "name": "c", "base": {{ "type": "filter", "hook": "output", "priority": 0, "policy": "accept", "closing": 0 }},
        "rules": [{{ "verdict": "accept", "origin": 0 }}, {rule}] }}] }}] }}"#
    );
    read(&text).unwrap_err().to_string()
}

#[test]
fn errors_say_where_and_why() {
    let place = "table `inet t`, chain `c`, rule 2";
    for (rule, error) in [
        (
            r#"{ "steps": [{ "counter": {} }, { "match": { "field": "tcp dport", "in": ["x"] } }], "origin": 0 }"#,
            ", step 2: `x` is no value of type inet_service",
        ),
        (r#"{ "origin": 0 }"#, ": the rule is empty"),
        (r#"{ "steps": [{ "match": { "field": "ip ttl" } }], "origin": 0 }"#, ", step 1: a test has one of `in`"),
        (
            r#"{ "steps": [{ "match": { "field": "ip ttl", "in": ["256"] } }], "verdict": "drop", "origin": 0 }"#,
            ": a value is too large for `ip ttl`",
        ),
        (
            r#"{ "steps": [{ "match": { "field": "fib saddr oif", "in": ["1"] } }], "verdict": "drop", "origin": 0 }"#,
            ": `fib saddr oif` cannot be tested at hook output",
        ),
        (r#"{ "verdict": { "jump": "gone" }, "origin": 0 }"#, ": `gone` cannot be a name here"),
        (r#"{ "verdict": { "vmap": { "key": ["tcp dport"], "map": "@gone" } }, "origin": 0 }"#, ": `gone` cannot be"),
        (
            r#"{ "verdict": { "dnat": { "addresses": "10.0.0.1" } }, "origin": 0 }"#,
            ", verdict: a translation of addresses needs their `family`",
        ),
        (
            r#"{ "steps": [{ "concat": { "key": ["tcp dport", "ip ttl"], "in": [["1", "2"], ["1"]] } }], "origin": 0 }"#,
            ", step 1, tuple 2: `1` has 1 parts, not 2",
        ),
    ] {
        assert!(refused(rule).starts_with(&format!("{place}{error}")), "{}", refused(rule));
    }
}

#[test]
fn what_is_not_of_the_form_is_refused_with_its_line() {
    for (rule, error) in [
        (r#"{ "verdict": "acept", "origin": 0 }"#, "unknown variant `acept`, expected one of `accept`"),
        (r#"{ "verdict": "accept" }"#, "missing field `origin`"),
        (r#"{ "verdict": "accept", "origin": 0, "x": 1 }"#, "unknown field `x`"),
        (r#"{ "steps": [{ "match": { "field": "tcp port", "in": [] } }], "origin": 0 }"#, "`tcp port` is no field"),
        (
            r#"{ "verdict": { "reject": "no" }, "origin": 0 }"#,
            "`no` is no refusal: it is one of `tcp-reset`, `port-unreachable`",
        ),
        (r#"{ "steps": ["log"], "origin": 0 }"#, "invalid type"),
        (
            r#"{ "steps": [{ "log": { "to": { "group": { "group": 1, "level": "warn" } } } }], "origin": 0 }"#,
            "unknown field",
        ),
    ] {
        let found = refused(rule);
        assert!(found.starts_with(error) && found.contains("at line 4 column"), "{found}");
    }
}

#[test]
fn documents_of_other_versions_say_so() {
    let error = |text: &str| read(text).unwrap_err().to_string();
    let other = r#"{ "tables": [{ "shape": "new" }], "ringwall-ir": 2 }"#;
    assert_eq!(error(other), "the document is of version 2 of the form, and only version 1 can be read here");
    assert_eq!(error(r#"{ "nftables": [] }"#), "the document has no `ringwall-ir` with the version of its form");
    assert!(error("table inet t").contains("line 1 column"));
    let other = r#"{ "ringwall-ir": 2, "tables": [{ "shape": "new" }] }"#;
    let error = serde_json::from_str::<Ruleset>(other).unwrap_err().to_string();
    assert!(error.starts_with("the document is of version 2"), "{error}");
}

/// With `RINGWALL_UPDATE=1` it writes the file.
#[test]
fn the_schema_is_the_one_that_is_kept() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/ringwall-ir-1.schema.json");
    if std::env::var_os("RINGWALL_UPDATE").is_some() {
        std::fs::write(file, schema()).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == schema(), "{file} is not the schema of the documents; RINGWALL_UPDATE=1 writes it anew");
}

proptest! {
    #[test]
    fn what_is_written_is_read(ruleset in crate::arbitrary::ruleset(crate::arbitrary::Options::all())) {
        let text = write(&ruleset);
        prop_assert_eq!(read(&text).map_err(|error| error.to_string()), Ok(ruleset));
    }

    #[test]
    fn no_damage_panics(
        ruleset in crate::arbitrary::ruleset(crate::arbitrary::Options::all()),
        place in any::<prop::sample::Index>(),
        text in "(\"[@*a-z 0-9./-]{0,9}\"|[0-9]{1,3}|[{}\\[\\],:])?",
    ) {
        let whole = write(&ruleset);
        let (place, _) = *place.get(&whole.char_indices().collect::<Vec<_>>());
        let _ = read(&format!("{}{text}{}", &whole[..place], &whole[place..]));
        let _ = read(&format!("{}{text}", &whole[..place]));
    }
}
