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

/// A list with numbers for what nft printed in UTC: points in time and times of the day.
pub(super) fn in_seconds(listed: &str) -> String {
    counted(&serde_json::from_str(listed).unwrap()).to_string()
}

fn counted(json: &Value) -> Value {
    match json {
        Value::Object(object) => {
            Value::Object(object.iter().map(|(key, value)| (key.clone(), counted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(counted).collect()),
        Value::String(text) => time(text).or_else(|| hour(text)).map_or_else(|| json.clone(), Value::from),
        other => other.clone(),
    }
}

/// `17:30` or `17:30:05`.
fn hour(text: &str) -> Option<i64> {
    let parts: Vec<i64> =
        text.split(':').map(|part| (part.len() == 2).then(|| part.parse().ok())?).collect::<Option<_>>()?;
    match parts.as_slice() {
        [hours, minutes] => Some(hours * 3600 + minutes * 60),
        [hours, minutes, seconds] => Some(hours * 3600 + minutes * 60 + seconds),
        _ => None,
    }
}

/// `2026-01-01 00:00:00`.
fn time(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(' ')?;
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Some(days_since_1970(year, month, day) * 86_400 + hour(clock)?)
}

/// Days of the Gregorian calendar: years begin in March, so that the day that some have more is their last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + in_year - 719_468
}

#[test]
fn times_are_counted_in_utc() {
    assert_eq!(time("1970-01-01 00:00:00"), Some(0));
    assert_eq!(time("2026-01-01 00:00:00"), Some(1_767_225_600));
    assert_eq!(time("2024-02-29 23:59:59"), Some(1_709_251_199));
    assert_eq!(hour("17:30"), Some(63_000));
    assert_eq!(hour("00:00:59"), Some(59));
    assert_eq!(hour("17"), None);
}
