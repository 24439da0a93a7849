// SPDX-License-Identifier: GPL-3.0-or-later
//! The blocks of pcapng that hold packets, and the options of blocks.

use super::pcapng::Interface;
use super::source::Order;
use super::{Fault, Heading, LONGEST_PACKET, Record};

const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The option that ends a list of options.
const OPTION_END: u16 = 0;

/// Whether blocks of a type hold a packet.
pub const fn holds_packet(kind: u32) -> bool {
    matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
}

/// The packet in the body of a block that holds one; its range counts from the start of the body.
///
/// # Errors
/// What is wrong with the block.
pub fn record(kind: u32, body: &[u8], order: Order, interfaces: &[Interface]) -> Result<Record, Fault> {
    let body = Body { bytes: body, order };
    let read = match kind {
        ENHANCED_PACKET => body.enhanced(),
        PACKET => body.obsolete(),
        _ => body.simple(interfaces),
    };
    let Packet { interface, ticks, start, length, options } =
        read.ok_or_else(|| Fault::Damage("a block is too short for its packet".to_owned()))?;
    let described = interfaces.get(interface);
    let interface =
        described.ok_or_else(|| Fault::Damage("a packet names an interface that no block describes".to_owned()))?;
    if u32::try_from(length).is_ok_and(|length| length > LONGEST_PACKET) {
        return Err(Fault::Damage(format!("a packet of {length} bytes is longer than any can be")));
    }
    Ok(Record {
        at: ticks.map(|ticks| clock(interface, ticks)),
        link: interface.link,
        interface: interface.name.clone(),
        heading: self::options(options, order).find_map(|(code, value)| heading(code, value, order)),
        range: start..start + length,
    })
}

/// A packet as a block holds it.
struct Packet<'a> {
    /// The interface, by its place among the section's.
    interface: usize,
    /// Its time stamp, in the resolution of the interface.
    ticks: Option<u64>,
    start: usize,
    length: usize,
    options: &'a [u8],
}

/// The body of a block.
struct Body<'a> {
    bytes: &'a [u8],
    order: Order,
}

impl<'a> Body<'a> {
    /// §4.3: interface, time stamp, captured length, original length, packet, options.
    fn enhanced(&self) -> Option<Packet<'a>> {
        self.stamped(usize::try_from(self.number32(0)?).ok()?)
    }

    /// Appendix A: as the enhanced one, but interface and drop count share the first word.
    fn obsolete(&self) -> Option<Packet<'a>> {
        self.stamped(self.order.number16(self.bytes, 0)?.into())
    }

    fn stamped(&self, interface: usize) -> Option<Packet<'a>> {
        const START: usize = 20;
        let ticks = u64::from(self.number32(4)?) << 32 | u64::from(self.number32(8)?);
        let length = usize::try_from(self.number32(12)?).ok()?;
        let rest = self.bytes.get(START..)?;
        rest.get(..length)?;
        let options = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Packet { interface, ticks: Some(ticks), start: START, length, options })
    }

    /// §4.4: original length, packet. It is of the first interface, has no time stamp, and ends at the snap length.
    fn simple(&self, interfaces: &[Interface]) -> Option<Packet<'a>> {
        let snap_length = interfaces.first().map_or(0, |interface| interface.snap_length);
        let original = self.number32(0)?;
        let length = if snap_length == 0 { original } else { original.min(snap_length) };
        let length = usize::try_from(length).ok()?;
        self.bytes.get(4..)?.get(..length)?;
        Some(Packet { interface: 0, ticks: None, start: 4, length, options: &[] })
    }

    fn number32(&self, at: usize) -> Option<u32> {
        self.order.number32(self.bytes, at)
    }
}

/// The options of a block (§3.5): code and value, until their end or until one is cut short.
pub fn options(mut rest: &[u8], order: Order) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, length) = (order.number16(rest, 0)?, usize::from(order.number16(rest, 2)?));
        let value = rest.get(4..)?.get(..length)?;
        rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        (code != OPTION_END).then_some((code, value))
    })
}

/// Which way a packet went, by the flags of its block (§4.3.1).
fn heading(code: u16, value: &[u8], order: Order) -> Option<Heading> {
    const FLAGS: u16 = 2;
    const DIRECTION: u32 = 0b11;
    match order.number32(value, 0).filter(|_| code == FLAGS)? & DIRECTION {
        1 => Some(Heading::In),
        2 => Some(Heading::Out),
        _ => None,
    }
}

const NANOSECONDS: i128 = 1_000_000_000;

/// Nanoseconds since the epoch of a time stamp, by what its interface tells of its clock (§4.2).
fn clock(interface: &Interface, ticks: u64) -> i128 {
    nanoseconds(ticks, interface.resolution) + i128::from(interface.offset) * NANOSECONDS
}

/// Ticks in nanoseconds. A resolution is a negative power of ten, or of two where its highest bit is set.
fn nanoseconds(ticks: u64, resolution: u8) -> i128 {
    const OF_TWO: u8 = 0x80;
    let ticks = i128::from(ticks) * NANOSECONDS;
    let power = u32::from(resolution & !OF_TWO);
    if resolution & OF_TWO != 0 {
        ticks >> power
    } else {
        10_i128.checked_pow(power).map_or(0, |per_second| ticks / per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_powers_of_ten_and_of_two() {
        assert_eq!(nanoseconds(5, 6), 5000);
        assert_eq!(nanoseconds(5, 9), 5);
        assert_eq!(nanoseconds(5000, 12), 5);
        assert_eq!(nanoseconds(5, 0), 5_000_000_000);
        assert_eq!(nanoseconds(1, 0x81), 500_000_000);
        assert_eq!(nanoseconds(u64::MAX, 0x7f), 0);
        assert_eq!(nanoseconds(u64::MAX, 0xff), 0);
    }

    #[test]
    fn options_end_at_their_end_and_where_one_is_cut() {
        let read = |bytes: &'static [u8]| options(bytes, Order::Big).collect::<Vec<_>>();
        assert_eq!(read(&[0, 5, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0]), [(5, &[9][..])]);
        assert_eq!(read(&[0, 5, 0, 2, 9, 8, 0, 0, 0, 6, 0, 9, 1]), [(5, &[9, 8][..])]);
        assert_eq!(read(&[0, 5, 0]), []);
    }
}
