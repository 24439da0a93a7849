// SPDX-License-Identifier: GPL-3.0-or-later
//! Matches that count.

use std::num::NonZeroU64;

use ringwall_ir::fields::Numgen;
use ringwall_ir::{ConnLimit, Field, IntervalSet, Limit, LimitUnit, Match, Per, Quota};

use super::super::Known;
use super::super::block::{Block, NOT_MODELLED, Opt};
use super::{narrow, number_of, within};
use crate::target::iptables::words::limit;

/// What a match says that counts; none where every packet passes.
pub(super) fn lift(block: &Block<'_>) -> Known<Option<Match>> {
    match block.name {
        "connlimit" => conversations(block).map(Some),
        "limit" => rate(block).map(Some),
        "quota" => quota(block).map(Some),
        "statistic" => statistic(block),
        _ => Err(NOT_MODELLED.to_owned()),
    }
}

/// `-m limit`: 3 an hour, 5 at once, where an option is left out.
fn rate(block: &Block<'_>) -> Known<Match> {
    let (mut amount, mut per, mut burst) = (3, Per::Hour, 5);
    for option in &block.options {
        option.plain("cannot be: iptables refuses it")?;
        match option.name {
            "--limit" => (amount, per) = rate_of(option)?,
            _ => burst = narrow(option)?,
        }
    }
    let (amount, per) = limit::shortest(amount, per);
    let amount = NonZeroU64::new(amount).ok_or("a rate is at least 1")?;
    let limit = Limit { amount, per, unit: LimitUnit::Packets, burst, over: false };
    if !limit::keeps_rate(&limit) {
        return Err(format!("iptables does not keep {amount} a {}: it rounds the rate", per.name()));
    }
    if !(1..=limit::BURST_MAX).contains(&burst) {
        return Err(format!("a burst is 1 to {}", limit::BURST_MAX));
    }
    Ok(Match::Limit(limit))
}

/// `5/sec`
fn rate_of(option: &Opt<'_>) -> Known<(u64, Per)> {
    let (number, unit) = option.value().split_once('/').unwrap_or((option.value(), "second"));
    let known = || Some((number.parse().ok()?, limit::unit_named(unit)?));
    known().ok_or_else(|| option.is_no("rate: write a number with /second, /minute, /hour or /day"))
}

/// `-m quota`
fn quota(block: &Block<'_>) -> Known<Match> {
    let option = block.only()?;
    Ok(Match::Quota(Quota { bytes: narrow(option)?, used: 0, over: option.negated }))
}

/// `-m connlimit`, where it counts all conversations together.
fn conversations(block: &Block<'_>) -> Known<Match> {
    if !block.option("--connlimit-mask").is_some_and(|option| matches!(option.value(), "0" | "0.0.0.0" | "::")) {
        return Err(
            "it counts for each address apart, which is not modelled: `--connlimit-mask 0` counts all together"
                .to_owned(),
        );
    }
    let above = block.option("--connlimit-above");
    let option = above.map_or_else(|| block.need("--connlimit-upto"), Ok)?;
    Ok(Match::ConnLimit(ConnLimit { count: narrow(option)?, over: above.is_some() != option.negated }))
}

/// How many values `-m statistic --mode random` draws from (`statistic_mt` in `xt_statistic.c`).
pub(in crate::target::iptables) const DRAWN: u32 = 1 << 31;

/// `-m statistic`
fn statistic(block: &Block<'_>) -> Known<Option<Match>> {
    let mode = block.need("--mode")?;
    match mode.value() {
        "random" => {
            let option = block.need("--probability")?;
            match (drawn(option)?, option.negated) {
                (DRAWN, false) | (0, true) => Ok(None),
                (DRAWN | 0, _) => Err(format!("no packet passes `{} {}`", option.spelled(), option.value())),
                (count, _) => {
                    let numgen = Field::Numgen(Numgen { random: true, modulus: DRAWN, offset: 0 });
                    Ok(Some(within(option, numgen, IntervalSet::range(0, u128::from(count) - 1))))
                }
            }
        }
        "nth" => {
            let option = block.need("--every")?;
            let every: u32 = narrow(option)?;
            let packet = number_of(block.need("--packet")?)?;
            if packet >= u128::from(every) {
                return Err(format!("packets of {every} are counted from 0, and `{packet}` is none of them"));
            }
            let numgen = Field::Numgen(Numgen { random: false, modulus: every, offset: 0 });
            Ok(Some(within(option, numgen, IntervalSet::one(packet))))
        }
        _ => Err(mode.is_no("mode: there are random and nth")),
    }
}

/// How many of the values that are drawn pass.
fn drawn(option: &Opt<'_>) -> Known<u32> {
    let share: Option<f64> = option.value().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    let share = share.ok_or_else(|| option.is_no("probability: they are 0 to 1"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1 of 31 bits")]
    Ok((share * f64::from(DRAWN)).round() as u32)
}
