// SPDX-License-Identifier: GPL-3.0-or-later
//! `-m time`, in UTC.

use ringwall_ir::{Field, IntervalSet, Match, Values};

use super::super::Known;
use super::super::block::Block;
use crate::target::iptables::words::time::{DAY, END, clock, date, weekdays};

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// What it asks of the clock. Times are of UTC unless `--kerneltz` says otherwise.
pub(super) fn time(block: &Block<'_>) -> Known<Vec<Match>> {
    for option in &block.options {
        match option.name {
            "--kerneltz" | "--localtz" => {
                return Err(format!("`{}` asks for the time zone of the host: write times in UTC", option.name));
            }
            "--contiguous" | "--monthdays" => return Err(option.not_modelled()),
            "--weekdays" => {}
            _ => option.plain("is not modelled")?,
        }
    }
    let mut tests = Vec::new();
    let asked = |name, default, read: fn(&str) -> Option<u32>, what| match block.option(name) {
        Some(option) => read(option.value()).ok_or_else(|| option.is_no(what)),
        None => Ok(default),
    };
    let dated = |name, default| asked(name, default, date, "date: write `2024-02-29T12:00:00`");
    let (first, last) = (dated("--datestart", 0)?, dated("--datestop", END)?);
    if (first, last) != (0, END) {
        // The last second that it knows is the end of all time.
        let end = if last == END { Field::MetaTime.max() } else { (u128::from(last) + 1) * SECOND - 1 };
        let set = IntervalSet::range(u128::from(first) * SECOND, end);
        tests.push(Match::within(Field::MetaTime, Values::Inline(set)));
    }
    let clocked = |name, default| asked(name, default, clock, "time of the day: write `12:30:00`");
    let (first, last) = (clocked("--timestart", 0)?, clocked("--timestop", DAY - 1)?);
    let (first, last) = (u128::from(first), u128::from(last));
    let end = u128::from(DAY) - 1;
    // From a time to itself is the whole day (`time_mt` in `xt_time.c`).
    if first != last && (first, last) != (0, end) {
        let set = match first < last {
            true => IntervalSet::range(first, last),
            false => IntervalSet::range(0, last).union(&IntervalSet::range(first, end)),
        };
        tests.push(Match::within(Field::MetaHour, Values::Inline(set)));
    }
    if let Some(option) = block.option("--weekdays") {
        let days = weekdays(option.value()).ok_or_else(|| option.is_no("list of days: write `Mon,Tue`"))?;
        let set: IntervalSet = days.into_iter().map(|day| (u128::from(day), u128::from(day))).collect();
        let within = if option.negated { IntervalSet::range(0, 6).difference(&set) } else { set };
        if within != IntervalSet::range(0, 6) {
            tests.push(Match::within(Field::MetaDay, Values::Inline(within)));
        }
    }
    Ok(tests)
}
