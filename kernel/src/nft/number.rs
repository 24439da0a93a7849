// SPDX-License-Identifier: GPL-3.0-or-later
//! Numbers as the bytes that registers and sets hold.

use ringwall_ir::fields::ByteOrder;

/// The last `len` bytes of a number.
pub(super) fn to_bytes(value: u128, len: usize, order: ByteOrder) -> Vec<u8> {
    let all = value.to_be_bytes();
    let mut bytes = all.get(all.len().saturating_sub(len)..).unwrap_or(&all).to_vec();
    if reversed(order) {
        bytes.reverse();
    }
    bytes
}

/// The number in at most 16 bytes.
pub(super) fn from_bytes(bytes: &[u8], order: ByteOrder) -> Option<u128> {
    let mut all = [0; 16];
    let start = all.len().checked_sub(bytes.len())?;
    all.get_mut(start..)?.copy_from_slice(bytes);
    if reversed(order) {
        all.get_mut(start..)?.reverse();
    }
    Some(u128::from_be_bytes(all))
}

/// The first `length` of `bits` bits.
pub(super) const fn mask(length: u8, bits: u8) -> u128 {
    let host = bits.saturating_sub(length);
    let all = if bits >= 128 { u128::MAX } else { (1 << bits) - 1 };
    if host >= 128 { 0 } else { all >> host << host }
}

const fn reversed(order: ByteOrder) -> bool {
    matches!(order, ByteOrder::Host) && cfg!(target_endian = "little")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masks_are_contiguous() {
        assert_eq!(mask(8, 32), 0xff00_0000);
        assert_eq!(mask(0, 32), 0);
        assert_eq!(mask(32, 32), 0xffff_ffff);
        assert_eq!(mask(128, 128), u128::MAX);
        assert_eq!(mask(0, 128), 0);
    }

    proptest! {
        #[test]
        fn numbers_come_back(value in any::<u128>(), len in 1usize..=16, host in any::<bool>()) {
            let order = if host { ByteOrder::Host } else { ByteOrder::Network };
            let kept = value & (u128::MAX >> (128 - 8 * len));
            prop_assert_eq!(from_bytes(&to_bytes(value, len, order), order), Some(kept));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(from_bytes(&bytes, ByteOrder::Network).is_some(), bytes.len() <= 16);
        }
    }
}
