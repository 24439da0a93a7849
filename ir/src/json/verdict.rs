// SPDX-License-Identifier: GPL-3.0-or-later
//! Verdicts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::element::LookUp;
use super::fault::Fault;
use super::is_default;
use super::text::Text;
use super::value::read_interval;
use super::words::Span;
use crate::datatype::Datatype;
use crate::legal::Gives;
use crate::rule;
use crate::ruleset::OriginId;
use crate::words::{Family, NatFlags, Refusal};

/// What becomes of a packet that passed all steps of a rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a verdict")]
#[schemars(rename = "verdict")]
pub(super) enum Verdict {
    /// It leaves the chain and its callers, and goes on to the next base chain.
    Accept,
    /// It goes on to the next rule.
    Continue,
    /// It is gone.
    Drop,
    /// It goes back to where it came from; from a base chain, to the chain policy.
    Return,
    /// Its conversation leads to another destination.
    Dnat(Nat),
    /// It goes to another chain, and what follows here is behind it.
    Goto(String),
    /// It goes to another chain, and comes back where that one does not decide.
    Jump(String),
    /// Its conversation comes from an address of the interface it leaves by.
    Masquerade(ToPorts),
    /// A program decides about it.
    Queue(Queue),
    /// Its conversation leads to the host itself.
    Redirect(ToPorts),
    /// It is gone, and its sender gets an answer.
    Reject(Text<Refusal>),
    /// Its conversation comes from another source.
    Snat(Nat),
    /// What a map says; a key that is not in it: it goes on to the next rule.
    Vmap(LookUp),
}

/// A translation to an address, a port, or both.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a translation, an object")]
#[schemars(rename = "nat")]
pub(super) struct Nat {
    /// The family whose addresses are translated; left out where only ports are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<Text<Family>>,
    /// The new address, or a range or prefix of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    addresses: Option<String>,
    /// The map that gives the new address, in the place of `addresses`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<LookUp>,
    /// The new port, or a range of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ports: Option<Text<Span>>,
    /// How one of several ends is chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<NatFlag>,
}

/// A new port.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a new port, an object")]
#[schemars(rename = "to-ports")]
pub(super) struct ToPorts {
    /// The port, or a range of them; it stays where it can if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ports: Option<Text<Span>>,
    /// The map that gives the port, in the place of `ports`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<LookUp>,
    /// How one is chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<NatFlag>,
}

/// How one of several ends is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", expecting = "a flag of a translation")]
#[schemars(rename = "nat-flag")]
enum NatFlag {
    /// The port is taken at random, hashed with a secret.
    Random,
    /// The port is taken wholly at random.
    FullyRandom,
    /// A client gets the same address for each of its conversations.
    Persistent,
    /// The network part of the address is replaced, the host part stays.
    Netmap,
}

/// To which programs a packet goes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, expecting = "a queue, an object")]
#[schemars(rename = "queue")]
pub(super) struct Queue {
    /// The queue, or a range of them.
    numbers: Text<Span>,
    /// It is accepted where no program listens, instead of dropped.
    #[serde(default, skip_serializing_if = "is_default")]
    bypass: bool,
    /// The queue is chosen by processor, instead of by conversation.
    #[serde(default, skip_serializing_if = "is_default")]
    fanout: bool,
}

impl Verdict {
    pub(super) fn of(verdict: &rule::Verdict, origin: OriginId) -> Self {
        match verdict {
            rule::Verdict::Accept => Self::Accept,
            rule::Verdict::Continue => Self::Continue,
            rule::Verdict::Dnat(nat) => Self::Dnat(Nat::of(nat, origin)),
            rule::Verdict::Drop => Self::Drop,
            rule::Verdict::Goto(chain) => Self::Goto(chain.clone()),
            rule::Verdict::Jump(chain) => Self::Jump(chain.clone()),
            rule::Verdict::Map(map) => Self::Vmap(LookUp::of(&map.key, &map.map, Gives::Verdict, origin)),
            rule::Verdict::Masquerade { ports, flags } => Self::Masquerade(ToPorts::of(ports.as_ref(), *flags, origin)),
            rule::Verdict::Queue(queue) => Self::Queue(Queue {
                numbers: Text(Span(queue.numbers.0, queue.numbers.1)),
                bypass: queue.bypass,
                fanout: queue.fanout,
            }),
            rule::Verdict::Redirect { ports, flags } => Self::Redirect(ToPorts::of(ports.as_ref(), *flags, origin)),
            rule::Verdict::Reject(refusal) => Self::Reject(Text(*refusal)),
            rule::Verdict::Return => Self::Return,
            rule::Verdict::Snat(nat) => Self::Snat(Nat::of(nat, origin)),
        }
    }

