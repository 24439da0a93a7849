// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests that count.

use ringwall_ir::fields::Numgen;
use ringwall_ir::{ConnLimit, Field, IntervalSet, Limit, LimitUnit, Match, Quota, Values};

use super::line::Test;
use super::stage::Stage;
use crate::target::iptables::read::DRAWN;
use crate::target::iptables::words::limit;

/// The stage of a test that counts; none of one that does not.
///
/// # Errors
/// Why iptables cannot count so.
pub(super) fn stage(test: &Match) -> Result<Option<Stage>, String> {
    match test {
        Match::Limit(rate) => limited(rate).map(Some),
        Match::Quota(quota) => Ok(Some(quota_of(quota))),
        Match::ConnLimit(limit) => Ok(Some(Stage::Count(vec![conversations(limit)]))),
        Match::Object { .. } => Err("xtables has no named objects".to_owned()),
        Match::In { selector, values, negated } => match selector.field() {
            Field::Numgen(numgen) if selector.mask().is_some() => {
                Err(format!("iptables tests `{numgen}` under no mask"))
            }
            Field::Numgen(numgen) => drawn(numgen, values, *negated).map(Some),
            _ => Ok(None),
        },
        Match::Concat { key, .. } if key.iter().any(|selector| matches!(selector.field(), Field::Numgen(_))) => {
            Err("iptables tests a number that is drawn by itself alone".to_owned())
        }
        Match::Concat { .. } => Ok(None),
    }
}

/// `-m limit`. What exceeds a rate is what does not come back from a chain of its own.
fn limited(rate: &Limit) -> Result<Stage, String> {
    if rate.unit == LimitUnit::Bytes {
        return Err("iptables limits packets, not bytes".to_owned());
    }
    let Some(unit) = limit::unit(rate.per) else {
        return Err(format!("iptables has no rate by the {}", rate.per.name()));
    };
    if !limit::keeps_rate(rate) {
        return Err(format!("iptables rounds the rate {}/{}", rate.amount, rate.per.name()));
    }
    if rate.burst > limit::BURST_MAX {
        return Err(format!("the burst {} is more than {}", rate.burst, limit::BURST_MAX));
    }
    let tests = vec![
        Test::of("limit", "--limit", false, format!("{}/{unit}", rate.amount)),
        Test::of("limit", "--limit-burst", false, rate.burst.to_string()),
    ];
    Ok(if rate.over { Stage::Except(vec![tests]) } else { Stage::Count(tests) })
}

/// `-m quota`, of what is left.
fn quota_of(quota: &Quota) -> Stage {
    let left = quota.bytes.saturating_sub(quota.used);
    Stage::Count(vec![Test::of("quota", "--quota", quota.over, left.to_string())])
}

/// `-m connlimit`, of all conversations together.
fn conversations(limit: &ConnLimit) -> Test {
    let option = if limit.over { "--connlimit-above" } else { "--connlimit-upto" };
    Test::of("connlimit", option, false, format!("{} --connlimit-mask 0 --connlimit-saddr", limit.count))
}

/// `-m statistic`
fn drawn(numgen: Numgen, values: &Values, negated: bool) -> Result<Stage, String> {
    let Values::Inline(set) = values else { return Err(format!("`{numgen}` is looked up in a set")) };
    let Numgen { random, modulus, offset } = numgen;
    let all = IntervalSet::range(u128::from(offset), u128::from(offset) + u128::from(modulus) - 1);
    let set = set.intersection(&all);
    let test = if random {
        let chances: u128 = set.intervals().iter().map(|&interval| chances(interval, numgen)).sum();
        let count = chances / 2;
        if !chances.is_multiple_of(2) {
            return Err(format!("iptables rounds the share of `{numgen}`"));
        }
        if count == 0 || count == u128::from(DRAWN) {
            return Err("a number that is always drawn, or never, is no test".to_owned());
        }
        Test::of("statistic", "--mode", false, format!("random {}--probability {}", not(negated), share(count)))
    } else {
        let Some(value) = set.single() else {
            return Err(format!("iptables tests one value of `{numgen}`, and each test counts for itself"));
        };
        let packet = value - u128::from(offset);
        Test::of("statistic", "--mode", false, format!("nth {}--every {modulus} --packet {packet}", not(negated)))
    };
    Ok(Stage::Count(vec![test]))
}

const fn not(negated: bool) -> &'static str {
    if negated { "! " } else { "" }
}

/// How many of 2^32 numbers give a value of the interval (`reciprocal_scale` in `nft_numgen.c`).
fn chances((first, last): (u128, u128), numgen: Numgen) -> u128 {
    let below = |value: u128| ((value - u128::from(numgen.offset)) << 32).div_ceil(u128::from(numgen.modulus));
    below(last + 1) - below(first)
}

/// The share of 2^31 that a count is, with the eleven digits that iptables-save prints; rounded back it is the count.
fn share(count: u128) -> String {
    const DIGITS: u128 = 100_000_000_000;
    let scaled = (count * DIGITS + u128::from(DRAWN) / 2) / u128::from(DRAWN);
    format!("{}.{:011}", scaled / DIGITS, scaled % DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_that_iptables_save_prints() {
        assert_eq!(share(u128::from(DRAWN) / 2), "0.50000000000");
        assert_eq!(share(644_245_094), "0.29999999981");
        assert_eq!(share(1), "0.00000000047");
    }

    #[test]
    fn a_share_that_iptables_would_round_is_an_error() {
        let half = Numgen { random: true, modulus: 2, offset: 0 };
        assert!(drawn(half, &Values::one(0), false).is_ok());
        let third = Numgen { random: true, modulus: 3, offset: 0 };
        // Of 2^32 numbers, 1,431,655,766 give the first third: an even number.
        assert!(drawn(third, &Values::one(0), false).is_ok());
        assert_eq!(
            drawn(third, &Values::one(1), false).unwrap_err(),
            "iptables rounds the share of `numgen random mod 3`"
        );
    }
}
