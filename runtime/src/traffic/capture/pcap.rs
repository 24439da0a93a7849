// SPDX-License-Identifier: GPL-3.0-or-later
//! pcap (draft-ietf-opsawg-pcap): a header, then a record a packet.

use std::io::Read;

use super::source::{Lack, Order, Source};
use super::{Fault, LONGEST_PACKET, Record};

const HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// What the header tells.
#[derive(Clone, Copy, Debug)]
pub struct Pcap {
    order: Order,
    /// Nanoseconds in the unit of its time stamps.
    unit: i128,
    link: u32,
}

impl Pcap {
    /// Reads the header.
    pub fn read<R: Read>(source: &mut Source<R>) -> Result<Self, Lack> {
        source.next();
        source.fill(HEADER)?;
        let header = source.piece();
        let (order, unit) = match header.get(..4) {
            Some([0xa1, 0xb2, 0xc3, 0xd4]) => (Order::Big, 1000),
            Some([0xa1, 0xb2, 0x3c, 0x4d]) => (Order::Big, 1),
            Some([0x4d, 0x3c, 0xb2, 0xa1]) => (Order::Little, 1),
            _ => (Order::Little, 1000),
        };
        // The upper half of the number tells the length of a check sequence behind each frame.
        let link = order.number32(header, 20).unwrap_or_default() & 0xffff;
        Ok(Self { order, unit, link })
    }

    /// Reads a record; none at the end.
    pub fn next<R: Read>(&self, source: &mut Source<R>) -> Result<Option<Record>, Fault> {
        source.next();
        match source.fill(RECORD_HEADER) {
            Err(Lack::End) if source.piece().is_empty() => return Ok(None),
            filled => filled?,
        }
        let number = |at| self.order.number32(source.piece(), at).unwrap_or_default();
        let (seconds, fraction, length) = (number(0), number(4), number(8));
        if length > LONGEST_PACKET {
            return Err(Fault::too_long(length));
        }
        let length = usize::try_from(length).map_err(|_| Fault::too_long(length))?;
        source.fill(RECORD_HEADER + length)?;
        Ok(Some(Record {
            at: Some(i128::from(seconds) * 1_000_000_000 + i128::from(fraction) * self.unit),
            link: self.link,
            interface: None,
            heading: None,
            range: RECORD_HEADER..RECORD_HEADER + length,
        }))
    }
}
