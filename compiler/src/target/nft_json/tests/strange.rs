// SPDX-License-Identifier: GPL-3.0-or-later
//! What the IR has no word for is named and in its place, and what is no list of nft's is an error.

use proptest::prelude::*;
use ringwall_ir::words::{Hook, TableFamily};
use ringwall_ir::{Chain, Ruleset, Step, Unknown, Verdict};
use serde_json::{Value, json};

use crate::target::nft_json::{read, write};
use crate::target::testing::kernel;

/// A list of one table with a base chain that has these rules.
fn list(rules: &[Value]) -> String {
    let mut items = vec![
        json!({ "metainfo": { "version": "1.0.6", "json_schema_version": 1 } }),
        json!({ "table": { "family": "inet", "name": "t", "handle": 1 } }),
        json!({ "chain": { "family": "inet", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": "input",
            "prio": 0, "policy": "accept" } }),
    ];
    items.extend(
        rules.iter().map(|expr| json!({ "rule": { "family": "inet", "table": "t", "chain": "c", "expr": expr } })),
    );
    json!({ "nftables": items }).to_string()
}

fn chain(ruleset: &Ruleset) -> &Chain {
    &ruleset.tables[0].chains()[0]
}

/// The name of each unknown of a ruleset.
fn names(ruleset: &Ruleset) -> Vec<&str> {
    ruleset.unknowns().map(|(_, unknown)| unknown.name.as_str()).collect()
}

fn tcp(port: u16) -> Value {
    json!({ "match": { "op": "==", "left": { "payload": { "protocol": "tcp", "field": "dport" } }, "right": port } })
}

#[test]
fn a_strange_statement_stands_in_its_place() {
    let strange = json!({ "tproxy": { "port": 50_080 } });
    let text = list(&[json!([tcp(22), strange, { "accept": null }]), json!([tcp(80), { "drop": null }])]);
    let (ruleset, errors) = read(&text);
    assert_eq!(errors, []);
    let [one, other] = chain(&ruleset).rules() else { panic!("{ruleset}") };
    let [Step::Match(_), Step::Unknown(unknown)] = one.steps() else { panic!("{one}") };
    assert_eq!((unknown.name.as_str(), unknown.text.as_str()), ("statement tproxy", strange.to_string().as_str()));
    assert_eq!(one.verdict(), Some(&Verdict::Accept));
    assert_eq!(other.unknowns().count(), 0);
    // It is told by its place in its chain.
    let spot = ruleset.origin(one.origin()).and_then(|origin| origin.spot.clone()).unwrap();
    assert_eq!(spot.place, "inet t c #1");
}

/// nft 1.0.6 loads both as one test, `!=` of 32 bits, and lists that as two.
#[test]
fn tests_that_nft_merges_into_a_weaker_one_are_unknown() {
    let port = |op: &str, field: &str| {
        let left = json!({ "payload": { "protocol": "udp", "field": field } });
        json!({ "match": { "op": op, "left": left, "right": 5 } })
    };
    let counter = json!({ "counter": { "packets": 0, "bytes": 0 } });
    let text = list(&[
        json!([port("!=", "sport"), port("!=", "dport"), { "drop": null }]),
        json!([port("!=", "dport"), counter, port("!=", "sport"), { "drop": null }]),
        json!([port("!=", "sport"), port("==", "dport"), { "drop": null }]),
        json!([port("!=", "sport"), { "drop": null }]),
    ]);
    let (ruleset, errors) = read(&text);
    assert_eq!(errors, []);
    let [merged, apart, mixed, alone] = chain(&ruleset).rules() else { panic!("{ruleset}") };
    let [Step::Unknown(unknown)] = merged.steps() else { panic!("{merged}") };
    let reason = "nft 1.0.6 merges the tests of `udp sport` and `udp dport` into one that means less";
    assert_eq!((unknown.text.as_str(), unknown.reason.as_str()), ("udp sport != 5 udp dport != 5", reason));
    assert_eq!(merged.verdict(), Some(&Verdict::Drop));
    assert!(matches!(apart.steps(), [Step::Unknown(_), Step::Statement(_)]), "{apart}");
    assert_eq!((mixed.unknowns().count(), alone.unknowns().count()), (0, 0));
}

