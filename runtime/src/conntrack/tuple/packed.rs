// SPDX-License-Identifier: GPL-3.0-or-later
//! Tuples as the table holds them: 40 bytes that are compared and hashed as five numbers.

use ringwall_ir::words::{Family, Protocol};

use super::{Ends, Tuple};

/// A tuple in few bytes. Equal tuples are equal here too, and different ones different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packed {
    source: [u64; 2],
    destination: [u64; 2],
    /// From the highest byte on: the family, the protocol, which ends there are, nothing, and the ends.
    rest: u64,
}

impl Packed {
    #[inline]
    pub fn of(tuple: &Tuple) -> Self {
        let (form, one, other) = match tuple.ends {
            Ends::Nothing => (0, 0, 0),
            Ends::Ports { source, destination } => (1, source, destination),
            Ends::Query { kind, code, id } => (2, u16::from_be_bytes([kind, code]), id),
            Ends::Keys { source, destination } => (3, source, destination),
        };
        let [one, two] = one.to_be_bytes();
        let [three, four] = other.to_be_bytes();
        let rest = [tuple.family.number(), tuple.protocol.0, form, 0, one, two, three, four];
        Self { source: halves(tuple.source), destination: halves(tuple.destination), rest: u64::from_be_bytes(rest) }
    }

    #[inline]
    pub fn tuple(&self) -> Tuple {
        let [family, protocol, form, _, one, two, three, four] = self.rest.to_be_bytes();
        let (first, second) = (u16::from_be_bytes([one, two]), u16::from_be_bytes([three, four]));
        Tuple {
            family: if family == Family::Ipv4.number() { Family::Ipv4 } else { Family::Ipv6 },
            protocol: Protocol(protocol),
            source: whole(self.source),
            destination: whole(self.destination),
            ends: match form {
                0 => Ends::Nothing,
                1 => Ends::Ports { source: first, destination: second },
                2 => Ends::Query { kind: one, code: two, id: second },
                _ => Ends::Keys { source: first, destination: second },
            },
        }
    }

    /// A number of it.
    #[inline]
    pub const fn glance(&self) -> u64 {
        self.rest
    }

    /// A hash of 32 bits, the same in every run: products of the numbers, folded. Who chooses the traffic can choose clashes;
    /// the machine then gets slow, as it would for any other traffic that is too much for it.
    #[inline]
    pub const fn hash(&self) -> u32 {
        const KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f];
        let [first, second, third] = KEYS;
        let ([source, low_source], [destination, low_destination]) = (self.source, self.destination);
        let mut hash = folded(low_source ^ first, low_destination ^ self.rest.rotate_left(24) ^ second);
        if source | destination != 0 {
            hash ^= folded(source ^ second, destination ^ third);
        }
        let hash = folded(hash ^ self.rest, third);
        (hash ^ hash >> 32) as u32
    }
}

#[inline]
const fn folded(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

#[inline]
const fn halves(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}

#[inline]
const fn whole([high, low]: [u64; 2]) -> u128 {
    (high as u128) << 64 | low as u128
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tuples() -> impl Strategy<Value = Tuple> {
        let ends = prop_oneof![
            Just(Ends::Nothing),
            any::<(u16, u16)>().prop_map(|(source, destination)| Ends::Ports { source, destination }),
            any::<(u8, u8, u16)>().prop_map(|(kind, code, id)| Ends::Query { kind, code, id }),
            any::<(u16, u16)>().prop_map(|(source, destination)| Ends::Keys { source, destination }),
        ];
        let addresses = prop_oneof![any::<(u128, u128)>(), any::<(u32, u32)>().prop_map(|(a, b)| (a.into(), b.into()))];
        (any::<bool>(), any::<u8>(), addresses, ends).prop_map(|(v6, protocol, (source, destination), ends)| {
            let family = if v6 { Family::Ipv6 } else { Family::Ipv4 };
            Tuple { family, protocol: Protocol(protocol), source, destination, ends }
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_is_what_is_unpacked(one in tuples(), other in tuples()) {
            prop_assert_eq!(Packed::of(&one).tuple(), one);
            prop_assert_eq!(Packed::of(&one) == Packed::of(&other), one == other);
        }
    }
}