    pub(super) fn read(self, origin: OriginId) -> Result<rule::Verdict, Fault> {
        Ok(match self {
            Self::Accept => rule::Verdict::Accept,
            Self::Continue => rule::Verdict::Continue,
            Self::Dnat(nat) => rule::Verdict::Dnat(nat.read(origin)?),
            Self::Drop => rule::Verdict::Drop,
            Self::Goto(chain) => rule::Verdict::Goto(chain),
            Self::Jump(chain) => rule::Verdict::Jump(chain),
            Self::Masquerade(to) => {
                let (ports, flags) = to.read(origin)?;
                rule::Verdict::Masquerade { ports, flags }
            }
            Self::Queue(Queue { numbers: Text(Span(first, last)), bypass, fanout }) => {
                rule::Verdict::Queue(rule::Queue { numbers: (first, last), bypass, fanout })
            }
            Self::Redirect(to) => {
                let (ports, flags) = to.read(origin)?;
                rule::Verdict::Redirect { ports, flags }
            }
            Self::Reject(refusal) => rule::Verdict::Reject(refusal.0),
            Self::Return => rule::Verdict::Return,
            Self::Snat(nat) => rule::Verdict::Snat(nat.read(origin)?),
            Self::Vmap(map) => {
                let (key, map) = map.read(Gives::Verdict, origin)?;
                rule::Verdict::Map(Box::new(rule::VerdictMap { key, map }))
            }
        })
    }
}

impl Nat {
    fn of(nat: &rule::Nat, origin: OriginId) -> Self {
        let (addresses, map, ports) = match &nat.end {
            rule::NatEnd::Map { key, map, ports } => {
                (None, Some(LookUp::of(key, map, Gives::End(nat.family), origin)), *ports)
            }
            rule::NatEnd::Range { addresses, ports } => {
                let datatype = nat.family.map(Datatype::address);
                let text =
                    datatype.zip(*addresses).map(|(datatype, (first, last))| datatype.interval_text(first, last));
                (text, None, *ports)
            }
        };
        let (ports, flags) = (span(ports), flag_list(nat.flags));
        Self { family: nat.family.map(Text), addresses, map, ports, flags }
    }

    fn read(self, origin: OriginId) -> Result<rule::Nat, Fault> {
        let family = self.family.map(|family| family.0);
        let ports = ports(self.ports);
        let end = match (self.addresses, self.map) {
            (Some(_), Some(_)) => return Err("a translation has `addresses` or a `map`, not both".into()),
            (Some(text), None) => {
                let family = family.ok_or("a translation of addresses needs their `family`")?;
                let addresses = Some(read_interval(Datatype::address(family), &text)?);
                rule::NatEnd::Range { addresses, ports }
            }
            (None, Some(map)) => {
                let (key, map) = map.read(Gives::End(family), origin)?;
                rule::NatEnd::Map { key, map, ports }
            }
            (None, None) => rule::NatEnd::Range { addresses: None, ports },
        };
        Ok(rule::Nat { family, end, flags: flags(&self.flags) })
    }
}

impl ToPorts {
    fn of(ports: Option<&rule::OwnPorts>, flags: NatFlags, origin: OriginId) -> Self {
        let (ports, map) = match ports {
            Some(rule::OwnPorts::Map { key, map }) => (None, Some(LookUp::of(key, map, Gives::Port, origin))),
            Some(rule::OwnPorts::Range(first, last)) => (Some((*first, *last)), None),
            None => (None, None),
        };
        Self { ports: span(ports), map, flags: flag_list(flags) }
    }

    fn read(self, origin: OriginId) -> Result<(Option<rule::OwnPorts>, NatFlags), Fault> {
        let ports = match (self.ports, self.map) {
            (Some(_), Some(_)) => return Err("a translation has `ports` or a `map` that gives them, not both".into()),
            (Some(Text(Span(first, last))), None) => Some(rule::OwnPorts::Range(first, last)),
            (None, Some(map)) => {
                let (key, map) = map.read(Gives::Port, origin)?;
                Some(rule::OwnPorts::Map { key, map })
            }
            (None, None) => None,
        };
        Ok((ports, flags(&self.flags)))
    }
}

fn span(ports: Option<(u16, u16)>) -> Option<Text<Span>> {
    ports.map(|(first, last)| Text(Span(first, last)))
}

fn ports(span: Option<Text<Span>>) -> Option<(u16, u16)> {
    span.map(|Text(Span(first, last))| (first, last))
}

fn flag_list(flags: NatFlags) -> Vec<NatFlag> {
    let NatFlags { random, fully_random, persistent, netmap } = flags;
    [
        (random, NatFlag::Random),
        (fully_random, NatFlag::FullyRandom),
        (persistent, NatFlag::Persistent),
        (netmap, NatFlag::Netmap),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .collect()
}

fn flags(list: &[NatFlag]) -> NatFlags {
    NatFlags {
        random: list.contains(&NatFlag::Random),
        fully_random: list.contains(&NatFlag::FullyRandom),
        persistent: list.contains(&NatFlag::Persistent),
        netmap: list.contains(&NatFlag::Netmap),
    }
}
