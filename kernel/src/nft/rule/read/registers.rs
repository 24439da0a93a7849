// SPDX-License-Identifier: GPL-3.0-or-later
//! What registers hold while a rule is read.

use ringwall_ir::{Field, Selector};

use crate::nft::bytes::Bytes;
use crate::nft::expression::{BitOperation, Bitwise, Byteorder, Payload};
use crate::nft::field::Layout;
use crate::nft::register::{Register, SLOTS, slots};
use crate::nft::set::SetName;

/// The name of what cannot be told because nothing is known of a register.
pub(super) const NOTHING: &str = "register of which nothing is known";

/// What a register holds.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// What a map says.
    Asked(Asked<'a>),
    /// Data that are written in the rule.
    Data(Bytes),
    /// A field, and what was done to it.
    Field(Field, Vec<Done>),
    /// Bytes of the packet, and what was done to them.
    Payload(Payload, Vec<Done>),
    /// The maximum segment size of the packet's path, as a number of the host, or turned around.
    PathMss {
        /// In the network's order.
        turned: bool,
    },
    /// Something that the IR has no word for, by name.
    Strange(String),
}

/// What is looked up in which map.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    pub(super) key: Vec<Selector>,
    pub(super) layouts: Vec<Layout>,
    pub(super) map: SetName<'a>,
}

/// What was done to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Masked {
        mask: Bytes,
        xor: Bytes,
    },
    Shifted(u32),
    /// To the host's order, or to the network's.
    Turned {
        to_host: bool,
        len: u32,
        size: u32,
    },
}

impl Value<'_> {
    pub(super) const fn field(field: Field) -> Self {
        Self::Field(field, Vec::new())
    }

    pub(super) const fn payload(payload: Payload) -> Self {
        Self::Payload(payload, Vec::new())
    }

    /// How many bytes it fills at most; none where that is not known.
    fn len(&self) -> Option<u8> {
        match self {
            Self::Data(bytes) => Some(bytes.len()),
            Self::Field(field, _) => Some(Layout::of(*field).bytes),
            Self::Payload(payload, _) => u8::try_from(payload.len).ok(),
            Self::PathMss { .. } => Some(2),
            Self::Asked(_) | Self::Strange(_) => None,
        }
    }

    fn done(&mut self) -> Option<&mut Vec<Done>> {
        match self {
            Self::Field(_, done) | Self::Payload(_, done) => Some(done),
            Self::Asked(_) | Self::Data(_) | Self::PathMss { .. } | Self::Strange(_) => None,
        }
    }
}

/// The registers, by the slot where each value starts.
#[derive(Clone, Debug, Default)]
pub(super) struct Registers<'a>(Vec<(Register, Value<'a>)>);

impl<'a> Registers<'a> {
    /// Puts a value into registers. What was there is gone.
    pub(super) fn set(&mut self, to: Register, value: Value<'a>) {
        // What has no known length may fill all that follows.
        let end = value.len().map_or(SLOTS, |len| to.slot().saturating_add(slots(len).max(1)));
        self.0.retain(|(register, old)| {
            let start = register.slot();
            let old_end = old.len().map_or(SLOTS, |len| start.saturating_add(slots(len).max(1)));
            start >= end || old_end <= to.slot() || (old.len().is_none() && start < to.slot())
        });
        self.0.push((to, value));
    }

    /// The value that starts in a register.
    pub(super) fn get(&self, from: Register) -> Option<&Value<'a>> {
        self.0.iter().find(|(register, _)| *register == from).map(|(_, value)| value)
    }

    fn change(&mut self, register: Register, done: Done) {
        let Some((_, value)) = self.0.iter_mut().find(|(known, _)| *known == register) else { return };
        match (&mut *value, done) {
            (Value::PathMss { turned }, Done::Turned { to_host: false, .. }) => *turned = true,
            (Value::Strange(_), _) => {}
            (value, done) => match value.done() {
                Some(list) => list.push(done),
                None => *value = Value::Strange("changed value".to_owned()),
            },
        }
    }

    pub(super) fn bitwise(&mut self, bitwise: &Bitwise) {
        let done = match bitwise.operation {
            BitOperation::Mask { mask, xor } => Done::Masked { mask, xor },
            BitOperation::ShiftRight(bits) => Done::Shifted(bits),
        };
        self.change(bitwise.register, done);
    }

    pub(super) fn turn(&mut self, byteorder: &Byteorder) {
        let Byteorder { register, to_host, len, size } = *byteorder;
        self.change(register, Done::Turned { to_host, len, size });
    }
}

/// A field as a register holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) selector: Selector,
    /// How the value lies there.
    pub(super) layout: Layout,
    /// The bits that are turned over.
    pub(super) xor: u128,
}

impl Held {
    /// The field after all that was done to it; none where the IR has no word for that.
    pub(super) fn new(field: Field, done: &[Done]) -> Option<Self> {
        let layout = Layout::of(field);
        let mut held = Self { selector: Selector::of(field), layout, xor: 0 };
        let mut rest = done;
        if layout.is_partial() {
            let [Done::Masked { mask, xor }, behind @ ..] = rest else { return None };
            if mask.len() != layout.bytes || !xor.is_zero() {
                return None;
            }
            held.select(layout.value_of(mask))?;
            // Bits of the neighbours would come along.
            if layout.bytes_of(held.selector.bits()) != *mask {
                return None;
            }
            rest = behind;
            let turned = Done::Turned { to_host: true, len: layout.bytes.into(), size: layout.bytes.into() };
            if let [first, Done::Shifted(_), ..] = rest
                && layout.bytes > 1
                && *first == turned
            {
                rest = rest.get(1..)?;
            }
            if let [Done::Shifted(bits), behind @ ..] = rest {
                if *bits != u32::from(layout.shift) || (layout.bytes > 1 && !done.contains(&turned)) {
                    return None;
                }
                held.layout = layout.alone();
                rest = behind;
            }
        }
        for done in rest {
            held.change(*done)?;
        }
        Some(held)
    }

    fn select(&mut self, mask: u128) -> Option<()> {
        self.selector = Selector::masked(self.selector.field(), self.selector.bits() & mask);
        (self.selector.bits() != 0).then_some(())
    }

    fn change(&mut self, done: Done) -> Option<()> {
        match done {
            Done::Shifted(_) => None,
            Done::Turned { to_host, len, .. } => {
                let from_host = matches!(self.layout.order, ringwall_ir::fields::ByteOrder::Host);
                if len != u32::from(self.layout.bytes) {
                    return None;
                }
                // One byte is the same either way.
                if self.layout.bytes > 1 && from_host == to_host {
                    return None;
                }
                self.layout.order = if to_host {
                    ringwall_ir::fields::ByteOrder::Host
                } else {
                    ringwall_ir::fields::ByteOrder::Network
                };
                Some(())
            }
            Done::Masked { mask, xor } => {
                // More bytes than the field has are zero before.
                let wider =
                    mask.len() > self.layout.bytes && matches!(self.layout.order, ringwall_ir::fields::ByteOrder::Host);
                if mask.len() != self.layout.bytes && !wider {
                    return None;
                }
                let layout = Layout { bytes: mask.len(), ..self.layout };
                let (mask, xor) = (layout.value_of(&mask), layout.value_of(&xor));
                self.xor = (self.xor & mask) ^ xor;
                self.select(mask)
            }
        }
    }
}
