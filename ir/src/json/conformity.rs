// SPDX-License-Identifier: GPL-3.0-or-later
//! Documents against the schema: of the words of JSON schema, those that it makes use of.

use proptest::prelude::*;
use serde_json::Value;

use super::{schema, write};
use crate::arbitrary::{Options, ruleset};

/// Checks a value against a part of the schema; an error says where and what.
fn conforms(root: &Value, rules: &Value, value: &Value, place: &str) -> Result<(), String> {
    let rules = match rules {
        Value::Bool(true) => return Ok(()),
        Value::Object(rules) => rules,
        other => panic!("{other} is no schema"),
    };
    for (word, rule) in rules {
        let fits = |rule: &Value| conforms(root, rule, value, place);
        let holds = match word.as_str() {
            "$defs" | "$schema" | "default" | "description" | "format" | "title" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                fits(root.pointer(pointer).unwrap()).map(|()| true)?
            }
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false));
                let known = rules.get("properties").and_then(Value::as_object);
                value
                    .as_object()
                    .is_none_or(|object| object.keys().all(|key| known.is_some_and(|known| known.contains_key(key))))
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|rule| fits(rule).is_ok()),
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    conforms(root, rule, item, &format!("{place}/{number}"))?;
                }
                true
            }
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "not" => fits(rule).is_err(),
            "oneOf" => {
                let errors: Vec<_> = rule.as_array().unwrap().iter().map(fits).collect();
                let fitting = errors.iter().filter(|error| error.is_ok()).count();
                if fitting == 0 {
                    return Err(format!("{place}: none of {errors:?}"));
                }
                fitting == 1
            }
            "properties" => {
                for (key, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        conforms(root, rule, value, &format!("{place}/{key}"))?;
                    }
                }
                true
            }
            "required" => rule.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "type" => match rule {
                Value::Array(types) => types.iter().any(|name| is(name.as_str().unwrap(), value)),
                name => is(name.as_str().unwrap(), value),
            },
            other => panic!("the check does not know `{other}`"),
        };
        if !holds {
            return Err(format!("{place}: {value} against `{word}`: {rule}"));
        }
    }
    Ok(())
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("the check does not know the type `{other}`"),
    }
}

fn check(document: &Value) -> Result<(), String> {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    conforms(&schema, &schema, document, "")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_conforms_to_the_schema(ruleset in ruleset(Options::all())) {
        let document: Value = serde_json::from_str(&write(&ruleset)).unwrap();
        prop_assert_eq!(check(&document), Ok(()));
    }
}

#[test]
fn what_is_not_of_the_form_does_not_conform() {
    let rule = |steps: Value| {
        let chain = serde_json::json!({ "name": "c", "rules": [{ "steps": steps, "verdict": "accept", "origin": 0 }] });
        check(&serde_json::json!({
            "ringwall-ir": 1,
            "tables": [{ "family": "inet", "name": "t", "chains": [chain] }],
        }))
    };
    assert_eq!(rule(serde_json::json!([{ "match": { "field": "tcp dport", "in": ["22"] } }])), Ok(()));
    for steps in [
        serde_json::json!([{ "match": { "field": "tcp dport" } }]),
        serde_json::json!([{ "match": { "field": "tcp dport", "in": ["22"], "not-in": ["23"] } }]),
        serde_json::json!([{ "match": { "field": "tcp dport", "in": 22 } }]),
        serde_json::json!([{ "match": { "field": "tcp dport", "in": ["22"], "x": 1 } }]),
        serde_json::json!([{ "counter": { "packets": -1 } }]),
        serde_json::json!(["log"]),
        serde_json::json!({}),
    ] {
        assert!(rule(steps.clone()).is_err(), "{steps}");
    }
    assert!(check(&serde_json::json!({ "ringwall-ir": 2 })).is_err());
}
