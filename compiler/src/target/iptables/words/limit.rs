// SPDX-License-Identifier: GPL-3.0-or-later
//! The rates of `-m limit`.

use ringwall_ir::{Limit, Per};

use super::begins;

/// The largest `--limit-burst`.
pub(in crate::target::iptables) const BURST_MAX: u32 = 10_000;

/// Whether `-m limit` keeps the rate. It counts in ten-thousandths of a second a packet, and rounds (`XT_LIMIT_SCALE`):
/// 3,000 a second become 3,333.
pub(in crate::target::iptables) fn keeps_rate(limit: &Limit) -> bool {
    let (unit, amount) = (u64::from(limit.per.seconds()) * 10_000, limit.amount.get());
    unit.checked_div(amount).and_then(|cost| unit.checked_div(cost)) == Some(amount)
}

/// The same rate by the shortest unit that has a whole number of packets, as iptables-save prints it: 120 an hour are 2 a
/// minute, and the bucket is the same.
pub(in crate::target::iptables) fn shortest(mut amount: u64, mut per: Per) -> (u64, Per) {
    loop {
        let (parts, shorter) = match per {
            Per::Week => (7, Per::Day),
            Per::Day => (24, Per::Hour),
            Per::Hour => (60, Per::Minute),
            Per::Minute => (60, Per::Second),
            Per::Second => return (amount, per),
        };
        if amount == 0 || !amount.is_multiple_of(parts) {
            return (amount, per);
        }
        (amount, per) = (amount / parts, shorter);
    }
}

/// The word that iptables-save prints for a unit; there is no week.
pub(in crate::target::iptables) const fn unit(per: Per) -> Option<&'static str> {
    match per {
        Per::Second => Some("sec"),
        Per::Minute => Some("min"),
        Per::Hour => Some("hour"),
        Per::Day => Some("day"),
        Per::Week => None,
    }
}

/// The unit of a word, which may be cut short. There is no week.
pub(in crate::target::iptables) fn unit_named(unit: &str) -> Option<Per> {
    let units = [Per::Second, Per::Minute, Per::Hour, Per::Day];
    units.into_iter().find(|per| begins(per.name(), unit))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn rates_that_are_rounded_are_known() {
        let keeps = |amount, per| keeps_rate(&Limit::packets(NonZeroU32::new(amount).unwrap(), per, NonZeroU32::MIN));
        assert!(keeps(5, Per::Second) && keeps(7, Per::Second) && keeps(10_000, Per::Second) && keeps(1, Per::Day));
        assert!(!keeps(3_000, Per::Second) && !keeps(10_001, Per::Second) && !keeps(u32::MAX, Per::Day));
    }
}
