// SPDX-License-Identifier: GPL-3.0-or-later
//! The least that has to be done for a packet: reading its header by hand, and finding and changing 64 bytes in a flat
//! table.

/// What tells one conversation from another, the same for both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FiveTuple {
    addresses: u64,
    ports: u32,
    protocol: u8,
}

impl FiveTuple {
    /// A hash: two multiplications.
    pub const fn hash(self) -> u64 {
        let mixed =
            (self.addresses ^ (self.ports as u64) << 17 ^ self.protocol as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

/// The tuple of an IPv4 packet with ports, the lower end first.
pub fn parse(bytes: &[u8]) -> Option<FiveTuple> {
    let header = usize::from(bytes[0] & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    if bytes[0] >> 4 != 4 || header < 20 || total < header + 4 || bytes.len() < total {
        return None;
    }
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (source, destination) = (number(12), number(16));
    let ports = number(header);
    let (low, high, ports) =
        if source < destination { (source, destination, ports) } else { (destination, source, ports.rotate_left(16)) };
    Some(FiveTuple { addresses: u64::from(low) << 32 | u64::from(high), ports, protocol: bytes[9] })
}

/// An entry of a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Entry {
    key: FiveTuple,
    used: bool,
    packets: u64,
    bytes: u64,
}

/// A table of entries, half full at the most.
pub struct Table(Vec<Entry>);

impl Table {
    /// An empty table for so many flows.
    pub fn for_flows(flows: usize) -> Self {
        Self(vec![Entry::default(); (flows * 2).next_power_of_two()])
    }

    /// Finds the entry of a tuple, or makes it, and counts the packet.
    pub fn count(&mut self, key: FiveTuple, length: usize) -> u64 {
        let mask = self.0.len() - 1;
        let mut at = usize::try_from(key.hash() >> 16).unwrap_or_default() & mask;
        loop {
            let entry = &mut self.0[at];
            if !entry.used {
                *entry = Entry { key, used: true, ..Entry::default() };
            }
            if entry.key == key {
                entry.packets += 1;
                entry.bytes += length as u64;
                return entry.packets;
            }
            at = (at + 1) & mask;
        }
    }
}
