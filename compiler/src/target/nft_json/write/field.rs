// SPDX-License-Identifier: GPL-3.0-or-later
//! What a rule looks at.

use ringwall_ir::fields::{Fib, FibResult, IpsecDirection, Load};
use ringwall_ir::words::CtDirection;
use ringwall_ir::{Datatype, Field, Selector};
use serde_json::{Value, json};

use super::{Said, value};

/// A key: one field, or several.
pub(super) fn key(key: &[Selector]) -> Said {
    match key {
        [only] => selector(*only),
        several => Ok(json!({ "concat": several.iter().copied().map(selector).collect::<Result<Vec<_>, _>>()? })),
    }
}

/// The key of values that a rule holds itself. nft 1.0.6 does not know the width of numbers there, and cuts a name out of
/// the wrong bytes, for which there may be no JSON (`range_expr_json` in its `src/json.c`).
pub(super) fn listed_key(fields: &[Selector]) -> Said {
    let has = |wanted: fn(Datatype) -> bool| fields.iter().any(|selector| wanted(selector.field().datatype()));
    if has(|datatype| datatype.bits().is_none()) && has(Datatype::is_text) && fields.len() > 1 {
        return Err("nft 1.0.6 does not survive to list in JSON names beside numbers in a concatenation".to_owned());
    }
    key(fields)
}

/// A key that is looked up in a map (`CTX_F_MAP` in nft's `src/parser_json.c`).
pub(super) fn map_key(fields: &[Selector]) -> Said {
    let refused = |selector: &&Selector| matches!(selector.field().row().load, Load::Socket(_) | Load::TcpMaxseg);
    match fields.iter().find(refused) {
        Some(selector) => Err(format!("nft 1.0.6 looks `{}` up in no map in JSON", selector.field())),
        None => key(fields),
    }
}

/// A field that is written to another (`CTX_F_STMT` there).
pub(super) fn source(from: Selector) -> Said {
    match from.field().row().load {
        Load::Exthdr | Load::Fib | Load::Socket(_) | Load::TcpMaxseg | Load::Xfrm(_) => {
            Err(format!("nft 1.0.6 writes `{}` nowhere in JSON", from.field()))
        }
        _ => selector(from),
    }
}

/// A field, perhaps under a mask.
pub(super) fn selector(selector: Selector) -> Said {
    let field = field(selector.field())?;
    match selector.mask() {
        Some(mask) => Ok(json!({ "&": [field, value::mask(selector.field().datatype(), mask)] })),
        None => Ok(field),
    }
}

/// A field.
pub(super) fn field(field: Field) -> Said {
    let row = field.row();
    if let Some(reason) = row.cells.nft_json.reason() {
        return Err(reason.to_owned());
    }
    let (header, rest) = row.name.split_once(' ').unwrap_or(("meta", row.name));
    Ok(match row.load {
        Load::Ct(_) => ct(field, rest),
        Load::Payload(..) => json!({ "payload": { "protocol": header, "field": rest } }),
        Load::Rt(_) => json!({ "rt": { "key": rest } }),
        Load::Socket(_) => json!({ "socket": { "key": rest } }),
        Load::TcpMaxseg => json!({ "tcp option": { "name": "maxseg", "field": "size" } }),
        Load::Exthdr | Load::Fib | Load::Meta(_) | Load::Numgen | Load::Xfrm(_) => match field {
            Field::Exthdr(header) => json!({ "exthdr": { "name": header.name().0 } }),
            Field::Fib(question) => fib(question),
            Field::IpsecReqid(direction) => {
                let dir = if direction == IpsecDirection::In { "in" } else { "out" };
                json!({ "ipsec": { "key": "reqid", "dir": dir, "spnum": 0 } })
            }
            Field::Numgen(numgen) => {
                let mode = if numgen.random { "random" } else { "inc" };
                json!({ "numgen": { "mode": mode, "mod": numgen.modulus, "offset": numgen.offset } })
            }
            _ => json!({ "meta": { "key": rest } }),
        },
    })
}

fn ct(field: Field, key: &str) -> Value {
    let direction = [CtDirection::Original, CtDirection::Reply]
        .into_iter()
        .find(|direction| field.of_direction(*direction) == Some(field));
    match direction {
        Some(direction) => json!({ "ct": { "key": key, "dir": direction.name() } }),
        None => json!({ "ct": { "key": key } }),
    }
}

/// nft 1.0.6 asks for the interface where only its being there is of interest.
fn fib(question: Fib) -> Value {
    let result = match question.result {
        FibResult::Exists | FibResult::Oif => "oif",
        FibResult::Oifname => "oifname",
        FibResult::Type => "type",
    };
    let address = if question.daddr { "daddr" } else { "saddr" };
    let others = [(question.mark, "mark"), (question.iif, "iif"), (question.oif, "oif")];
    let others = others.into_iter().filter_map(|(set, name)| set.then_some(name));
    let flags: Vec<_> = std::iter::once(address).chain(others).collect();
    json!({ "fib": { "result": result, "flags": flags } })
}