#[test]
fn what_is_unknown_has_a_name() {
    let field =
        |expression: Value| json!([{ "match": { "op": "==", "left": expression, "right": 1 } }, { "drop": null }]);
    for (rule, name) in [
        (field(json!({ "payload": { "base": "nh", "offset": 8, "len": 4 } })), "expression raw payload"),
        (field(json!({ "payload": { "protocol": "icmp", "field": "mtu" } })), "expression icmp mtu"),
        (field(json!({ "jhash": { "mod": 2, "expr": { "meta": { "key": "mark" } } } })), "expression jhash"),
        (field(json!({ "ct": { "key": "id" } })), "expression ct id"),
        (field(json!({ "fib": { "result": "type", "flags": ["saddr", "daddr"] } })), "expression fib"),
        (field(json!(7)), "expression"),
        (json!([{ "xt": { "type": "match", "name": "recent" } }]), "xt match recent"),
        (json!([{ "synproxy": null }]), "statement synproxy"),
        (json!(["add @m { ip saddr : 1 }"]), "statement add of a map"),
        (json!([{ "jump": {} }]), "anonymous chain"),
        (json!([{ "accept": null }, { "counter": null }]), "verdict before a statement"),
        (
            json!([{ "mangle": { "key": { "payload": { "protocol": "ip", "field": "dscp" } }, "value": 1 } }]),
            "write ip dscp",
        ),
        (json!([{ "reject": { "type": "icmpv6", "expr": "policy-fail" } }]), "reject with icmpv6 policy-fail"),
        (json!([{ "log": { "level": "audit" } }]), "log level audit"),
        (json!([{ "limit": { "rate": 0, "per": "second" } }]), "limit"),
        (json!([{ "dnat": { "addr": "10.0.0.1" } }]), "translation of either family"),
        (
            json!([{ "match": { "op": "==", "left": { "meta": { "key": "hour" } }, "right": "17:00" } }, { "drop": null }]),
            "time in a zone that the list does not name",
        ),
        (
            json!([{ "match": { "op": ">", "left": { "meta": { "key": "time" } }, "right": "2026-01-01 00:00:00" } },
                { "drop": null }]),
            "time in a zone that the list does not name",
        ),
        (json!([{ "jump": { "target": "nowhere" } }]), "rule that cannot be: `nowhere` cannot be a name here"),
    ] {
        let (ruleset, errors) = read(&list(&[rule.clone(), json!([{ "accept": null }])]));
        assert_eq!(errors, [], "{rule}");
        assert_eq!(chain(&ruleset).rules().len(), 2, "{rule}");
        let found = chain(&ruleset).rules()[0].unknowns().map(|unknown| match unknown.reason.as_str() {
            Unknown::NO_WORD => unknown.name.clone(),
            reason => format!("{}: {reason}", unknown.name),
        });
        assert_eq!(found.collect::<Vec<_>>().first().map(String::as_str), Some(name), "{rule}");
        assert_eq!(chain(&ruleset).rules()[1].unknowns().count(), 0, "{rule}");
        // Nothing is written of a ruleset of which a part is unknown.
        assert!(write(&ruleset).is_err(), "{rule}");
    }
}

#[test]
fn strange_parts_of_a_table_stand_beside_its_chains() {
    let of = |kind: &str, body: Value| {
        let mut whole = json!({ "family": "inet", "table": "t" });
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        json!({ kind: whole })
    };
    let limit = |rate: u32| json!({ "limit": { "rate": rate, "burst": 5, "per": "second" } });
    let bound = |rate| json!({ "elem": { "val": "10.0.0.1", "limit": limit(rate)["limit"] } });
    let limited = |name, rate| json!({ "name": name, "type": "ipv4_addr", "stmt": [limit(5)], "elem": [bound(rate)] });
    let items = json!({ "nftables": [
        { "table": { "family": "inet", "name": "t", "flags": ["dormant"] } },
        { "table": { "family": "bridge", "name": "b" } },
        { "rule": { "family": "bridge", "table": "b", "chain": "c", "expr": [] } },
        of("flowtable", json!({ "name": "f", "hook": "ingress", "prio": 0, "dev": "lo" })),
        of("chain", json!({ "name": "i", "type": "filter", "hook": "ingress", "prio": 0 })),
        of("rule", json!({ "chain": "i", "expr": [{ "accept": null }] })),
        of("set", json!({ "name": "s", "type": "integer", "elem": [1] })),
        of("set", json!({ "name": "u", "type": "ipv4_addr", "elem": [{ "elem": { "val": "10.0.0.1", "limit": {} } }] })),
        of("set", json!({ "name": "v", "type": "ipv4_addr", "elem": ["not an address"] })),
        of("set", limited("w", 5)),
        of("set", limited("x", 9)),
        of("ct expectation", json!({ "name": "e" })),
    ] });
    let (ruleset, errors) = read(&items.to_string());
    assert_eq!(errors, []);
    assert_eq!(ruleset.tables.len(), 1);
    assert_eq!(
        names(&ruleset),
        [
            "family bridge",
            "family bridge",
            "table flag dormant",
            "flowtable",
            "chain at hook ingress",
            "rule of a chain that could not be read",
            "ct expectation",
            "set type integer that no rule tells",
            "element with a limit",
            "value of type ipv4_addr",
            "element with a limit",
        ]
    );
}

