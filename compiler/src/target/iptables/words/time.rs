// SPDX-License-Identifier: GPL-3.0-or-later
//! Dates, times of the day and days of the week, all in UTC.

/// The last second that `-m time` knows; iptables-save prints it where no date ends the match (`xt_time_info`).
pub(in crate::target::iptables) const END: u32 = i32::MAX as u32;
/// Seconds of a day.
pub(in crate::target::iptables) const DAY: u32 = 86_400;
/// The days of the week, Sunday first.
pub(in crate::target::iptables) const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// `2024-02-29T12:00:00`, of seconds since 1970.
pub(in crate::target::iptables) fn date_text(seconds: u32) -> String {
    let (mut days, mut year) = (seconds / DAY, 1970);
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}T{}", days + 1, clock_text(seconds % DAY))
}

/// The seconds since 1970 of `2024-02-29T12:00:00`, of which the end may be left out.
pub(in crate::target::iptables) fn date(text: &str) -> Option<u32> {
    let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    let mut parts = date.split('-').map(|part| part.parse::<u32>().ok());
    let year = parts.next()??;
    let month = parts.next().map_or(Some(1), |part| part)?;
    let day = parts.next().map_or(Some(1), |part| part)?;
    let real = (1970..=2038).contains(&year) && (1..=12).contains(&month) && day >= 1;
    if !real || day > days_of_month(year, month) || parts.next().is_some() {
        return None;
    }
    let days: u32 = (1970..year).map(days_of_year).sum::<u32>()
        + (1..month).map(|month| days_of_month(year, month)).sum::<u32>()
        + (day - 1);
    let seconds = clock.map_or(Some(0), |clock| parts_of_day(clock, 1))?;
    (days * DAY).checked_add(seconds).filter(|&seconds| seconds <= END)
}

/// `12:30:00`, of seconds since midnight.
pub(in crate::target::iptables) fn clock_text(seconds: u32) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The seconds since midnight of `12:30:00`, of which the seconds may be left out.
pub(in crate::target::iptables) fn clock(text: &str) -> Option<u32> {
    parts_of_day(text, 2)
}

/// The same, of which as many parts must stand as `least`.
fn parts_of_day(text: &str, least: usize) -> Option<u32> {
    if text.split(':').count() < least {
        return None;
    }
    let mut parts = text.split(':').map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (parts.next()??, parts.next().map_or(Some(0), |part| part)?);
    let second = parts.next().map_or(Some(0), |part| part)?;
    (hour < 24 && minute < 60 && second < 60 && parts.next().is_none()).then(|| hour * 3600 + minute * 60 + second)
}

/// The days, Sunday 0, of `Mon,Tue` or `1,2`.
pub(in crate::target::iptables) fn weekdays(text: &str) -> Option<Vec<u8>> {
    text.split(',')
        .map(|day| match day.parse::<u8>() {
            Ok(number) => (1..=7).contains(&number).then_some(number % 7),
            Err(_) => (0..)
                .zip(WEEKDAYS)
                .find(|(_, name)| day.starts_with(name.get(..2).unwrap_or(name)))
                .map(|(number, _)| number),
        })
        .collect()
}

const fn days_of_year(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn dates_come_back(seconds in 0..=END) {
            prop_assert_eq!(date(&date_text(seconds)), Some(seconds));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}", numbers in "[0-9T:,-]{0,20}") {
            let _ = (date(&text), clock(&text), weekdays(&text), date(&numbers), clock(&numbers), weekdays(&numbers));
        }
    }

    #[test]
    fn dates_of_the_manual() {
        assert_eq!(date("2004-02-29"), Some(1_078_012_800));
        assert_eq!(date_text(END), "2038-01-19T03:14:07");
        assert_eq!((date("2023-02-29"), date("2039"), date("1969")), (None, None, None));
        assert_eq!(
            (clock("12:30"), clock("24:00"), clock("4000000000"), clock("12")),
            (Some(45_000), None, None, None)
        );
        assert_eq!(date("2004-02-29T3"), Some(1_078_012_800 + 3 * 3600));
        assert_eq!(weekdays("Mon,7,Sa"), Some(vec![1, 0, 6]));
    }
}
