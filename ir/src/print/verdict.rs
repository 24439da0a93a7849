// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts in nft's words.

use super::Words;
use crate::datatype::Datatype;
use crate::legal::Gives;
use crate::rule::{MapRef, Nat, NatEnd, OwnPorts, Queue, Verdict};
use crate::set::{Data, KeyType};
use crate::words::{Family, NatFlags};

impl Words {
    /// A verdict.
    #[must_use]
    pub fn verdict(self, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Accept => "accept".to_owned(),
            Verdict::Continue => "continue".to_owned(),
            Verdict::Dnat(nat) => self.nat("dnat", nat),
            Verdict::Drop => "drop".to_owned(),
            Verdict::Goto(chain) => format!("goto {}", (self.name)(chain)),
            Verdict::Jump(chain) => format!("jump {}", (self.name)(chain)),
            Verdict::Map(map) => format!("{} vmap {}", self.key(&map.key), self.map(&map.key, &map.map, &[])),
            Verdict::Masquerade { ports, flags } => {
                format!("masquerade{}{}", self.to_ports(ports.as_ref()), flagged(*flags))
            }
            Verdict::Queue(queue) => queued(*queue),
            Verdict::Redirect { ports, flags } => {
                format!("redirect{}{}", self.to_ports(ports.as_ref()), flagged(*flags))
            }
            Verdict::Reject(refusal) => format!("reject with {}", refusal.name()),
            Verdict::Return => "return".to_owned(),
            Verdict::Snat(nat) => self.nat("snat", nat),
        }
    }

    fn to_ports(self, ports: Option<&OwnPorts>) -> String {
        match ports {
            None => String::new(),
            Some(OwnPorts::Map { key, map }) => {
                format!(" to :{}", self.looked_up(key, map, &[Datatype::InetService]))
            }
            Some(OwnPorts::Range(first, last)) => format!(" to {}", ports_text((*first, *last))),
        }
    }

    fn nat(self, word: &str, nat: &Nat) -> String {
        let family = nat.family.map_or_else(String::new, |family| format!(" {}", family.table().name()));
        let flags = NatFlags { netmap: false, ..nat.flags };
        let prefix = if nat.flags.netmap { " prefix" } else { "" };
        let end = match &nat.end {
            NatEnd::Range { addresses, ports } => {
                let address = addresses.map_or_else(String::new, |range| addresses_text(nat, range, ports.is_some()));
                format!("{prefix} to {address}{}", ports.map_or_else(String::new, ports_text))
            }
            NatEnd::Map { key, map, ports } => {
                let types = data_types(nat, map);
                let pair = if types.len() == 2 { " addr . port" } else { "" };
                let ports = ports.map_or_else(String::new, ports_text);
                // What is only a port stands behind a colon.
                let colon = if nat.family.is_none() { ":" } else { "" };
                format!("{prefix}{pair} to {colon}{}{ports}", self.looked_up(key, map, &types))
            }
        };
        format!("{word}{family}{end}{}", flagged(flags))
    }
}

/// What a map of new ends gives: an address, a port, or both.
fn data_types(nat: &Nat, map: &MapRef) -> Vec<Datatype> {
    let count = match map {
        MapRef::Inline(elements) => elements.iter().find_map(|element| match &element.data {
            Some(Data::Values(tuple)) => Some(tuple.0.len()),
            _ => None,
        }),
        MapRef::Named(_) => None,
    };
    Gives::End(nat.family).parts(count.unwrap_or(1)).into_iter().map(KeyType::datatype).collect()
}

fn addresses_text(nat: &Nat, (first, last): (u128, u128), with_port: bool) -> String {
    let family = nat.family.unwrap_or(Family::Ipv4);
    let datatype = Datatype::address(family);
    if nat.flags.netmap {
        return datatype.interval_text(first, last);
    }
    let one = |address| {
        let text = datatype.value_text(address);
        if family == Family::Ipv6 && with_port { format!("[{text}]") } else { text }
    };
    if first == last { one(first) } else { format!("{}-{}", one(first), one(last)) }
}

fn ports_text((first, last): (u16, u16)) -> String {
    if first == last { format!(":{first}") } else { format!(":{first}-{last}") }
}

fn flagged(flags: NatFlags) -> String {
    let names: Vec<_> = flags.names().collect();
    if names.is_empty() { String::new() } else { format!(" {}", names.join(",")) }
}

fn queued(queue: Queue) -> String {
    let (first, last) = queue.numbers;
    let names: Vec<_> = [(queue.bypass, "bypass"), (queue.fanout, "fanout")]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect();
    let flags = if names.is_empty() { String::new() } else { format!(" flags {}", names.join(",")) };
    if first == last { format!("queue{flags} to {first}") } else { format!("queue{flags} to {first}-{last}") }
}
