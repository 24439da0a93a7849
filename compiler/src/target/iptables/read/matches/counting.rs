// SPDX-License-Identifier: GPL-3.0-or-later
//! Matches that count.

use std::num::NonZeroU64;

use ringwall_ir::fields::Numgen;
use ringwall_ir::{ConnLimit, Field, IntervalSet, Limit, LimitUnit, Match, Per, Quota, Selector, Step, Values};

use super::super::block::{Block, Opt};
use super::number;
use crate::target::iptables::words::limit;

/// What a match says that counts.
pub(super) fn lift(block: &Block<'_>) -> Option<Step> {
    let test = match block.name {
        "connlimit" => conversations(block)?,
        "limit" => rate(block)?,
        "quota" => quota(block)?,
        _ => statistic(block)?,
    };
    Some(test.into())
}

/// `-m limit`: 3 an hour, 5 at once, where an option is left out.
fn rate(block: &Block<'_>) -> Option<Match> {
    let (mut amount, mut per, mut burst) = (3, Per::Hour, 5);
    for option in &block.options {
        match option.name {
            _ if option.negated => return None,
            "--limit" => {
                let (number, unit) = option.value().split_once('/').unwrap_or((option.value(), "second"));
                amount = number.parse().ok()?;
                per = limit::unit_named(unit)?;
            }
            _ => burst = option.value().parse().ok()?,
        }
    }
    let (amount, per) = limit::shortest(amount, per);
    let limit = Limit { amount: NonZeroU64::new(amount)?, per, unit: LimitUnit::Packets, burst, over: false };
    (limit::keeps_rate(&limit) && (1..=limit::BURST_MAX).contains(&burst)).then_some(Match::Limit(limit))
}

/// `-m quota`
fn quota(block: &Block<'_>) -> Option<Match> {
    let [option] = block.options.as_slice() else { return None };
    let bytes = u64::try_from(number(option.value())?).ok()?;
    Some(Match::Quota(Quota { bytes, used: 0, over: option.negated }))
}

/// `-m connlimit`, where it counts all conversations together.
fn conversations(block: &Block<'_>) -> Option<Match> {
    if block.option("--connlimit-mask").map(Opt::value) != Some("0") {
        return None;
    }
    let above = block.option("--connlimit-above");
    let option = above.or_else(|| block.option("--connlimit-upto"))?;
    let count = u32::try_from(number(option.value())?).ok()?;
    Some(Match::ConnLimit(ConnLimit { count, over: above.is_some() != option.negated }))
}

/// How many values `-m statistic --mode random` draws from (`statistic_mt` in `xt_statistic.c`).
pub(in crate::target::iptables) const DRAWN: u32 = 1 << 31;

/// `-m statistic`
fn statistic(block: &Block<'_>) -> Option<Match> {
    match block.option("--mode")?.value() {
        "random" => {
            let option = block.option("--probability")?;
            let share: f64 = option.value().parse().ok()?;
            let count = (share * f64::from(DRAWN)).round();
            if !(1.0..f64::from(DRAWN)).contains(&count) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bounds have been tested")]
            let count = count as u32;
            let numgen = Numgen { random: true, modulus: DRAWN, offset: 0 };
            Some(drawn(numgen, IntervalSet::range(0, u128::from(count) - 1), option.negated))
        }
        "nth" => {
            let option = block.option("--every")?;
            let every = u32::try_from(number(option.value())?).ok()?;
            let packet = number(block.option("--packet")?.value())?;
            if every == 0 || packet >= u128::from(every) {
                return None;
            }
            let numgen = Numgen { random: false, modulus: every, offset: 0 };
            Some(drawn(numgen, IntervalSet::one(packet), option.negated))
        }
        _ => None,
    }
}

fn drawn(numgen: Numgen, set: IntervalSet, negated: bool) -> Match {
    Match::In { selector: Selector::of(Field::Numgen(numgen)), values: Values::Inline(set), negated }
}
