// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts, as nft prints them in JSON.

use ringwall_ir::words::{Family, NatFlags, Refusal, TableFamily};
use ringwall_ir::{Datatype, KeyType, Nat, NatEnd, OwnPorts, Queue, Source, Verdict, VerdictMap};
use serde_json::Value;

use super::map::inline_verdicts;
use super::statement::source_map;
use super::test::set_name;
use super::{NoWord, Read, field, value};

/// The verdict of a rule; none where the statement is not one.
pub(super) fn verdict(family: TableFamily, kind: &str, body: &Value) -> Option<Read<Verdict>> {
    Some(match kind {
        "accept" | "continue" | "drop" | "goto" | "jump" | "return" => named(kind, body),
        "vmap" => map(family, body),
        "reject" => refusal(body).map(Verdict::Reject),
        "queue" => queue(body).map(Verdict::Queue),
        "masquerade" => own_end(family, body).map(|(ports, flags)| Verdict::Masquerade { ports, flags }),
        "redirect" => own_end(family, body).map(|(ports, flags)| Verdict::Redirect { ports, flags }),
        "dnat" => nat(family, body).map(Verdict::Dnat),
        "snat" => nat(family, body).map(Verdict::Snat),
        _ => return None,
    })
}

/// A verdict that an element of a map can give.
pub(super) fn plain(json: &Value) -> Read<Verdict> {
    match json.as_object().and_then(|object| object.iter().next()) {
        Some((kind, body)) => named(kind, body),
        None => Err(NoWord::of("verdict")),
    }
}

fn named(kind: &str, body: &Value) -> Read<Verdict> {
    let target = || {
        let target = body.get("target").and_then(Value::as_str);
        target.map(str::to_owned).ok_or_else(|| NoWord::of("anonymous chain"))
    };
    Ok(match kind {
        "accept" => Verdict::Accept,
        "continue" => Verdict::Continue,
        "drop" => Verdict::Drop,
        "goto" => Verdict::Goto(target()?),
        "jump" => Verdict::Jump(target()?),
        "return" => Verdict::Return,
        other => return Err(NoWord(format!("verdict {other}"))),
    })
}

fn map(family: TableFamily, body: &Value) -> Read<Verdict> {
    let (Some(key), Some(data)) = (body.get("key"), body.get("data")) else { return Err(NoWord::of("statement vmap")) };
    let key = field::key(family, key)?;
    let map = match set_name(data) {
        Some(name) => ringwall_ir::MapRef::Named(name),
        None => inline_verdicts(&key, data)?,
    };
    Ok(Verdict::Map(Box::new(VerdictMap { key, map })))
}

fn refusal(body: &Value) -> Read<Refusal> {
    let text = |key| body.get(key).and_then(Value::as_str);
    let unknown = |kind: &str, code: &str| Err(NoWord(format!("reject with {kind} {code}")));
    let Some(kind) = text("type") else { return Ok(Refusal::PortUnreachable) };
    let code = text("expr").unwrap_or("port-unreachable");
    match (kind, code) {
        ("tcp reset", _) => Ok(Refusal::TcpReset),
        ("icmpx" | "icmpv6", "no-route") => Ok(Refusal::NetUnreachable),
        ("icmpv6", "addr-unreachable") => Ok(Refusal::HostUnreachable),
        ("icmp", "prot-unreachable") => Ok(Refusal::ProtocolUnreachable),
        ("icmpv6", code @ ("policy-fail" | "reject-route")) => unknown(kind, code),
        ("icmp" | "icmpv6" | "icmpx", code) => match Refusal::named(code) {
            Some(refusal) if kind == "icmp" || refusal.icmp_code(Family::Ipv6).is_some() => Ok(refusal),
            _ => unknown(kind, code),
        },
        (kind, code) => unknown(kind, code),
    }
}

/// The words of a list, or the only one.
fn words(body: &Value, key: &str) -> Vec<String> {
    match body.get(key) {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(word)) => vec![word.clone()],
        _ => Vec::new(),
    }
}

fn queue(body: &Value) -> Read<Queue> {
    let flags = words(body, "flags");
    let numbers = match body.get("num") {
        None => (0, 0),
        Some(numbers) => ports(numbers).map_err(|_| NoWord::of("queue by an expression"))?,
    };
    let has = |flag: &str| flags.iter().any(|known| known == flag);
    if flags.iter().any(|flag| flag != "bypass" && flag != "fanout") {
        return Err(NoWord::of("queue flag"));
    }
    Ok(Queue { numbers, bypass: has("bypass"), fanout: has("fanout") })
}

