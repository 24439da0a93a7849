// SPDX-License-Identifier: GPL-3.0-or-later
//! What becomes of a packet that passed all steps of a rule.

use super::{Nat, NatEnd, OwnPorts, Selector};
use crate::fields::Word;
use crate::legal::{Gives, Illegal};
use crate::set::{Data, Element};
use crate::words::{NatFlags, Refusal};

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It leaves the chain and its callers, and goes on to the next base chain.
    Accept,
    /// It goes on to the next rule. In a map, what an element says for its key alone.
    Continue,
    /// Its conversation leads to another destination.
    Dnat(Nat),
    /// It is gone.
    Drop,
    /// It goes to another chain, and what follows here is behind it.
    Goto(String),
    /// It goes to another chain, and comes back where that one does not decide.
    Jump(String),
    /// What a map says; a key that is not in it: it goes on to the next rule.
    Map(Box<VerdictMap>),
    /// Its conversation comes from an address of the interface it leaves by.
    Masquerade {
        /// The ports; none: the port stays where it can.
        ports: Option<OwnPorts>,
        /// How a port is chosen.
        flags: NatFlags,
    },
    /// A program decides about it.
    Queue(Queue),
    /// Its conversation leads to the host itself.
    Redirect {
        /// The ports; none: the port stays.
        ports: Option<OwnPorts>,
        /// How a port is chosen.
        flags: NatFlags,
    },
    /// It is gone, and its sender gets an answer.
    Reject(Refusal),
    /// It goes back to where it came from; from a base chain, to the chain policy.
    Return,
    /// Its conversation comes from another source.
    Snat(Nat),
}

/// To which programs a packet goes (`net/netfilter/nft_queue.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Queue {
    /// The queues, first and last.
    pub numbers: (u16, u16),
    /// It is accepted where no program listens, instead of dropped.
    pub bypass: bool,
    /// The queue is chosen by processor, instead of by conversation.
    pub fanout: bool,
}

/// Verdicts by key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerdictMap {
    /// What is looked up.
    pub key: Vec<Selector>,
    /// In which map.
    pub map: MapRef,
}

impl VerdictMap {
    /// The verdicts that are written in the rule.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        let elements = match &self.map {
            MapRef::Inline(elements) => elements.as_slice(),
            MapRef::Named(_) => &[],
        };
        elements.iter().filter_map(|element| match &element.data {
            Some(Data::Verdict(verdict)) => Some(verdict),
            _ => None,
        })
    }
}

/// A map that a rule looks something up in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// Written in the rule.
    Inline(Vec<Element>),
    /// A map of the same table.
    Named(String),
}

impl Verdict {
    /// The verdict's row; none where it is only said in a map.
    #[must_use]
    pub const fn word(&self) -> Option<Word> {
        Some(match self {
            Self::Accept => Word::Accept,
            Self::Continue => return None,
            Self::Dnat(_) => Word::Dnat,
            Self::Drop => Word::Drop,
            Self::Goto(_) => Word::Goto,
            Self::Jump(_) => Word::Jump,
            Self::Map(_) => Word::Vmap,
            Self::Masquerade { .. } => Word::Masquerade,
            Self::Queue(_) => Word::Queue,
            Self::Redirect { .. } => Word::Redirect,
            Self::Reject(_) => Word::Reject,
            Self::Return => Word::Return,
            Self::Snat(_) => Word::Snat,
        })
    }

    /// The chain that it leads to.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Goto(chain) | Self::Jump(chain) => Some(chain),
            _ => None,
        }
    }

    /// What it looks up, and in which map.
    #[must_use]
    pub fn looked_up(&self) -> Option<(&[Selector], &MapRef)> {
        match self {
            Self::Map(map) => Some((&map.key, &map.map)),
            Self::Dnat(Nat { end: NatEnd::Map { key, map, .. }, .. })
            | Self::Snat(Nat { end: NatEnd::Map { key, map, .. }, .. })
            | Self::Masquerade { ports: Some(OwnPorts::Map { key, map }), .. }
            | Self::Redirect { ports: Some(OwnPorts::Map { key, map }), .. } => Some((key, map)),
            _ => None,
        }
    }

    /// Whether an element of a map can give it.
    #[must_use]
    pub const fn fits_map(&self) -> bool {
        matches!(self, Self::Accept | Self::Continue | Self::Drop | Self::Goto(_) | Self::Jump(_) | Self::Return)
    }

    pub(super) fn check(&self) -> Result<(), Illegal> {
        match self {
            Self::Dnat(nat) | Self::Snat(nat) => nat.check(),
            Self::Map(map) => Gives::Verdict.check(&map.key, &map.map),
            Self::Masquerade { ports, .. } | Self::Redirect { ports, .. } => {
                ports.as_ref().map_or(Ok(()), OwnPorts::check)
            }
            Self::Queue(queue) if queue.numbers.0 > queue.numbers.1 => Err(Illegal::Translation),
            Self::Accept
            | Self::Continue
            | Self::Drop
            | Self::Goto(_)
            | Self::Jump(_)
            | Self::Queue(_)
            | Self::Reject(_)
            | Self::Return => Ok(()),
        }
    }
}
