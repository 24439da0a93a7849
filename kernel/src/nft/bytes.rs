// SPDX-License-Identifier: GPL-3.0-or-later
//! What registers hold: at most 16 bytes at once, without a heap.

use std::fmt;

use ringwall_ir::fields::ByteOrder;

/// The most bytes that one value has (`struct nft_data` in `include/net/netfilter/nf_tables.h`).
pub const VALUE_LEN: usize = 16;

/// At most [`VALUE_LEN`] bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes {
    /// What lies behind the length is zero.
    bytes: [u8; VALUE_LEN],
    len: u8,
}

impl Bytes {
    /// These bytes; none if they are too many.
    pub(super) fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; VALUE_LEN];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self { bytes, len: u8::try_from(from.len()).ok()? })
    }

    /// The last `len` bytes of a number.
    pub(super) fn of(value: u128, len: u8, order: ByteOrder) -> Self {
        let len = len.min(VALUE_LEN as u8);
        let mut bytes = if len == 0 { [0; VALUE_LEN] } else { (value << (8 * (VALUE_LEN as u8 - len))).to_be_bytes() };
        if let Some(used) = bytes.get_mut(..usize::from(len)).filter(|_| is_reversed(order)) {
            used.reverse();
        }
        Self { bytes, len }
    }

    /// The number that they are.
    pub(super) fn number(&self, order: ByteOrder) -> u128 {
        let mut bytes = self.bytes;
        if let Some(used) = bytes.get_mut(..usize::from(self.len)).filter(|_| is_reversed(order)) {
            used.reverse();
        }
        match self.len {
            0 => 0,
            len => u128::from_be_bytes(bytes) >> (8 * (VALUE_LEN as u8 - len)),
        }
    }

    /// The first `len` of them.
    #[must_use]
    pub(super) fn truncated(self, len: u8) -> Self {
        Self::new(self.as_slice().get(..usize::from(len)).unwrap_or(self.as_slice())).unwrap_or(self)
    }

    /// These, and others behind them; none if they are too many.
    pub(super) fn followed_by(&self, other: &Self) -> Option<Self> {
        Self::new(&[self.as_slice(), other.as_slice()].concat())
    }

    /// The first `len`, and the others; none if there are not so many.
    pub(super) fn split(&self, len: u8) -> Option<(Self, Self)> {
        let (first, rest) = self.as_slice().split_at_checked(usize::from(len))?;
        Some((Self::new(first)?, Self::new(rest)?))
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// Whether all of them are zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.bytes == [0; VALUE_LEN]
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

const fn is_reversed(order: ByteOrder) -> bool {
    matches!(order, ByteOrder::Host) && cfg!(target_endian = "little")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(value in any::<u128>(), len in 1u8..=16, host in any::<bool>()) {
            let order = if host { ByteOrder::Host } else { ByteOrder::Network };
            let kept = value & (u128::MAX >> (128 - 8 * len));
            let bytes = Bytes::of(value, len, order);
            prop_assert_eq!(bytes.len(), len);
            prop_assert_eq!(bytes.number(order), kept);
            prop_assert_eq!(Bytes::new(bytes.as_slice()), Some(bytes));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), len in any::<u8>()) {
            let read = Bytes::new(&bytes);
            prop_assert_eq!(read.is_some(), bytes.len() <= 16);
            if let Some(read) = read {
                prop_assert!(read.truncated(len).len() <= read.len());
                if let Some((first, rest)) = read.split(len) {
                    prop_assert_eq!(first.followed_by(&rest), Some(read));
                }
            }
        }
    }

    #[test]
    fn numbers_of_the_host_are_reversed_on_small_machines() {
        assert_eq!(Bytes::of(0x0102, 2, ByteOrder::Network).as_slice(), [1, 2]);
        assert_eq!(Bytes::of(0x0102, 2, ByteOrder::Host).as_slice(), 0x0102u16.to_ne_bytes());
        assert_eq!(Bytes::of(7, 0, ByteOrder::Host).number(ByteOrder::Host), 0);
    }
}