/// Ports, or numbers of queues: first and last.
fn ports(json: &Value) -> Read<(u16, u16)> {
    let (first, last) = value::interval(KeyType::Of(Datatype::InetService), json)?;
    let narrow = |number| u16::try_from(number).map_err(|_| NoWord::of("port"));
    Ok((narrow(first)?, narrow(last)?))
}

fn flags(body: &Value) -> Read<NatFlags> {
    let mut flags = NatFlags::default();
    for word in words(body, "flags") {
        match word.as_str() {
            "random" => flags.random = true,
            "fully-random" => flags.fully_random = true,
            "persistent" => flags.persistent = true,
            "netmap" => flags.netmap = true,
            other => return Err(NoWord(format!("flag {other} of a translation"))),
        }
    }
    Ok(flags)
}

fn own_end(table: TableFamily, body: &Value) -> Read<(Option<OwnPorts>, NatFlags)> {
    let Some(port) = body.get("port") else { return Ok((None, flags(body)?)) };
    let found = match port.get("map") {
        Some(map) => match source_map(table, map, &[KeyType::Of(Datatype::InetService)])? {
            Source::Map { key, map } => OwnPorts::Map { key, map },
            Source::Field { .. } | Source::Value(_) => return Err(NoWord::of("map")),
        },
        None => {
            let (first, last) = ports(port).map_err(|_| NoWord::of("ports by an expression"))?;
            OwnPorts::Range(first, last)
        }
    };
    Ok((Some(found), flags(body)?))
}

fn nat(table: TableFamily, body: &Value) -> Read<Nat> {
    let family = match (body.get("family").and_then(Value::as_str), table) {
        (Some("ip"), _) | (None, TableFamily::Ip) => Some(Family::Ipv4),
        (Some("ip6"), _) | (None, TableFamily::Ip6) => Some(Family::Ipv6),
        _ => None,
    };
    let flags = flags(body)?;
    let (address, port) = (body.get("addr"), body.get("port"));
    let ports_of = |port: Option<&Value>| port.map(ports).transpose().map_err(|_| NoWord::of("ports by an expression"));
    let (family, end) = match (address, port) {
        (Some(address), port) => {
            let family = family.ok_or_else(|| NoWord::of("translation of either family"))?;
            let end = match address.get("map") {
                Some(map) => looked_up(table, map, Some(family), ports_of(port)?)?,
                None => {
                    let addresses = value::interval(KeyType::Of(Datatype::address(family)), address);
                    let addresses = addresses.map_err(|_| NoWord::of("address by an expression"))?;
                    NatEnd::Range { addresses: Some(addresses), ports: ports_of(port)? }
                }
            };
            (Some(family), end)
        }
        (None, Some(port)) => match port.get("map") {
            Some(map) => (None, looked_up(table, map, None, None)?),
            // Where the table is of one family, a translation of ports needs none.
            None => {
                let family = family.filter(|_| table == TableFamily::Inet);
                (family, NatEnd::Range { addresses: None, ports: ports_of(Some(port))? })
            }
        },
        (None, None) => return Err(NoWord::of("translation to nowhere")),
    };
    Ok(Nat { family, end, flags })
}

fn looked_up(table: TableFamily, map: &Value, family: Option<Family>, ports: Option<(u16, u16)>) -> Read<NatEnd> {
    let address = family.map(|family| KeyType::Of(Datatype::address(family)));
    let port = KeyType::Of(Datatype::InetService);
    let first =
        map.get("data").and_then(|data| data.get("set")).and_then(|set| set.get(0)).and_then(|pair| pair.get(1));
    let data: Vec<KeyType> = match (address, first.and_then(|data| data.get("concat"))) {
        (Some(address), Some(_)) => vec![address, port],
        (Some(address), None) => vec![address],
        (None, _) => vec![port],
    };
    match source_map(table, map, &data)? {
        Source::Map { key, map } => Ok(NatEnd::Map { key, map, ports }),
        Source::Field { .. } | Source::Value(_) => Err(NoWord::of("map")),
    }
}
