// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests.

use ringwall_ir::{Datatype, KeyType, Match, ObjectKind, Selector, Symbol, Tuples, Values};
use serde_json::{Value, json};

use super::{Said, field, set, statement, value};

/// A test.
pub(super) fn test(test: &Match) -> Said {
    match test {
        Match::Concat { key, values, negated } => {
            let types: Vec<_> = key.iter().map(|selector| KeyType::Like(selector.field())).collect();
            let (key, values) = match values {
                Tuples::Inline(tuples) => {
                    let tuples = tuples.iter().map(|tuple| value::tuple(&types, tuple));
                    (field::listed_key(key)?, json!({ "set": tuples.collect::<Result<Vec<_>, _>>()? }))
                }
                Tuples::Set(name) => (field::key(key)?, set::reference(name)),
            };
            Ok(compared(equals(*negated), key, values))
        }
        Match::ConnLimit(limit) => Ok(statement::conn_limit(*limit)),
        Match::In { selector, values, negated } => of_one(*selector, values, *negated),
        Match::Limit(limit) => Ok(statement::limit(limit)),
        Match::Object { kind: kind @ (ObjectKind::Limit | ObjectKind::Quota), object } => {
            Ok(json!({ kind.name(): statement::object(object)? }))
        }
        Match::Object { kind, .. } => Err(format!("nft tests no {}", kind.name())),
        Match::Quota(quota) => Ok(statement::quota(quota)),
    }
}

/// A field and what it is compared with.
pub(super) fn compared(operator: &str, left: Value, right: Value) -> Value {
    json!({ "match": { "op": operator, "left": left, "right": right } })
}

const fn equals(negated: bool) -> &'static str {
    if negated { "!=" } else { "==" }
}

fn of_one(selector: Selector, values: &Values, negated: bool) -> Said {
    let datatype = selector.field().datatype();
    if let (Values::Inline(set), Some(mask), true) = (values, selector.mask(), datatype.is_bits())
        && set.single() == Some(0)
    {
        // One of the bits, or none of them.
        let operator = if negated { "in" } else { "!" };
        return Ok(compared(operator, field::field(selector.field())?, value::any_of(datatype, mask)));
    }
    let values = match values {
        // nft makes a range of them, which it cannot list.
        Values::Inline(set) if datatype.is_text() && datatype.elements(set).len() > set.intervals().len() => {
            return Err("nft 1.0.6 does not survive to list in JSON names that follow one another".to_owned());
        }
        Values::Inline(set) => value::inline(datatype, set)?,
        Values::Set(name) => set::reference(name),
        Values::Symbols(symbols) => {
            let symbols = symbols.iter().map(|symbol| name_of_host(datatype, symbol));
            value::one_or_set(symbols.collect::<Result<_, _>>()?)
        }
    };
    Ok(compared(equals(negated), field::selector(selector)?, values))
}

/// A name of the host. nft looks users and groups up where it runs, which is not where the rule is for.
fn name_of_host(datatype: Datatype, symbol: &Symbol) -> Said {
    match (datatype, symbol.number) {
        (Datatype::Gid | Datatype::Uid, Some(number)) => Ok(value::number(u128::from(number))),
        _ => value::text(&symbol.name),
    }
}
