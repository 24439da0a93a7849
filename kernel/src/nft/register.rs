// SPDX-License-Identifier: GPL-3.0-or-later
//! Registers: sixteen slots of 32 bits, of which four together also have a number of their own.
//!
//! nft 1.0.6 gives a value that stands alone a whole 128 bits, and the parts of a concatenation as many slots as they
//! fill (`netlink_linearize.c`). A slot that starts 128 bits goes by the number of those (`NFT_REG_1` to `NFT_REG_4`),
//! every other by its own (`NFT_REG32_01` to `NFT_REG32_15`); the kernel dumps them the same way (`nft_dump_register`).

use rustables::sys;

use super::Unknown;
use crate::netlink::{Attributes, Value};

/// How many slots there are.
pub const SLOTS: u8 = 16;
/// How many slots 128 bits are.
const WIDE: u8 = 4;

/// A register, by its first slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Register(u8);

impl Register {
    /// The first 128 bits.
    pub const FIRST: Self = Self(0);
    /// The second 128 bits.
    pub const SECOND: Self = Self(WIDE);
    /// The third 128 bits.
    pub const THIRD: Self = Self(2 * WIDE);

    /// The slot.
    #[must_use]
    pub const fn slot(self) -> u8 {
        self.0
    }

    /// The register behind a value of so many bytes; none if there is none.
    pub(super) fn behind(self, bytes: u8) -> Option<Self> {
        let slot = self.0.checked_add(slots(bytes))?;
        (slot < SLOTS).then_some(Self(slot))
    }

    /// The kernel's number (`enum nft_registers`).
    pub(super) fn number(self) -> u32 {
        match self.0 % WIDE {
            0 => sys::NFT_REG_1 + u32::from(self.0 / WIDE),
            _ => sys::NFT_REG32_00 + u32::from(self.0),
        }
    }

    /// The register of the kernel's number; none where it is that of verdicts.
    ///
    /// # Errors
    /// [`Unknown`] where the kernel has no such register.
    fn of_number(number: u32) -> Result<Option<Self>, Unknown> {
        let slot = match number {
            sys::NFT_REG_VERDICT => return Ok(None),
            sys::NFT_REG_1..=sys::NFT_REG_4 => (number - sys::NFT_REG_1) * u32::from(WIDE),
            sys::NFT_REG32_00..=sys::NFT_REG32_15 => number - sys::NFT_REG32_00,
            _ => return Err(Unknown::value("register", number)),
        };
        u8::try_from(slot).map(|slot| Some(Self(slot))).map_err(|_| Unknown::value("register", number))
    }

    /// Reads a register, or that of verdicts as none.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(super) fn read_any(value: Value<'_>) -> Result<Option<Self>, Unknown> {
        Self::of_number(value.be32()?)
    }

    /// Reads a register that must be there.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(super) fn read(attributes: Attributes<'_>, kind: u16) -> Result<Self, Unknown> {
        Self::read_any(attributes.need(kind)?)?.ok_or_else(|| Unknown::value("register", sys::NFT_REG_VERDICT))
    }

    /// Reads a register that may be there.
    ///
    /// # Errors
    /// [`Unknown`]
    pub(super) fn read_optional(attributes: Attributes<'_>, kind: u16) -> Result<Option<Self>, Unknown> {
        attributes.get(kind).map(|_| Self::read(attributes, kind)).transpose()
    }
}

/// How many slots a value of so many bytes fills.
pub(super) const fn slots(bytes: u8) -> u8 {
    bytes.div_ceil(4)
}

/// How many bytes a value of so many bytes fills.
pub(super) const fn padded(bytes: u8) -> u8 {
    slots(bytes).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_go_by_the_numbers_that_nft_gives_them() {
        let numbers: Vec<_> = (0..SLOTS).map(|slot| Register(slot).number()).collect();
        assert_eq!(numbers, [1, 9, 10, 11, 2, 13, 14, 15, 3, 17, 18, 19, 4, 21, 22, 23]);
        for (slot, number) in (0..).zip(numbers) {
            assert_eq!(Register::of_number(number), Ok(Some(Register(slot))));
        }
        assert_eq!(Register::of_number(8), Ok(Some(Register::FIRST)));
        assert_eq!(Register::of_number(0), Ok(None));
        assert!(Register::of_number(24).is_err());
        assert!(Register::of_number(5).is_err());
    }

    #[test]
    fn a_value_is_followed_by_the_next_free_slot() {
        assert_eq!(Register::FIRST.behind(2), Some(Register(1)));
        assert_eq!(Register::FIRST.behind(16), Some(Register::SECOND));
        assert_eq!(Register(3 * WIDE).behind(16), None);
    }
}
