// SPDX-License-Identifier: GPL-3.0-or-later
//! The blocks of pcapng that hold packets (draft-ietf-opsawg-pcapng).

use pcap_file::Endianness;
use pcap_file::pcapng::RawBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
use pcap_file::pcapng::blocks::{ENHANCED_PACKET_BLOCK, PACKET_BLOCK, SIMPLE_PACKET_BLOCK};

use super::Frame;
use crate::packet::wire::array;

type Interface = InterfaceDescriptionBlock<'static>;

/// The resolution of time stamps where an interface tells none: microseconds.
const MICROSECONDS: u8 = 6;

/// The frame in a block; none in a block that holds no packet.
///
/// # Errors
/// What is wrong with the block.
pub fn frame<'a>(
    block: &'a RawBlock<'_>,
    order: Endianness,
    interfaces: &[Interface],
) -> Result<Option<Frame<'a>>, &'static str> {
    let body = Body { bytes: &block.body, order };
    let read = match block.type_ {
        ENHANCED_PACKET_BLOCK => body.enhanced(),
        PACKET_BLOCK => body.obsolete(),
        SIMPLE_PACKET_BLOCK => body.simple(interfaces),
        _ => return Ok(None),
    };
    let Record { interface, ticks, bytes } = read.ok_or("a block is too short for its packet")?;
    let interface = interfaces.get(interface).ok_or("a packet names an interface that no block describes")?;
    Ok(Some(Frame { at: ticks.map(|ticks| clock(interface, ticks)), link: interface.linktype, bytes }))
}

/// A packet as a block holds it.
struct Record<'a> {
    /// The interface, by its place among the section's.
    interface: usize,
    /// Its time stamp, in the resolution of the interface.
    ticks: Option<u64>,
    bytes: &'a [u8],
}

/// The body of a block.
struct Body<'a> {
    bytes: &'a [u8],
    order: Endianness,
}

impl<'a> Body<'a> {
    /// §4.3: interface, time stamp, captured length, original length, packet.
    fn enhanced(&self) -> Option<Record<'a>> {
        self.stamped(usize::try_from(self.number32(0)?).ok()?)
    }

    /// Appendix A: as the enhanced one, but interface and drop count share the first word.
    fn obsolete(&self) -> Option<Record<'a>> {
        self.stamped(self.number16(0)?.into())
    }

    fn stamped(&self, interface: usize) -> Option<Record<'a>> {
        let ticks = u64::from(self.number32(4)?) << 32 | u64::from(self.number32(8)?);
        let length = usize::try_from(self.number32(12)?).ok()?;
        Some(Record { interface, ticks: Some(ticks), bytes: self.bytes.get(20..)?.get(..length)? })
    }

    /// §4.4: original length, packet. It is of the first interface, has no time stamp, and ends at the snap length.
    fn simple(&self, interfaces: &[Interface]) -> Option<Record<'a>> {
        let snap_length = interfaces.first().map_or(0, |interface| interface.snaplen);
        let original = self.number32(0)?;
        let length = if snap_length == 0 { original } else { original.min(snap_length) };
        let bytes = self.bytes.get(4..)?.get(..usize::try_from(length).ok()?)?;
        Some(Record { interface: 0, ticks: None, bytes })
    }

    fn number32(&self, at: usize) -> Option<u32> {
        let bytes = array(self.bytes, at)?;
        Some(if self.order.is_big() { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn number16(&self, at: usize) -> Option<u16> {
        let bytes = array(self.bytes, at)?;
        Some(if self.order.is_big() { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }
}

/// Nanoseconds since the epoch of a time stamp, by what its interface tells of its clock (§4.2).
fn clock(interface: &Interface, ticks: u64) -> i128 {
    let (mut resolution, mut offset) = (MICROSECONDS, 0);
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(told) => resolution = *told,
            InterfaceDescriptionOption::IfTsOffset(told) => offset = told.cast_signed(),
            _ => {}
        }
    }
    nanoseconds(ticks, resolution) + i128::from(offset) * NANOSECONDS
}

const NANOSECONDS: i128 = 1_000_000_000;

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
}
