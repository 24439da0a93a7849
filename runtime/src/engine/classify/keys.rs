// SPDX-License-Identifier: GPL-3.0-or-later
//! What a packet has for each key of a chain, read when it is first asked for.

use ringwall_ir::fields::{Base, Load};
use ringwall_ir::words::{Family, Protocol};
use ringwall_ir::{Field, Selector};

use super::KEYS_MAX;
use crate::engine::View;
use crate::engine::interpret::value;
use crate::packet::wire::{array, byte};

/// How a key is read: as [`value`] reads the field, but told beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    selector: Selector,
    family: Option<Family>,
    protocol: Option<Protocol>,
    way: Way,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// So many bytes of a header, from one on.
    Bytes {
        of_transport: bool,
        at: usize,
        count: u8,
    },
    State,
    Protocol,
    Other,
}

impl Reader {
    pub fn of(selector: Selector) -> Self {
        let row = selector.field().row();
        let way = match (row.field, row.load) {
            (_, Load::Payload(base @ (Base::Network | Base::Transport), at))
                if at % 8 == 0 && matches!(row.bits, 8 | 16 | 32 | 128) =>
            {
                Way::Bytes { of_transport: base == Base::Transport, at: usize::from(at / 8), count: row.bits / 8 }
            }
            (Field::CtState, _) => Way::State,
            (Field::L4proto, _) => Way::Protocol,
            _ => Way::Other,
        };
        Self { selector, family: row.needs.family(), protocol: row.needs.protocol(), way }
    }

    #[inline]
    fn read(&self, view: &View<'_>) -> Option<u128> {
        let packet = view.packet;
        if self.family.is_some_and(|family| family != packet.family())
            || self.protocol.is_some_and(|protocol| protocol != packet.protocol())
        {
            return None;
        }
        let value = match self.way {
            Way::Bytes { of_transport, at, count } => {
                let header = if of_transport { packet.transport()? } else { packet.bytes() };
                match count {
                    1 => byte(header, at)?.into(),
                    2 => u16::from_be_bytes(array(header, at)?).into(),
                    4 => u32::from_be_bytes(array(header, at)?).into(),
                    _ => u128::from_be_bytes(array(header, at)?),
                }
            }
            Way::State => view.state.bit().into(),
            Way::Protocol => packet.protocol().0.into(),
            Way::Other => value(self.selector.field(), view)?,
        };
        Some(value & self.selector.bits())
    }
}

/// The values that a tree is asked about, by the numbers of their keys.
pub trait Values {
    /// What there is for a key, if anything.
    fn value(&mut self, key: usize) -> Option<u128>;
}

/// The keys of one packet.
pub struct Keys<'k, 'v> {
    readers: &'k [Reader],
    view: &'k View<'v>,
    values: [u128; KEYS_MAX],
    /// A bit for each key that was looked for, and for each that is there.
    read: u32,
    present: u32,
}

impl<'k, 'v> Keys<'k, 'v> {
    #[inline]
    pub const fn new(readers: &'k [Reader], view: &'k View<'v>) -> Self {
        Self { readers, view, values: [0; KEYS_MAX], read: 0, present: 0 }
    }

    #[inline(never)]
    fn fetch(&mut self, key: usize, bit: u32) {
        self.read |= bit;
        if let Some(value) = self.readers.get(key).and_then(|reader| reader.read(self.view))
            && let Some(place) = self.values.get_mut(key)
        {
            *place = value;
            self.present |= bit;
        }
    }
}

impl Values for Keys<'_, '_> {
    /// What the packet has for a key; none where it lacks the field.
    #[inline(always)]
    fn value(&mut self, key: usize) -> Option<u128> {
        let key = key % KEYS_MAX;
        let bit = 1 << key;
        if self.read & bit == 0 {
            self.fetch(key, bit);
        }
        if self.present & bit == 0 { None } else { self.values.get(key).copied() }
    }
}
