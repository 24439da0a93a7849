// SPDX-License-Identifier: GPL-3.0-or-later
//! Documents of commands, our own among them.

use serde_json::{Value, json};

use crate::target::nft_json::{normal, read, write};
use crate::target::testing::laptop;

fn document(commands: &[Value]) -> String {
    json!({ "nftables": commands }).to_string()
}

fn of(body: Value) -> Value {
    let mut whole = json!({ "family": "inet", "table": "t" });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    whole
}

fn table() -> Value {
    json!({ "add": { "table": { "family": "inet", "name": "t" } } })
}

#[test]
fn our_own_document_is_read_as_what_it_was_written_from() {
    let ruleset = laptop();
    let (again, errors) = read(&write(&ruleset).unwrap());
    assert_eq!(errors, []);
    assert_eq!(normal(&again).unwrap().to_string(), normal(&ruleset).unwrap().to_string());
}

#[test]
fn commands_are_carried_out_in_order() {
    let set =
        |elements: Value| json!({ "add": { "set": of(json!({ "name": "s", "type": "mark", "elem": elements })) } });
    let chain = |verb: &str, name: &str| json!({ verb: { "chain": of(json!({ "name": name })) } });
    let rule = |chain: &str, verdict: &str| json!({ "add": { "rule": of(json!({ "chain": chain, "expr": [{ verdict: null }] })) } });
    let element = json!({ "add": { "element": of(json!({ "name": "s", "elem": [9] })) } });
    let flush = |kind: &str, name: &str| json!({ "flush": { kind: of(json!({ "name": name })) } });
    let (ruleset, errors) = read(&document(&[
        json!({ "flush": { "ruleset": null } }),
        table(),
        set(json!([1])),
        flush("set", "s"),
        set(json!([3])),
        element,
        chain("create", "a"),
        chain("add", "b"),
        rule("a", "drop"),
        flush("chain", "a"),
        rule("a", "accept"),
        rule("b", "drop"),
        chain("delete", "b"),
        chain("add", "a"),
    ]));
    assert_eq!(errors, []);
    let table = &ruleset.tables[0];
    assert_eq!(table.chains().iter().map(|chain| chain.name()).collect::<Vec<_>>(), ["a"]);
    let rules: Vec<_> = table.chains()[0].rules().iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["accept"]);
    assert_eq!(table.set("s").unwrap().values().unwrap().values(), [(3, 3), (9, 9)]);
}

#[test]
fn a_command_that_is_not_read_is_an_error_at_its_place() {
    let error = |command: Value| {
        let (_, errors) = read(&document(&[table(), command]));
        errors.into_iter().map(|error| format!("{} {}", error.item, error.message)).collect::<Vec<_>>()
    };
    let rule = of(json!({ "chain": "a", "handle": 4, "expr": [] }));
    for (command, message) in [
        (json!({ "insert": { "rule": rule } }), "2 the command `insert` is not read"),
        (json!({ "add": { "rule": rule } }), "2 a rule that is added at a place among others is not read"),
        (json!({ "delete": { "rule": rule } }), "2 the command `delete` of a rule is not read"),
        (json!({ "delete": { "chain": of(json!({ "name": "a" })) } }), "2 there is no chain `a` to be deleted"),
        (json!({ "flush": { "set": of(json!({ "name": "s" })) } }), "2 there is no set `s`"),
        (json!({ "flush": { "meter": of(json!({ "name": "m" })) } }), "2 the command `flush` of a meter is not read"),
        (json!({ "add": { "element": of(json!({ "name": "s", "elem": [1] })) } }), "2 there is no set `s`"),
        (
            json!({ "add": { "table": { "family": "inet", "name": "t", "flags": "dormant" } } }),
            "2 the table `t` is there already with another `flags`",
        ),
        (json!({ "add": null }), "2 a command names nothing"),
    ] {
        assert_eq!(error(command.clone()), [message], "{command}");
    }
}