#[test]
fn a_rule_that_does_nothing_is_known() {
    for (rule, printed) in [(json!([tcp(22)]), "tcp dport 22"), (json!([]), "continue")] {
        let (ruleset, errors) = read(&list(std::slice::from_ref(&rule)));
        assert_eq!(errors, [], "{rule}");
        assert_eq!(chain(&ruleset).rules()[0].to_string(), printed);
        assert!(write(&ruleset).is_ok(), "{rule}");
    }
}

#[test]
fn what_is_no_list_is_an_error() {
    for (text, item, message) in [
        ("", 0, "this is no JSON: "),
        ("{\"nftables\": [", 0, "this is no JSON: "),
        ("[]", 0, "there is no list `nftables`"),
        ("{\"nftables\": 1}", 0, "there is no list `nftables`"),
        ("{\"nftables\": [{\"metainfo\": {}}, 5]}", 2, "an item is no object"),
        ("{\"nftables\": [{}]}", 1, "an item is no object"),
    ] {
        let (ruleset, errors) = read(text);
        assert_eq!(ruleset.tables, [], "{text}");
        let [error] = errors.as_slice() else { panic!("{text}: {errors:?}") };
        assert_eq!(error.item, item, "{text}");
        assert!(error.message.starts_with(message), "{text}: {}", error.message);
    }
}

#[test]
fn a_list_of_nft_is_read_with_all_that_it_has() {
    let Some(kernel) = kernel() else { return };
    let text = "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\
                \t\ttcp dport 22 @nh,0,8 1 accept comment \"why\"\n\t\tdrop\n\t}\n}\n";
    let (ruleset, errors) = read(&kernel.nft_list(text));
    assert_eq!((errors, names(&ruleset)), (Vec::new(), vec!["expression raw payload"]));
    assert_eq!(ruleset.tables[0].family(), TableFamily::Inet);
    assert_eq!(chain(&ruleset).hook(), Some(Hook::Input));
    let because = ruleset.origin(chain(&ruleset).rules()[0].origin()).and_then(|origin| origin.because.clone());
    assert_eq!(because.as_deref(), Some("why"));
}

/// JSON of the words that nft uses, put together without sense.
fn garbage() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "match",
        "op",
        "left",
        "right",
        "payload",
        "protocol",
        "field",
        "tcp",
        "dport",
        "set",
        "map",
        "key",
        "data",
        "elem",
        "val",
        "concat",
        "range",
        "prefix",
        "addr",
        "len",
        "&",
        "|",
        "^",
        "==",
        "in",
        "accept",
        "jump",
        "target",
        "limit",
        "rate",
        "per",
        "second",
        "mangle",
        "value",
        "meta",
        "mark",
        "ct",
        "state",
        "dnat",
        "port",
        "family",
        "ip",
        "inet",
        "rule",
        "chain",
        "table",
        "name",
        "t",
        "c",
        "expr",
        "type",
        "hook",
        "input",
        "ipv4_addr",
        "@s",
        "*",
        "10.0.0.1",
        "counter",
        "quota",
        "log",
        "flags",
        "vmap",
        "reject",
        "queue",
        "fib",
        "result",
        "numgen",
        "mod",
        "stmt",
        "timeout",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let items = prop::collection::vec(inner.clone(), 0..5);
        let object = prop::collection::vec((words.clone(), inner), 1..4);
        prop_oneof![
            items.prop_map(Value::Array),
            object.prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_read_without_a_panic(statements in prop::collection::vec(garbage(), 0..4), item in garbage(), text in "\\PC{0,40}") {
        for text in [list(&[Value::Array(statements)]), json!({ "nftables": [item] }).to_string(), text] {
            let (ruleset, _) = read(&text);
            let _ = write(&ruleset);
        }
    }
}
