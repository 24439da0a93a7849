// SPDX-License-Identifier: GPL-3.0-or-later
//! Names of interfaces as numbers of 128 bits: the name's bytes, then zeros. A pattern is then an interval, and any
//! number of names is a set of intervals, as nft treats them in sets.

use ringwall_ir::{InterfacePattern, IntervalSet};

use super::Unknown;

/// The bits of `IFNAMSIZ` bytes (`include/uapi/linux/if.h`).
const BITS: u8 = 128;

/// A pattern as long as a name can be has no room for more: it means that name alone, as in nft.
fn is_open(pattern: &InterfacePattern) -> bool {
    pattern.is_open() && pattern.stem().len() < InterfacePattern::MAX
}

/// What a register must start with: the whole 16 bytes of a name, only the bytes of a pattern's stem.
pub(super) fn compared(pattern: &InterfacePattern) -> Vec<u8> {
    let mut bytes = pattern.stem().as_bytes().to_vec();
    if !is_open(pattern) {
        bytes.resize(usize::from(BITS / 8), 0);
    }
    bytes
}

/// The pattern that is compared so.
pub(super) fn from_compared(bytes: &[u8]) -> Result<InterfacePattern, Unknown> {
    let open = bytes.len() < usize::from(BITS / 8);
    pattern(bytes, open)
}

/// The numbers of all names that the patterns mean.
pub(super) fn numbers(names: &[InterfacePattern]) -> IntervalSet {
    names.iter().fold(IntervalSet::EMPTY, |all, name| {
        let stem = name.stem().as_bytes();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(stem) {
            *to = *from;
        }
        let length = if is_open(name) { 8 * stem.len() as u8 } else { BITS };
        all.union(&IntervalSet::prefix(u128::from_be_bytes(bytes), length, BITS))
    })
}

/// The patterns of such numbers, sorted.
pub(super) fn from_numbers(numbers: &IntervalSet) -> Result<Vec<InterfacePattern>, Unknown> {
    let mut names = Vec::new();
    for (value, length) in numbers.prefixes(BITS) {
        // Neighbours such as `eth*` and `eti*` are one interval: cut it where names can differ, between bytes.
        let whole = length.next_multiple_of(8);
        let step = 1u128.checked_shl(u32::from(BITS - whole)).unwrap_or(0);
        for i in 0..1u128 << (whole - length) {
            let bytes = (value + i * step).to_be_bytes();
            let stem = bytes.get(..usize::from(whole / 8)).unwrap_or(&bytes);
            names.push(pattern(stem, whole < BITS)?);
        }
    }
    Ok(names)
}

fn pattern(bytes: &[u8], open: bool) -> Result<InterfacePattern, Unknown> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let stem = bytes.get(..if open { bytes.len() } else { end }).unwrap_or_default();
    let unknown = || Unknown::value("interface name", String::from_utf8_lossy(stem));
    let text = std::str::from_utf8(stem).map_err(|_| unknown())?;
    InterfacePattern::new(&format!("{text}{}", if open { "*" } else { "" })).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(texts: &[&str]) -> Vec<InterfacePattern> {
        texts.iter().map(|text| InterfacePattern::new(text).unwrap()).collect()
    }

    #[test]
    fn names_are_padded_and_stems_are_not() {
        assert_eq!(compared(&names(&["lo"])[0]), b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(compared(&names(&["wlan*"])[0]), b"wlan");
    }

    #[test]
    fn neighbours_are_told_apart() {
        let both = names(&["eth*", "eti*"]);
        assert_eq!(numbers(&both).intervals().len(), 1);
        assert_eq!(from_numbers(&numbers(&both)).unwrap(), both);
    }

    #[test]
    fn what_a_pattern_covers_is_not_repeated() {
        assert_eq!(from_numbers(&numbers(&names(&["eth0", "eth*"]))).unwrap(), names(&["eth*"]));
    }

    proptest! {
        #[test]
        fn names_come_back(mut texts in proptest::collection::btree_set("[a-z][a-z0-9.]{0,13}", 1..5)) {
            texts.remove("..");
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            let names = names(&texts);
            prop_assert_eq!(from_numbers(&numbers(&names)).unwrap(), names.clone());
            for name in &names {
                prop_assert_eq!(&from_compared(&compared(name)).unwrap(), name);
            }
        }

        #[test]
        fn arbitrary_numbers_never_panic(first in any::<u128>(), len in any::<u16>(), bytes in any::<[u8; 5]>()) {
            let _ = from_numbers(&IntervalSet::range(first, first.saturating_add(len.into())));
            let _ = from_compared(&bytes);
        }
    }
}
