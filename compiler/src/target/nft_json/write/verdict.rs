// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts.

use ringwall_ir::words::{Family, NatFlags};
use ringwall_ir::{Data, Datatype, KeyType, MapRef, Nat, NatEnd, OwnPorts, Queue, Verdict};
use serde_json::{Map, Value, json};

use super::statement::looked_up;
use super::{Said, field, set, value};
use crate::target::nft;

/// A verdict that is no answer.
pub(super) fn verdict(verdict: &Verdict) -> Said {
    match verdict {
        Verdict::Accept => Ok(json!({ "accept": null })),
        Verdict::Continue => Ok(json!({ "continue": null })),
        Verdict::Dnat(nat) => Ok(json!({ "dnat": translated(nat)? })),
        Verdict::Drop => Ok(json!({ "drop": null })),
        Verdict::Goto(chain) => Ok(json!({ "goto": { "target": nft::name(chain) } })),
        Verdict::Jump(chain) => Ok(json!({ "jump": { "target": nft::name(chain) } })),
        Verdict::Map(map) => {
            Ok(json!({ "vmap": { "key": field::map_key(&map.key)?, "data": set::map(&map.key, &map.map, &[])? } }))
        }
        Verdict::Masquerade { ports, flags } => Ok(json!({ "masquerade": own_end(ports.as_ref(), *flags)? })),
        Verdict::Queue(queue) => Ok(queued(*queue)),
        Verdict::Redirect { ports, flags } => Ok(json!({ "redirect": own_end(ports.as_ref(), *flags)? })),
        Verdict::Reject(refusal) => Err(format!("{} is an answer", refusal.name())),
        Verdict::Return => Ok(json!({ "return": null })),
        Verdict::Snat(nat) => Ok(json!({ "snat": translated(nat)? })),
    }
}

fn own_end(ports: Option<&OwnPorts>, flags: NatFlags) -> Said {
    let mut body = Map::new();
    let ports = match ports {
        None => None,
        Some(OwnPorts::Map { key, map }) => Some(looked_up(key, map, &[KeyType::Of(Datatype::InetService)])?),
        Some(OwnPorts::Range(first, last)) => Some(numbers((*first, *last))),
    };
    body.extend(ports.map(|ports| ("port".to_owned(), ports)));
    add_flags(&mut body, flags);
    Ok(if body.is_empty() { Value::Null } else { Value::Object(body) })
}

fn add_flags(body: &mut Map<String, Value>, flags: NatFlags) {
    let names: Vec<_> = flags.names().collect();
    if !names.is_empty() {
        body.insert("flags".to_owned(), json!(names));
    }
}

fn translated(nat: &Nat) -> Said {
    let mut body = Map::new();
    if let Some(family) = nat.family {
        body.insert("family".to_owned(), json!(family.table().name()));
    }
    match &nat.end {
        NatEnd::Range { addresses, ports } => {
            if let Some((first, last)) = addresses {
                let datatype = Datatype::address(nat.family.unwrap_or(Family::Ipv4));
                let address = match nat.flags.netmap {
                    true => value::interval(datatype, *first, *last)?,
                    false if first == last => value::one(datatype, *first)?,
                    false => value::range(datatype, *first, *last)?,
                };
                body.insert("addr".to_owned(), address);
            }
            body.extend(ports.map(|ports| ("port".to_owned(), numbers(ports))));
        }
        NatEnd::Map { key, map, ports } => {
            let types = data_types(nat, map);
            let end = if nat.family.is_none() { "port" } else { "addr" };
            body.insert(end.to_owned(), looked_up(key, map, &types)?);
            body.extend(ports.map(|ports| ("port".to_owned(), numbers(ports))));
            if types.len() == 2 {
                body.insert("type_flags".to_owned(), json!(["concat"]));
            }
        }
    }
    if nat.flags.netmap {
        body.insert("type_flags".to_owned(), json!(["prefix"]));
    }
    add_flags(&mut body, nat.flags);
    Ok(Value::Object(body))
}

/// What a map of new ends gives: an address, a port, or both.
fn data_types(nat: &Nat, map: &MapRef) -> Vec<KeyType> {
    let pairs = matches!(map, MapRef::Inline(elements) if elements
        .iter()
        .any(|element| matches!(&element.data, Some(Data::Values(tuple)) if tuple.0.len() == 2)));
    let port = KeyType::Of(Datatype::InetService);
    match nat.family.map(|family| KeyType::Of(Datatype::address(family))) {
        Some(address) if pairs => vec![address, port],
        Some(address) => vec![address],
        None => vec![port],
    }
}

/// Ports, or numbers of queues: first and last.
fn numbers((first, last): (u16, u16)) -> Value {
    if first == last { json!(first) } else { json!({ "range": [first, last] }) }
}

fn queued(queue: Queue) -> Value {
    let flags = [(queue.bypass, "bypass"), (queue.fanout, "fanout")];
    let flags: Vec<_> = flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
    match flags.is_empty() {
        true => json!({ "queue": { "num": numbers(queue.numbers) } }),
        false => json!({ "queue": { "num": numbers(queue.numbers), "flags": flags } }),
    }
}
