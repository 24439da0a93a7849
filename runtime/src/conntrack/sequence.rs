// SPDX-License-Identifier: GPL-3.0-or-later
//! Sequence numbers, which wrap (RFC 9293 §3.4).

/// A TCP sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence(pub u32);

impl Sequence {
    /// Whether it comes before `other`, going the shorter way round.
    pub const fn is_before(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() < 0
    }

    /// Whether it comes after `other`, going the shorter way round.
    pub const fn is_after(self, other: Self) -> bool {
        other.is_before(self)
    }

    /// The number `bytes` further on.
    pub const fn plus(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// The number `bytes` further back.
    pub const fn minus(self, bytes: u32) -> Self {
        Self(self.0.wrapping_sub(bytes))
    }

    /// How many bytes it is further on than `earlier`.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_goes_round() {
        let (late, early) = (Sequence(u32::MAX - 5), Sequence(10));
        assert!(late.is_before(early));
        assert!(early.is_after(late));
        assert!(!late.is_before(late));
        assert_eq!(early.since(late), 16);
        assert_eq!(late.plus(16), early);
        assert_eq!(early.minus(16), late);
    }
}
