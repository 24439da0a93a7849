// SPDX-License-Identifier: GPL-3.0-or-later
//! Lists of nft's that are compared.

use serde_json::Value;

/// A list without its handles and what is left of an element's time. Rules stand in order, and elements as they lie in
/// the kernel's memory: they are put in order, and so is what is no rule.
pub(super) fn comparable(listed: &str) -> Vec<String> {
    let list: Value = serde_json::from_str(listed).unwrap();
    let items = list["nftables"].as_array().unwrap().iter().map(stripped);
    let (rules, mut others): (Vec<_>, Vec<_>) = items.partition(|item| item.get("rule").is_some());
    others.sort_by_key(Value::to_string);
    others.iter().chain(&rules).map(Value::to_string).collect()
}

fn stripped(json: &Value) -> Value {
    match json {
        Value::Object(object) => {
            let left = object.iter().filter(|(key, _)| !matches!(key.as_str(), "handle" | "expires"));
            let left = left.map(|(key, value)| match (key.as_str(), stripped(value)) {
                ("elem" | "set", Value::Array(mut elements)) => {
                    elements.sort_by_key(Value::to_string);
                    (key.clone(), Value::Array(elements))
                }
                (_, value) => (key.clone(), value),
            });
            Value::Object(left.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(stripped).collect()),
        other => other.clone(),
    }
}

/// Asserts that two lists are the same.
pub(super) fn assert_same(one: &str, other: &str, what: &str) {
    let (one, other) = (comparable(one), comparable(other));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(one.len(), other.len(), "{what}");
}
