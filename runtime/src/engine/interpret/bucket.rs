// SPDX-License-Identifier: GPL-3.0-or-later
//! The tokens of a limit.

use std::time::Duration;

use ringwall_ir::{Limit, LimitUnit};

/// The tokens of one limit, in nanoseconds as in `net/netfilter/nft_limit.c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    tokens: u128,
    last: Duration,
}

impl Bucket {
    /// A bucket with all tokens that it can hold.
    pub(super) fn full(limit: &Limit) -> Self {
        Self { tokens: capacity(limit), last: Duration::ZERO }
    }

    /// Takes the price of a packet of so many bytes, if there are tokens for it. A limit that passes what exceeds it says
    /// the opposite.
    pub(super) fn take(&mut self, limit: &Limit, length: usize, now: Duration) -> bool {
        let gained = now.saturating_sub(self.last).as_nanos();
        self.tokens = (self.tokens + gained).min(capacity(limit));
        self.last = now;
        let within = match self.tokens.checked_sub(price(limit, length)) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        };
        within != limit.over
    }
}

fn capacity(limit: &Limit) -> u128 {
    limit.capacity().map_or(u128::MAX, u128::from)
}

fn price(limit: &Limit, length: usize) -> u128 {
    let units = match limit.unit {
        LimitUnit::Packets => 1,
        LimitUnit::Bytes => u128::try_from(length).unwrap_or(u128::MAX),
    };
    let span = Duration::from_secs(u64::from(limit.per.seconds())).as_nanos();
    span.saturating_mul(units) / u128::from(limit.amount.get())
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroU64};

    use ringwall_ir::Per;

    use super::*;

    #[test]
    fn a_limit_lets_its_burst_through_and_then_its_rate() {
        let limit = Limit::packets(NonZeroU32::new(2).unwrap(), Per::Second, NonZeroU32::new(3).unwrap());
        let mut bucket = Bucket::full(&limit);
        let mut at = |millis| bucket.take(&limit, 100, Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(499), at(500), at(999), at(1000)], [false, true, false, true]);
        assert_eq!([at(9000), at(9000), at(9000), at(9000)], [true, true, true, false]);
    }

    #[test]
    fn over_a_limit_is_what_it_does_not_let_through() {
        let one = NonZeroU32::MIN;
        let limit = Limit { over: true, ..Limit::packets(one, Per::Second, one) };
        let mut bucket = Bucket::full(&limit);
        let mut at = |millis| bucket.take(&limit, 100, Duration::from_millis(millis));
        assert_eq!([at(0), at(1), at(1001), at(1002)], [false, true, false, true]);
    }
    #[test]
    fn a_limit_of_bytes_counts_whole_packets() {
        let rate = NonZeroU64::new(100).unwrap();
        let limit = Limit { amount: rate, per: Per::Second, unit: LimitUnit::Bytes, burst: 50, over: false };
        let mut bucket = Bucket::full(&limit);
        let mut at = |length, millis| bucket.take(&limit, length, Duration::from_millis(millis));
        assert_eq!([at(151, 0), at(100, 0), at(51, 0), at(50, 0)], [false, true, false, true]);
        assert_eq!([at(100, 999), at(100, 1000)], [false, true]);
    }
}
