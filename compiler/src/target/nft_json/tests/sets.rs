// SPDX-License-Identifier: GPL-3.0-or-later
//! What a list tells of sets beside their keys: comments, what elements have counted, and what it leaves out.

use ringwall_ir::{Counts, Elements, Meter, Role};
use serde_json::{Value, json};

use crate::target::nft_json::{read, untold};

fn list(items: &[Value]) -> String {
    let table = json!({ "table": { "family": "inet", "name": "t", "comment": "a table" } });
    let items = [&[table], items].concat();
    json!({ "nftables": items }).to_string()
}

fn set(name: &str, more: Value) -> Value {
    let mut body = json!({ "family": "inet", "table": "t", "name": name, "type": "ipv4_addr" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "set": body })
}

fn counted(key: &str) -> Value {
    json!({ "elem": { "val": key, "counter": { "packets": 5, "bytes": 10 } } })
}

#[test]
fn comments_and_counts_are_read() {
    let elements = json!([counted("10.0.0.1"), "10.0.0.2"]);
    let text = list(&[set("s", json!({ "comment": "a set", "stmt": [{ "counter": null }], "elem": elements }))]);
    let (ruleset, errors) = read(&text);
    assert_eq!(errors, []);
    let table = &ruleset.tables[0];
    let set = table.set("s").unwrap();
    assert_eq!((table.comment(), set.comment()), (Some("a table"), Some("a set")));
    let Elements::List(list) = set.elements() else { panic!("{set}") };
    assert_eq!(list[0].meters, [Meter::Counter(Counts { packets: 5, bytes: 10 })]);
    assert_eq!((list[1].meters.as_slice(), set.spec().flags.dynamic), (&[][..], false));
}

/// nft refuses an element that counts in a set that says nothing of it, unless packets may add to the set.
#[test]
fn a_set_whose_elements_count_for_themselves_is_dynamic() {
    let (ruleset, errors) = read(&list(&[set("s", json!({ "elem": [counted("10.0.0.1")] }))]));
    assert_eq!(errors, []);
    assert!(ruleset.tables[0].set("s").unwrap().spec().flags.dynamic);
}

#[test]
fn neighbours_stay_apart_in_a_set_that_outlives_its_ruleset() {
    let elements = json!(["10.0.0.4", "10.0.0.5"]);
    let timed = set("timed", json!({ "flags": ["interval", "timeout"], "elem": elements }));
    let (ruleset, _) = read(&list(&[timed, set("other", json!({ "flags": ["interval"], "elem": elements }))]));
    let of = |name| ruleset.tables[0].set(name).unwrap();
    assert_eq!((of("timed").spec().role(), of("timed").elements().len()), (Role::Dynamic, 2));
    assert_eq!(of("other").elements().len(), 1);
}

#[test]
fn what_a_list_leaves_out_is_told_and_what_commands_leave_out_is_not_there() {
    let sets = [
        set("ranges", json!({ "flags": ["interval"] })),
        set("plain", json!({})),
        set("told", json!({ "flags": ["interval"], "auto-merge": true })),
        set("fixed", json!({ "flags": ["constant"] })),
    ];
    let text = list(&sets);
    let told = untold(&text, &read(&text).0);
    assert_eq!(told, ["`auto-merge` (inet t ranges)", "`dynamic` where no rule fills a set (inet t plain)"]);
    let commands = list(&sets.map(|set| json!({ "add": set })));
    let (ruleset, errors) = read(&commands);
    assert_eq!(errors, []);
    assert_eq!(untold(&commands, &ruleset), [""; 0]);
}
