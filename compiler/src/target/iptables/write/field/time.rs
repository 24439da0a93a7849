// SPDX-License-Identifier: GPL-3.0-or-later
//! `-m time`, in UTC.

use ringwall_ir::{Field, IntervalSet};

use super::super::line::Test;
use super::spelling::{Spelling, Write};
use crate::target::iptables::words::time::{DAY, END, WEEKDAYS, clock_text, date_text};

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// How a field of the clock is tested.
pub(super) fn spelling<'a>(field: Field) -> Spelling<'a> {
    match field {
        Field::MetaDay => {
            let test = |days: &[u128], _| {
                let name = |day: &u128| usize::try_from(*day).ok().and_then(|day| WEEKDAYS.get(day)).copied();
                let names: Vec<_> = days.iter().filter_map(name).collect();
                Ok(Test::of("time", "--weekdays", false, names.join(",")))
            };
            let domain = IntervalSet::range(0, 6);
            Spelling { negatable: false, domain, write: Write::Whole(Box::new(test)) }
        }
        Field::MetaHour => {
            let test = |(first, last): (u128, u128), _| {
                if first == last {
                    return Err("iptables takes a single second of the day for the whole day".to_owned());
                }
                let clock = |seconds: u128| clock_text(u32::try_from(seconds).unwrap_or_default());
                Ok(Test::of("time", "--timestart", false, format!("{} --timestop {}", clock(first), clock(last))))
            };
            let domain = IntervalSet::range(0, u128::from(DAY) - 1);
            Spelling { negatable: false, domain, write: Write::Circle(Box::new(test)) }
        }
        _ => {
            let domain = IntervalSet::range(0, field.max());
            Spelling { negatable: false, domain, write: Write::Ranges(Box::new(dates)) }
        }
    }
}

/// Whole seconds, up to the last that the match knows.
fn dates((first, last): (u128, u128), _: bool) -> Result<Test, String> {
    let open = last == Field::MetaTime.max();
    if first % SECOND != 0 || (!open && last % SECOND != SECOND - 1) {
        return Err("iptables tests the time in whole seconds".to_owned());
    }
    let seconds = |nanoseconds: u128| u32::try_from(nanoseconds / SECOND).ok().filter(|&seconds| seconds < END);
    let beyond = || "the clock of iptables ends in 2038".to_owned();
    let start = seconds(first).ok_or_else(beyond)?;
    if open {
        return Ok(Test::of("time", "--datestart", false, date_text(start)));
    }
    let stop = date_text(seconds(last).ok_or_else(beyond)?);
    Ok(match start {
        0 => Test::of("time", "--datestop", false, stop),
        _ => Test::of("time", "--datestart", false, format!("{} --datestop {stop}", date_text(start))),
    })
}
